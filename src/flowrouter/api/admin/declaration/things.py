"""What a file wants and what there is, laid side by side: the difference, as steps to be taken. Pure.

A field that the file sets is the file's, all others are the console's. A field that it set once and no longer
mentions goes back to its default; secrets, and whole things, stay until they are pruned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from flowrouter.api.admin.declaration.units import Path, compact
from flowrouter.api.admin.envelope import refusal
from flowrouter.gateway.ports import AccountDraft
from flowrouter.httpkit.keys import LOCAL_OWNER, NO_POLICY, TokenMark
from flowrouter.settings.managed import Managed
from flowrouter.settings.oauth import OAuthConfig

Kind = Literal["account", "combo", "setting", "key", "user"]
Action = Literal["added", "changed", "removed", "taken_over"]
Prune = Literal["none", "file", "all"]

HIDDEN = "***"

_SECRET = {"account": ("api_key", "headers", "oauth"), "key": ("token",), "user": ("password",)}
_ACCOUNT = msgspec.structs.asdict(AccountDraft(name="", preset=""))
_DEFAULTS: dict[str, dict[str, Any]] = {
    "account": {name: value for name, value in _ACCOUNT.items() if name not in ("name", "preset")},
    "combo": {
        "strategy": "priority",
        "attempts": None,
        "first_token": None,
        "wait": None,
        "completion": None,
    },
    "key": {
        "scopes": (),
        "expires_at_ms": None,
        "enabled": True,
        **{f"policy.{name}": getattr(NO_POLICY, name) for name in NO_POLICY.__struct_fields__},
    },
    "user": {"role": "viewer", "enabled": True},
    "setting": {},
}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A thing as the file has it: only what is written there. `place` is where, for people."""

    kind: Kind
    name: str
    place: str
    fields: dict[str, Any]
    references: dict[str, str] = {}
    path: Path = ()


class Present(msgspec.Struct, frozen=True, kw_only=True):
    """A thing as it is stored, with all its fields; `row` is what the store holds."""

    kind: Kind
    name: str
    id: str
    fields: dict[str, Any]
    managed: Managed | None
    row: Any = None
    path: Path = ()


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """One field before and after; of secrets only that they are there (`***`)."""

    field: str
    before: Any = None
    after: Any = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the difference; `taken_over`: nothing but the owner changes.

    `was_managed_by` names the owner where that changes: a file, or `console`.
    """

    action: Action
    kind: Kind
    name: str
    fields: tuple[FieldChange, ...] = ()
    was_managed_by: str | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A change with what it takes to make it: the new `values`, and who owns the thing then."""

    change: Change
    wanted: Wanted | None
    present: Present | None
    values: dict[str, Any]
    managed: Managed | None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """All steps, how many things stay as they are, and what an earlier version of the file brought and this one lacks."""

    steps: tuple[Step, ...]
    unchanged: int
    left: tuple[str, ...]


def difference(
    wanted: Sequence[Wanted], present: Sequence[Present], *, file: str, prune: Prune, take_over: bool
) -> Difference:
    """Return what makes `present` what the file wants; raises `CallerError` for what another file owns."""
    there = {_key(each): each for each in present}
    steps: list[Step] = []
    left: list[str] = []
    named = {_key(each) for each in wanted}
    for each in present:
        if _key(each) in named:
            continue
        mine = each.managed is not None and each.managed.file == file
        if prune == "all" or (mine and prune == "file"):
            steps.append(_removal(each))
        elif mine:
            left.append(f"{each.kind} {each.name}")
    kept = 0
    for each in wanted:
        step = _step(each, there.get(_key(each)), file=file, take_over=take_over)
        if step is None:
            kept += 1
        else:
            steps.append(step)
    return Difference(steps=tuple(steps), unchanged=kept, left=tuple(left))


def default_of(kind: str, field: str) -> Any:
    """Return what a field is where nobody says."""
    return _DEFAULTS[kind].get(field)


