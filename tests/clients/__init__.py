"""Real clients through a gateway over each upstream dialect; needs `make clients`, which installs them."""
