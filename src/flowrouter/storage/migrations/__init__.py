"""The schema's history, forward only; revisions are numbered so that SQLite can carry the number."""

__all__: list[str] = []
