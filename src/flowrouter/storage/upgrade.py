"""Moving a store to the newest schema: a snapshot first, then every migration in one transaction.

Loaded only where the versions differ. Forward only; what fails leaves the old data untouched.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from contextlib import closing
from io import StringIO
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError

from flowrouter.clock import iso
from flowrouter.errors import StorageError
from flowrouter.storage.database import sqlite_engine
from flowrouter.storage.schema import APPLICATION_ID, FILE_NAME, SCHEMA_VERSION
from flowrouter.storage.sqlite import connect, create_file, explain

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(path: Path, *, from_version: int, now: float) -> Path:
    """Bring the store at `path` to the newest schema; return the snapshot taken before."""
    snapshot = back_up(path, label=f"before-upgrade-from-{from_version}", now=now)
    try:
        run_migrations(path)
    except (SQLAlchemyError, sqlite3.Error) as error:
        reason = explain(path, getattr(error, "orig", None) or error)
        raise StorageError(f"upgrading failed, nothing was changed: {reason}") from error
    return snapshot


def back_up(path: Path, *, label: str, now: float) -> Path:
    """Copy the store at `path`, while in use, to `backups/LABEL-STAMP/`; raises `StorageError`."""
    stamp = iso(now).replace(":", "").replace("-", "")
    directory = path.parent / "backups" / f"{label}-{stamp}"
    copy = directory / FILE_NAME
    try:
        directory.mkdir(parents=True, mode=0o700, exist_ok=True)
        create_file(copy)
        with closing(connect(path)) as source, closing(connect(copy)) as target:
            source.backup(target)
            verdict = target.execute("PRAGMA quick_check").fetchone()[0]
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"cannot back up {path} to {copy}, so it stays as it is: {error}") from error
    if verdict != "ok":
        raise StorageError(f"the backup {copy} of {path} is damaged ({verdict}), so the store stays as it is")
    return copy


def run_migrations(path: Path) -> None:
    """Run what is missing on the SQLite store at `path`; waits for another process doing the same."""
    engine = sqlite_engine(path)
    try:
        with engine.connect() as plain:
            connection = plain.execution_options(flow_router_write=True)
            with connection.begin():
                config = _config()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")
                connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
    finally:
        engine.dispose()


def sql_for(dialect_name: str) -> str:
    """Return all migrations as SQL for `dialect_name`, without a database."""
    output = StringIO()
    config = _config(output)
    config.attributes["dialect_name"] = dialect_name
    command.upgrade(config, "head", sql=True)
    return output.getvalue()


def heads() -> list[str]:
    """Return the newest revisions; there must be exactly one."""
    return ScriptDirectory.from_config(_config()).get_heads()


def newest_schema() -> str:
    """Return what the migrations make of an empty file, as the text of `schema.sql`."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / FILE_NAME
        create_file(path)
        run_migrations(path)
        with closing(connect(path)) as connection:
            return _dump(connection)


def _dump(connection: sqlite3.Connection) -> str:
    made = connection.execute(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"
        " ORDER BY CASE type WHEN 'table' THEN 0 ELSE 1 END, rowid"
    )
    lines = [_tidy(row["sql"]) for row in made]
    rows = connection.execute(
        "SELECT 'INSERT INTO meta VALUES (' || quote(key) || ', ' || quote(owner_id) || ', '"
        " || quote(value) || ')' AS sql FROM meta ORDER BY key"
    )
    lines += [row["sql"] for row in rows]
    stamp = connection.execute(
        "SELECT 'INSERT INTO alembic_version VALUES (' || quote(version_num) || ')' AS sql FROM alembic_version"
    )
    lines += [row["sql"] for row in stamp]
    return "".join(line + ";\n" for line in lines)


def _tidy(sql: str) -> str:
    return "\n".join(line.rstrip() for line in sql.expandtabs(4).splitlines())


def _config(output: StringIO | None = None) -> Config:
    config = Config(output_buffer=output) if output else Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def main() -> None:
    """Write `schema.sql` anew; run after adding a migration."""
    (Path(__file__).parent / "schema.sql").write_text(newest_schema(), "utf-8")
    sys.stdout.write("schema.sql written\n")


if __name__ == "__main__":
    main()

__all__ = ["back_up", "heads", "newest_schema", "run_migrations", "sql_for", "upgrade"]
