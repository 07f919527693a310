"""How wrong passwords are held back: whatever the order, no faster than the rule says."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.api.admin.login.throttle import LONGEST_WAIT, MEMORY_SECONDS, Throttle, network, wait_after
from flowrouter.errors import CallerError
from flowrouter.storage import MemoryStateStore
from tests.contracts.fakes import FakeClock


async def let_in(
    throttle: Throttle, seen: list[CallerError], address: str = "192.0.2.1", name: str = "admin"
) -> bool:
    try:
        await throttle.enter(address, name)
    except CallerError as error:
        seen.append(error)
        return False
    return True


async def test_many_at_once_gain_nothing() -> None:
    clock = FakeClock()
    throttle = Throttle(MemoryStateStore(clock), clock, free=5)
    seen: list[CallerError] = []
    found = await asyncio.gather(*(let_in(throttle, seen) for _ in range(200)))
    assert sum(found) == 6, "five are free, and one of the first span"
    assert {(error.status, error.code) for error in seen} == {(429, "too_many_logins")}
    assert all(error.retry_after is not None and error.retry_after >= 1 for error in seen)


@given(pauses=st.lists(st.floats(0, 400), max_size=120), free=st.integers(1, 8))
def test_no_faster_than_the_rule(pauses: list[float], free: int) -> None:
    """Whoever tries at any times: attempts beyond the free ones are apart by the spans that grow."""

    async def run() -> None:
        clock = FakeClock()
        throttle = Throttle(MemoryStateStore(clock), clock, free=free)
        times = []
        for pause in pauses:
            clock.advance(pause)
            if clock.now() - begun >= MEMORY_SECONDS:
                break
            if await let_in(throttle, []):
                times.append(clock.now())
        for number, (before, after) in enumerate(itertools.pairwise(times), start=1):
            if number > free:
                assert after - before >= wait_after(number - 1, free=free) - 0.001

    begun = FakeClock().now()
    asyncio.run(run())


def test_waits_grow_to_a_bound() -> None:
    waits = [wait_after(failures, free=5) for failures in range(40)]
    assert waits[:8] == [0, 0, 0, 0, 0, 2, 4, 8]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1%eth0", "2001:db8:1:2::/64"),
        (None, "local"),
        ("testclient", "testclient"),
    ],
)
def test_what_is_counted(address: str | None, counted: str) -> None:
    assert network(address) == counted


async def test_se11_an_account_of_ones_own_gives_no_more_guesses_at_another() -> None:
    """Whoever may log in as somebody logs in between guesses: only what was tried as that one is taken back."""
    clock = FakeClock()
    throttle = Throttle(MemoryStateStore(clock), clock, free=5)
    guesses = 0
    for _ in range(20):
        for _ in range(4):
            guesses += await let_in(throttle, [], name="admin")
        if await let_in(throttle, [], name="viewer"):
            await throttle.forget("192.0.2.1", "viewer")
    assert guesses <= 6


async def test_who_gets_in_begins_anew() -> None:
    clock = FakeClock()
    throttle = Throttle(MemoryStateStore(clock), clock, free=5)
    for _ in range(10):
        for _ in range(4):
            assert await let_in(throttle, [], name="Ann")
        assert await let_in(throttle, [], name="ann")
        await throttle.forget("192.0.2.1", "ANN")
