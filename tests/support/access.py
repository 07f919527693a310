"""Processes in front of one token endpoint, in virtual time: for tests of accounts with access tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import parse_qs

import msgspec

from flowrouter import logs
from flowrouter.accounts.account import Account
from flowrouter.accounts.oauth import Token, opened
from flowrouter.accounts.refresh import Pause, Refresher
from flowrouter.errors import StorageError, UpstreamError
from flowrouter.settings.oauth import OAuthConfig
from flowrouter.tasks import TaskGroup
from flowrouter.wire.http import HttpRequest
from tests.playbooks.stage import VirtualClock, VirtualLoop

LIFE = 3_600
Told = TypeVar("Told")


def account(name: str = "main", **changes: Any) -> Account:
    terms: dict[str, Any] = {
        "token_url": "https://login.example.com/token", "client_id": "c", "refresh_token": f"{name}/0",
    }  # fmt: skip
    return Account(
        id=f"acc_{name}", name=name, preset="custom-openai", owner_id="local",
        oauth=opened(OAuthConfig(**(terms | changes))),
    )  # fmt: skip


class Endpoint:
    """Grants a token for the newest refresh token only, after a second; `fail` is answered instead."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fail: list[tuple[int, bytes] | UpstreamError] = []
        self.life: int | None = LIFE
        self.rotates = True
        self.takes = 1.0

    async def send(self, request: HttpRequest) -> Any:
        shown = parse_qs(request.body.decode())["refresh_token"][0]
        self.calls.append(shown)
        await asyncio.sleep(self.takes)
        if self.fail:
            outcome = self.fail.pop(0)
            if isinstance(outcome, UpstreamError):
                raise outcome
            return _Reply(*outcome)
        name, _, number = shown.partition("/")
        granted = len([call for call in self.calls if call.startswith(f"{name}/")])
        if self.rotates and int(number) != granted - 1:
            return _Reply(400, b'{"error":"invalid_grant"}')
        answer: dict[str, Any] = {"access_token": f"{name}-access-{granted}"}
        if self.life is not None:
            answer["expires_in"] = self.life
        if self.rotates:
            answer["refresh_token"] = f"{name}/{granted}"
        return _Reply(200, msgspec.json.encode(answer))

    async def close(self) -> None:
        pass


class _Reply:
    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.headers, self._body = status, {}, [body]

    async def read(self) -> bytes:
        return self._body.pop() if self._body else b""

    def close(self) -> None:
        pass


class Place:
    """What processes share; every look takes a moment, as a real one does."""

    def __init__(self) -> None:
        self.tokens: dict[str, Token] = {}
        self.pauses: dict[str, Pause] = {}
        self.locks: dict[str, str] = {}
        self.away = False
        self.log: list[str] = []

    async def _look(self) -> None:
        await asyncio.sleep(0.001)
        if self.away:
            raise StorageError("the store is away")

    async def load(self, account: Account) -> Token | None:
        await self._look()
        return self.tokens.get(account.id)

    async def save(self, account: Account, token: Token) -> None:
        await self._look()
        self.log.append(f"saved {token.access_token}")
        self.tokens[account.id] = token

    async def pause_of(self, account: Account) -> Pause | None:
        await self._look()
        return self.pauses.get(account.id)

    async def pause(self, account: Account, pause: Pause, *, ttl: float) -> None:
        await self._look()
        self.pauses[account.id] = pause

    async def take(self, name: str, holder: str, *, ttl: float) -> bool:
        await self._look()
        return self.locks.setdefault(name, holder) == holder

    async def leave(self, name: str, holder: str) -> None:
        await self._look()
        if self.locks.get(name) == holder:
            del self.locks[name]


class Town:
    """Several processes in front of one token endpoint."""

    def __init__(self) -> None:
        self.endpoint, self.place = Endpoint(), Place()
        self.failures: list[BaseException] = []
        self.changes = 0

    def process(self) -> Refresher:
        made = Refresher(
            self.endpoint, self.place, locks=(self.place,), clock=VirtualClock(),
            tasks=TaskGroup(lambda _, error: self.failures.append(error)), log=logs.get("test"),
        )  # fmt: skip
        made.changed = self._changed
        return made

    def _changed(self) -> None:
        self.changes += 1


def live(story: Callable[[Town], Awaitable[Told]]) -> Told:
    async def perform() -> Told:
        town = Town()
        told = await story(town)
        assert not town.failures
        assert not town.place.locks, "every lock is given back"
        return told

    loop = VirtualLoop()
    try:
        return loop.run_until_complete(perform())
    finally:
        loop.close()


__all__ = ["LIFE", "Endpoint", "Place", "Town", "account", "live"]
