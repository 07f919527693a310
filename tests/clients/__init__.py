"""Coding agents and command-line clients as people use them, through a running gateway (`make clients`)."""
