"""The dashboard in a real browser; see `conftest`."""
