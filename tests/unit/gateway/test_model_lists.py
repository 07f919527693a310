"""Live model lists: paged, kept for a day, and a failure never costs the last good one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from flowrouter import logs
from flowrouter.accounts.account import Account, Secret
from flowrouter.config import Timeouts
from flowrouter.errors import ConfigError, StorageError, UpstreamError
from flowrouter.gateway import model_lists
from flowrouter.gateway.model_lists import FRESH, RETRY, Lister
from flowrouter.gateway.ports import ModelList
from flowrouter.providers import catalog
from flowrouter.providers.preset import Preset
from flowrouter.wire import json
from flowrouter.wire.http import HttpRequest
from tests.contracts.fakes import FakeClock

SECRET = "sk-canary-0123456789"


class Reply:
    def __init__(self, status: int, pieces: Sequence[bytes | Exception | None]) -> None:
        self.status = status
        self.headers: dict[str, str] = {}
        self._pieces = list(pieces)
        self.closed = False

    async def read(self) -> bytes:
        if not self._pieces:
            return b""
        piece = self._pieces.pop(0)
        if piece is None:
            await asyncio.Event().wait()
        if isinstance(piece, Exception):
            raise piece
        assert piece is not None
        return piece

    def close(self) -> None:
        self.closed = True


class Provider:
    """Answers with what it is given, in order."""

    def __init__(self, *replies: Reply | Exception) -> None:
        self._replies = list(replies)
        self.requests: list[HttpRequest] = []

    async def send(self, request: HttpRequest) -> Any:
        self.requests.append(request)
        reply = self._replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def close(self) -> None:
        pass


class Store:
    def __init__(self, *, broken: bool = False) -> None:
        self.kept: list[ModelList] = []
        self._broken = broken

    async def put(self, model_list: ModelList) -> None:
        if self._broken:
            raise StorageError("the disk is full")
        self.kept.append(model_list)


def account(name: str = "work", preset: str = "openai", **fields: Any) -> tuple[Account, Preset]:
    made = Account(id=name, name=name, preset=preset, owner_id="local", api_key=Secret(SECRET), **fields)
    return made, catalog.packaged().get(preset)


def models(*names: str, **more: Any) -> Reply:
    return Reply(200, [json.dumps({"object": "list", "data": [{"id": name} for name in names], **more})])


def lister(provider: Provider, clock: FakeClock, store: Store | None = None, **timeouts: float) -> Lister:
    return Lister(
        provider, store or Store(), clock=clock, timeouts=Timeouts(**timeouts), log=logs.get("test")
    )


def names(held: Lister, account_id: str = "work") -> list[str]:
    return [model.id for model in held.lists[account_id]]


async def test_a_list_is_asked_for_once_a_day() -> None:
    provider, clock, changes = Provider(models("a", "b"), models("c")), FakeClock(), []
    held = lister(provider, clock)
    for _ in range(3):
        await held.refresh([account()], lambda: changes.append(1))
    assert (names(held), len(provider.requests), len(changes)) == (["a", "b"], 1, 1)
    clock.advance(FRESH - 1)
    await held.refresh([account()], lambda: changes.append(1))
    assert len(provider.requests) == 1
    clock.advance(1)
    await held.refresh([account()], lambda: changes.append(1))
    assert (names(held), len(changes)) == (["c"], 2)


async def test_a_stored_list_is_good_for_the_rest_of_its_day() -> None:
    provider, clock = Provider(models("a")), FakeClock()
    held = lister(provider, clock)
    held.know("work", clock.now() - FRESH + 10)
    await held.refresh([account()], lambda: None)
    assert provider.requests == []
    clock.advance(10)
    await held.refresh([account()], lambda: None)
    assert names(held) == ["a"]


@pytest.mark.parametrize(
    "failure",
    [
        Reply(500, [b"oops"]),
        Reply(401, [b'{"error":"bad key"}']),
        Reply(200, [b"<html>"]),
        Reply(200, [b'{"data":5}']),
        Reply(200, [b""]),
        Reply(200, [b"{", UpstreamError("cut", kind="reset")]),
        UpstreamError("no route", kind="connect"),
    ],
)
async def test_a_failure_keeps_the_last_good_list_and_is_tried_again_sooner(
    failure: Reply | Exception,
) -> None:
    provider, clock = Provider(models("good"), failure, models("new")), FakeClock()
    held = lister(provider, clock)
    await held.refresh([account()], lambda: None)
    clock.advance(FRESH)
    await held.refresh([account()], lambda: pytest.fail("nothing changed"))
    assert names(held) == ["good"]
    assert not isinstance(failure, Reply) or failure.closed
    clock.advance(RETRY)
    await held.refresh([account()], lambda: None)
    assert names(held) == ["new"]


async def test_one_account_that_fails_does_not_stop_the_others() -> None:
    provider = Provider(UpstreamError("down", kind="connect"), models("b"))
    held = lister(provider, FakeClock())
    await held.refresh([account("a"), account("b")], lambda: None)
    assert list(held.lists) == ["b"]


async def test_an_account_that_cannot_be_asked_is_skipped() -> None:
    held = lister(Provider(models("b")), FakeClock())
    await held.refresh([account("a", "custom-openai"), account("b")], lambda: None)
    assert list(held.lists) == ["b"]


@pytest.mark.parametrize("fields", [{"enabled": False}, {"problem": "no key"}, {"models": ("only", "these")}])
async def test_accounts_that_are_not_asked(fields: dict[str, Any]) -> None:
    provider = Provider()
    await lister(provider, FakeClock()).refresh([account(**fields)], lambda: None)
    assert provider.requests == []


async def test_pages_are_followed() -> None:
    pages = [models("a", "b", has_more=True, last_id="b"), models("b", "c", has_more=False, last_id="c")]
    provider = Provider(*pages)
    held = lister(provider, FakeClock())
    await held.refresh([account(preset="anthropic")], lambda: None)
    assert names(held) == ["a", "b", "c"]
    assert "after_id=b" in provider.requests[1].url
    assert all(page.closed for page in pages)


async def test_pages_that_never_end_do() -> None:
    turning = [models("a", has_more=True, last_id="a") for _ in range(3)]
    held = lister(Provider(*turning), FakeClock())
    await held.refresh([account(preset="anthropic")], lambda: None)
    assert names(held) == ["a"]
    endless = Provider(*(models(f"m{n}", has_more=True, last_id=f"m{n}") for n in range(200)))
    held = lister(endless, FakeClock())
    await held.refresh([account(preset="anthropic")], lambda: None)
    assert len(endless.requests) == model_lists.PAGES_MAX


async def test_a_silent_provider_is_given_up_and_let_go() -> None:
    silent = Reply(200, [b'{"data":[', None])
    held = lister(Provider(silent), FakeClock(), first_byte=0.01)
    await held.refresh([account()], lambda: None)
    assert held.lists == {}
    assert silent.closed


async def test_an_endless_list_is_cut_and_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_lists, "_BODY_MAX", 100)
    endless = Reply(200, [b"x" * 60] * 10)
    held = lister(Provider(endless), FakeClock())
    with pytest.raises(UpstreamError, match="too large"):
        await held.fetch(*account())
    assert endless.closed


async def test_a_store_that_fails_does_not_cost_the_list() -> None:
    held = lister(Provider(models("a")), FakeClock(), Store(broken=True))
    await held.refresh([account()], lambda: None)
    assert names(held) == ["a"]


async def test_what_is_stored_is_the_list_and_no_secret() -> None:
    store, clock = Store(), FakeClock()
    held = lister(Provider(models("a", "b")), clock, store)
    await held.renew(*account())
    (kept,) = store.kept
    assert (kept.account_id, kept.owner_id, kept.fetched_at_ms) == ("work", "local", int(clock.now() * 1000))
    assert [row["id"] for row in json.loads(kept.body)] == ["a", "b"]
    assert SECRET.encode() not in kept.body


async def test_failures_do_not_repeat_what_the_provider_said() -> None:
    held = lister(Provider(Reply(401, [b"Incorrect API key provided: " + SECRET.encode()])), FakeClock())
    with pytest.raises(UpstreamError) as caught:
        await held.fetch(*account())
    assert SECRET not in str(caught.value)
    assert caught.value.status == 401
    with pytest.raises(ConfigError):
        await held.fetch(*account(preset="custom-openai"))
