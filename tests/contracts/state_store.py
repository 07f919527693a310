"""The contract of `StateStore`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from flowrouter.gateway.ports import StateStore

Wait = Callable[[float], Awaitable[None]]


class StateStoreContract:
    """Subclass it and override `store` and `wait` (let so many seconds pass for the store)."""

    @pytest.fixture
    def store(self) -> StateStore:
        raise NotImplementedError

    @pytest.fixture
    def wait(self) -> Wait:
        raise NotImplementedError

    async def test_unknown_is_none(self, store: StateStore) -> None:
        assert await store.get("nobody") is None

    async def test_value_comes_back(self, store: StateStore) -> None:
        await store.put("k", b"\x00\xff", ttl=None)
        assert await store.get("k") == b"\x00\xff"
        await store.put("k", b"", ttl=None)
        assert await store.get("k") == b""

    async def test_value_expires(self, store: StateStore, wait: Wait) -> None:
        await store.put("short", b"1", ttl=0.5)
        await store.put("long", b"2", ttl=60)
        await wait(0.6)
        assert await store.get("short") is None
        assert await store.get("long") == b"2"

    async def test_put_gives_new_time(self, store: StateStore, wait: Wait) -> None:
        await store.put("k", b"1", ttl=0.5)
        await store.put("k", b"2", ttl=None)
        await wait(0.6)
        assert await store.get("k") == b"2"

    async def test_first_one_wins(self, store: StateStore, wait: Wait) -> None:
        assert await store.put_if_absent("lock", b"a", ttl=0.5)
        assert not await store.put_if_absent("lock", b"b", ttl=0.5)
        assert await store.get("lock") == b"a"
        await wait(0.6)
        assert await store.put_if_absent("lock", b"b", ttl=0.5)
        assert await store.get("lock") == b"b"

    async def test_delete_tells_what_was_there(self, store: StateStore, wait: Wait) -> None:
        await store.put("k", b"1", ttl=0.5)
        assert await store.delete("k")
        assert not await store.delete("k")
        assert await store.get("k") is None
        await store.put("k", b"1", ttl=0.5)
        await wait(0.6)
        assert not await store.delete("k")

    async def test_counter(self, store: StateStore) -> None:
        assert await store.add("n", 5, ttl=None) == 5
        assert await store.add("n", -7, ttl=None) == -2
        assert await store.get("n") == b"-2"

    async def test_counter_keeps_its_first_time(self, store: StateStore, wait: Wait) -> None:
        await store.add("n", 1, ttl=0.5)
        await wait(0.3)
        assert await store.add("n", 1, ttl=0.5) == 2
        await wait(0.3)
        assert await store.get("n") is None
        assert await store.add("n", 1, ttl=0.5) == 1

    async def test_counter_from_a_value(self, store: StateStore) -> None:
        await store.put("n", b"40", ttl=None)
        assert await store.add("n", 2, ttl=None) == 42

    async def test_no_counter_from_text(self, store: StateStore) -> None:
        await store.put("n", b"many", ttl=None)
        with pytest.raises(ValueError):
            await store.add("n", 1, ttl=None)
        assert await store.get("n") == b"many"
