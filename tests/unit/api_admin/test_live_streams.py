"""Live streams of log lines and of settled requests: who may go on reading, and who does not read at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flowrouter.api.admin import logs, usage
from flowrouter.api.admin.call import Call
from flowrouter.errors import StorageError
from flowrouter.gateway.ports import RequestFilter, RequestRow
from tests.contracts.fakes import request_row
from tests.unit.api_admin.conftest import BEARER, Gateway
from tests.unit.api_admin.test_access import signed_in

PATHS = ("/api/logs/stream", "/api/usage/stream?beats=false")
LOOKS = 20


def looks_at(gateway: Gateway, path: str, after: Callable[[int], None]) -> tuple[int, int]:
    """Return the status of a stream for a browser, and how often it was looked for lines; at most so often."""
    seen = 0

    def ending() -> bool:
        nonlocal seen
        seen += 1
        after(seen)
        return seen > LOOKS

    cookies = dict(signed_in(gateway).cookies)
    reply = gateway.client(
        {"cookie": "; ".join("=".join(each) for each in cookies.items())}, ending=ending
    ).get(path)
    return reply.status_code, seen


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (logs, usage):
        monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)
        monkeypatch.setattr(module, "BEAT_SECONDS", 0.001)


@pytest.mark.parametrize("path", PATHS)
def test_who_is_put_out_reads_no_further(gateway: Gateway, path: str) -> None:
    def put_out(look: int) -> None:
        for session in gateway.management.sessions.list() if look == 3 else ():
            gateway.management.sessions.end(session.id)

    assert looks_at(gateway, path, put_out) == (200, 3)


@pytest.mark.parametrize("path", PATHS)
def test_a_store_that_is_away_puts_nobody_out(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def away(_token: object) -> None:
        raise StorageError("away")

    def take_away(look: int) -> None:
        if look == 3:
            monkeypatch.setattr(type(gateway.management.sessions), "find", lambda _self, token: away(token))

    assert looks_at(gateway, path, take_away) == (200, LOOKS + 1)


@pytest.mark.parametrize("path", [*PATHS, "/api/requests.csv"])
def test_who_asks_for_the_head_waits_for_no_lines(gateway: Gateway, path: str) -> None:
    def never() -> bool:
        raise AssertionError("the lines of a stream were looked for")

    reply = gateway.client(BEARER, ending=never).head(path)
    assert (reply.status_code, reply.content) == (200, b"")


def test_what_is_under_way_is_told_and_what_was_settled_is_not(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = int(gateway.clock.now() * 1000)
    before, after = (request_row(number, ts_ms=now - 20_000 + number) for number in (1, 2))
    since: list[int | None] = []

    async def new(_call: Call, which: RequestFilter) -> list[RequestRow]:
        since.append(which.since_ms)
        return [before, after] if len(since) > 3 else [before]

    monkeypatch.setattr(usage, "_new", new)
    client = gateway.client(BEARER, ending=lambda: len(since) > 5)
    told = client.get("/api/usage/stream?beats=false").text
    assert since[0] == now - 60_000
    assert (told.count("event: settled"), before.id in told, after.id in told) == (1, False, True)
