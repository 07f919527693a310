"""The writer loses no row while the store is locked, full, damaged or gone, and never holds up a request."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from flowrouter.clock import SystemClock
from flowrouter.storage import RequestWriter, Retention, Store
from flowrouter.storage import writer as writer_module
from flowrouter.storage.management import Management
from flowrouter.storage.sqlite import SqlitePlace, connect
from tests.contracts.fakes import START, FakeClock, attempt_row, request_row, wait_until

Make = Callable[..., RequestWriter]


@pytest.fixture
def make(store: Store) -> Iterator[Make]:
    made: list[RequestWriter] = []

    def make(**options: object) -> RequestWriter:
        writer = RequestWriter(store.place, store.data, **({"clock": SystemClock()} | options))  # type: ignore[arg-type]
        made.append(writer)
        writer.start()
        return writer

    yield make
    for writer in made:
        writer.drain(30.0)


def stored(store: Store) -> list[str]:
    with closing(sqlite3.connect(store.path)) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM requests ORDER BY id")]


def numbered(numbers: range) -> list[str]:
    return [f"req_{number:08d}" for number in numbers]


def journal_of(store: Store) -> Path:
    return store.path.with_name("requests.journal")


def test_rows_arrive_without_being_asked_for(store: Store, make: Make) -> None:
    writer = make()
    for number in range(1200):
        writer.record(request_row(number))
    wait_until(lambda: len(stored(store)) == 1200)
    assert writer.health().queued == 0
    assert not journal_of(store).exists()


def test_drain_writes_the_rest(store: Store, make: Make) -> None:
    writer = make()
    for number in range(3000):
        writer.record(request_row(number))
    assert writer.drain(30.0)
    assert stored(store) == numbered(range(3000))
    assert writer.drain(0.0), "again is no harm"


def test_rows_after_the_end_wait_in_the_journal(store: Store, make: Make) -> None:
    writer = make()
    assert writer.drain(30.0)
    writer.record(request_row(1))
    assert writer.health().spilled == 1
    make()
    wait_until(lambda: stored(store) == numbered(range(1, 2)))


def test_writer_that_never_ran(store: Store, make: Make) -> None:
    writer = RequestWriter(store.place, store.data, clock=SystemClock())
    writer.record(request_row(1))
    assert writer.drain(1.0)
    make()
    wait_until(lambda: stored(store) == numbered(range(1, 2)))


def test_locked_store(store: Store, make: Make) -> None:
    writer = make()
    with closing(connect(store.path)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        for number in range(700):
            writer.record(request_row(number))
        wait_until(lambda: writer.health().spilled == 700)
        health = writer.health()
        assert health.queued == 0
        assert "locked by another process" in (health.last_error or "")
        holder.execute("ROLLBACK")
    wait_until(lambda: writer.health().spilled == 0)
    assert stored(store) == numbered(range(700))
    assert writer.health().last_error is None
    writer.record(request_row(700))
    wait_until(lambda: len(stored(store)) == 701)


def test_end_while_locked(store: Store, make: Make) -> None:
    writer = make()
    with closing(connect(store.path)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        for number in range(20):
            writer.record(request_row(number))
        assert writer.drain(30.0)
    assert stored(store) == []
    make()
    wait_until(lambda: stored(store) == numbered(range(20)))


def test_imported_rows_are_counted_once(store: Store, make: Make) -> None:
    writer = make()
    writer.record(request_row(1, receipt=b"{}"))
    assert writer.drain(30.0)
    writer.record(request_row(1, receipt=b"{}"))
    writer.record(request_row(2))
    again = make()
    wait_until(lambda: again.health().spilled == 0 and len(stored(store)) == 2)


def test_a_row_that_comes_twice_is_counted_once(store: Store, make: Make) -> None:
    writer = make()
    rows = [request_row(number, charge_pusd=7) for number in range(60)]
    for each in (*rows[:30], *rows, *rows[:5]):
        writer.record(each)
    assert writer.drain(30.0)
    again = make()
    for each in rows:
        again.record(each)
    assert again.drain(30.0)
    assert (stored(store), again.health().spilled, again.health().rejected) == (numbered(range(60)), 0, 0)
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("SELECT sum(requests), sum(charge_pusd) FROM rollups").fetchone() == (
            60,
            420,
        )
        assert connection.execute("SELECT sum(requests) FROM request_days").fetchone() == (60,)


def test_full_disk_with_a_journal_elsewhere(
    store: Store, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SqlitePlace, "connect", without_room)
    writer = make()
    for number in range(2000):
        writer.record(request_row(number, error_text="x" * 500))
    # A batch on its way is neither queued nor kept yet.
    wait_until(lambda: len(stored(store)) + writer.health().spilled == 2000)
    assert "no room left" in (writer.health().last_error or "")
    monkeypatch.undo()
    wait_until(lambda: writer.health().spilled == 0)
    assert stored(store) == numbered(range(2000))
    assert (writer.health().lost, writer.health().last_error) == (0, None)


def test_full_disk_for_everything(store: Store, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nowhere to write, rows wait in memory; beyond its bound they are counted, not waited for."""
    monkeypatch.setattr(SqlitePlace, "connect", without_room)
    writer = make(capacity=100)
    journal_of(store).symlink_to("/dev/full")
    for number in range(100):
        writer.record(request_row(number, error_text="x" * 5000))
    wait_until(lambda: writer.health().last_error is not None)
    for number in range(100, 150):
        writer.record(request_row(number, error_text="x" * 5000))
    wait_until(lambda: writer.health().queued + len(stored(store)) + writer.health().lost == 150)
    lost = writer.health().lost
    journal_of(store).unlink()
    monkeypatch.undo()
    wait_until(lambda: writer.health().queued == 0 and writer.health().spilled == 0)
    wait_until(lambda: len(stored(store)) == 150 - lost)
    assert lost <= 50


