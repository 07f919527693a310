"""When everybody who could answer pauses: a short wait, or a plain word on how long it lasts."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from flowrouter.settings.routing import Routing
from tests.playbooks.stage import House, Performance, Script, account, live, play
from tests.playbooks.test_cooldowns import Weather
from tests.playbooks.test_failover import GOOD, error
from tests.playbooks.test_owners import Keys
from tests.playbooks.test_passthrough import ANSWER, ASK

FIRST = account("first", "openai_chat", priority=1)
SECOND = account("second", "openai_chat", priority=2)
BOTH = [FIRST, SECOND]


def told(result: Performance) -> str:
    return msgspec.json.decode(result.body)["error"]["message"]


def limited(seconds: str) -> Script:
    return error(429, **{"retry-after": seconds})


def test_a_short_named_time_is_waited_out_before_anybody_else_is_asked() -> None:
    async def story(house: House) -> list[float]:
        assert (await house.ask("openai_chat", ASK)).status == 200
        assert house.asked == ["first", "first"]
        return house.transport.times

    first, second = live(story, accounts=BOTH, scripts={"first": [limited("2"), GOOD], "second": GOOD})
    assert 2.0 <= second - first <= 2.5


def test_a_longer_one_is_not_while_somebody_else_is_there() -> None:
    result = play("openai_chat", ASK, accounts=BOTH, scripts=[limited("3"), GOOD])
    assert (result.status, result.asked) == (200, ["first", "second"])


def test_when_all_pause_for_a_moment_the_request_waits() -> None:
    weather = Weather(first=limited("4"), second=limited("3"))

    async def story(house: House) -> tuple[Performance, list[str], float]:
        await asyncio.gather(house.ask("openai_chat", ASK))
        before, since = len(house.asked), house.clock.now()
        weather.down.clear()
        result = await house.ask("openai_chat", ASK)
        return result, house.asked[before:], house.clock.now() - since

    # The first request itself waits for the earlier of both, and is answered late.
    result, asked, took = live(story, accounts=BOTH, scripts=weather)
    assert result.status == 200
    assert len(asked) == 1
    assert took < 5.0


def test_a_wait_is_none_of_our_own_time() -> None:
    async def story(house: House) -> Performance:
        return await house.ask("openai_chat", ASK)

    result = live(story, accounts=[FIRST], scripts=[limited("3"), GOOD])
    assert (result.status, result.asked) == (200, ["first", "first"])
    assert result.exchange.waited == pytest.approx(3.15)
    assert (result.row.overhead_us or 0) < 1e6
    assert result.receipt["waited_ms"] == pytest.approx(3150.0)


def test_all_limited_for_long_is_429_with_the_true_time_and_asks_nobody() -> None:
    weather = Weather(first=limited("90"), second=limited("200"))

    async def story(house: House) -> Performance:
        first = await house.ask("openai_chat", ASK)
        assert (first.status, first.headers["retry-after"]) == (429, "90")
        await asyncio.sleep(10)
        return await house.ask("openai_chat", ASK)

    result = live(story, accounts=BOTH, scripts=weather)
    assert result.requests == []
    assert (result.status, result.headers["retry-after"]) == (429, "85")
    assert "all 2 targets of 'm' pause; the first is free in 1m 25s" in told(result)
    assert "'first'" in told(result)
    assert result.row.error_type == "targets_paused"


def test_limited_and_broken_is_503() -> None:
    weather = Weather(first=limited("90"), second=error(503, **{"retry-after": "60"}))

    async def story(house: House) -> Performance:
        await house.ask("openai_chat", ASK)
        return await house.ask("openai_chat", ASK)

    result = live(story, accounts=BOTH, scripts=weather)
    assert (result.status, result.requests) == (503, [])
    assert result.headers["retry-after"] == "63"


@pytest.mark.parametrize(
    "status, outward, code",
    [(401, 502, "upstream_auth"), (402, 502, "upstream_billing"), (404, 404, "model_not_found")],
    ids=["auth", "billing", "model"],
)
def test_one_lasting_cause_is_told_as_itself(status: int, outward: int, code: str) -> None:
    async def story(house: House) -> Performance:
        await house.ask("openai_chat", ASK)
        return await house.ask("openai_chat", ASK)

    result = live(story, accounts=[FIRST], scripts=Weather(first=error(status)))
    assert (result.status, result.requests) == (outward, [])
    assert msgspec.json.decode(result.body)["error"]["code"] == code
    assert result.headers["x-should-retry"] == "false"
    assert int(result.headers["retry-after"]) > 280
    if status != 404:
        assert "flow-router providers test first" in told(result)


def test_a_stranger_does_not_hear_whose_account_it_is() -> None:
    ours = msgspec.structs.replace(FIRST, name="secret-name")
    keys = Keys("tenant")

    async def story(house: House) -> Performance:
        await keys.ask(house, "tenant")
        return await keys.ask(house, "tenant")

    result = live(story, accounts=[ours], scripts=lambda _: limited("90"), keys=keys.all)
    assert result.status == 429
    assert "secret-name" not in told(result)


def test_waiting_can_be_switched_off() -> None:
    weather = Weather(first=limited("2"))
    result = play("openai_chat", ASK, accounts=[FIRST], scripts=weather, routing=Routing(wait=0.0))
    assert (result.status, result.head_at, len(result.requests)) == (429, 0.0, 1)


def test_the_clients_own_time_bounds_the_wait() -> None:
    async def story(house: House) -> Performance:
        await house.ask("openai_chat", ASK)
        return await house.ask("openai_chat", ASK, headers={"x-flowrouter-timeout": "1"})

    weather = Weather(first=limited("4"))
    result = live(story, accounts=[FIRST], scripts=weather, routing=Routing(wait=0.1))
    assert result.status == 429


def test_a_pause_that_ends_early_lets_the_waiting_go_on() -> None:
    weather = Weather(first=limited("4.5"))

    async def story(house: House) -> float:
        await house.ask("openai_chat", ASK, cancel_after=0.1)
        weather.down.clear()
        since = house.clock.now()
        waiting = asyncio.create_task(house.ask("openai_chat", ASK))
        await asyncio.sleep(1)
        await house.cooldowns.resume("first")
        assert (await waiting).status == 200
        return house.clock.now() - since

    assert live(story, accounts=[FIRST], scripts=weather) == pytest.approx(1.0)


def test_rounds_are_three_at_most() -> None:
    result = play(
        "openai_chat", ASK, accounts=[FIRST], scripts=lambda _: error(429), routing=Routing(wait=60.0)
    )
    assert result.status == 429
    assert len(result.requests) == 3


def test_tries_are_limited() -> None:
    accounts = [account(f"a{number}", "openai_chat", priority=number + 1) for number in range(6)]
    result = play(
        "openai_chat", ASK, accounts=accounts, scripts=lambda _: error(529), routing=Routing(attempts=3)
    )
    assert (result.status, result.asked) == (503, ["a0", "a1", "a2"])
    assert ANSWER not in result.body


def test_legs_without_credit_use_up_no_try() -> None:
    accounts = [account(f"a{number}", "openai_chat", priority=number + 1) for number in range(6)]
    scripts = [*(error(402) for _ in range(5)), GOOD]
    result = play("openai_chat", ASK, accounts=accounts, scripts=scripts, routing=Routing(attempts=1))
    assert (result.status, len(result.requests)) == (200, 6)
