"""`/api/accounts`: the accounts at providers, without their secrets.

Reading is from memory and works without the store; accounts of the configuration file and the embedded
model's are shown and cannot be changed here. One that was found waits to be adopted. A change of the hosts
that an account's secrets go to needs the secrets again: what nobody can read back, nobody can have sent
elsewhere.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from flowrouter import logs
from flowrouter.accounts.account import Account, AccountView, view
from flowrouter.accounts.oauth import secrets_in, written
from flowrouter.api.admin.account_rules import checked, find_preset, refuse_moved_secrets
from flowrouter.api.admin.call import Call
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.ownership import ownership
from flowrouter.api.admin.paging import paged
from flowrouter.api.admin.preconditions import refuse_other, tag_of
from flowrouter.api.admin.roles import refuse_below
from flowrouter.canonical.capabilities import Unsupported
from flowrouter.canonical.dialect import Dialect
from flowrouter.errors import CallerError
from flowrouter.gateway.adoption import dismiss, draft_of
from flowrouter.gateway.ports import AccountChange, AccountDraft
from flowrouter.gateway.quota_states import QuotaSummary
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.settings.managed import ManagedBy
from flowrouter.settings.oauth import OAuthConfig
from flowrouter.settings.quotas import QuotaLimit


class AccountShown(AccountView, frozen=True, kw_only=True):
    """An account with what the gateway makes of it.

    `read_only` accounts are not stored, those of the configuration file are declared at `declared_in`;
    `known_models` counts the names it answers for (null: not known yet), `quota_state` says in a line what
    is left of it. `managed_by` says who changes it, `managed_in` which file that is, `managed_fields` what
    that sets (`*`: all).
    """

    read_only: bool
    declared_in: str | None
    known_models: int | None
    quota_state: QuotaSummary | None
    managed_by: ManagedBy
    managed_in: str | None
    managed_fields: tuple[str, ...]


class AccountPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A JSON merge patch: what is left out stays, null goes back to the default, `headers` merge by name."""

    name: str | UnsetType = UNSET
    preset: str | UnsetType = UNSET
    base_url: str | UnsetType | None = UNSET
    dialects: tuple[Dialect, ...] | UnsetType | None = UNSET
    api_key: str | UnsetType | None = UNSET
    headers: dict[str, str | None] | UnsetType | None = UNSET
    models: tuple[str, ...] | UnsetType | None = UNSET
    priority: int | UnsetType | None = UNSET
    max_concurrency: int | UnsetType | None = UNSET
    unsupported: Unsupported | UnsetType | None = UNSET
    tags: tuple[str, ...] | UnsetType | None = UNSET
    weight: int | UnsetType | None = UNSET
    oauth: OAuthConfig | UnsetType | None = UNSET
    quota: tuple[QuotaLimit, ...] | UnsetType | None = UNSET
    reserve: str | UnsetType | None = UNSET
    enabled: bool | UnsetType | None = UNSET

    def __repr__(self) -> str:
        return f"AccountPatch({', '.join(given(self))})"


class Removed(Struct, frozen=True, kw_only=True):
    """The id of what is no more."""

    id: str
    deleted: bool = True


async def list_accounts(call: Call) -> Reply:
    """Return the accounts in the order they are tried."""
    rows = [shown(account, call) for account in call.accounts()]
    return paged(rows, call.query, key=lambda row: (row.priority, row.name, row.id))


async def get_account(call: Call) -> Reply:
    """Return one account; the ETag is for `If-Match`."""
    account = call.account()
    return Reply(data=shown(account, call), headers=_tagged(account, call))


async def create_account(call: Call) -> Reply:
    """Store a new account; it answers when this returns."""
    draft: AccountDraft = call.body
    logs.hide(draft.api_key, *draft.headers.values(), *secrets_in(draft.oauth))
    draft = checked(draft, call.deps.catalog)
    _refuse_declared_name(draft.name, call)
    if draft.base_url or draft.oauth is not None:
        _refuse_own_address(call)
    made = await call.ask(lambda store: store.accounts.create(draft, owner_id=call.visitor.home))
    notices = await call.publish()
    headers = {**_tagged(made, call), "location": f"/api/accounts/{made.id}"}
    return Reply(data=shown(made, call), notices=notices, headers=headers)


