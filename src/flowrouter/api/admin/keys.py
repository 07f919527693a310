"""`/api/keys`: the keys that callers of the gateway show; a token is told once, at its making."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from flowrouter.api.admin.call import Call
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.paging import paged
from flowrouter.httpkit.keys import GatewayKey, KeyPolicy

Scope = Literal["admin"]
State = Literal["live", "expired", "revoked"]

_FIRST = "from now on every call to the gateway needs a key"
_LAST = "no key is left: calls from this machine need none again"
_LAST_ABROAD = (
    "no key is left: the gateway answers nobody until there is one, since it listens beyond this machine"
)


class KeyDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to make; the scope `admin` adds the use of `/api` for what the key's owner has.

    `policy` is what holds for its requests: see `KeyPolicy`.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    scopes: tuple[Scope, ...] = ()
    expires_at_ms: int | None = None
    policy: KeyPolicy = KeyPolicy()


class KeyShown(msgspec.Struct, frozen=True, kw_only=True):
    """A key without its token; `shown` is the token's beginning."""

    id: str
    name: str
    owner_id: str
    shown: str
    scopes: tuple[str, ...]
    state: State
    created_at_ms: int
    expires_at_ms: int | None
    revoked_at_ms: int | None
    last_used_at_ms: int | None
    policy: KeyPolicy


class NewKey(KeyShown, frozen=True, kw_only=True):
    """A new key with its `token`, which cannot be shown again."""

    token: str


async def list_keys(call: Call) -> Reply:
    """Return the keys, newest first, revoked ones included."""
    owner = call.visitor.owner_id
    found = await call.ask(lambda store: store.keys.list(owner_id=owner))
    rows = [shown(key, call) for key in found]
    return paged(rows, call.query, key=lambda row: (-row.created_at_ms, row.id))


async def create_key(call: Call) -> Reply:
    """Mint a key; it works when this returns."""
    draft: KeyDraft = call.body
    name = draft.name.strip()
    if not name:
        raise refusal("`name` is blank", param="name")
    if draft.expires_at_ms is not None and not _now_ms(call) < draft.expires_at_ms < 2**62:
        raise refusal(
            "`expires_at_ms` is not in the future", param="expires_at_ms", fix="milliseconds since the epoch"
        )
    first = not len(call.deps.world().ring)
    key, minted = await call.ask(
        lambda store: store.keys.create(
            name,
            owner_id=call.visitor.home,
            scopes=draft.scopes,
            expires_at_ms=draft.expires_at_ms,
            policy=draft.policy,
        )
    )
    notices = (*((_FIRST,) if first else ()), *await call.publish())
    seen = shown(key, call)
    data = NewKey(token=minted.token, **{name: getattr(seen, name) for name in seen.__struct_fields__})
    return Reply(data=data, notices=notices)


async def revoke_key(call: Call) -> Reply:
    """Make a key useless for good; it is refused when this returns."""
    before = len(call.deps.world().ring)
    key = await call.ask(lambda store: store.keys.revoke(call.rest, owner_id=call.visitor.owner_id))
    notices = await call.publish()
    world = call.deps.world()
    if before and not len(world.ring):
        notices = (_LAST_ABROAD if world.protected else _LAST, *notices)
    return Reply(data=shown(key, call), notices=notices)


def shown(key: GatewayKey, call: Call) -> KeyShown:
    """Return what may be seen of `key`."""
    names = [name for name in KeyShown.__struct_fields__ if name != "state"]
    return KeyShown(state=_state(key, _now_ms(call)), **{name: getattr(key, name) for name in names})


def _state(key: GatewayKey, now_ms: int) -> State:
    if key.revoked_at_ms is not None:
        return "revoked"
    return "expired" if key.expires_at_ms is not None and key.expires_at_ms <= now_ms else "live"


def _now_ms(call: Call) -> int:
    return int(call.deps.clock.now() * 1000)


__all__ = ["KeyDraft", "KeyShown", "NewKey", "create_key", "list_keys", "revoke_key"]
