"""The recordings' writer: what is kept is sealed and bounded, and a store in trouble costs recordings only."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flowrouter.accounts.vault import Vault
from flowrouter.clock import SystemClock
from flowrouter.gateway.exchange import Exchange, Inbound
from flowrouter.gateway.ports import NotFoundError
from flowrouter.gateway.recorded import RecordedExchange
from flowrouter.gateway.recording import Room, Tape
from flowrouter.httpkit.caller import Caller
from flowrouter.settings.recording import Recording
from flowrouter.storage import RecordingWriter, Retention, open_store
from flowrouter.storage import recording_writer as module
from flowrouter.storage.boot import Store
from flowrouter.storage.database import Database
from flowrouter.storage.recordings import StoredRecordings
from flowrouter.storage.retention import Pruning

BODY = b'{"prompt":"canary-of-a-body"}'
DAY_MS = 86_400_000


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path, master_key=None, clock=SystemClock())


def tape(number: int = 1, *, owner_id: str = "local", room: Room | None = None, days: int = 7) -> Tape:
    clock = SystemClock()
    inbound = Inbound(
        request_id=f"req_{number}", dialect="openai_chat", operation="generate", endpoint="/v1/chat/completions",
        headers={"user-agent": "x", "authorization": "Bearer canary-credential"}, body=BODY, wall=clock.now(),
        started=clock.monotonic(),
    )  # fmt: skip
    exchange = Exchange(inbound)
    exchange.caller = Caller(owner_id=owner_id)
    made = Tape(exchange, Recording(mode="all", days=days), room=room or Room(), clock=clock)
    made.ended = True
    return made


def readable(store: Store) -> StoredRecordings:
    return StoredRecordings(Database(store.place), store.vault, clock=SystemClock())


def test_a_recording_is_read_back_by_its_owner_only(store: Store) -> None:
    writer = RecordingWriter(store.place, store.vault, clock=SystemClock())
    assert writer.put(tape(owner_id="somebody"))
    assert writer.drain(10)
    recordings = readable(store)
    kept = msgspec.json.decode(recordings.get("req_1", owner_id="somebody"), type=RecordedExchange)
    assert kept.request.text == BODY.decode()
    assert recordings.get("req_1") == recordings.get("req_1", owner_id="somebody")
    for ask in (recordings.get, recordings.delete):
        with pytest.raises(NotFoundError):
            ask("req_1", owner_id="another")
    assert not recordings.is_kept("req_1", owner_id="another")
    recordings.delete("req_1", owner_id="somebody")
    assert not recordings.is_kept("req_1")


def test_what_is_stored_is_sealed_for_its_row(store: Store) -> None:
    writer = RecordingWriter(store.place, store.vault, clock=SystemClock())
    for number in (1, 2):
        writer.put(tape(number))
    writer.drain(10)
    with store.place.opened() as connection:
        rows = connection.execute("SELECT request_id, body_sealed FROM recordings").fetchall()
        assert len(rows) == 2
        assert all(b"canary" not in row["body_sealed"] for row in rows)
        connection.execute(
            "UPDATE recordings SET body_sealed = ? WHERE request_id = ?", (rows[0][1], rows[1][0])
        )
    with pytest.raises(Exception, match="moved from another place"):
        readable(store).get(rows[1][0])


def test_a_full_writer_takes_no_more_and_counts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = threading.Event()
    monkeypatch.setattr(module, "recorded", lambda taken: blocked.wait(10) and _no(taken))
    writer = RecordingWriter(store.place, store.vault, clock=SystemClock(), capacity=2)
    taken = [writer.put(tape(number)) for number in range(20)]
    assert taken.count(True) in (2, 3), "two wait, one may be in the writer's hands"
    assert writer.counts.dropped == taken.count(False)
    blocked.set()
    assert writer.drain(10)
    assert writer.counts.failed == taken.count(True), "what cannot be made is lost alone"
    assert not writer.put(tape(99)), "nothing is taken after the end"


def _no(_tape: Any) -> Any:
    raise RuntimeError


def test_a_store_that_fails_costs_the_recording_and_gives_its_memory_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSES", (0.0, 0.0))
    with store.place.opened() as connection:
        connection.execute("DROP TABLE recordings")
    room = Room(len(BODY))
    writer = RecordingWriter(store.place, store.vault, clock=SystemClock())
    full = tape(room=room)
    assert not room.take(1)
    writer.put(full)
    writer.drain(10)
    assert (writer.counts.failed, writer.counts.kept) == (1, 0)
    assert room.take(len(BODY))


def test_recordings_leave_in_time_and_never_outlive_their_rows(store: Store) -> None:
    writer = RecordingWriter(store.place, store.vault, clock=SystemClock(), longest_days=3)
    writer.put(tape(1, days=1))
    writer.put(tape(2, days=30))
    writer.drain(10)
    now_ms = int(SystemClock().now() * 1000)
    left = []
    for days in (0, 2, 4):
        with store.place.opened() as connection:
            pruning = Pruning(connection, Retention(), now_ms=now_ms + days * DAY_MS)
            while pruning.step(store.place, connection):
                pass
            left.append(connection.execute("SELECT count(*) FROM recordings").fetchone()[0])
    assert left == [2, 1, 0]


def test_no_thread_runs_while_nothing_is_recorded(store: Store) -> None:
    writer = RecordingWriter(store.place, Vault(b"k" * 32), clock=SystemClock())
    assert writer.drain(1)
    assert not [thread for thread in threading.enumerate() if thread.name == "recordings"]
