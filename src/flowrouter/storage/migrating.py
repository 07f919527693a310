"""Runs the migrations that a store lacks, all of them in one transaction; `upgrade` makes a backup before."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from flowrouter.storage.database import sqlite_engine
from flowrouter.storage.schema import APPLICATION_ID, SCHEMA_VERSION

_MIGRATIONS = Path(__file__).parent / "migrations"


def run_migrations(path: Path, *, to: int | None = None) -> None:
    """Run what is missing on the SQLite store at `path`; waits for another process doing the same.

    `to` is the schema to end at, the newest by default.
    """
    engine = sqlite_engine(path)
    try:
        with engine.connect() as plain:
            connection = plain.execution_options(flow_router_write=True)
            with connection.begin():
                migrate(connection, to=to)
                connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION if to is None else to}")
                connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
    finally:
        engine.dispose()


def migrate(connection: Connection, *, to: int | None = None) -> None:
    """Run what is missing on `connection`, in the transaction that it is in."""
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head" if to is None else f"{to:04d}")


def alembic_config(output: StringIO | None = None) -> Config:
    """Return how Alembic finds the migrations; SQL goes to `output`, if there is one."""
    config = Config(output_buffer=output) if output else Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


__all__ = ["alembic_config", "migrate", "run_migrations"]
