"""Pauses in the real store: there after a restart, gone when past, and a letter between processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flowrouter.storage import StoredPauses
from flowrouter.storage.place import Place
from tests.contracts.fakes import FakeClock
from tests.support.stores import ENGINES, store_on


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=ENGINES)
def place(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[Place]:
    with store_on(request.param, request, tmp_path, clock=clock) as store:
        yield store.place


def ms(clock: FakeClock, seconds: float) -> int:
    return int((clock.now() + seconds) * 1000)


async def test_what_is_put_is_loaded_by_another(place: Place, clock: FakeClock) -> None:
    await StoredPauses(place, clock=clock).put(
        "account:a", b"1", owner_id="local", expires_at_ms=ms(clock, 60)
    )
    await StoredPauses(place, clock=clock).put(
        "account:a", b"2", owner_id="local", expires_at_ms=ms(clock, 90)
    )
    await StoredPauses(place, clock=clock).put(
        "model:a:m", b"3", owner_id="else", expires_at_ms=ms(clock, 90)
    )
    assert await StoredPauses(place, clock=clock).load() == {"account:a": b"2", "model:a:m": b"3"}


async def test_what_is_past_is_not_there_and_is_pruned(place: Place, clock: FakeClock) -> None:
    pauses = StoredPauses(place, clock=clock)
    await pauses.put("account:a", b"1", owner_id="local", expires_at_ms=ms(clock, 60))
    clock.advance(61)
    assert await pauses.load() == {}
    await pauses.put("account:b", b"2", owner_id="local", expires_at_ms=ms(clock, 60))
    with place.opened() as connection:
        keys = [row["key"] for row in connection.execute("SELECT key FROM state")]
    assert keys == ["cooldown:account:b"]


async def test_a_removed_one_is_gone_and_others_rows_stay(place: Place, clock: FakeClock) -> None:
    pauses = StoredPauses(place, clock=clock)
    with place.opened() as connection:
        connection.execute("INSERT INTO state (owner_id, key, value) VALUES ('local', 'other', ?)", (b"0",))
    await pauses.put("account:a", b"1", owner_id="local", expires_at_ms=ms(clock, 60))
    await pauses.delete("account:a")
    await pauses.delete("account:a")
    assert await pauses.load() == {}
    with place.opened() as connection:
        assert connection.execute("SELECT count(*) FROM state").fetchone()[0] == 1
