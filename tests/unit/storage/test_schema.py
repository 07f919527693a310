"""Tables, migrations and `schema.sql` say the same, and an upgrade changes all or nothing."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from importlib import resources
from io import StringIO
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from flowrouter.errors import StorageError
from flowrouter.gateway.ports import AccountDraft
from flowrouter.storage import Store, boot, migrating, open_store, upgrade
from flowrouter.storage.database import sqlite_engine
from flowrouter.storage.management import Management
from flowrouter.storage.request_rows import COLUMNS
from flowrouter.storage.schema import FILE_NAME, SCHEMA_VERSION, statements
from flowrouter.storage.tables import metadata, requests
from tests.contracts.fakes import FakeClock

NEXT = SCHEMA_VERSION + 1


def test_one_head_with_the_schemas_number() -> None:
    assert [int(head) for head in upgrade.heads()] == [SCHEMA_VERSION]


def test_schema_sql_is_what_the_migrations_make() -> None:
    text = resources.files("flowrouter.storage").joinpath("schema.sql").read_text("utf-8")
    assert text == upgrade.newest_schema(), "run `python -m flowrouter.storage.upgrade`"


def test_new_store_is_a_migrated_one(store: Store, tmp_path: Path) -> None:
    migrated = tmp_path / "migrated.sqlite"
    migrated.touch()
    migrating.run_migrations(migrated)
    assert described(store.path) == described(migrated)


def described(path: Path) -> dict[str, object]:
    """Return the structure of a store as SQLite understands it."""
    connection = sqlite3.connect(path)
    try:
        parts = connection.execute("SELECT name, type FROM sqlite_master ORDER BY name").fetchall()
        shape: dict[str, object] = {"user_version": connection.execute("PRAGMA user_version").fetchone()}
        for name, kind in parts:
            pragma = "table_xinfo" if kind == "table" else "index_xinfo"
            shape[f"{kind} {name}"] = connection.execute(f"PRAGMA {pragma}({name})").fetchall()
        return shape
    finally:
        connection.close()


def test_tables_are_what_the_migrations_make(store: Store) -> None:
    engine = sqlite_engine(store.path)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_request_rows_fit_their_table() -> None:
    assert list(COLUMNS) == list(requests.columns.keys())


def test_every_table_names_an_owner() -> None:
    assert [table.name for table in metadata.sorted_tables if "owner_id" not in table.c] == []


def test_money_and_times_are_wide() -> None:
    narrow = [
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if column.name.endswith(("_pusd", "_ms", "_tokens", "_bytes")) and str(column.type) != "BIGINT"
    ]
    assert narrow == []


def test_statements_are_whole() -> None:
    assert all(sqlite3.complete_statement(statement + ";") for statement in statements())


def test_postgresql_takes_the_same_history() -> None:
    output = StringIO()
    config = migrating.alembic_config(output)
    config.attributes["dialect_name"] = "postgresql"
    command.upgrade(config, "head", sql=True)
    sql = output.getvalue()
    for table in metadata.sorted_tables:
        assert f"CREATE TABLE {table.name} (" in sql
    assert "cost_pusd BIGINT" in sql
    assert "value BYTEA NOT NULL" in sql
    assert "WHERE revoked_at_ms IS NULL" in sql


def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Give the program one more migration."""
    migrations = tmp_path / "a %20 b" / "migrations"
    shutil.copytree(resources.files("flowrouter.storage").joinpath("migrations"), migrations)  # type: ignore[arg-type]
    (migrations / "versions" / "9999_next.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f"revision = '{NEXT:04d}'\ndown_revision = '{SCHEMA_VERSION:04d}'\n"
        f"def upgrade():\n    op.add_column('meta', sa.Column('next', sa.Text()))\n    {body}\n"
    )
    monkeypatch.setattr(migrating, "_MIGRATIONS", migrations)
    monkeypatch.setattr(migrating, "SCHEMA_VERSION", NEXT)
    monkeypatch.setattr(boot, "SCHEMA_VERSION", NEXT)


@pytest.fixture
def filled(tmp_path: Path, clock: FakeClock) -> Store:
    data = tmp_path / "data"
    data.mkdir()
    store = open_store(data, master_key=None, clock=clock)
    management = Management(store, clock=clock)
    management.accounts.create(AccountDraft(name="kept", preset="p", api_key="sk-kept"), owner_id="local")
    management.close()
    return store


def columns(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return [row[1] for row in connection.execute("PRAGMA table_info(meta)")]
    finally:
        connection.close()


def test_upgrade_after_a_snapshot(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    history(tmp_path, monkeypatch, "pass")
    store = open_store(filled.path.parent, master_key=None, clock=clock)
    assert "next" in columns(store.path)
    management = Management(store, clock=clock)
    assert [account.name for account in management.accounts.list()] == ["kept"]
    management.close()
    (snapshot,) = (store.path.parent / "backups").glob(f"before-upgrade-from-{SCHEMA_VERSION}-*/{FILE_NAME}")
    assert "next" not in columns(snapshot)
    connection = sqlite3.connect(snapshot)
    assert connection.execute("SELECT name FROM accounts").fetchall() == [("kept",)]
    connection.close()


def test_failed_upgrade_changes_nothing(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    before = described(filled.path)
    history(tmp_path, monkeypatch, "op.execute('INSERT INTO nowhere VALUES (1)')")
    with pytest.raises(StorageError, match="nothing was changed"):
        open_store(filled.path.parent, master_key=None, clock=clock)
    assert described(filled.path) == before


def test_no_upgrade_without_a_snapshot(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    before = described(filled.path)
    history(tmp_path, monkeypatch, "pass")
    (filled.path.parent / "backups").write_text("a file where the directory should be")
    with pytest.raises(StorageError, match="cannot back up"):
        open_store(filled.path.parent, master_key=None, clock=clock)
    assert described(filled.path) == before


def test_two_processes_upgrade_once(filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes second, having waited for the lock, finds nothing left to do."""
    history(tmp_path, monkeypatch, "pass")
    again: Callable[[Path], None] = migrating.run_migrations
    again(filled.path)
    again(filled.path)
    assert columns(filled.path).count("next") == 1
