"""SQLAlchemy's door to a PostgreSQL database."""

from __future__ import annotations

from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import QueuePool

from flowrouter.errors import StorageError
from flowrouter.storage.place import Place
from flowrouter.storage.postgres import PostgresPlace


def postgres_engine(place: Place) -> Engine:
    """Return an engine for a database: a read sees one moment, a write says that it is one."""
    return create_engine(
        "postgresql+psycopg://",
        creator=on_postgres(place).plain,
        poolclass=QueuePool,
        pool_size=2,
        max_overflow=6,
        pool_timeout=10,
        pool_pre_ping=True,
        isolation_level="REPEATABLE READ",
    )


def on_postgres(place: Place) -> PostgresPlace:
    """Return `place` as the one it is; raises `StorageError` for a file."""
    if not isinstance(place, PostgresPlace):
        raise StorageError(f"the store {place.shown} is not on PostgreSQL")
    return place


__all__ = ["on_postgres", "postgres_engine"]