async def change_account(call: Call) -> Reply:
    """Apply a merge patch to a stored account; with `If-Match` only to what the caller has seen."""
    patch: AccountPatch = call.body
    _hide(patch)
    account = await _stored(call)
    _refuse_other(account, call)
    change = _change(account, patch, call)
    if change.name is not UNSET and change.name != account.name:
        _refuse_declared_name(str(change.name), call)
    changed = await call.ask(
        lambda store: store.accounts.update(
            account.id,
            change,
            owner_id=call.visitor.owner_id,
            check=lambda present: _refuse_other(present, call),
            detach=call.query.detach,
        )
    )
    return Reply(notices=await call.publish(), data=shown(changed, call), headers=_tagged(changed, call))


async def adopt_account(call: Call) -> Reply:
    """Make an ordinary account of one that was found, with the key of its variable."""
    found = call.account()
    if found.source != "found":
        raise refusal(f"the account {found.name!r} is in use already", status=409, code="already_adopted")
    preset = find_preset(found.preset, call.deps.catalog)
    draft = checked(draft_of(found, preset), call.deps.catalog)
    logs.hide(draft.api_key)
    made = await call.ask(lambda store: store.accounts.create(draft, owner_id=found.owner_id))
    notices = await call.publish()
    return Reply(data=shown(made, call), notices=notices, headers={"location": f"/api/accounts/{made.id}"})


async def delete_account(call: Call) -> Reply:
    """Remove a stored account and its key; what was logged of its use stays. A find is not shown again."""
    found = call.deps.world().accounts.get(call.rest)
    if found is not None and found.source == "found" and call.visitor.owns(found.owner_id):
        await call.ask(lambda store: dismiss(found, store.settings))
        return Reply(notices=await call.publish(), data=Removed(id=found.id))
    account = await _stored(call)
    await call.ask(
        lambda store: store.accounts.delete(
            account.id,
            owner_id=call.visitor.owner_id,
            check=lambda present: _refuse_other(present, call),
            detach=call.query.detach,
        )
    )
    return Reply(notices=await call.publish(), data=Removed(id=account.id))


def shown(account: Account, call: Call) -> AccountShown:
    """Return what may be seen of `account`, with the gateway's own findings."""
    world = call.deps.world()
    facts = next((facts for facts in world.facts.accounts if facts.id == account.id), None)
    seen = view(account)
    values: dict[str, Any] = {name: getattr(seen, name) for name in seen.__struct_fields__}
    if facts is not None:
        values["problem"] = facts.problem or seen.problem
    declared_in = _declared_in(call) if account.source == "config" else None
    owner = ownership(account.managed, declared_in=declared_in, program=account.source != "store")
    known = facts is not None and (facts.patterns or facts.models is not None)
    return AccountShown(
        **values,
        read_only=account.source != "store",
        declared_in=declared_in,
        **structs.asdict(owner),
        known_models=len(facts.names) if facts is not None and known else None,
        quota_state=None if call.deps.quotas is None else call.deps.quotas.summary(account),
    )


def _refuse_other(account: Account, call: Call) -> None:
    refuse_other(call, _tagged(account, call)["etag"], "account")


def _tagged(account: Account, call: Call) -> dict[str, str]:
    """Return the header for what is stored of `account`; a change of a secret changes it too."""
    return {"etag": tag_of((account.id, account.source, _members(account)), secret=call.deps.secret)}


def given(patch: AccountPatch) -> dict[str, Any]:
    """Return the members that were sent."""
    values = {name: getattr(patch, name) for name in patch.__struct_fields__}
    return {name: value for name, value in values.items() if value is not UNSET}


async def _stored(call: Call) -> Account:
    """Return the stored account of the path; raises `CallerError` (409) for one that is not stored."""
    known = call.deps.world().accounts.get(call.rest)
    if known is not None and known.source != "store" and call.visitor.owns(known.owner_id):
        raise _read_only(known, call)
    return await call.ask(lambda store: store.accounts.get(call.rest, owner_id=call.visitor.owner_id))