def is_default(kind: str, field: str, value: Any) -> bool:
    """Return whether a field is as it would be anyway."""
    return field in _DEFAULTS[kind] and _DEFAULTS[kind][field] == value


def _step(wanted: Wanted, present: Present | None, *, file: str, take_over: bool) -> Step | None:
    """Return what makes one thing what it shall be, None where it is."""
    fields = tuple(sorted(wanted.fields if wanted.kind == "setting" else {"name", *wanted.fields}))
    managed = Managed(file=file, fields=fields, references=wanted.references)
    if present is None:
        told = tuple(
            FieldChange(field=name, after=_shown(wanted.kind, name, value))
            for name, value in wanted.fields.items()
        )
        change = Change(action="added", kind=wanted.kind, name=wanted.name, fields=told)
        return Step(change=change, wanted=wanted, present=None, values=wanted.fields, managed=managed)
    owner = present.managed.file if present.managed is not None else None
    if owner not in (None, file) and not take_over:
        raise refusal(
            f"{wanted.place}: the {wanted.kind} {wanted.name!r} is managed by {owner}",
            status=409,
            code="managed_by_file",
            fix=f"remove it from {owner}, or take it over: --take-over",
        )
    values = {
        name: value for name, value in wanted.fields.items() if not _same(present.fields.get(name), value)
    }
    values |= _forgotten(wanted, present) if owner == file else {}
    if not values and managed == present.managed:
        return None
    change = Change(
        action="changed" if values else "taken_over",
        kind=wanted.kind,
        name=present.name,
        fields=_told(wanted.kind, present.fields, values),
        was_managed_by=None if owner == file else owner or "console",
    )
    return Step(change=change, wanted=wanted, present=present, values=values, managed=managed)


def _forgotten(wanted: Wanted, present: Present) -> dict[str, Any]:
    """Return the defaults of fields that the file set and sets no more."""
    assert present.managed is not None
    gone = [name for name in present.managed.fields if name not in wanted.fields]
    return {
        name: default_of(wanted.kind, name)
        for name in gone
        if name in _DEFAULTS[wanted.kind]
        and name not in _SECRET.get(wanted.kind, ())
        and present.fields.get(name) != default_of(wanted.kind, name)
    }


def _removal(present: Present) -> Step:
    change = Change(
        action="removed",
        kind=present.kind,
        name=present.name,
        was_managed_by=None if present.managed is not None else "console",
    )
    return Step(change=change, wanted=None, present=present, values={}, managed=None)


def _told(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    return tuple(
        FieldChange(
            field=name, before=_shown(kind, name, before.get(name)), after=_shown(kind, name, after[name])
        )
        for name in after
    )


def _shown(kind: str, field: str, value: Any) -> Any:
    """Return a field's value for people, without secrets."""
    if field not in _SECRET.get(kind, ()):
        return compact(value)
    match value:
        case None:
            return None
        case TokenMark():
            return value.shown
        case OAuthConfig():
            plain = compact(value)
            return {name: HIDDEN if name in ("client_secret", "refresh_token", "params") else plain[name]
                    for name in plain}  # fmt: skip
        case dict():
            return {str(name): HIDDEN for name in value}
        case _:
            return HIDDEN


def _same(before: Any, after: Any) -> bool:
    if isinstance(before, TokenMark) and isinstance(after, TokenMark):
        return before.token_hash == after.token_hash
    return before == after


def _key(thing: Wanted | Present) -> tuple[str, str, str]:
    """Return what tells one thing from another: names of combos and users do not by their case."""
    folded = thing.name.casefold() if thing.kind in ("combo", "user") else thing.name
    return thing.kind, folded, str(thing.fields.get("owner") or LOCAL_OWNER)


__all__ = [
    "HIDDEN",
    "Action",
    "Change",
    "Difference",
    "FieldChange",
    "Kind",
    "Present",
    "Prune",
    "Step",
    "Wanted",
    "default_of",
    "difference",
    "is_default",
]
