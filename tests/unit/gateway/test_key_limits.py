"""Rate limits of keys: exact in every window, corrected at the end, shared by workers, free for keys without."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.canonical.estimate import BYTES_PER_TOKEN
from flowrouter.canonical.head import Head
from flowrouter.canonical.usage import Usage
from flowrouter.errors import CallerError
from flowrouter.gateway.attempt_log import AttemptLog
from flowrouter.gateway.exchange import Exchange, Inbound
from flowrouter.gateway.limits import OUTPUT_TOKENS, Limits, used_tokens
from flowrouter.httpkit.caller import Caller
from flowrouter.httpkit.keys import KeyLimits, KeyPolicy
from flowrouter.routing import Target
from flowrouter.storage import MemoryStateStore
from flowrouter.tasks import TaskGroup
from tests.contracts.fakes import START, FakeClock

MINUTE = 60.0
DAY = 86_400.0


def body_of(tokens: int) -> bytes:
    """Return a request that is estimated at that many tokens of input."""
    wrapping = len(b'[{"role":"user","content":""}]')
    text = "x" * (round(tokens * BYTES_PER_TOKEN) - wrapping)
    return b'{"model":"m","messages":[{"role":"user","content":"%b"}]}' % text.encode()


BODY = body_of(10)


def failed(name: str, error: BaseException) -> None:
    raise AssertionError(name) from error


class Shared(MemoryStateStore):
    """What several workers see of one state; `share` is among how many limits are divided at the moment."""

    shared = True

    async def add(self, key: str, amount: int, *, ttl: float | None) -> int:
        await asyncio.sleep(0)  # a network lies between: others come in between
        return await super().add(key, amount, ttl=ttl)


class House:
    """One worker's limits, and callers with a key."""

    def __init__(self, state: MemoryStateStore | None = None, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock(START - START % DAY)
        self.tasks = TaskGroup(failed)
        alone = MemoryStateStore(self.clock)
        self.limits = Limits(
            alone if state is None else state, alone=alone, clock=self.clock, tasks=self.tasks
        )

    async def ask(
        self, key_id: str = "k", body: bytes = BODY, *, cap: int | None = None, **limits: Any
    ) -> Exchange:
        """Let a request pass or raise; the caller's key has `limits`."""
        exchange = Exchange(
            Inbound(
                request_id="r",
                dialect="openai_chat",
                operation="generate",
                endpoint="/v1/chat/completions",
                headers={},
                body=body,
                wall=self.clock.now(),
                started=self.clock.monotonic(),
            )
        )
        exchange.caller = Caller(
            key_id=key_id, key_name="laptop", policy=KeyPolicy(limits=KeyLimits(**limits))
        )
        exchange.head = Head(model="m", stream=False, length=len(body), max_tokens=cap)
        await self.limits.admit(exchange)
        return exchange

    async def passes(self, **asked: Any) -> bool:
        """Return whether a request passes."""
        try:
            await self.ask(**asked)
        except CallerError:
            return False
        return True

    async def settle(self, exchange: Exchange, tokens: int | None) -> None:
        """End an exchange that used `tokens`."""
        assert exchange.admitted is not None
        exchange.admitted.settle(tokens)
        while len(self.tasks):
            await asyncio.sleep(0)


@pytest.fixture
def house() -> House:
    return House()


async def refusal(house: House, **asked: Any) -> CallerError:
    with pytest.raises(CallerError) as caught:
        await house.ask(**asked)
    assert (caught.value.status, caught.value.code) == (429, "rate_limit_exceeded")
    return caught.value


@pytest.mark.parametrize("shared", [False, True], ids=["one worker", "several"])
async def test_a_thousand_at_once_get_exactly_what_is_allowed(shared: bool) -> None:
    clock = FakeClock()
    house = House(Shared(clock) if shared else None, clock)
    passed = await asyncio.gather(*(house.passes(requests_per_minute=137) for _ in range(1000)))
    assert sum(passed) == 137


async def test_workers_count_together() -> None:
    clock = FakeClock()
    state = Shared(clock)
    workers = [House(state, clock), House(state, clock)]
    passed = await asyncio.gather(
        *(workers[number % 2].passes(requests_per_minute=50) for number in range(300))
    )
    assert sum(passed) == 50


async def test_alone_a_worker_gives_out_its_share() -> None:
    clock = FakeClock()
    state = Shared(clock)
    state.share = 2
    house = House(state, clock)
    assert sum([await house.passes(requests_per_minute=9) for _ in range(20)]) == 4
    assert sum([await house.passes(key_id="other", requests_per_minute=1) for _ in range(20)]) == 1


STEPS = st.lists(
    st.tuples(st.floats(0, 45), st.integers(10, 1_000), st.one_of(st.none(), st.integers(0, 6_000))),
    max_size=60,
)


@given(STEPS, st.integers(1, 12), st.integers(1, 30), st.integers(500, 6_000))
def test_no_window_ever_holds_more_than_its_limit(
    steps: list[tuple[float, int, int | None]], a_minute: int, a_day: int, tokens: int
) -> None:
    """Requests by count, tokens by their estimates: what passed within one window never exceeds the limit."""

    async def story() -> None:
        house = House()
        counts: dict[tuple[str, int], int] = {}
        for pause, cost, used in steps:
            house.clock.advance(pause)
            now = house.clock.now()
            try:
                exchange = await house.ask(
                    body=body_of(cost),
                    cap=0,
                    requests_per_minute=a_minute,
                    requests_per_day=a_day,
                    tokens_per_minute=tokens,
                )
            except CallerError:
                continue
            for name, amount in (("minute", 1), ("tokens", cost)):
                place = (name, int(now // MINUTE))
                counts[place] = counts.get(place, 0) + amount
            day = ("day", int(now // DAY))
            counts[day] = counts.get(day, 0) + 1
            await house.settle(exchange, used)
            if used is not None and used < cost:  # what is given back may be used again
                counts["tokens", int(now // MINUTE)] -= cost - used
        limits = {"minute": a_minute, "day": a_day, "tokens": tokens}
        assert all(count <= limits[name] for (name, _), count in counts.items())

    asyncio.run(story())


@given(st.lists(st.floats(0, 20), min_size=1, max_size=80), st.integers(1, 5))
def test_nobody_is_refused_who_had_something_left(pauses: list[float], limit: int) -> None:
    async def story() -> None:
        house = House()
        passed: dict[int, int] = {}
        for pause in pauses:
            house.clock.advance(pause)
            window = int(house.clock.now() // MINUTE)
            allowed = passed.get(window, 0) < limit
            assert await house.passes(requests_per_minute=limit) is allowed
            passed[window] = passed.get(window, 0) + allowed

    asyncio.run(story())


async def test_what_one_limit_refuses_costs_nothing_at_the_others(house: House) -> None:
    for _ in range(2):
        assert await house.passes(requests_per_minute=2, requests_per_day=3)
    for _ in range(10):
        assert not await house.passes(requests_per_minute=2, requests_per_day=3)
    house.clock.advance(MINUTE)
    assert await house.passes(requests_per_minute=2, requests_per_day=3)
    assert not await house.passes(requests_per_minute=2, requests_per_day=3)


async def test_a_refusal_tells_when_to_come_back(house: House) -> None:
    house.clock.advance(48)
    await house.ask(requests_per_minute=1)
    minute = await refusal(house, requests_per_minute=1)
    assert (minute.retry_after, minute.retry) == (12, True)
    assert "laptop" in minute.message
    assert "1 request a minute" in minute.message
    await house.ask(key_id="d", requests_per_day=1)
    day = await refusal(house, key_id="d", requests_per_day=1)
    assert (day.retry_after, day.retry) == (DAY - 48, False), "no client should try for hours"


async def test_keys_are_counted_apart(house: House) -> None:
    assert await house.passes(key_id="a", requests_per_minute=1)
    assert await house.passes(key_id="b", requests_per_minute=1)
    assert not await house.passes(key_id="a", requests_per_minute=1)


async def test_tokens_are_charged_by_estimate_and_corrected(house: House) -> None:
    big = body_of(1_000)
    first = await house.ask(body=big, cap=100, tokens_per_minute=3_000)
    assert first.standings[0].remaining == 1_900
    second = await house.ask(body=big, cap=100, tokens_per_minute=3_000)
    assert not await house.passes(body=big, cap=100, tokens_per_minute=3_000)
    await house.settle(first, 200)
    assert await house.passes(body=big, cap=100, tokens_per_minute=3_000), "what was too much is free again"
    await house.settle(second, 5_000)
    error = await refusal(house, cap=0, tokens_per_minute=3_000)
    assert "0 are left" in error.message


async def test_an_answer_is_estimated_at_no_more_than_its_cap(house: House) -> None:
    for cap, output in ((None, OUTPUT_TOKENS), (64_000, OUTPUT_TOKENS), (7, 7)):
        key = str(cap)
        exchange = await house.ask(key_id=key, cap=cap, tokens_per_minute=10_000)
        assert exchange.standings[0].remaining == 10_000 - 10 - output


async def test_what_a_long_answer_used_counts_where_it_ends(house: House) -> None:
    long = await house.ask(cap=0, tokens_per_minute=1_000)
    house.clock.advance(MINUTE)
    await house.settle(long, 1_010)
    assert not await house.passes(cap=0, tokens_per_minute=1_000)
    house.clock.advance(MINUTE)
    late = await house.ask(cap=900, tokens_per_minute=1_000)
    house.clock.advance(MINUTE)
    await house.settle(late, 0)
    fresh = await house.ask(cap=0, tokens_per_minute=1_000)
    assert fresh.standings[0].remaining == 990, "nothing is given to a window that did not pay for it"


async def test_what_can_never_pass_is_not_to_be_tried_again(house: House) -> None:
    error = await refusal(house, body=body_of(1_001), cap=0, tokens_per_minute=1_000)
    assert (error.retry, error.retry_after) == (False, None)
    assert "cannot pass at any time" in error.message
    assert await house.passes(cap=0, tokens_per_minute=1_000)


async def test_places_are_given_back_once(house: House) -> None:
    first = await house.ask(concurrent=2)
    second = await house.ask(concurrent=2)
    error = await refusal(house, concurrent=2)
    assert (error.retry_after, error.retry) == (1.0, True)
    for _ in range(3):
        await house.settle(first, None)
    assert house.limits.in_flight("k") == 1
    third = await house.ask(concurrent=2)
    assert not await house.passes(concurrent=2)
    await house.settle(second, None)
    await house.settle(third, None)
    assert house.limits.in_flight("k") == 0


async def test_who_is_refused_for_another_limit_keeps_no_place(house: House) -> None:
    first = await house.ask(concurrent=5, requests_per_minute=1)
    await refusal(house, concurrent=5, requests_per_minute=1)
    assert house.limits.in_flight("k") == 1
    await house.settle(first, None)


async def test_who_finds_no_place_is_not_counted(house: House) -> None:
    first = await house.ask(concurrent=1, requests_per_minute=2)
    await refusal(house, concurrent=1, requests_per_minute=2)
    await house.settle(first, None)
    assert await house.passes(concurrent=1, requests_per_minute=2)


async def test_places_are_shared_by_workers() -> None:
    clock = FakeClock()
    state = Shared(clock)
    one, other = House(state, clock), House(state, clock)
    held = [await one.ask(concurrent=3), await other.ask(concurrent=3), await one.ask(concurrent=3)]
    assert not await one.passes(concurrent=3)
    assert not await other.passes(concurrent=3)
    assert held[0].admitted is not None
    held[0].admitted.settle(None)
    while len(one.tasks) > 1:  # the renewal of leases goes on
        await asyncio.sleep(0)
    assert await other.passes(concurrent=3)
    for worker in (one, other):
        await worker.limits.close()
        await worker.tasks.close()


async def test_a_key_without_limits_asks_nothing() -> None:
    class Untouched(Shared):
        async def add(self, key: str, amount: int, *, ttl: float | None) -> int:
            raise AssertionError(f"asked for {key}")

    house = House(Untouched(FakeClock()))
    exchange = await house.ask()
    assert (exchange.admitted, exchange.standings) == (None, ())


@pytest.mark.parametrize(
    ("usage", "status", "tokens"),
    [
        (Usage(input=10, cache_read=5, cache_write=2, output=3, reasoning=1), 200, 21),
        (None, 200, None),
        (None, 503, 0),
        (None, None, 0),
    ],
    ids=["all that was read and written", "unknown", "refused", "nobody answered"],
)
def test_what_an_exchange_is_charged_for(usage: Usage | None, status: int | None, tokens: int | None) -> None:
    exchange = Exchange(
        Inbound(
            request_id="r", dialect="openai_chat", operation="generate", endpoint="/", headers={}, body=BODY,
            wall=0.0, started=0.0,
        )
    )  # fmt: skip
    log = AttemptLog(Target(account_id="a", account="a", preset="p", model="m", dialect="openai_chat"), 0.0)
    log.status = status
    exchange.attempts, exchange.usage = [log], usage
    assert used_tokens(exchange) == tokens
