"""The contract of `StateStore`."""

from __future__ import annotations

import asyncio
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
        await store.add("n", 1, ttl=1.5)
        await wait(0.8)
        assert await store.add("n", 1, ttl=1.5) == 2
        await wait(0.8)
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

    async def test_counter_is_exact_beyond_floats(self, store: StateStore) -> None:
        assert await store.add("n", 2**62, ttl=None) == 2**62
        assert await store.add("n", 1, ttl=None) == 2**62 + 1

    async def test_counter_counts_everybody(self, store: StateStore) -> None:
        sums = await asyncio.gather(*(store.add("n", 1, ttl=60) for _ in range(200)))
        assert sorted(sums) == list(range(1, 201))

    async def test_one_of_many_is_first(self, store: StateStore) -> None:
        came = await asyncio.gather(
            *(store.put_if_absent("lock", b"%d" % number, ttl=60) for number in range(50))
        )
        assert came.count(True) == 1
        assert await store.get("lock") == b"%d" % came.index(True)

    async def test_one_of_many_spends(self, store: StateStore) -> None:
        await store.put("code", b"", ttl=60)
        assert (await asyncio.gather(*(store.delete("code") for _ in range(50)))).count(True) == 1

    async def test_scan_finds_what_lives_under_a_prefix(self, store: StateStore, wait: Wait) -> None:
        await store.put("cool:a", b"1", ttl=60)
        await store.put("cool:b\u00fc*", b"2", ttl=None)
        await store.put("cool:short", b"3", ttl=0.5)
        await store.put("warm:c", b"4", ttl=None)
        await store.add("cool:n", 7, ttl=None)
        await store.take("cool:places", holder="h", limit=1, ttl=60)
        await wait(0.6)
        assert dict(await store.scan("cool:")) == {"cool:a": b"1", "cool:b\u00fc*": b"2", "cool:n": b"7"}
        assert dict(await store.scan("cold")) == {}

    async def test_a_prefix_is_no_pattern(self, store: StateStore) -> None:
        for key in ("a*b:1", "axb:1", "a[xy]b:1", "a?b:1", "a\\b:1"):
            await store.put(key, b"", ttl=None)
        for prefix in ("a*b:", "a[xy]b:", "a?b:", "a\\b:"):
            assert list(await store.scan(prefix)) == [f"{prefix}1"]

    async def test_scan_finds_thousands(self, store: StateStore) -> None:
        await asyncio.gather(*(store.put(f"many:{number}", b"%d" % number, ttl=60) for number in range(2500)))
        found = await store.scan("many:")
        assert len(found) == 2500
        assert found["many:1234"] == b"1234"

    async def test_places_are_few(self, store: StateStore) -> None:
        taken = await asyncio.gather(
            *(store.take("p", holder=str(number), limit=5, ttl=60) for number in range(100))
        )
        assert taken.count(True) == 5
        await store.leave("p", holder=str(taken.index(True)))
        assert await store.take("p", holder="next", limit=5, ttl=60)
        assert not await store.take("p", holder="late", limit=5, ttl=60)

    async def test_a_place_is_kept_by_taking_it_again(self, store: StateStore, wait: Wait) -> None:
        assert await store.take("p", holder="a", limit=1, ttl=0.5)
        await wait(0.3)
        assert await store.take("p", holder="a", limit=1, ttl=0.5)
        await wait(0.3)
        assert not await store.take("p", holder="b", limit=1, ttl=0.5)

    async def test_a_place_nobody_keeps_is_free(self, store: StateStore, wait: Wait) -> None:
        assert await store.take("p", holder="a", limit=2, ttl=0.5)
        assert await store.take("p", holder="b", limit=2, ttl=60)
        await wait(0.6)
        assert await store.take("p", holder="c", limit=2, ttl=60)
        assert not await store.take("p", holder="a", limit=2, ttl=60)

    async def test_places_of_others_stay(self, store: StateStore) -> None:
        assert await store.take("p", holder="a", limit=1, ttl=60)
        await store.leave("p", holder="b")
        await store.leave("unknown", holder="a")
        assert not await store.take("p", holder="b", limit=1, ttl=60)
        assert await store.take("q", holder="b", limit=1, ttl=60)

    async def test_a_short_place_does_not_cut_a_long_one(self, store: StateStore, wait: Wait) -> None:
        assert await store.take("p", holder="long", limit=2, ttl=60)
        assert await store.take("p", holder="short", limit=2, ttl=0.5)
        await wait(0.6)
        assert await store.take("p", holder="b", limit=2, ttl=60)
        assert not await store.take("p", holder="c", limit=2, ttl=60)

    async def test_values_and_places_do_not_meet(self, store: StateStore) -> None:
        assert await store.take("k", holder="a", limit=1, ttl=60)
        assert await store.get("k") is None
        await store.put("k", b"v", ttl=None)
        assert not await store.take("k", holder="b", limit=1, ttl=60)
        assert await store.get("k") == b"v"

    async def test_large_values(self, store: StateStore) -> None:
        value = bytes(range(256)) * 8192
        await store.put("k", value, ttl=60)
        assert await store.get("k") == value

    async def test_strict_is_the_same_state(self, store: StateStore) -> None:
        await store.put("k", b"v", ttl=60)
        assert await store.strict.get("k") == b"v"
        assert store.strict.shared == store.shared
