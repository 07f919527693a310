"""A store from before the sums gets the very sums that it would have kept."""

from __future__ import annotations

from pathlib import Path

from flowrouter.clock import SystemClock
from flowrouter.storage import open_store
from flowrouter.storage.database import Database
from flowrouter.storage.ledger import StoredLedger
from flowrouter.storage.migrating import run_migrations
from flowrouter.storage.postings import enter
from flowrouter.storage.request_rows import REQUESTS, columns_of, request_columns
from flowrouter.storage.sqlite import SqlitePlace, connect, store_path
from tests.unit.storage.test_sums import ROWS


def test_an_older_store_gets_the_sums_of_its_rows(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    path = store_path(old)
    path.touch()
    run_migrations(path, to=10)
    with connect(path) as connection:
        SqlitePlace(path).insert(connection, REQUESTS, request_columns(columns_of(ROWS)))
    run_migrations(path)
    kept = tmp_path / "kept"
    kept.mkdir()
    store = open_store(kept, master_key=None, clock=SystemClock())
    with store.place.writing() as connection:
        enter(store.place, connection, ROWS)
    assert _sums(path) == _sums(store_path(kept))
    database = Database(store.place)
    assert StoredLedger(database).verify(now_ms=0).findings == ()
    database.close()


def _sums(path: Path) -> list[list[tuple[object, ...]]]:
    with connect(path) as connection:
        return [
            sorted(tuple(row) for row in connection.execute(f"SELECT * FROM {table}"))
            for table in ("request_days", "request_slots")
        ]
