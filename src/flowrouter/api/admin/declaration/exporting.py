"""The store as a declaration: the same text for the same configuration, whoever made it.

Without secrets each stands as the reference it was read from, else as a variable named after its owner; so
the text can be kept where everybody reads it. With secrets it is meant to be sealed (`sealing`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
import tomlkit

from flowrouter.api.admin.declaration.present import present
from flowrouter.api.admin.declaration.references import ENV
from flowrouter.api.admin.declaration.things import Kind, Present, is_default
from flowrouter.api.admin.declaration.units import compact, nested
from flowrouter.api.admin.deps import Repositories
from flowrouter.httpkit.keys import LOCAL_OWNER, TokenMark
from flowrouter.settings.oauth import OAuthConfig

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_POLICY = "policy."
_TAKEN = "FLOW_ROUTER_"  # such variables are settings, and strange ones are refused
_HEAD = """\
# Configuration of a Flow Router gateway. Put it in force: flow-router apply FILE
"""
_REFERENCES = """\
# Secrets are not in it: each is read from the variable that stands in its place, where the file is applied.
# Gateway keys without a token are made anew there and shown once.
"""


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration as text, and sentences about what could not be put into it."""

    text: str
    notices: tuple[str, ...]


def export(store: Repositories, *, secrets: bool) -> Exported:
    """Return all that is stored as a declaration; raises `StorageError`."""
    things = present(store)
    variables = _Variables(things)
    notices: list[str] = []
    document = nested(
        (thing.path, compact(thing.fields["value"]))
        for thing in _of("setting", things)
        if thing.fields["value"] is not None
    )
    combos = {thing.name: _combo(thing) for thing in _of("combo", things)}
    if combos:
        document.setdefault("routing", {})["combos"] = combos
    lists = {
        "accounts": [_account(thing, variables, secrets=secrets) for thing in _of("account", things)],
        "keys": [_key(thing, secrets=secrets) for thing in _of("key", things)],
        "users": [_user(thing, variables, secrets=secrets) for thing in _of("user", things)],
    }
    document |= {name: rows for name, rows in lists.items() if rows}
    for thing in things:
        problem = getattr(thing.row, "problem", None)
        if problem:
            notices.append(f"the {thing.kind} {thing.name!r} is not whole: {problem}")
    head = _HEAD if secrets else _HEAD + _REFERENCES
    return Exported(text=f"{head}\n{tomlkit.dumps(document)}", notices=tuple(notices))


def _of(kind: Kind, things: Iterable[Present]) -> list[Present]:
    return [thing for thing in things if thing.kind == kind]


def _account(thing: Present, variables: _Variables, *, secrets: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"name": thing.name, "preset": thing.fields["preset"]}
    fields = thing.fields
    oauth: OAuthConfig | None = fields["oauth"]
    for name, value in fields.items():
        if name in ("preset", "api_key", "headers", "oauth") or is_default("account", name, value):
            continue
        row[name] = compact(value)
    if fields["api_key"]:
        row["api_key"] = fields["api_key"] if secrets else variables.of(thing, "api_key")
    if oauth is not None:
        row["oauth"] = compact(oauth)
        for name in ("client_secret", "refresh_token"):
            if name in row["oauth"] and not secrets:
                row["oauth"][name] = variables.of(thing, f"oauth.{name}")
    if fields["headers"]:
        headers: dict[str, str] = fields["headers"]
        row["headers"] = {
            name: value if secrets else variables.of(thing, f"headers.{name}")
            for name, value in headers.items()
        }
    return row


def _combo(thing: Present) -> dict[str, Any]:
    return {
        name: compact(value) for name, value in thing.fields.items() if not is_default("combo", name, value)
    }


def _key(thing: Present, *, secrets: bool) -> dict[str, Any]:
    fields, row = thing.fields, cast("dict[str, Any]", {"name": thing.name})
    if fields["owner"] != LOCAL_OWNER:
        row["owner"] = fields["owner"]
    if fields["scopes"]:
        row["scopes"] = list(fields["scopes"])
    if fields["expires_at_ms"] is not None:
        row["expires"] = _EPOCH + timedelta(milliseconds=fields["expires_at_ms"])
    if not fields["enabled"]:
        row["enabled"] = False
    token: TokenMark = fields["token"]
    reference = thing.managed.references.get("token") if thing.managed is not None else None
    if secrets:
        row |= {"token_sha256": token.token_hash, "shown": token.shown}
    elif reference is not None:
        row["token"] = reference
    policy = {
        name.removeprefix(_POLICY): compact(value)
        for name, value in fields.items()
        if name.startswith(_POLICY) and not is_default("key", name, value)
    }
    return row | ({"policy": policy} if policy else {})


def _user(thing: Present, variables: _Variables, *, secrets: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"name": thing.name, "role": thing.fields["role"]}
    if not thing.fields["enabled"]:
        row["enabled"] = False
    if secrets:
        return row | {"password_hash": thing.fields["password"]}
    return row | {"password": variables.of(thing, "password")}


class _Variables:
    """Names for secrets: the reference that a file gave, else a variable that nobody else has."""

    def __init__(self, things: Iterable[Present]) -> None:
        self._given: dict[tuple[str, str, str], str] = {}
        for thing in things:
            for field, reference in (thing.managed.references if thing.managed is not None else {}).items():
                self._given[thing.kind, thing.id, field] = reference
        self._taken = set(self._given.values())

    def of(self, thing: Present, field: str) -> str:
        """Return the reference for one secret."""
        given = self._given.get((thing.kind, thing.id, field))
        if given is not None:
            return given
        last = field.rpartition(".")[2]
        name = re.sub(r"[^A-Z0-9]+", "_", f"{thing.name}_{last}".upper()).strip("_")
        if not name[:1].isalpha() or name.startswith(_TAKEN):
            name = f"{thing.kind.upper()}_{name}"
        found, turn = f"{ENV}{name}", 2
        while found in self._taken:
            found, turn = f"{ENV}{name}_{turn}", turn + 1
        self._taken.add(found)
        return found


__all__ = ["Exported", "export"]
