"""The schema's names and numbers, and its newest state as SQL, without loading a database library."""

from __future__ import annotations

from importlib import resources

from flowrouter.errors import StorageError

FILE_NAME = "flow-router.sqlite"
SCHEMA_VERSION = 12
"""The newest migration's number; SQLite keeps it in `PRAGMA user_version`."""

APPLICATION_ID = 0x464C5254
"""`FLRT`, in the header of every SQLite file we make."""


def statements() -> list[str]:
    """Return the SQL that makes an empty SQLite store of the newest version."""
    text = resources.files("flowrouter.storage").joinpath("schema.sql").read_text("utf-8")
    return [statement.strip() for statement in text.split(";\n") if statement.strip()]


def refuse_newer(shown: str, version: int, *, cure: str) -> None:
    """Raise `StorageError` where the store is of a version that this program does not know."""
    if version > SCHEMA_VERSION:
        raise StorageError(
            f"the store {shown} has schema {version}, this program knows up to {SCHEMA_VERSION}; "
            f"it was used by a newer Flow Router: install that version, or {cure}"
        )


__all__ = ["APPLICATION_ID", "FILE_NAME", "SCHEMA_VERSION", "refuse_newer", "statements"]
