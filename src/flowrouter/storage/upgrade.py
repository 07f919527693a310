"""Moving a store to the newest schema: a snapshot first, then every migration in one transaction.

Loaded only where the versions differ. Forward only; what fails leaves the old data untouched.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError

from flowrouter.clock import Clock
from flowrouter.errors import StorageError
from flowrouter.gateway.backups import Backup
from flowrouter.storage.backups import back_up_before_upgrade
from flowrouter.storage.migrating import alembic_config, run_migrations
from flowrouter.storage.schema import FILE_NAME
from flowrouter.storage.sqlite import SqlitePlace, connect, create_file, explain


def upgrade(path: Path, *, from_version: int, clock: Clock) -> Backup:
    """Bring the store at `path` to the newest schema; return the backup made before."""
    backup = back_up_before_upgrade(SqlitePlace(path), from_version, data=path.parent, clock=clock)
    try:
        run_migrations(path)
    except (SQLAlchemyError, sqlite3.Error) as error:
        reason = explain(path, getattr(error, "orig", None) or error)
        raise StorageError(f"upgrading failed, nothing was changed: {reason}") from error
    return backup


def heads() -> list[str]:
    """Return the newest revisions; there must be exactly one."""
    return ScriptDirectory.from_config(alembic_config()).get_heads()


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


def main() -> None:
    """Write `schema.sql` anew; run after adding a migration."""
    (Path(__file__).parent / "schema.sql").write_text(newest_schema(), "utf-8")
    sys.stdout.write("schema.sql written\n")


if __name__ == "__main__":
    main()

__all__ = ["heads", "newest_schema", "upgrade"]
