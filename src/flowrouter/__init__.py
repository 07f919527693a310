"""Flow Router."""

__version__ = "0.1.0"
