"""`/api/keys`: the keys that callers of the gateway show; a token is told once, at its making."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from flowrouter.api.admin.access import ADMIN
from flowrouter.api.admin.call import Call
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.ownership import ownership
from flowrouter.api.admin.paging import paged
from flowrouter.api.admin.patching import merged
from flowrouter.api.admin.preconditions import expected_version, version_tag
from flowrouter.api.admin.reading import NO_CONTROLS, shaped
from flowrouter.api.admin.roles import refuse_below
from flowrouter.gateway.ports import KeyChange
from flowrouter.httpkit.keys import GatewayKey, KeyPolicy, KeyState
from flowrouter.settings.managed import ManagedBy

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=NO_CONTROLS)]
Owner = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Scope = Literal["admin", "metrics"]

_FIRST = "from now on every call to the gateway needs a key"
_LAST = "no key is left: calls from this machine need none again"
_LAST_ABROAD = (
    "no key is left: the gateway answers nobody until there is one, since it listens beyond this machine"
)


class KeyDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to make; the scope `admin` adds the use of `/api` for what the key's owner has, `metrics` of `/metrics`.

    `policy` is what holds for its requests: what it may use, how much, and how they are treated (`KeyPolicy`).
    `owner` is whose state its requests see (kept answers, receipts); only the operator may name one.
    """

    name: Name
    owner: Owner | None = None
    scopes: tuple[Scope, ...] = ()
    expires_at_ms: int | None = None
    enabled: bool = True
    policy: KeyPolicy = KeyPolicy()


class KeyPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A JSON merge patch: what is left out stays, null goes back to the default; members of `policy` merge."""

    name: Name | UnsetType = UNSET
    scopes: tuple[Scope, ...] | UnsetType | None = UNSET
    expires_at_ms: int | UnsetType | None = UNSET
    enabled: bool | UnsetType | None = UNSET
    policy: dict[str, Any] | UnsetType | None = UNSET


class KeyShown(msgspec.Struct, frozen=True, kw_only=True):
    """A key without its token; `shown` is the token's beginning, `version` its ETag.

    `broken` is a stored key that this version does not understand: `problem` says why, and it lets nobody in.
    """

    id: str
    name: str
    owner_id: str
    shown: str
    scopes: tuple[str, ...]
    state: KeyState
    created_at_ms: int
    expires_at_ms: int | None
    disabled_at_ms: int | None
    revoked_at_ms: int | None
    last_used_at_ms: int | None
    policy: KeyPolicy
    version: int
    problem: str | None
    managed_by: ManagedBy
    managed_in: str | None
    managed_fields: tuple[str, ...]


class NewKey(KeyShown, frozen=True, kw_only=True):
    """A new key with its `token`, which cannot be shown again."""

    token: str


class _Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A policy under its own name, so that a mistake is told with its whole path."""

    policy: KeyPolicy


async def list_keys(call: Call) -> Reply:
    """Return the keys, newest first, revoked ones included."""
    owner = call.visitor.owner_id
    found = await call.ask(lambda store: store.keys.list(owner_id=owner))
    rows = [shown(key, call) for key in found]
    return paged(rows, call.query, key=lambda row: (-row.created_at_ms, row.id))


async def get_key(call: Call) -> Reply:
    """Return one key; the ETag is for `If-Match`."""
    key = await _stored(call)
    return Reply(data=shown(key, call), headers=version_tag(key.version))


async def create_key(call: Call) -> Reply:
    """Mint a key; it works when this returns."""
    draft: KeyDraft = call.body
    name = _checked_name(draft.name)
    _check_end(draft.expires_at_ms, call)
    if draft.owner is not None:
        call.operator_only("name the owner of a key")
    _check_scopes(draft.scopes, call)
    first = not len(call.deps.world().ring)
    key, minted = await call.ask(
        lambda store: store.keys.create(
            name,
            owner_id=draft.owner or call.visitor.home,
            scopes=draft.scopes,
            expires_at_ms=draft.expires_at_ms,
            policy=draft.policy,
            enabled=draft.enabled,
        )
    )
    notices = (*((_FIRST,) if first else ()), *await call.publish())
    seen = shown(key, call)
    data = NewKey(token=minted.token, **{name: getattr(seen, name) for name in seen.__struct_fields__})
    headers = {**version_tag(key.version), "location": f"/api/keys/{key.id}"}
    return Reply(data=data, notices=notices, headers=headers)


