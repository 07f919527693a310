"""What pauses after which failure, for how long, and what ends a pause."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from flowrouter.accounts.account import Secret
from flowrouter.errors import UpstreamError
from flowrouter.gateway.cooldowns import Cooldowns
from flowrouter.settings.routing import FailureRule, Routing
from flowrouter.wire.http import HttpRequest
from tests.playbooks.scripts import account_of
from tests.playbooks.stage import SSE, House, Script, account, live, reset, world
from tests.playbooks.test_failover import GOOD, GOOD_STREAM, error
from tests.playbooks.test_passthrough import ANSWER, ASK, ASK_STREAM, HEL, ROLE
from tests.support.doubles import MemoryPauses

FIRST = account("first", "openai_chat", priority=1)
SECOND = account("second", "openai_chat", priority=2)
BOTH = [FIRST, SECOND]
OTHER_MODEL = ASK.replace(b'"m"', b'"n"')


class Weather:
    """Providers by account: what stands in `down` is what the account answers now, else it is well."""

    def __init__(self, **down: Script) -> None:
        self.down = down

    def __call__(self, request: HttpRequest) -> Script:
        return self.down.get(account_of(request), GOOD)


def pauses(cooldowns: Cooldowns) -> dict[str, tuple[str, float]]:
    return {key: (pause.failure, pause.until - pause.since) for key, pause in cooldowns.pauses().items()}


def standing(cooldowns: Cooldowns, now: float) -> list[str]:
    return [key for key, pause in cooldowns.pauses().items() if not pause.over(now)]


SCOPES: list[tuple[Script, str, float]] = [
    (error(401), "account:first", 315.0),
    (error(402), "account:first", 1_800.0),
    (error(403), "account:first", 315.0),
    (error(404), "model:first:m", 3_780.0),
    (error(429), "model:first:m", 1.05),
    (error(429, **{"retry-after": "40"}), "model:first:m", 42.0),
    (error(429, **{"retry-after-ms": "3500"}), "model:first:m", 3.675),
    (error(503), "model:first:m", 5.25),
    (error(503, **{"retry-after": "30"}), "model:first:m", 31.5),
    (error(529), "model:first:m", 5.25),
    (error(500), "model:first:m", 15.75),
    (error(504), "model:first:m", 15.75),
    (Script(error=reset()), "model:first:m", 10.5),
    (Script(error=UpstreamError("no such host", kind="connect")), "host:", 10.5),
    (Script(headers=SSE), "model:first:m", 15.75),
    (Script(headers={"content-type": "text/html"}, steps=[b"<html>login</html>"]), "model:first:m", 15.75),
]
NAMES = [
    "401", "402", "403", "404", "429", "429 with a time", "429 with milliseconds", "503", "503 with a time", "529",
    "500", "504", "reset", "connect", "empty", "page",
]  # fmt: skip


@pytest.mark.parametrize(("script", "scope", "length"), SCOPES, ids=NAMES)
def test_what_pauses_and_for_how_long(script: Script, scope: str, length: float) -> None:
    async def story(house: House) -> dict[str, tuple[str, float]]:
        assert (await house.ask("openai_chat", ASK)).status == 200
        return pauses(house.cooldowns)

    ((key, (_, found)),) = live(story, accounts=BOTH, scripts=Weather(first=script)).items()
    assert key.startswith(scope)
    assert found == pytest.approx(length)


def test_who_pauses_is_passed_over_and_comes_back() -> None:
    weather = Weather(first=error(503, **{"retry-after": "30"}))

    async def story(house: House) -> list[str]:
        for _ in range(3):
            assert (await house.ask("openai_chat", ASK)).status == 200
        weather.down.clear()
        await asyncio.sleep(25)
        await house.ask("openai_chat", ASK)
        await asyncio.sleep(10)
        await house.ask("openai_chat", ASK)
        await house.ask("openai_chat", ASK)
        return house.asked

    assert live(story, accounts=BOTH, scripts=weather) == [
        "first", "second", "second", "second", "second", "first", "first",
    ]  # fmt: skip


def test_a_refused_account_pauses_with_all_its_models_and_a_limit_only_with_its_own() -> None:
    async def story(house: House) -> list[str]:
        await house.ask("openai_chat", ASK)
        await house.ask("openai_chat", OTHER_MODEL)
        return house.asked

    assert live(story, accounts=BOTH, scripts=Weather(first=error(402))) == ["first", "second", "second"]
    limited = Weather(first=error(429, **{"retry-after": "30"}))
    assert live(story, accounts=BOTH, scripts=limited) == ["first", "second", "first", "second"]


def test_a_burst_of_failures_counts_once() -> None:
    slow = Script(status=503, before=0.4, steps=error(503).steps)

    async def story(house: House) -> list[int]:
        asks = [house.ask("openai_chat", ASK) for _ in range(30)]
        assert {result.status for result in await asyncio.gather(*asks)} == {200}
        return [pause.level for pause in house.cooldowns.pauses().values()]

    assert live(story, accounts=BOTH, scripts=Weather(first=slow)) == [1]


def test_failures_in_a_row_make_it_longer_and_a_success_begins_anew() -> None:
    weather = Weather(first=error(503))

    async def story(house: House) -> list[float]:
        lengths: list[float] = []
        for _ in range(4):
            await house.ask("openai_chat", ASK)
            lengths += [length for _, length in pauses(house.cooldowns).values()]
            await asyncio.sleep(30)
        weather.down.clear()
        await house.ask("openai_chat", ASK)
        assert not house.cooldowns.pauses()
        weather.down["first"] = error(503)
        await house.ask("openai_chat", ASK)
        return lengths + [length for _, length in pauses(house.cooldowns).values()]

    found = live(story, accounts=BOTH, scripts=weather)
    assert found == pytest.approx([5.25, 10.5, 20.0, 20.0, 5.25])


@pytest.mark.parametrize("status", [400, 413, 422])
@pytest.mark.parametrize(
    "text", ["overloaded", "rate limit", "your credit balance is too low", "unknown model x"]
)
def test_no_request_at_fault_pauses_anybody(status: int, text: str) -> None:
    body = msgspec.json.encode({"error": {"message": text, "type": "invalid_request_error"}})

    async def story(house: House) -> dict[str, Any]:
        await house.ask("openai_chat", ASK)
        return pauses(house.cooldowns)

    assert live(story, accounts=BOTH, scripts=Weather(first=Script(status=status, steps=[body]))) == {}


def test_a_moments_failure_pauses_nobody() -> None:
    async def story(house: House) -> dict[str, Any]:
        assert (await house.ask("openai_chat", ASK)).status == 200
        return pauses(house.cooldowns)

    assert live(story, accounts=[FIRST], scripts=[error(500), GOOD]) == {}


def test_a_client_that_leaves_pauses_nobody() -> None:
    async def story(house: House) -> dict[str, Any]:
        await house.ask("openai_chat", ASK, cancel_after=3.0)
        return pauses(house.cooldowns)

    assert live(story, accounts=BOTH, scripts=Weather(first=Script(before=60.0, steps=[ANSWER]))) == {}


def test_a_full_account_is_passed_over_and_pauses_not() -> None:
    full = msgspec.structs.replace(FIRST, max_concurrency=1)

    async def story(house: House) -> tuple[list[str], dict[str, Any]]:
        asks = [house.ask("openai_chat", ASK) for _ in range(3)]
        assert {result.status for result in await asyncio.gather(*asks)} == {200}
        return house.asked, pauses(house.cooldowns)

    slow = {"first": Script(before=5.0, steps=[ANSWER]), "second": GOOD}
    assert live(story, accounts=[full, SECOND], scripts=slow) == (["first", "second", "second"], {})


def test_a_stream_that_breaks_behind_its_first_words_pauses_its_target() -> None:
    cut = Script(headers=SSE, steps=[ROLE, HEL, reset()])

    async def story(house: House) -> tuple[str, list[str]]:
        first = await house.ask("openai_chat", ASK_STREAM)
        before = len(house.asked)
        await house.ask("openai_chat", ASK_STREAM)
        return first.row.attempts[0].outcome, house.asked[before:]

    rule = {"first": cut, "second": GOOD_STREAM}
    assert live(story, accounts=BOTH, scripts=rule) == ("cut", ["second"])


SPENT = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "40s"}


def test_an_account_that_says_nothing_is_left_is_passed_over_until_its_reset() -> None:
    last = Script(headers={"content-type": "application/json", **SPENT}, steps=[ANSWER])

    async def story(house: House) -> tuple[list[str], str]:
        await house.ask("openai_chat", ASK)
        told = await house.ask("openai_chat", ASK)
        await asyncio.sleep(41)
        await asyncio.gather(*(house.ask("openai_chat", ASK) for _ in range(2)))
        return house.asked, str(told.receipt)

    asked, receipt = live(story, accounts=BOTH, scripts=Weather(first=last))
    assert asked == ["first", "second", "first", "first"], "nothing failed, so nobody must find out"
    assert "nothing is left until its limit resets" in receipt


def test_the_owners_own_row_decides() -> None:
    body = msgspec.json.encode({"error": {"message": "Please top up your wallet"}})
    rule = FailureRule(
        failure="billing", text=("top up",), status=("5xx",), reason="their word for no credit"
    )

    async def story(house: House) -> dict[str, tuple[str, float]]:
        await house.ask("openai_chat", ASK)
        return pauses(house.cooldowns)

    found = live(
        story,
        accounts=BOTH,
        scripts=Weather(first=Script(status=500, steps=[body])),
        routing=Routing(rules=(rule,)),
    )
    assert found == {"account:first": ("billing", 1_800.0)}


def test_a_named_time_counts_up_to_the_setting() -> None:
    async def story(house: House) -> dict[str, tuple[str, float]]:
        await house.ask("openai_chat", ASK)
        return pauses(house.cooldowns)

    long = Weather(first=error(429, **{"retry-after": "50000"}))
    for most in (1_800.0, 60.0):
        found = live(story, accounts=BOTH, scripts=long, routing=Routing(pause_max=most))
        assert found["model:first:m"] == ("rate_limit", most)


def test_a_resumed_account_is_asked_at_once() -> None:
    weather = Weather(first=error(402))

    async def story(house: House) -> list[str]:
        await house.ask("openai_chat", ASK)
        weather.down.clear()
        assert await house.cooldowns.resume("first") == 1
        await house.ask("openai_chat", ASK)
        return house.asked

    assert live(story, accounts=BOTH, scripts=weather) == ["first", "second", "first"]


@pytest.mark.parametrize(
    "change",
    [{"api_key": Secret("a-new-key")}, {"base_url": "http://first.test/v2"}],
    ids=["key", "address"],
)
def test_another_key_or_address_ends_the_pause(change: dict[str, Any]) -> None:
    weather = Weather(first=error(401))

    async def story(house: House) -> list[str]:
        await house.ask("openai_chat", ASK)
        house.present = world(FIRST, SECOND)
        await house.ask("openai_chat", ASK)
        weather.down.clear()
        house.present = world(msgspec.structs.replace(FIRST, **change), SECOND)
        await house.ask("openai_chat", ASK)
        return house.asked

    assert live(story, accounts=BOTH, scripts=weather) == ["first", "second", "second", "first"]


def test_pauses_of_a_minute_or_more_outlast_a_restart_and_no_longer_than_they_last() -> None:
    kept, weather = MemoryPauses(), Weather(first=error(429, **{"retry-after": "600"}))

    async def before(house: House) -> None:
        await house.ask("openai_chat", ASK)
        weather.down["first"] = error(503)
        await house.ask("openai_chat", OTHER_MODEL)

    async def after(house: House) -> list[str]:
        await asyncio.sleep(after_seconds)
        await house.cooldowns.load()
        await house.ask("openai_chat", ASK)
        await house.ask("openai_chat", OTHER_MODEL)
        return house.asked

    live(before, accounts=BOTH, scripts=weather, kept=kept)
    assert list(kept.rows) == ["model:first:m"]
    weather.down.clear()
    after_seconds = 400.0
    assert live(after, accounts=BOTH, scripts=weather, kept=kept) == ["second", "first"]
    after_seconds = 700.0
    assert live(after, accounts=BOTH, scripts=weather, kept=kept) == ["first", "first"]
    assert kept.rows == {}


def test_an_account_changed_while_the_gateway_was_down_starts_afresh() -> None:
    kept, weather = MemoryPauses(), Weather(first=error(401))

    async def once(house: House) -> list[str]:
        await house.cooldowns.load()
        await house.ask("openai_chat", ASK)
        return house.asked

    live(once, accounts=BOTH, scripts=weather, kept=kept)
    assert list(kept.rows) == ["account:first"]
    weather.down.clear()
    changed = [msgspec.structs.replace(FIRST, api_key=Secret("mended")), SECOND]
    assert live(once, accounts=changed, scripts=weather, kept=kept) == ["first"]
    assert kept.rows == {}


def test_a_pause_taken_out_of_the_store_by_another_process_ends() -> None:
    kept, weather = MemoryPauses(), Weather(first=error(402))

    async def story(house: House) -> list[str]:
        following = house.tasks.start("cooldowns", house.cooldowns.follow())
        await house.ask("openai_chat", ASK)
        await asyncio.sleep(5)
        await house.ask("openai_chat", ASK)
        weather.down.clear()
        kept.rows.clear()
        await asyncio.sleep(3)
        await house.ask("openai_chat", ASK)
        following.cancel()
        return house.asked

    assert live(story, accounts=BOTH, scripts=weather, kept=kept) == ["first", "second", "second", "first"]


def test_invented_models_do_not_fill_the_memory() -> None:
    async def story(house: House) -> int:
        for number in range(2_100):
            body = ASK.replace(b'"m"', b'"x%d"' % number)
            await house.ask("openai_chat", body)
        long = ASK.replace(b'"m"', b'"' + b"y" * 300 + b'"')
        await house.ask("openai_chat", long)
        return len(house.cooldowns.pauses())

    assert live(story, accounts=[FIRST], scripts={"first": error(404)}) == 2_000
