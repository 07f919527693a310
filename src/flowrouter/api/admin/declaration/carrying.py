"""Taking the steps of a difference, one after the other, through the same repositories as everybody else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from flowrouter.accounts.account import Account
from flowrouter.api.admin.account_rules import checked, refuse_moved_secrets
from flowrouter.api.admin.declaration.things import Present, Step, default_of
from flowrouter.api.admin.declaration.units import Path, compact, nested
from flowrouter.api.admin.deps import Repositories
from flowrouter.api.admin.envelope import refusal
from flowrouter.api.admin.reading import shaped
from flowrouter.errors import CallerError
from flowrouter.gateway.people import UserChange
from flowrouter.gateway.ports import AccountChange, AccountDraft, KeyChange
from flowrouter.gateway.runtime_settings import RuntimeSettings
from flowrouter.httpkit.keys import LOCAL_OWNER, NO_POLICY
from flowrouter.providers.catalog import Catalog
from flowrouter.settings.managed import ManagedSetting
from flowrouter.settings.routing import ComboConfig

_POLICY = "policy."


class Minted(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway key that was made, with its `token`, which is told here and nowhere else."""

    name: str
    token: str


def checked_accounts(steps: Sequence[Step], catalog: Catalog) -> dict[str, AccountDraft]:
    """Return the accounts that the steps make or change, as they will be; raises `CallerError` with the place."""
    drafts: dict[str, AccountDraft] = {}
    for step in steps:
        if step.change.kind != "account" or step.wanted is None:
            continue
        before = {} if step.present is None else step.present.fields
        after: dict[str, Any] = {**before, **step.values, "name": step.wanted.name}
        try:
            if step.present is not None:
                account: Account = step.present.row
                refuse_moved_secrets(account, step.wanted.fields, after, catalog=catalog)
            drafts[step.wanted.name] = checked(AccountDraft(**after), catalog)
        except CallerError as error:
            raise _placed(step.wanted.place, f"the account {step.wanted.name!r}", error) from None
    return drafts