def without_room(place: SqlitePlace, *, busy_ms: int) -> sqlite3.Connection:
    """Open a store whose file must not grow."""
    connection = connect(place.path, busy_ms=busy_ms)
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages}")
    return connection


def test_full_queue_spills(store: Store) -> None:
    writer = RequestWriter(store.place, store.data, clock=SystemClock(), capacity=10)
    for number in range(25):
        writer.record(request_row(number))
    health = writer.health()
    assert (health.queued, health.spilled, health.lost) == (10, 15, 0)
    writer.start()
    wait_until(lambda: stored(store) == numbered(range(25)))
    assert writer.drain(30.0)


def test_damaged_store(store: Store, make: Make) -> None:
    writer = make()
    store.path.write_bytes(b"\xff" * 8192)
    writer.record(request_row(1))
    wait_until(lambda: writer.health().spilled == 1)
    assert writer.health().last_error


def test_vanished_store(store: Store, make: Make) -> None:
    store.path.unlink()
    writer = make()
    writer.record(request_row(1))
    wait_until(lambda: writer.health().spilled == 1)
    assert not store.path.exists(), "a writer never makes an empty store"


def test_row_the_store_refuses(store: Store, make: Make) -> None:
    writer = make()
    rows = [request_row(number) for number in range(5)]
    rows[1] = request_row(1, input_tokens=2**70)
    rows[2] = request_row(2, status=None)
    rows[3] = request_row(3, error_text="\ud800", attempts=(attempt_row(error="\udfff"),))
    for row in rows:
        writer.record(row)
    assert writer.drain(30.0)
    assert stored(store) == ["req_00000000", "req_00000003", "req_00000004"]
    assert writer.health().rejected == 2
    assert b"req_00000002" in store.path.with_name("requests.journal.rejected").read_bytes()


def test_key_use_is_noted_now_and_then(store: Store, make: Make) -> None:
    management = Management(store, clock=FakeClock())
    key, _ = management.keys.create("k", owner_id="local")
    start = int(START * 1000)
    writer = make()

    def used(number: int) -> int | None:
        writer.record(request_row(number, key_id=key.id))
        wait_until(lambda: f"req_{number:08d}" in stored(store))
        return management.keys.list()[0].last_used_at_ms

    assert [used(0), used(59_999), used(60_000)] == [start, start, start + 60_000]
    management.close()


