"""Probes that the owner pays for: none by default; switched on, they go ahead of the users' requests."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from flowrouter.gateway.probes import ENDPOINT, MAX_TOKENS
from flowrouter.settings.routing import Routing
from flowrouter.wire.http import HttpRequest
from tests.playbooks.scripts import account_of
from tests.playbooks.stage import House, Script, account, live
from tests.playbooks.test_failover import GOOD, error
from tests.playbooks.test_passthrough import ASK

FIRST = account("first", "openai_chat", priority=1)
SECOND = account("second", "openai_chat", priority=2)
BOTH = (FIRST, SECOND)
ON, OFF = Routing(probes=True), Routing()


class Weather:
    """The first account is ill until `well_at`; whoever asks it is written down."""

    def __init__(self, well_at: float, ill: Script) -> None:
        self.well_at = well_at
        self.ill = ill
        self.probes: list[float] = []
        self.requests: list[float] = []

    def __call__(self, request: HttpRequest) -> Script:
        if account_of(request) != "first":
            return GOOD
        now = asyncio.get_running_loop().time()
        (self.probes if is_probe(request) else self.requests).append(now)
        return self.ill if now < self.well_at else GOOD


def is_probe(request: HttpRequest) -> bool:
    return b"single word" in (request.body or b"")


def story_of(weather: Weather, routing: Routing, *, asks: int, every: float, then: float = 0.0) -> House:
    async def story(house: House) -> House:
        watching = house.tasks.start("probes", house.probes.follow())
        for _ in range(asks):
            assert (await house.ask("openai_chat", ASK)).status == 200
            await asyncio.sleep(every)
        await asyncio.sleep(then)
        watching.cancel()
        return house

    return live(story, accounts=BOTH, scripts=weather, routing=routing)


def test_by_default_an_idle_gateway_sends_nothing_whoever_pauses() -> None:
    weather = Weather(1e9, error(401, code="invalid_api_key"))
    house = story_of(weather, OFF, asks=1, every=0.0, then=6 * 3600.0)
    assert weather.probes == []
    assert len(house.transport.requests) == 2, "the one request, and its fallback"


def test_no_request_of_a_user_is_risked_while_probes_find_out() -> None:
    weather = Weather(70.0, error(503))
    story_of(weather, ON, asks=400, every=0.25)
    ill = [moment for moment in weather.requests if moment < 70.0]
    assert max(ill) < 2.0, "the first failure alone met a user"
    assert len(weather.probes) >= 4
    back = next(moment for moment in weather.requests if moment >= 70.0)
    assert back - 70.0 < 25.0
    assert [moment for moment in weather.probes if moment > back] == []


def test_the_end_of_a_pause_is_probed_once_and_nobody_probes_the_healthy() -> None:
    weather = Weather(3.0, error(503))
    house = story_of(weather, ON, asks=1, every=0.0, then=600.0)
    assert len(weather.probes) == 1
    rows = [row for row in house.log.rows if row.endpoint == ENDPOINT]
    assert [(row.owner_id, row.outcome, row.account_id) for row in rows] == [("local", "ok", "first")]
    assert rows[0].output_tokens == 3
    question: Any = msgspec.json.decode(
        next(request.body for request in house.transport.requests if is_probe(request))
    )
    assert MAX_TOKENS in question.values()
    assert house.cooldowns.pauses() == {}


def test_a_failed_probe_makes_the_next_pause_longer() -> None:
    weather = Weather(1e9, error(429))
    story_of(weather, ON, asks=1, every=0.0, then=300.0)
    gaps = [later - earlier for earlier, later in zip(weather.probes, weather.probes[1:], strict=False)]
    assert len(gaps) >= 3
    assert gaps == sorted(gaps)


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses", "anthropic", "gemini"])
def test_a_probe_is_asked_in_the_accounts_own_dialect(dialect: Any) -> None:
    ill = account("first", dialect, priority=1, models=("m",))

    async def story(house: House) -> list[HttpRequest]:
        watching = house.tasks.start("probes", house.probes.follow())
        await house.ask("openai_chat", ASK)
        await asyncio.sleep(20)
        watching.cancel()
        return [request for request in house.transport.requests if is_probe(request)]

    def provider(request: HttpRequest) -> Script:
        return GOOD if account_of(request) == "second" else error(503)

    (probe,) = live(story, accounts=(ill, SECOND), scripts=provider, routing=ON)[:1]
    assert account_of(probe) == "first"
    assert dict(probe.headers)["user-agent"].startswith("flow-router/")
