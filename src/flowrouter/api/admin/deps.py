"""What the management API is given: views of the running gateway and ways to change it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import msgspec

from flowrouter.api.admin.handover import Handover
from flowrouter.api.trying import Try
from flowrouter.canonical.dialect import Dialect
from flowrouter.clock import Clock
from flowrouter.config import Config
from flowrouter.gateway.backups import Backups
from flowrouter.gateway.combo_store import Combos
from flowrouter.gateway.ledger import Ledger
from flowrouter.gateway.people import AuditBook, LoginSessions, Users
from flowrouter.gateway.planner import Planner
from flowrouter.gateway.ports import (
    Accounts,
    Keys,
    LogHealth,
    Ownership,
    ReceiptStore,
    Requests,
    Settings,
    StateStore,
)
from flowrouter.gateway.quota_states import QuotaStates
from flowrouter.gateway.recording import Recordings
from flowrouter.gateway.reload_state import ReloadState
from flowrouter.gateway.target_states import TargetState
from flowrouter.gateway.traffic import Traffic
from flowrouter.gateway.world import World
from flowrouter.providers.catalog import Catalog
from flowrouter.providers.listing import ListedModel
from flowrouter.upstream.transport import Transport

ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]


class Repositories(Protocol):
    """The stored half of the gateway; every method of every member blocks."""

    @property
    def accounts(self) -> Accounts:
        """Return the stored accounts."""
        ...

    @property
    def ownership(self) -> Ownership:
        """Return which applied file owns what."""
        ...

    def together(self) -> AbstractContextManager[None]:
        """Make one transaction of all that this thread asks meanwhile; whatever fails leaves all as it was."""
        ...

    @property
    def combos(self) -> Combos:
        """Return the stored combos."""
        ...

    @property
    def keys(self) -> Keys:
        """Return the gateway keys."""
        ...

    @property
    def settings(self) -> Settings:
        """Return the settings documents."""
        ...

    @property
    def requests(self) -> Requests:
        """Return the request log."""
        ...

    @property
    def traffic(self) -> Traffic:
        """Return the request log as charts."""
        ...

    @property
    def recordings(self) -> Recordings:
        """Return what was recorded of requests."""
        ...

    @property
    def ledger(self) -> Ledger:
        """Return the books of money."""
        ...

    @property
    def users(self) -> Users:
        """Return who may log in with a password."""
        ...

    @property
    def sessions(self) -> LoginSessions:
        """Return the browsers that are signed in."""
        ...

    @property
    def audit(self) -> AuditBook:
        """Return the book of changes."""
        ...


StoreKind = Literal["sqlite", "postgresql"]


class StoreAbout(msgspec.Struct, frozen=True, kw_only=True):
    """What the store is, and about how much it holds; `bytes` is null where that cannot be told now."""

    kind: StoreKind
    bytes: int | None


class AccountTestStep(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a test of an account did; `at_ms` counts from the test's beginning."""

    at_ms: int
    name: str
    text: str
    ok: bool


Hear = Callable[[AccountTestStep], Awaitable[None]]
"""Told of a test's steps as they happen."""


class AccountTester(Protocol):
    """Makes the call that shows whether an account works."""

    async def __call__(self, account_id: str, hear: Hear | None = None) -> AccountTest:
        """Return what was found; raises `UpstreamError` or `ConfigError` where it cannot even try."""
        ...


class AccountTest(msgspec.Struct, frozen=True, kw_only=True):
    """What one real, tiny call through an account found; `models` counts its list, None without one."""

    ok: bool
    model: str | None = None
    dialect: Dialect | None = None
    reply: str | None = None
    took_ms: int | None = None
    models: int | None = None
    error: str | None = None
    advice: str | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class AdminDeps:
    """Everything the routes need.

    `management` may open the store at its first call; it is called off the event loop, one call at a
    time. `reload` publishes the configuration as stored and is awaited after each change.
    `refresh_models` asks an account's provider for its list and keeps it; it raises `UpstreamError`
    or `ConfigError`, as does `test_account` where it cannot even try; without `test_account` a test
    asks for the list only. `secret` is the key of what browsers are given, `transport` reaches the provider
    that people log in with. `holder` is this process's name in the books of budgets, `ending` says that the
    gateway is about to end. `started` is monotonic seconds; `snapshot_age` is seconds, 0 while the
    store answers. `targets` are the states of what was used or pauses; `resume` ends an account's pauses and
    counts them. `quotas` tells what is left of accounts, None where nobody counts.
    `converse` answers as the data plane does, None where there is none; `features` are the names of those loaded,
    `state_away` tells for how many seconds the shared state has been out of reach, `backup_trouble` why the last
    scheduled backup was not made. `store_about` blocks.
    `config` is as it was at the start, `live` as the file was read last; `reloads` tells how that went.
    """

    world: Callable[[], World]
    management: Callable[[], Repositories]
    reload: Callable[[], Awaitable[None]]
    refresh_models: Callable[[str], Awaitable[Sequence[ListedModel]]]
    catalog: Catalog
    config: Config
    token: str
    handover: Handover
    log_health: Callable[[], LogHealth]
    clock: Clock
    receipts: ReceiptStore
    started: float
    snapshot_age: Callable[[], float]
    planner: Planner
    targets: Callable[[], Sequence[TargetState]]
    resume: Callable[[str], Awaitable[int]]
    state: StateStore
    secret: bytes
    transport: Transport
    holder: str = ""
    ending: Callable[[], bool] = bool
    test_account: AccountTester | None = None
    live: Callable[[], Config] | None = None
    reloads: Callable[[], ReloadState] | None = None
    quotas: QuotaStates | None = None
    backups: Backups | None = None
    converse: Try | None = None
    features: tuple[str, ...] = ()
    state_away: Callable[[], float | None] | None = None
    store_about: Callable[[], StoreAbout] | None = None
    backup_trouble: Callable[[], str | None] | None = None

    @property
    def present(self) -> Config:
        """Return the settings as the configuration file was read last."""
        return self.config if self.live is None else self.live()


__all__ = [
    "ASGIApp",
    "AccountTest",
    "AccountTestStep",
    "AccountTester",
    "AdminDeps",
    "Hear",
    "Repositories",
    "StoreAbout",
    "StoreKind",
]