def test_key_use_of_a_batch_that_failed_is_noted_with_its_rows(
    store: Store, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, _ = Management(store, clock=FakeClock()).keys.create("k", owner_id="local")
    whole, turns = SqlitePlace.transaction, iter([False])

    @contextmanager
    def breaking(place: SqlitePlace, connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        with whole(place, connection) as within:
            yield within
            if not next(turns, True):
                raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(SqlitePlace, "transaction", breaking)
    writer = make()
    writer.record(request_row(1, key_id=key.id))
    wait_until(lambda: stored(store) == numbered(range(1, 2)))
    with closing(sqlite3.connect(store.path)) as connection:
        used = connection.execute("SELECT last_used_at_ms FROM keys WHERE id = ?", (key.id,)).fetchone()
    assert used == (int(START * 1000) + 1,)


def test_concurrent_edits(store: Store, make: Make) -> None:
    """The CLI edits the store while the server writes to it."""
    writer = make()
    management = Management(store, clock=FakeClock())
    for number in range(200):
        for row in range(10):
            writer.record(request_row(number * 10 + row))
        management.settings.patch({"n": number}, owner_id="local")
    assert writer.drain(30.0)
    make()  # where the store was kept from the writer for long, the last rows are in the journal
    wait_until(lambda: len(stored(store)) == 2000)
    assert management.settings.get(owner_id="local").version == 200
    management.close()


@pytest.mark.parametrize("retention,left", [
    (Retention(request_days=1, request_rows=None), range(2400, 3000)),
    (Retention(request_days=None, request_rows=700), range(2300, 3000)),
    (Retention(request_days=1, request_rows=100), range(2900, 3000)),
    (Retention(request_days=None, request_rows=None), range(3000)),
])  # fmt: skip
def test_retention(store: Store, retention: Retention, left: range, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    fill = RequestWriter(store.place, store.data, clock=clock)
    fill.start()
    minute = 60_000
    for number in range(3000):
        ts_ms = int(START * 1000) - (3000 - number) * minute * 1440 // 600
        fill.record(request_row(number, ts_ms=ts_ms, receipt=b"{}"))
    assert fill.drain(30.0)
    monkeypatch.setattr(writer_module, "PRUNE_FIRST_SECONDS", 0.0)
    prune = RequestWriter(store.place, store.data, clock=clock, retention=retention)
    prune.start()
    with closing(sqlite3.connect(store.path)) as connection:
        count = "SELECT count(*) FROM {}".format
        wait_until(lambda: connection.execute(count("requests")).fetchone() == (len(left),))
        assert connection.execute(count("receipts")).fetchone() == (len(left),)
    assert stored(store) == numbered(left)
    assert prune.drain(30.0)


def test_expired_values_leave(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    now_ms = int(START * 1000)
    with closing(connect(store.path)) as connection:
        for number, until in enumerate([now_ms - 1, now_ms, now_ms + 1, None]):
            connection.execute(
                "INSERT INTO sealed_blobs VALUES ('o', 'k', ?, x'00', 0, ?)", (str(number), until)
            )
            connection.execute("INSERT INTO state VALUES ('o', ?, x'00', ?)", (str(number), until))
        monkeypatch.setattr(writer_module, "PRUNE_FIRST_SECONDS", 0.0)
        writer = RequestWriter(store.place, store.data, clock=clock)
        writer.start()
        wait_until(lambda: connection.execute("SELECT count(*) FROM state").fetchone()[0] == 2)
        assert writer.drain(30.0)
        assert [row["id"] for row in connection.execute("SELECT id FROM sealed_blobs")] == ["2", "3"]


def test_only_the_first_worker_prunes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowrouter.storage.writer.PRUNE_FIRST_SECONDS", 0.0)
    clock = FakeClock()
    filled = RequestWriter(store.place, store.data, clock=clock)
    for number in range(10):
        filled.record(request_row(number))
    filled.start()
    assert filled.drain(30.0)
    for worker, left in ((1, 10), (0, 3)):
        writer = RequestWriter(
            store.place,
            store.data,
            clock=clock,
            retention=Retention(request_rows=3, request_days=None),
            worker=worker,
            workers=2,
        )
        while writer._prune():
            pass
        assert len(stored(store)) == left
        writer._disconnect()