def _change(account: Account, patch: AccountPatch, call: Call) -> AccountChange:
    """Return what to store for `patch`, checked as the account it makes; raises `CallerError`."""
    values = given(patch)
    before = _members(account)
    after = before | _defaulted(values, before["headers"])
    if values == {"enabled": False}:
        return AccountChange(enabled=False)  # whatever is wrong with an account, it can be switched off
    refuse_moved_secrets(account, values, after, catalog=call.deps.catalog)
    if (values.get("base_url") or account.base_url) != account.base_url or values.get("oauth"):
        _refuse_own_address(call)
    kept = checked(AccountDraft(**after), call.deps.catalog)
    return AccountChange(**{name: getattr(kept, name) for name in values})


def _members(account: Account) -> dict[str, Any]:
    """Return what is stored of `account`, as it is sent."""
    return {
        "name": account.name,
        "preset": account.preset,
        "base_url": account.base_url,
        "dialects": account.dialects,
        "api_key": account.api_key.reveal() if account.api_key and account.oauth is None else None,
        "headers": {name: value.reveal() for name, value in account.headers},
        "models": account.models,
        "priority": account.priority,
        "max_concurrency": account.max_concurrency,
        "unsupported": account.unsupported,
        "tags": account.tags,
        "weight": account.weight,
        "oauth": None if account.oauth is None else written(account.oauth),
        "quota": account.quota,
        "reserve": account.reserve,
        "enabled": account.enabled,
    }


def _defaulted(values: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    """Return sent members with null as the default, and headers merged."""
    defaults: dict[str, Any] = {
        "dialects": (),
        "models": (),
        "priority": 1,
        "tags": (),
        "weight": 1,
        "quota": (),
        "reserve": "",
        "enabled": True,
        "headers": {},
    }
    plain = {name: defaults.get(name) if value is None else value for name, value in values.items()}
    if sent := values.get("headers"):
        said = {name.lower() for name in sent}
        merged = {name: value for name, value in headers.items() if name.lower() not in said} | sent
        plain["headers"] = {name: value for name, value in merged.items() if value is not None}
    return plain


def _refuse_own_address(call: Call) -> None:
    """Raise `CallerError` (403) where who writes a host of their own could lead requests into the private network."""
    own = call.visitor.home == LOCAL_OWNER
    if call.deps.config.egress.private and not own:
        raise refusal(
            "an account with an address of its own may lead into the gateway's private network; only the operator "
            "may make one",
            status=403,
            code="operator_only",
            fix="set `[egress] private = false`, or leave `base_url` and `oauth` out",
        )
    if call.deps.config.egress.private:
        refuse_below(call.visitor.role, "admin", what="an account with an address of its own")


def _refuse_declared_name(name: str, call: Call) -> None:
    """Raise `CallerError` (409) where a declared account of this name would hide the stored one."""
    for account in call.deps.world().accounts.values():
        if account.source == "config" and account.name == name and account.owner_id == call.visitor.home:
            raise _read_only(account, call)


def _read_only(account: Account, call: Call) -> CallerError:
    if account.source == "found":
        return refusal(
            f"the account {account.name!r} was found in {account.found_in} and is not in use yet",
            status=409,
            code="not_adopted",
            fix=f"POST /api/accounts/{account.id}/adopt",
        )
    if account.source == "embedded":
        return refusal(
            "the embedded model's account is the program's own",
            status=409,
            code="read_only",
            fix="leave it out with `serve --no-local`, or `local.mode` in config.toml",
        )
    where = _declared_in(call)
    return refusal(
        f"the account {account.name!r} is declared by {where} and cannot be changed here",
        status=409,
        code="read_only",
        fix=f"change {where}, or use another name",
    )


def _declared_in(call: Call) -> str:
    return call.deps.config.file or "config.toml"


def _hide(patch: AccountPatch) -> None:
    headers = patch.headers if isinstance(patch.headers, dict) else {}
    oauth = patch.oauth if isinstance(patch.oauth, OAuthConfig) else None
    logs.hide(
        patch.api_key if isinstance(patch.api_key, str) else None, *headers.values(), *secrets_in(oauth)
    )


__all__ = [
    "AccountPatch",
    "AccountShown",
    "Removed",
    "adopt_account",
    "change_account",
    "create_account",
    "delete_account",
    "get_account",
    "list_accounts",
    "shown",
]
