"""The way back: one trial at a time, no flood, and the primary in use again soon after it is well."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from flowrouter.storage import MemoryStateStore
from flowrouter.wire.http import HttpRequest
from tests.playbooks.scripts import account_of
from tests.playbooks.stage import SSE, House, Script, VirtualClock, account, live
from tests.playbooks.test_cooldowns import Weather
from tests.playbooks.test_failover import GOOD, error
from tests.playbooks.test_passthrough import ANSWER, ASK, ASK_STREAM, DONE, FINISH, HEL, LO, ROLE

FIRST = account("first", "openai_chat", priority=1)
SECOND = account("second", "openai_chat", priority=2)
BOTH = [FIRST, SECOND]


class Watched:
    """Counts what is under way at each account at once, and when it was asked."""

    def __init__(self, house: House) -> None:
        self.under_way: dict[str, int] = {}
        self.most: list[tuple[float, str, int]] = []
        self._send = house.transport.send
        self._clock = house.clock
        house.transport.send = self.send

    async def send(self, request: HttpRequest) -> Any:
        name = account_of(request)
        self.under_way[name] = self.under_way.get(name, 0) + 1
        self.most.append((self._clock.monotonic(), name, self.under_way[name]))
        try:
            return await self._send(request)
        finally:
            self.under_way[name] -= 1


FLAPS = ((10.0, 40.0), (50.0, 80.0))
"""When the primary is down."""


def is_down(now: float) -> bool:
    return any(begin <= now < end for begin, end in FLAPS)


@pytest.mark.parametrize(("status", "rate"), [(503, 20), (500, 8), (429, 8)], ids=["503", "500", "429"])
def test_a_flapping_primary_for_two_minutes(status: int, rate: int) -> None:
    async def story(house: House) -> None:
        watched = Watched(house)
        asks = []
        for _ in range(rate * 120):
            asks.append(asyncio.create_task(house.ask("openai_chat", ASK)))
            await asyncio.sleep(1 / rate)
        results = await asyncio.gather(*asks)
        assert {result.status for result in results} == {200}
        for begin, end in FLAPS:
            # Who was under way when it broke, and asked once more on the spot, is no trial.
            trials = [
                (at, count) for at, name, count in watched.most if name == "first" and begin + 1.5 < at < end
            ]
            assert max((count for _, count in trials), default=0) <= 1
            assert len(trials) <= 12
            back = [at for at, name, _ in watched.most if name == "first" and at >= end]
            assert back[0] - end <= 30.0
            soon = [at for at in back if at <= back[0] + 2.0]
            assert len(soon) > rate, "all are back, not only the trial"

    def primary(request: HttpRequest) -> Script:
        now = asyncio.get_running_loop().time()
        if account_of(request) == "first" and is_down(now):
            return Script(status=status, before=0.15, steps=error(status).steps)
        return Script(before=0.15, steps=[ANSWER])

    live(story, accounts=BOTH, scripts=primary)


def test_one_trial_at_a_time_and_the_others_go_elsewhere() -> None:
    weather = Weather(first=error(503))

    async def story(house: House) -> list[str]:
        await house.ask("openai_chat", ASK)
        await asyncio.sleep(6)
        weather.down["first"] = Script(before=3.0, steps=[ANSWER])
        before = len(house.asked)
        await asyncio.gather(*(house.ask("openai_chat", ASK) for _ in range(10)))
        return house.asked[before:]

    assert sorted(live(story, accounts=BOTH, scripts=weather)) == ["first", *["second"] * 9]


def test_the_trial_is_told_in_the_record() -> None:
    weather = Weather(first=error(503))

    async def story(house: House) -> list[bool]:
        await house.ask("openai_chat", ASK)
        weather.down.clear()
        await asyncio.sleep(6)
        results = [await house.ask("openai_chat", ASK) for _ in range(2)]
        return [log.trial for result in results for log in result.exchange.attempts]

    assert live(story, accounts=BOTH, scripts=weather) == [True, False]


def test_a_client_that_leaves_during_its_trial_gives_it_back() -> None:
    weather = Weather(first=error(503))

    async def story(house: House) -> list[str]:
        await house.ask("openai_chat", ASK)
        await asyncio.sleep(6)
        weather.down["first"] = Script(before=30.0, steps=[ANSWER])
        await house.ask("openai_chat", ASK, cancel_after=1.0)
        weather.down.clear()
        before = len(house.asked)
        await house.ask("openai_chat", ASK)
        return house.asked[before:]

    assert live(story, accounts=BOTH, scripts=weather) == ["first"]


def test_workers_share_pauses_and_trials() -> None:
    weather = Weather(first=error(503))

    class Shared(MemoryStateStore):
        @property
        def shared(self) -> bool:
            return True

    async def story(one: House) -> list[list[str]]:
        other = House(BOTH, weather, state=one.state)
        following = [house.tasks.start("cooldowns", house.cooldowns.follow()) for house in (one, other)]
        await one.ask("openai_chat", ASK)
        await asyncio.sleep(2)
        await other.ask("openai_chat", ASK)
        assert other.asked == ["second"], "the other worker has heard of the pause"
        await asyncio.sleep(5)
        weather.down["first"] = Script(before=2.0, steps=[ANSWER])
        marks = [len(house.asked) for house in (one, other)]
        await asyncio.gather(*(house.ask("openai_chat", ASK) for house in (one, other, one, other)))
        found = [house.asked[mark:] for house, mark in zip((one, other), marks, strict=True)]
        assert [name for each in found for name in each].count("first") == 1, "one trial over both"
        weather.down.clear()
        await asyncio.sleep(2)
        await other.ask("openai_chat", ASK)
        for task in following:
            task.cancel()
        return [one.asked[-1:], other.asked[-1:]]

    assert live(story, accounts=BOTH, scripts=weather, state=Shared(VirtualClock()))[1] == ["first"]


def test_an_only_account_is_never_shut_for_long() -> None:
    """Nobody else can be asked, so one request after two seconds finds out, and all who wait go on."""
    weather = Weather(first=error(500))

    async def story(house: House) -> list[int]:
        assert (await house.ask("openai_chat", ASK)).status == 500
        weather.down.clear()
        results = await asyncio.gather(*(house.ask("openai_chat", ASK) for _ in range(20)))
        assert house.clock.monotonic() < 4.0
        return [result.status for result in results]

    assert set(live(story, accounts=[FIRST], scripts=weather)) == {200}


def test_an_only_account_that_stays_down_is_not_hammered() -> None:
    async def story(house: House) -> int:
        asks = []
        for _ in range(300):
            asks.append(asyncio.create_task(house.ask("openai_chat", ASK)))
            await asyncio.sleep(0.1)
        await asyncio.gather(*asks)
        return len(house.asked)

    assert live(story, accounts=[FIRST], scripts=Weather(first=error(500))) <= 30


def test_a_named_time_is_never_undercut() -> None:
    async def story(house: House) -> list[float]:
        asks = []
        for _ in range(200):
            asks.append(asyncio.create_task(house.ask("openai_chat", ASK)))
            await asyncio.sleep(0.1)
        await asyncio.gather(*asks)
        return house.transport.times

    times = live(
        story, accounts=[FIRST], scripts={"first": [error(429, **{"retry-after": "15"}), *[GOOD] * 300]}
    )
    assert times[1] >= 15.0


def test_a_good_head_is_proof_enough_against_a_limit() -> None:
    """A model that thinks for a minute before its first word must not keep the others waiting."""
    thinks = Script(headers=SSE, steps=[20.0, ROLE, HEL, LO, FINISH, DONE])

    async def story(house: House) -> tuple[list[int], list[float]]:
        await house.ask("openai_chat", ASK_STREAM, cancel_after=0.1)
        results = await asyncio.gather(*(house.ask("openai_chat", ASK_STREAM) for _ in range(5)))
        return [result.status for result in results], house.transport.times

    statuses, times = live(
        story, accounts=[FIRST], scripts={"first": [error(429, **{"retry-after": "3"}), *[thinks] * 5]}
    )
    assert set(statuses) == {200}
    assert times[-1] < 6.0
