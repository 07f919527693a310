"""Features: islands that join the gateway through `plugins.py` and never import each other."""

__all__: list[str] = []