class Carrier:
    """Takes steps inside one transaction of `store`; `drafts` are the accounts that were checked before."""

    def __init__(self, store: Repositories, drafts: dict[str, AccountDraft]) -> None:
        self._store = store
        self._drafts = drafts
        self.minted: list[Minted] = []

    def take(self, steps: Sequence[Step]) -> None:
        """Take them all; raises `CallerError`, `StorageError`."""
        takers: dict[str, Callable[[Step], str]] = {
            "account": self._account,
            "combo": self._combo,
            "key": self._key,
            "user": self._user,
        }
        for step in steps:
            if step.change.kind == "setting":
                continue
            if step.change.action == "removed":
                self._remove(step.present)
                continue
            thing_id = takers[step.change.kind](step)
            self._store.ownership.put(step.change.kind, thing_id, step.managed)
        self._settings([step for step in steps if step.change.kind == "setting"])

    def _account(self, step: Step) -> str:
        assert step.wanted is not None
        draft = self._drafts[step.wanted.name]
        if step.present is None:
            return self._store.accounts.create(draft, owner_id=LOCAL_OWNER).id
        if step.values:
            change = AccountChange(**{name: getattr(draft, name) for name in step.values})
            self._store.accounts.update(step.present.id, change, detach=True)
        return step.present.id

    def _combo(self, step: Step) -> str:
        assert step.wanted is not None
        if step.present is None:
            config = ComboConfig(**step.values)
            return self._store.combos.create(step.wanted.name, config, owner_id=LOCAL_OWNER).id
        if step.values:
            config = msgspec.structs.replace(step.present.row.config, **step.values)
            self._store.combos.update(step.present.id, config=config, detach=True)
        return step.present.id

    def _key(self, step: Step) -> str:
        assert step.wanted is not None
        values = dict(step.values)
        owner, token = values.pop("owner", None), values.pop("token", None)
        key_id = step.present.id if step.present is not None else self._new_key(step, owner, token)
        if step.present is not None and token is not None:
            self._store.keys.retoken(key_id, token)
        parts = {name.removeprefix(_POLICY): values.pop(name) for name in list(values) if _is_policy(name)}
        if parts:
            present = NO_POLICY if step.present is None else step.present.row.policy
            values["policy"] = msgspec.structs.replace(present, **parts)
        if values:
            self._store.keys.update(key_id, KeyChange(**values), detach=True)
        return key_id

    def _new_key(self, step: Step, owner: str | None, token: Any) -> str:
        assert step.wanted is not None
        owner_id = owner or LOCAL_OWNER
        if token is not None:
            return self._store.keys.adopt(step.wanted.name, token, owner_id=owner_id).id
        key, minted = self._store.keys.create(step.wanted.name, owner_id=owner_id)
        self.minted.append(Minted(name=key.name, token=minted.token))
        return key.id

    def _user(self, step: Step) -> str:
        assert step.wanted is not None
        values = dict(step.values)
        password = values.pop("password", None)
        if step.present is None:
            if password is None:
                raise refusal(
                    f"{step.wanted.place}: the new user {step.wanted.name!r} has no password",
                    param="password",
                    code="secret_needed",
                    fix='write password = "env:NAME"',
                )
            user_id = self._store.users.create(
                step.wanted.name,
                role=values.pop("role", default_of("user", "role")),
                password_hash=password,
            ).id
        else:
            user_id = step.present.id
        if values or (step.present is not None and password is not None):
            kept = password if step.present is not None else None
            self._store.users.update(user_id, UserChange(password_hash=kept, **values), detach=True)
        return user_id

    def _remove(self, present: Present | None) -> None:
        assert present is not None
        match present.kind:
            case "account":
                self._store.accounts.delete(present.id, detach=True)
            case "combo":
                self._store.combos.delete(present.id, detach=True)
            case "key":
                self._store.keys.revoke(present.id, detach=True)
            case "user":
                self._store.users.delete(present.id, detach=True)
            case "setting":
                pass

    def _settings(self, steps: Sequence[Step]) -> None:
        """Change the settings document once, and say who owns its members then."""
        if not steps:
            return
        parts: list[tuple[Path, Any]] = []
        for step in steps:
            thing = step.wanted or step.present
            assert thing is not None
            if step.wanted is None:
                parts.append((thing.path, None))
            elif step.values:
                before = step.present.row if step.present is not None else None
                parts.append((thing.path, _replacing(before, compact(step.values["value"]))))
        store = self._store.settings
        if parts:
            store.patch(
                nested(parts),
                owner_id=LOCAL_OWNER,
                validate=lambda values: shaped(values, RuntimeSettings),
                detach=True,
            )
        owners = {member.path: member for member in store.get(owner_id=LOCAL_OWNER).managed}
        for step in steps:
            path = (step.wanted or step.present).path  # pyright: ignore[reportOptionalMemberAccess]
            owners.pop(path, None)
            if step.managed is not None:
                owners[path] = ManagedSetting(path=path, file=step.managed.file)
        self._store.ownership.put_settings(
            sorted(owners.values(), key=lambda member: member.path), owner_id=LOCAL_OWNER
        )


def refuse_new_owner(steps: Sequence[Step]) -> None:
    """Raise `CallerError` where an existing key would change hands: what it made would stay behind."""
    for step in steps:
        if step.change.kind == "key" and step.present is not None and "owner" in step.values:
            assert step.wanted is not None
            raise refusal(
                f"{step.wanted.place}: the key {step.wanted.name!r} belongs to {step.present.fields['owner']!r}",
                param="owner",
                fix="revoke it first, or give the new one another name",
            )


def _replacing(before: Any, after: Any) -> Any:
    """Return the merge patch that makes `before` become `after`, members that are gone included."""
    if isinstance(before, dict) and isinstance(after, dict):
        return dict.fromkeys(before) | after
    return after


def _is_policy(name: str) -> bool:
    return name.startswith(_POLICY)


def _placed(place: str, what: str, error: CallerError) -> CallerError:
    fix = str((error.details or {}).get("fix") or "")
    return refusal(
        f"{place}: {what}: {error.message}",
        status=error.status,
        code=error.code or "invalid_request",
        param=error.param,
        fix=fix,
    )


__all__ = ["Carrier", "Minted", "checked_accounts", "refuse_new_owner"]
