"""Pauses in the real store: there after a restart, gone when past, and a letter between processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowrouter.storage import SqlitePauses, open_store
from flowrouter.storage.sqlite import opened
from tests.contracts.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def path(tmp_path: Path, clock: FakeClock) -> Path:
    return open_store(tmp_path, master_key=None, clock=clock).path


def ms(clock: FakeClock, seconds: float) -> int:
    return int((clock.now() + seconds) * 1000)


async def test_what_is_put_is_loaded_by_another(path: Path, clock: FakeClock) -> None:
    await SqlitePauses(path, clock=clock).put(
        "account:a", b"1", owner_id="local", expires_at_ms=ms(clock, 60)
    )
    await SqlitePauses(path, clock=clock).put(
        "account:a", b"2", owner_id="local", expires_at_ms=ms(clock, 90)
    )
    await SqlitePauses(path, clock=clock).put("model:a:m", b"3", owner_id="else", expires_at_ms=ms(clock, 90))
    assert await SqlitePauses(path, clock=clock).load() == {"account:a": b"2", "model:a:m": b"3"}


async def test_what_is_past_is_not_there_and_is_pruned(path: Path, clock: FakeClock) -> None:
    pauses = SqlitePauses(path, clock=clock)
    await pauses.put("account:a", b"1", owner_id="local", expires_at_ms=ms(clock, 60))
    clock.advance(61)
    assert await pauses.load() == {}
    await pauses.put("account:b", b"2", owner_id="local", expires_at_ms=ms(clock, 60))
    with opened(path) as connection:
        keys = [row["key"] for row in connection.execute("SELECT key FROM state")]
    assert keys == ["cooldown:account:b"]


async def test_a_removed_one_is_gone_and_others_rows_stay(path: Path, clock: FakeClock) -> None:
    pauses = SqlitePauses(path, clock=clock)
    with opened(path) as connection:
        connection.execute("INSERT INTO state (owner_id, key, value) VALUES ('local', 'other', x'00')")
    await pauses.put("account:a", b"1", owner_id="local", expires_at_ms=ms(clock, 60))
    await pauses.delete("account:a")
    await pauses.delete("account:a")
    assert await pauses.load() == {}
    with opened(path) as connection:
        assert connection.execute("SELECT count(*) FROM state").fetchone()[0] == 1
