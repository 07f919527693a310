"""`/api/status` and `/api/handover`: the gateway about itself, and links that sign browsers in."""

from __future__ import annotations

import msgspec

from flowrouter import __version__
from flowrouter.api.admin.call import Call
from flowrouter.api.admin.envelope import Reply
from flowrouter.api.admin.handover import CODE_SECONDS
from flowrouter.api.admin.warnings import Warned, warnings_of
from flowrouter.errors import StorageError
from flowrouter.gateway.ports import LogHealth
from flowrouter.gateway.reload_state import ReloadState
from flowrouter.httpkit.keys import LOCAL_OWNER


class Nothing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body or query without members."""


class StoreStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the store answers now, and how the request log does."""

    ok: bool
    error: str | None
    log: LogHealth


class SnapshotStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration in force; `age_s` is 0 while the store answers."""

    version: int
    age_s: float


class ConfigStatus(ReloadState, frozen=True, kw_only=True):
    """The configuration file: whether what stands in it is in force, and if not, why."""

    ok: bool


class BaseUrls(msgspec.Struct, frozen=True, kw_only=True):
    """What clients are configured with, as this caller reaches the gateway."""

    openai: str
    anthropic: str


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The running gateway; `keys` counts live gateway keys.

    `problems` are sentences for people, `warnings` all that should be looked at, with what to do.
    """

    version: str
    uptime_s: float
    base_urls: BaseUrls
    accounts: int
    usable_accounts: int
    keys: int
    key_needed: bool
    store: StoreStatus
    snapshot: SnapshotStatus
    config: ConfigStatus
    problems: tuple[str, ...]
    warnings: tuple[Warned, ...]


class HandoverLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that signs one browser in, once."""

    url: str
    expires_at_ms: int


async def get_status(call: Call) -> Reply:
    """Return how the gateway does."""
    world = call.deps.world()
    own = call.world.facts.accounts
    store = await _store(call)
    keys = sum(1 for key in world.ring if call.visitor.owns(key.owner_id))
    data = Status(
        version=__version__,
        uptime_s=round(call.deps.clock.monotonic() - call.deps.started, 3),
        base_urls=base_urls(call.address),
        accounts=sum(1 for account in call.accounts() if account.source != "found"),
        usable_accounts=sum(1 for account in own if account.enabled and not account.problem),
        keys=keys,
        key_needed=world.protected or len(world.ring) > 0,
        store=store,
        snapshot=SnapshotStatus(version=world.version, age_s=round(call.deps.snapshot_age(), 3)),
        config=_config(call),
        problems=_problems(call),
        warnings=await warnings_of(call, health=store.log, store_ok=store.ok),
    )
    return Reply(data=data)


async def create_handover(call: Call) -> Reply:
    """Return a link for one more browser, good for ten minutes."""
    call.operator_only("sign a browser in")
    code = call.deps.handover.handover_code(lifetime=CODE_SECONDS)
    ends = int((call.deps.clock.now() + CODE_SECONDS) * 1000)
    return Reply(data=HandoverLink(url=f"{call.address}/?token={code}", expires_at_ms=ends))


def base_urls(address: str) -> BaseUrls:
    """Return the base URLs below `address`."""
    return BaseUrls(openai=f"{address}/v1", anthropic=address)


async def _store(call: Call) -> StoreStatus:
    health = call.deps.log_health()
    error: str | None = None
    try:
        await call.ask(lambda store: store.settings.get(owner_id=LOCAL_OWNER))
    except StorageError as failure:
        error = failure.message
    ok = error is None
    if not call.visitor.is_operator:  # file names are the operator's business
        error = None if ok else "the store does not answer"
        health = msgspec.structs.replace(health, last_error=None)
    return StoreStatus(ok=ok, error=error, log=health)


def _config(call: Call) -> ConfigStatus:
    state = ReloadState() if call.deps.reloads is None else call.deps.reloads()
    ok = state.error is None
    if not call.visitor.is_operator:
        state = ReloadState(loaded_at_ms=state.loaded_at_ms, reloads=state.reloads)
    return ConfigStatus(ok=ok, **msgspec.structs.asdict(state))


def _problems(call: Call) -> tuple[str, ...]:
    found: list[str] = list(call.deps.world().problems) if call.visitor.is_operator else []
    found += [
        f"account {account.name}: {account.problem}"
        for account in call.world.facts.accounts
        if account.problem
    ]
    return tuple(dict.fromkeys(found))


__all__ = [
    "ConfigStatus",
    "HandoverLink",
    "Nothing",
    "Status",
    "base_urls",
    "create_handover",
    "get_status",
]
