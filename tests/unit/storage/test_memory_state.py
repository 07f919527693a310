"""Memory state stays within its bounds, whatever is put into it."""

from __future__ import annotations

from flowrouter.storage import MemoryStateStore
from tests.contracts.fakes import FakeClock


async def test_entries_are_bounded(clock: FakeClock) -> None:
    state = MemoryStateStore(clock, max_entries=100)
    for number in range(1000):
        await state.put(f"k{number}", b"x", ttl=None)
        assert len(state) <= 100
    assert await state.get("k999") == b"x"
    assert await state.get("k0") is None
    assert state.evicted == 1000 - len(state)


async def test_bytes_are_bounded(clock: FakeClock) -> None:
    state = MemoryStateStore(clock, max_bytes=10_000)
    for number in range(100):
        await state.put(f"k{number}", bytes(1000), ttl=None)
    assert len(state) <= 10
    assert await state.get("k99") == bytes(1000)
    await state.put("whale", bytes(20_000), ttl=None)
    assert len(state) == 0


async def test_expired_leave_before_live(clock: FakeClock) -> None:
    state = MemoryStateStore(clock, max_entries=100)
    await state.put("old but wanted", b"x", ttl=None)
    for number in range(99):
        await state.put(f"k{number}", b"x", ttl=1)
    clock.advance(1)
    await state.put("new", b"x", ttl=None)
    await state.put("newer", b"x", ttl=None)
    assert await state.get("old but wanted") == b"x"
    assert state.evicted == 0


async def test_room_is_given_back(clock: FakeClock) -> None:
    state = MemoryStateStore(clock, max_bytes=1000)
    for _ in range(1000):
        await state.put("k", bytes(900), ttl=None)
        await state.delete("k")
        await state.add("n", 1, ttl=None)
    assert (await state.get("n"), state.evicted) == (b"1000", 0)