async def change_key(call: Call) -> Reply:
    """Apply a merge patch to a key; with `If-Match` only to the version the caller has seen."""
    patch: KeyPatch = call.body
    expected = expected_version(call, "key")
    key = await _stored(call)
    _refuse_above(key, patch, call)
    # What was merged with the policy read just now must meet that very policy in the store.
    version = key.version if expected is None and patch.policy is not UNSET else expected
    change = _change(key, patch, call)
    changed = await call.ask(
        lambda store: store.keys.update(
            key.id,
            change,
            owner_id=call.visitor.owner_id,
            if_version=version,
            detach=call.query.detach,
        )
    )
    return Reply(
        data=shown(changed, call), notices=await call.publish(), headers=version_tag(changed.version)
    )


async def revoke_key(call: Call) -> Reply:
    """Make a key useless for good; it is refused when this returns."""
    before = len(call.deps.world().ring)
    version = expected_version(call, "key")
    key = await call.ask(
        lambda store: store.keys.revoke(
            call.rest,
            owner_id=call.visitor.owner_id,
            if_version=version,
            detach=call.query.detach,
        )
    )
    notices = await call.publish()
    world = call.deps.world()
    if before and not len(world.ring):
        notices = (_LAST_ABROAD if world.protected else _LAST, *notices)
    return Reply(data=shown(key, call), notices=notices, headers=version_tag(key.version))


def shown(key: GatewayKey, call: Call) -> KeyShown:
    """Return what may be seen of `key`."""
    owner = msgspec.structs.asdict(ownership(key.managed))
    names = [name for name in KeyShown.__struct_fields__ if name != "state" and name not in owner]
    return KeyShown(state=key.state(_now_ms(call)), **owner, **{name: getattr(key, name) for name in names})


def _change(key: GatewayKey, patch: KeyPatch, call: Call) -> KeyChange:
    """Return what to store for `patch`; raises `CallerError`."""
    sent = {name: getattr(patch, name) for name in patch.__struct_fields__}
    given: dict[str, Any] = {name: value for name, value in sent.items() if value is not UNSET}
    if "name" in given:
        given["name"] = _checked_name(given["name"])
    _check_scopes(given.get("scopes") or (), call)
    if given.get("expires_at_ms") is not None:
        _check_end(given["expires_at_ms"], call)
    defaults: dict[str, Any] = {"scopes": (), "enabled": True, "policy": {}}
    given = {name: defaults.get(name) if value is None else value for name, value in given.items()}
    if "policy" in given:
        # A null in place of the whole is the default.
        before = msgspec.to_builtins(key.policy) if patch.policy is not None else {}
        given["policy"] = shaped({"policy": merged(before, given["policy"])}, _Holder).policy
    return KeyChange(**given)


def _refuse_above(key: GatewayKey, patch: KeyPatch, call: Call) -> None:
    """Raise `CallerError` (403) for a change to a key that may do more than the caller, but to switch it off.

    Somebody may hold the token of a key that was switched off for that very reason.
    """
    sent = {name for name in patch.__struct_fields__ if getattr(patch, name) is not UNSET}
    if ADMIN in key.scopes and (sent != {"enabled"} or patch.enabled is not False):
        refuse_below(call.visitor.role, "admin", what="to change a key with the scope `admin`")


async def _stored(call: Call) -> GatewayKey:
    return await call.ask(lambda store: store.keys.get(call.rest, owner_id=call.visitor.owner_id))


def _checked_name(name: str) -> str:
    if not name.strip():
        raise refusal("`name` is blank", param="name")
    return name.strip()


def _check_scopes(scopes: Sequence[str], call: Call) -> None:
    """Raise `CallerError` (403) where somebody would let a key see more than they do themselves."""
    if "metrics" in scopes:
        call.operator_only("make a key that reads the metrics of all owners")


def _check_end(expires_at_ms: int | None, call: Call) -> None:
    if expires_at_ms is not None and not _now_ms(call) < expires_at_ms < 2**62:
        raise refusal(
            "`expires_at_ms` is not in the future", param="expires_at_ms", fix="milliseconds since the epoch"
        )


def _now_ms(call: Call) -> int:
    return int(call.deps.clock.now() * 1000)


__all__ = [
    "KeyDraft",
    "KeyPatch",
    "KeyShown",
    "NewKey",
    "change_key",
    "create_key",
    "get_key",
    "list_keys",
    "revoke_key",
    "shown",
]
