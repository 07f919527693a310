"""An account: one credentialed identity at a provider, as the serving process holds it."""

from __future__ import annotations

import hmac
from typing import Literal, NoReturn

import msgspec

from flowrouter.canonical.capabilities import Unsupported
from flowrouter.canonical.dialect import Dialect
from flowrouter.settings.managed import Managed
from flowrouter.settings.quotas import QuotaLimit

Source = Literal["config", "store", "embedded", "found"]
"""Declared in the configuration file, kept in the store, the program's own, or found and not adopted yet."""

TAIL = 4
_SHORTEST_WITH_TAIL = 12


class Secret:
    """An opened secret that no log line, traceback or serialiser shows by accident."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the plain text; call it only where the secret leaves for its own provider."""
        return self._value

    @property
    def tail(self) -> str:
        """Return the last four characters, or nothing where they would give too much away."""
        return self._value[-TAIL:] if len(self._value) >= _SHORTEST_WITH_TAIL else ""

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never serialised")


class OAuth(msgspec.Struct, frozen=True, kw_only=True):
    """How an account gets its access tokens (`settings.oauth.OAuthConfig`), the secrets opened.

    `terms` tells one set of these from another without telling them.
    """

    token_url: str
    client_id: str
    grant: Literal["refresh_token", "client_credentials"]
    terms: str
    client_secret: Secret | None = None
    refresh_token: Secret | None = None
    scope: str = ""
    client_auth: Literal["basic", "body"] = "basic"
    params: tuple[tuple[str, str], ...] = ()


class OAuthView(msgspec.Struct, frozen=True, kw_only=True):
    """What people may see of an account's terms: where tokens come from, by which grant, for whom."""

    token_url: str
    client_id: str
    grant: str
    scope: str


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One identity at a provider, its secret opened.

    `base_url` None and `dialects` empty mean the preset's own; `models` empty means the live list,
    else it is the whole list. `priority` 1 is tried first. `max_concurrency` None means the preset's.
    `unsupported` says what becomes of values that a target cannot take (None: the key's policy).
    `tags` are what rules choose accounts by, `weight` its share where accounts take weighted turns.
    `quota` is what its owner says it may use, `reserve` how much of its windows is kept back (`settings.quotas`).
    With `oauth` the key is the access token of the moment, None until there is one.
    `headers` are extra request headers, as secret as the key. `problem` says why a stored account cannot be used (it is then disabled),
    `trouble` what is wrong with it just now.
    `found_in` says where an account that was found comes from: a variable's name or an address.
    `managed` is there where an applied file owns fields of a stored one.
    msgspec refuses to encode an account that holds a `Secret`; show `view(account)` instead.
    """

    id: str
    name: str
    preset: str
    owner_id: str
    base_url: str | None = None
    dialects: tuple[Dialect, ...] = ()
    api_key: Secret | None = None
    headers: tuple[tuple[str, Secret], ...] = ()
    models: tuple[str, ...] = ()
    priority: int = 1
    max_concurrency: int | None = None
    unsupported: Unsupported | None = None
    tags: tuple[str, ...] = ()
    weight: int = 1
    oauth: OAuth | None = None
    quota: tuple[QuotaLimit, ...] = ()
    reserve: str = ""
    enabled: bool = True
    created_at_ms: int = 0
    source: Source = "store"
    problem: str | None = None
    trouble: str | None = None
    found_in: str | None = None
    managed: Managed | None = None


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """An account as people may see it: no secret, only whether there is one and how it ends."""

    id: str
    name: str
    preset: str
    owner_id: str
    base_url: str | None
    dialects: tuple[Dialect, ...]
    has_key: bool
    key_tail: str
    header_names: tuple[str, ...]
    models: tuple[str, ...]
    priority: int
    max_concurrency: int | None
    unsupported: Unsupported | None
    tags: tuple[str, ...]
    weight: int
    quota: tuple[QuotaLimit, ...]
    reserve: str
    enabled: bool
    created_at_ms: int
    source: Source
    problem: str | None
    found_in: str | None
    oauth: OAuthView | None = None


def view(account: Account) -> AccountView:
    """Return what may be shown of `account`."""
    return AccountView(
        id=account.id,
        name=account.name,
        preset=account.preset,
        owner_id=account.owner_id,
        base_url=account.base_url,
        dialects=account.dialects,
        has_key=bool(account.api_key),
        key_tail=account.api_key.tail if account.api_key else "",
        header_names=tuple(name for name, _ in account.headers),
        models=account.models,
        priority=account.priority,
        max_concurrency=account.max_concurrency,
        unsupported=account.unsupported,
        tags=account.tags,
        weight=account.weight,
        quota=account.quota,
        reserve=account.reserve,
        enabled=account.enabled,
        created_at_ms=account.created_at_ms,
        source=account.source,
        problem=account.problem or account.trouble,
        found_in=account.found_in,
        oauth=None if account.oauth is None else _view(account.oauth),
    )


def _view(oauth: OAuth) -> OAuthView:
    return OAuthView(
        token_url=oauth.token_url, client_id=oauth.client_id, grant=oauth.grant, scope=oauth.scope
    )


def declared_id(name: str) -> str:
    """Return the id of an account declared in the configuration file: stable across restarts."""
    return f"config:{name}"


def merge(declared: tuple[Account, ...], stored: tuple[Account, ...]) -> tuple[Account, ...]:
    """Return all accounts by priority and name; a declared one hides a stored one of its name."""
    names = {(account.owner_id, account.name) for account in declared}
    kept = [account for account in stored if (account.owner_id, account.name) not in names]
    return tuple(
        sorted(
            [*declared, *kept],
            key=lambda account: (account.priority, account.name, account.id),
        )
    )


__all__ = ["Account", "AccountView", "OAuth", "OAuthView", "Secret", "Source", "declared_id", "merge", "view"]
