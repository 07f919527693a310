"""Asks providers what is left of accounts: the few that tell, rarely, through the guarded transport.

An account is asked at most once a minute; one that refuses is left alone for longer each time, up to a day.
Unasked it happens only for accounts that were used since the last answer (`quotas.refresh_minutes`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from flowrouter.accounts.account import Account
from flowrouter.accounts.oauth import RefreshError
from flowrouter.clock import Clock
from flowrouter.errors import ConfigError, UpstreamError
from flowrouter.gateway.quotas import Quotas
from flowrouter.gateway.world import World
from flowrouter.logs import Logger
from flowrouter.providers import adapter
from flowrouter.providers.preset import Preset
from flowrouter.upstream.transport import Transport
from flowrouter.usage.quota_bodies import fetched
from flowrouter.wire.http import HttpRequest

AGAIN = 60.0
"""Seconds between two questions to one account, whoever asks."""

_LONGEST = 86400.0
_LIMIT = 20.0
_BODY_MAX = 1024 * 1024
_LOOK_SECONDS = 30.0

Result = Literal["fetched", "recent", "waiting", "failed", "unsupported"]


class Fetch(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking: the answer, one of the last minute, a wait after failures, a failure, or nobody to ask."""

    account_id: str
    result: Result
    message: str = ""
    next_at: float | None = None


class QuotaFetch:
    """Asks for all accounts; what it needs is given once."""

    def __init__(
        self,
        quotas: Quotas,
        transport: Transport,
        *,
        world: Callable[[], World],
        ready: Callable[[Account], Awaitable[Account]],
        clock: Clock,
        log: Logger,
    ) -> None:
        self._quotas = quotas
        self._transport = transport
        self._world = world
        self._ready = ready
        self._clock = clock
        self._log = log
        self._asked: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._errors: dict[str, str] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    def can(self, account_id: str) -> bool:
        """Return whether the account's provider tells what is left of it."""
        preset = self._world().presets.get(account_id)
        return preset is not None and preset.quota is not None

    def error(self, account_id: str) -> str | None:
        """Return why the last question failed, None where it did not."""
        return self._errors.get(account_id)

    async def refresh(self, account_id: str) -> Fetch:
        """Ask an account's provider now, unless it was asked just before; never raises for what it answers."""
        async with self._asking.setdefault(account_id, asyncio.Lock()):
            world = self._world()
            account, preset = world.accounts.get(account_id), world.presets.get(account_id)
            if account is None or preset is None or preset.quota is None:
                return Fetch(account_id=account_id, result="unsupported", message="its provider tells nobody")
            next_at = self._next(account_id)
            if self._clock.now() < next_at:
                failed = self._errors.get(account_id)
                result: Result = "recent" if failed is None else "waiting"
                return Fetch(account_id=account_id, result=result, message=failed or "", next_at=next_at)
            return await self._fetch(account, preset)

    async def follow(self, minutes: float) -> None:
        """Ask for accounts in use, for ever, every so many minutes; 0: never."""
        while minutes > 0:
            await asyncio.sleep(_LOOK_SECONDS)
            now, used, self._quotas.used = self._clock.now(), self._quotas.used, set[str]()
            for account_id in used:
                if not self.can(account_id):
                    continue
                if now < max(self._asked.get(account_id, 0.0) + minutes * 60, self._next(account_id)):
                    self._quotas.used.add(account_id)
                else:
                    await self.refresh(account_id)

    def _next(self, account_id: str) -> float:
        asked = self._asked.get(account_id)
        if asked is None:
            return 0.0
        return asked + min(_LONGEST, AGAIN * 4 ** min(self._failures.get(account_id, 0), 8))

    async def _fetch(self, account: Account, preset: Preset) -> Fetch:
        assert preset.quota is not None
        self._asked[account.id] = self._clock.now()
        answers: list[bytes | None] = []
        problem = ""
        try:
            ready = await self._ready(account)
            for endpoint in preset.quota.endpoints:
                status, body = await self._get(adapter.build_quota(preset, endpoint, account=_shown(ready)))
                answers.append(body if status == 200 else None)
                if status != 200 and not problem:
                    problem = f"the provider answered {status} when asked for its quota"
        except (UpstreamError, ConfigError, RefreshError) as error:
            problem = error.message
        windows = fetched(preset.quota.shape, answers, now=self._clock.now()) if any(answers) else ()
        if not windows and (problem or not any(answers)):
            self._failures[account.id] = self._failures.get(account.id, 0) + 1
            self._errors[account.id] = problem
            self._log.info("no quota", account=account.name, reason=problem)
            return Fetch(
                account_id=account.id, result="failed", message=problem, next_at=self._next(account.id)
            )
        self._failures.pop(account.id, None)
        self._errors.pop(account.id, None)
        self._quotas.note(account.id, windows)
        return Fetch(account_id=account.id, result="fetched", next_at=self._next(account.id))

    async def _get(self, request: HttpRequest) -> tuple[int, bytes]:
        pieces: list[bytes] = []
        try:
            async with asyncio.timeout(_LIMIT):
                reply = await self._transport.send(request)
                try:
                    while piece := await reply.read():
                        pieces.append(piece)
                        if sum(map(len, pieces)) > _BODY_MAX:
                            raise UpstreamError("the account of the quota is too large", kind="protocol")
                finally:
                    reply.close()
        except TimeoutError:
            raise UpstreamError("the provider did not tell its quota in time", kind="timeout") from None
        return reply.status, b"".join(pieces)


def _shown(account: Account) -> adapter.Shown:
    return adapter.Shown(
        api_key=account.api_key.reveal() if account.api_key else None,
        base_url=account.base_url,
        headers={name: value.reveal() for name, value in account.headers},
    )


__all__ = ["AGAIN", "Fetch", "QuotaFetch", "Result"]
