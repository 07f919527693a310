"""What a request costs in Python, counted and held to a committed baseline."""
