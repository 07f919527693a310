"""One file per schema version."""

__all__: list[str] = []
