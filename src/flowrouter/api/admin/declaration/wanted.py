"""A declaration as things to compare: each with the fields that are written, and only those."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flowrouter.api.admin.account_rules import find_preset
from flowrouter.api.admin.declaration.references import Place, of_table
from flowrouter.api.admin.declaration.shape import DeclaredKey, Read
from flowrouter.api.admin.declaration.things import Wanted
from flowrouter.api.admin.declaration.units import dotted, typed, units
from flowrouter.api.admin.envelope import refusal
from flowrouter.config import Config
from flowrouter.httpkit.keys import TokenMark, hash_token, is_token, shown
from flowrouter.providers.catalog import Catalog

_LISTS = ("accounts", "keys", "users")


def wanted(
    read: Read,
    found: Mapping[Place, str],
    *,
    hashes: Mapping[str, str],
    catalog: Catalog,
    config: Config,
) -> list[Wanted]:
    """Return all that a file declares; raises `CallerError`.

    `hashes` are of the users' passwords, by name. What `config.toml` declares cannot be declared once more.
    """
    return [
        *_accounts(read, found, catalog=catalog, config=config),
        *_combos(read, config),
        *_settings(read, config),
        *_keys(read, found),
        *_users(read, found, hashes=hashes),
    ]


def _accounts(
    read: Read, found: Mapping[Place, str], *, catalog: Catalog, config: Config
) -> Iterator[Wanted]:
    for index, account in enumerate(read.said.accounts):
        place = read.line("accounts", index)
        if any(each.name == account.name for each in config.accounts):
            raise _declared(f"the account {account.name!r}", place, config)
        fields = {name: getattr(account, name) for name in read.written("accounts", index) if name != "name"}
        preset = find_preset(account.preset, catalog)
        yield Wanted(
            kind="account",
            name=account.name,
            place=place,
            fields=fields | {"preset": preset.id},
            references=of_table(found, "accounts", index),
        )


def _combos(read: Read, config: Config) -> Iterator[Wanted]:
    taken = {name.lower() for name in config.routing.combos}
    for name, combo in read.said.routing.combos.items():
        place = read.line("routing", "combos", name)
        if name.lower() in taken:
            raise _declared(f"the combo {name!r}", place, config)
        written = read.tables["routing"]["combos"][name]
        yield Wanted(
            kind="combo", name=name, place=place, fields={field: getattr(combo, field) for field in written}
        )


def _settings(read: Read, config: Config) -> Iterator[Wanted]:
    document = {name: value for name, value in read.tables.items() if name not in _LISTS}
    routing = document.get("routing", {})
    document["routing"] = {name: value for name, value in routing.items() if name != "combos"}
    taken = {
        *(("models", "aliases", name) for name in config.models.aliases),
        *(("prices", name) for name in config.prices),
        *(("budgets", name) for name in config.budgets),
    }
    for path, value in units(document).items():
        place = read.line(*path)
        if path in taken:
            raise _declared(f"`{dotted(path)}`", place, config)
        yield Wanted(
            kind="setting", name=dotted(path), place=place, path=path, fields={"value": typed(path, value)}
        )


def _keys(read: Read, found: Mapping[Place, str]) -> Iterator[Wanted]:
    for index, key in enumerate(read.said.keys):
        place = read.line("keys", index)
        written = read.written("keys", index)
        fields = {name: getattr(key, name) for name in ("owner", "scopes", "enabled") if name in written}
        if key.expires is not None:
            fields["expires_at_ms"] = round(key.expires.timestamp() * 1000)
        fields |= {f"policy.{name}": getattr(key.policy, name) for name in written.get("policy", {})}
        if (token := _token(key, place)) is not None:
            fields["token"] = token
        references = of_table(found, "keys", index)
        yield Wanted(kind="key", name=key.name, place=place, fields=fields, references=references)


def _users(read: Read, found: Mapping[Place, str], *, hashes: Mapping[str, str]) -> Iterator[Wanted]:
    for index, user in enumerate(read.said.users):
        written = read.written("users", index)
        fields: dict[str, Any] = {
            name: getattr(user, name) for name in ("role", "enabled") if name in written
        }
        known = user.password_hash or hashes.get(user.name.casefold())
        if known is not None:
            fields["password"] = known
        yield Wanted(
            kind="user",
            name=user.name,
            place=read.line("users", index),
            fields=fields,
            references=of_table(found, "users", index),
        )


def _token(key: DeclaredKey, place: str) -> TokenMark | None:
    """Return what is stored of a key that exists already; raises `CallerError` for what is none."""
    if key.token is not None:
        if not is_token(key.token):
            raise refusal(
                f"{place}: the token of the key {key.name!r} is no gateway key",
                param="token",
                fix="give one that `flow-router keys create` made, or leave `token` out",
            )
        return TokenMark(token_hash=hash_token(key.token), shown=shown(key.token))
    if key.token_sha256 is not None:
        return TokenMark(token_hash=key.token_sha256, shown=key.shown or "flr_…")
    return None


def _declared(what: str, place: str, config: Config) -> Exception:
    where = config.file or "the environment"
    return refusal(
        f"{place}: {what} is declared by {where} already",
        status=409,
        code="read_only",
        fix=f"remove it from one of the two: what stands in {where} always goes first",
    )


__all__ = ["wanted"]
