"""Pauses where time or chance play tricks: clocks set back, odd waits asked for, many streams cut at once."""

from __future__ import annotations

import asyncio

import pytest

from flowrouter.settings.routing import Routing
from tests.playbooks.performance import Performance
from tests.playbooks.stage import SSE, House, Script, live, reset
from tests.playbooks.test_cooldowns import BOTH, FIRST, Weather, pauses
from tests.playbooks.test_failover import error
from tests.playbooks.test_passthrough import ASK, ASK_STREAM, HEL, ROLE
from tests.support.doubles import MemoryPauses

HOUR = 3_600.0


def set_back(house: House, seconds: float) -> None:
    """Set the wall clock back; the monotonic one goes on."""
    right = house.clock.now
    house.clock.now = lambda: right() - seconds  # type: ignore[method-assign]


def test_a_pause_does_not_last_longer_because_the_clock_was_set_back() -> None:
    weather = Weather(first=error(503))

    async def story(house: House) -> list[str]:
        await house.ask("openai_chat", ASK)
        weather.down.clear()
        set_back(house, HOUR)
        for _ in range(2):
            assert (await house.ask("openai_chat", ASK)).status == 200
        assert not house.cooldowns.pauses()
        return house.asked

    assert live(story, accounts=BOTH, scripts=weather) == ["first", "second", "first", "first"]


def test_a_provider_that_still_fails_after_the_clock_was_set_back_pauses_anew() -> None:
    weather = Weather(first=error(503))

    async def story(house: House) -> list[str]:
        await house.ask("openai_chat", ASK)
        set_back(house, HOUR)
        for _ in range(3):
            assert (await house.ask("openai_chat", ASK)).status == 200
        (pause,) = house.cooldowns.pauses().values()
        assert pause.level == 2
        return house.asked

    # Found out once by a trial, then left alone again.
    assert live(story, accounts=BOTH, scripts=weather) == [
        "first",
        "second",
        "first",
        "second",
        "second",
        "second",
    ]


@pytest.mark.parametrize(
    ("said", "most"),
    [("-5", 0.0), ("0", 0.0), ("nan", 2.0), ("inf", 2.0), ("1e400", 2.0), ("9" * 300, 1_800.0), ("", 2.0)],
    ids=["negative", "zero", "nan", "inf", "exponent", "huge", "empty"],
)
def test_no_wait_that_a_provider_asks_for_is_without_end(said: str, most: float) -> None:
    weather = Weather(first=error(429, **{"retry-after": said}))

    async def story(house: House) -> float:
        assert (await house.ask("openai_chat", ASK)).status == 200
        ((_, length),) = pauses(house.cooldowns).values()
        weather.down.clear()
        await asyncio.sleep(length + 0.1)
        before = len(house.asked)
        assert (await house.ask("openai_chat", ASK)).status == 200
        assert house.asked[before:] == ["first"]
        return length

    assert 0.0 <= live(story, accounts=BOTH, scripts=weather) <= most * 1.1


def test_many_streams_cut_within_some_seconds_are_one_burst() -> None:
    """All of them were under way when the first was cut; the pause is no longer for their number."""
    moments = iter(range(1, 9))

    def cut(_: object) -> Script:
        return Script(headers=SSE, steps=[ROLE, HEL, 2.0 * next(moments), reset()])

    async def story(house: House) -> list[int]:
        asks = [house.ask("openai_chat", ASK_STREAM) for _ in range(8)]
        told: list[Performance] = await asyncio.gather(*asks)
        assert {each.exchange.outcome for each in told} == {"partial"}
        return [pause.level for pause in house.cooldowns.pauses().values()]

    assert live(story, accounts=[FIRST], scripts=cut, routing=Routing(completion="error")) == [1]


def test_a_client_that_leaves_during_a_trial_leaves_the_trial_to_the_next() -> None:
    weather = Weather(first=error(503))

    async def story(house: House) -> list[str]:
        await house.ask("openai_chat", ASK)
        await asyncio.sleep(30)
        weather.down["first"] = Script(before=20.0)
        await house.ask("openai_chat", ASK, cancel_after=3.0)
        assert house.asked[-1] == "first"
        weather.down.clear()
        assert (await house.ask("openai_chat", ASK)).status == 200
        return house.asked[-1:]

    assert live(story, accounts=BOTH, scripts=weather) == ["first"]


def test_a_shorter_pause_in_the_place_of_a_long_one_is_the_one_that_counts() -> None:
    """Neither the store nor a restart brings back what the provider has taken back itself."""
    kept, weather = MemoryPauses(), Weather(first=error(404))

    async def story(house: House) -> list[str]:
        following = asyncio.create_task(house.cooldowns.follow())
        await house.ask("openai_chat", ASK)
        await asyncio.sleep(12)
        assert list(kept.rows) == ["model:first:m"]
        weather.down["first"] = error(503, **{"retry-after": "20"})
        assert (await house.ask("openai_chat", ASK)).status == 503
        await asyncio.sleep(3)
        found = [pause.failure for pause in house.cooldowns.pauses().values()]
        following.cancel()
        return found

    assert live(story, accounts=[FIRST], scripts=weather, kept=kept) == ["overloaded"]
    assert kept.rows == {}
