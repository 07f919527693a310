"""Bringing a PostgreSQL database to this program's schema.

The usual start asks for one number. Making the schema and every upgrade is one transaction of Alembic's
migrations under a lock: of processes that start together one does it, the others wait and find it done, and
what fails leaves everything as it was. Before an upgrade all rows are copied to a backup, as on SQLite.

All text is compared byte by byte (`COLLATE "C"`), whatever the database's own habit is: names then have one
order on every store, and keys and ids the fastest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flowrouter import logs
from flowrouter.errors import StorageError
from flowrouter.storage.place import Connection, Place
from flowrouter.storage.schema import SCHEMA_VERSION, refuse_newer

UPGRADE_MS = 600_000
"""For how long a process waits for another one's upgrade."""

_LOCK = "schema"
_FOUND = """
    SELECT to_regclass('alembic_version') IS NOT NULL, to_regclass('meta') IS NOT NULL,
        EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')),
        current_setting('server_encoding')
"""
_VERSION = "SELECT max(version_num) FROM alembic_version"
_SORTED_OTHERWISE = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = current_schema() AND data_type = 'text' AND collation_name IS NULL
    ORDER BY table_name, ordinal_position
"""


def prepare(place: Place, *, back_up: Callable[[int], object]) -> None:
    """Bring the database to this program's schema version; raises `StorageError`.

    `back_up` makes a backup of a store of the version it is given; where it fails nothing is upgraded.
    """
    with place.opened() as connection:
        version = version_of(place, connection)
    refuse_newer(place.shown, version, cure="name another database in [store] url")
    if 0 < version < SCHEMA_VERSION:
        back_up(version)
    if version < SCHEMA_VERSION:
        _migrate(place, version)


def version_of(place: Place, connection: Connection) -> int:
    """Return the schema's number, 0 for an empty database; raises `StorageError` for one that is not ours."""
    stamped, ours, used, encoding = connection.execute(_FOUND).fetchone()
    if encoding != "UTF8":
        raise StorageError(
            f"the store {place.shown} has the encoding {encoding}; create the database with ENCODING 'UTF8'"
        )
    if not stamped and not used:
        return 0
    number = connection.execute(_VERSION).fetchone()[0] if stamped and ours else None
    if number is None or not str(number).isdecimal():
        raise StorageError(
            f"the store {place.shown} holds tables, but not Flow Router's; give it a database of its own, or a "
            "schema: add ?options=-csearch_path%3DNAME to [store] url"
        )
    return int(number)


def _migrate(place: Place, version: int) -> None:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    from flowrouter.storage.migrating import migrate
    from flowrouter.storage.postgres_engine import on_postgres

    postgres = on_postgres(place)
    engine = create_engine("postgresql+psycopg://", creator=postgres.plain, poolclass=NullPool)
    if version:
        logs.get("store").warning(
            "upgrading the schema of the database",
            store=place.shown,
            found=version,
            wanted=SCHEMA_VERSION,
        )
    try:
        with place.explained(), engine.begin() as connection:
            driver: Any = connection.connection.driver_connection
            postgres.hold(driver, _LOCK, busy_ms=UPGRADE_MS)
            if version_of(place, driver) < SCHEMA_VERSION:
                migrate(connection)
                _sort_bytewise(driver)
    except SQLAlchemyError as error:
        reason = place.explain(getattr(error, "orig", None) or error)
        raise StorageError(f"upgrading failed, nothing was changed: {reason}") from error
    finally:
        engine.dispose()


def _sort_bytewise(connection: Any) -> None:
    """Give text columns that have the database's own order the order of their bytes."""
    columns: dict[str, list[str]] = {}
    for table, column in connection.execute(_SORTED_OTHERWISE).fetchall():
        columns.setdefault(table, []).append(f'ALTER COLUMN "{column}" TYPE text COLLATE "C"')
    for table, changes in columns.items():
        connection.execute(f'ALTER TABLE "{table}" {", ".join(changes)}')


__all__ = ["UPGRADE_MS", "prepare", "version_of"]
