"""Keeps each account's live model list fresh: asked for in the background, never waited for.

A list is good for a day. A failure keeps the last good list, and the next try comes sooner. Accounts
with a manual list are not asked, since theirs wins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from flowrouter.accounts.account import Account
from flowrouter.clock import Clock
from flowrouter.config import Timeouts
from flowrouter.errors import ConfigError, StorageError, UpstreamError
from flowrouter.gateway.ports import ModelList, ModelLists
from flowrouter.logs import Logger
from flowrouter.providers import adapter, listing
from flowrouter.providers.listing import ListedModel
from flowrouter.providers.preset import Preset
from flowrouter.upstream import Transport
from flowrouter.wire.http import HttpRequest

FRESH = 24 * 3600.0
RETRY = 300.0
PAGES_MAX = 50
_BODY_MAX = 32 * 1024 * 1024


class Lister:
    """Fetches model lists; `lists` holds what was fetched by this process, by account id."""

    def __init__(
        self, transport: Transport, store: ModelLists, *, clock: Clock, timeouts: Timeouts, log: Logger
    ) -> None:
        self._transport = transport
        self._store = store
        self._clock = clock
        self._timeouts = timeouts
        self._log = log
        self._due: dict[str, float] = {}
        self.lists: dict[str, tuple[ListedModel, ...]] = {}

    def know(self, account_id: str, fetched_at: float) -> None:
        """Take note of a stored list, so that a fresh one is not asked for again."""
        self._due[account_id] = fetched_at + FRESH

    async def refresh(self, accounts: list[tuple[Account, Preset]], changed: Callable[[], None]) -> None:
        """Ask every account whose list is due, all at once; `changed` is called after each new list."""

        async def one(account: Account, preset: Preset) -> None:
            try:
                await self.renew(account, preset)
            except (UpstreamError, ConfigError) as error:
                self._due[account.id] = self._clock.now() + RETRY
                self._log.info("no model list", account=account.name, reason=error.message)
            except Exception as error:  # noqa: BLE001 - one odd provider must not keep the others' lists away
                self._due[account.id] = self._clock.now() + RETRY
                self._log.error("a model list cannot be read", error=error, account=account.name)
            else:
                changed()

        await asyncio.gather(*(one(*pair) for pair in accounts if self._is_due(*pair)))

    async def renew(self, account: Account, preset: Preset) -> tuple[ListedModel, ...]:
        """Ask one account now and keep the answer; raises `UpstreamError`, `ConfigError`."""
        models = await self.fetch(account, preset)
        await self._keep(account, models)
        return models

    async def fetch(self, account: Account, preset: Preset) -> tuple[ListedModel, ...]:
        """Return the whole list of one account; raises `UpstreamError`, `ConfigError`."""
        models: dict[str, ListedModel] = {}
        page: tuple[tuple[str, str], ...] = ()
        for _ in range(PAGES_MAX):
            request = adapter.build_listing(
                preset,
                api_key=account.api_key.reveal() if account.api_key else None,
                base_url=account.base_url,
                account_headers={name: value.reveal() for name, value in account.headers},
                page=page,
            )
            found = listing.parse(preset.models.shape, await self._get(request))
            models.update((model.id, model) for model in found.models)
            if not found.next_page or found.next_page == page:
                break
            page = found.next_page
        return tuple(models.values())

    async def _get(self, request: HttpRequest) -> bytes:
        pieces: list[bytes] = []
        try:
            async with asyncio.timeout(self._timeouts.first_byte):
                reply = await self._transport.send(request)
                try:
                    while piece := await reply.read():
                        pieces.append(piece)
                        if sum(map(len, pieces)) > _BODY_MAX:
                            raise UpstreamError("the model list is too large", kind="protocol")
                finally:
                    reply.close()
        except TimeoutError:
            raise UpstreamError("the model list did not come in time", kind="timeout") from None
        if reply.status != 200:
            raise UpstreamError(
                f"the provider answered {reply.status} when asked for its models",
                kind="status",
                status=reply.status,
            )
        return b"".join(pieces)

    async def _keep(self, account: Account, models: tuple[ListedModel, ...]) -> None:
        now = self._clock.now()
        self.lists[account.id] = models
        self._due[account.id] = now + FRESH
        stored = ModelList(
            account_id=account.id,
            owner_id=account.owner_id,
            fetched_at_ms=int(now * 1000),
            body=msgspec.json.encode(models),
        )
        try:
            await self._store.put(stored)
        except StorageError as error:
            self._log.warning("a model list could not be kept", account=account.name, reason=error.message)

    def _is_due(self, account: Account, preset: Preset) -> bool:
        if not account.enabled or account.problem or account.models or preset.models.shape == "none":
            return False
        return self._clock.now() >= self._due.get(account.id, 0.0)


__all__ = ["FRESH", "Lister"]
