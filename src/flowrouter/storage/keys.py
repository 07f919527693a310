"""Stored gateway keys, for people: minted once, listed without their token, changed, revoked for good."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from flowrouter.clock import Clock
from flowrouter.gateway.ports import ConflictError, KeyChange, ManagedError, NotFoundError, StaleError
from flowrouter.httpkit.keys import NO_POLICY, GatewayKey, KeyPolicy, MintedToken, TokenMark, mint
from flowrouter.storage.database import Database, bump, owned
from flowrouter.storage.ownership import kept, refuse_removal
from flowrouter.storage.rows import json_text, key_from
from flowrouter.storage.tables import keys as _table


class StoredKeys:
    """The `Keys` of one store; every change tells the serving process."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def list(self, *, owner_id: str | None = None) -> Sequence[GatewayKey]:
        """Return the keys, newest first, revoked ones included."""
        order = (_table.c.created_at_ms.desc(), _table.c.id)
        statement = owned(select(_table), _table, owner_id).order_by(*order)
        with self._database.read() as connection:
            return [key_from(row) for row in connection.execute(statement).mappings()]

    def get(self, key_id: str, *, owner_id: str | None = None) -> GatewayKey:
        """Return one key, revoked or not; raises `NotFoundError`."""
        with self._database.read() as connection:
            return _find(connection, key_id, owner_id)

    def create(
        self,
        name: str,
        *,
        owner_id: str,
        scopes: tuple[str, ...] = (),
        expires_at_ms: int | None = None,
        policy: KeyPolicy = NO_POLICY,
        enabled: bool = True,
    ) -> tuple[GatewayKey, MintedToken]:
        """Mint a key; the token is returned here and nowhere else; raises `ConflictError`."""
        token, now_ms = mint(), self._now_ms()
        key = self._insert(
            GatewayKey(
                id=_new_id(),
                name=name,
                owner_id=owner_id,
                token_hash=token.token_hash,
                shown=token.shown,
                scopes=scopes,
                created_at_ms=now_ms,
                expires_at_ms=expires_at_ms,
                disabled_at_ms=None if enabled else now_ms,
                policy=policy,
            )
        )
        return key, token

    def adopt(self, name: str, token: TokenMark, *, owner_id: str) -> GatewayKey:
        """Store a key whose token exists already; raises `ConflictError`."""
        made = GatewayKey(
            id=_new_id(),
            name=name,
            owner_id=owner_id,
            token_hash=token.token_hash,
            shown=token.shown,
            created_at_ms=self._now_ms(),
        )
        return self._insert(made)

    def retoken(self, key_id: str, token: TokenMark) -> GatewayKey:
        """Let another token be this key's from now on; raises `NotFoundError`, `ConflictError`."""
        with _told(token.shown), self._database.write() as connection:
            present = _find(connection, key_id, None)
            values = {"token_hash": token.token_hash, "shown": token.shown, "version": present.version + 1}
            connection.execute(update(_table).where(_table.c.id == key_id).values(values))
            bump(connection)
            return _find(connection, key_id, None)

    def _insert(self, key: GatewayKey) -> GatewayKey:
        values = msgspec.structs.asdict(key)
        values |= {"scopes": json_text(key.scopes), "policy": json_text(key.policy)}
        for name in ("problem", "managed"):
            del values[name]
        with _told(key.name), self._database.write() as connection:
            connection.execute(insert(_table).values(values))
            bump(connection)
        return key

    def update(
        self,
        key_id: str,
        change: KeyChange,
        *,
        owner_id: str | None = None,
        if_version: int | None = None,
        detach: bool = False,
    ) -> GatewayKey:
        """Change a key; raises `NotFoundError`, `ConflictError`, `StaleError`, `ManagedError`."""
        with _told(str(change.name)), self._database.write() as connection:
            present = _find(connection, key_id, owner_id)
            if if_version is not None and if_version != present.version:
                raise StaleError(
                    f"the key changed meanwhile (version {present.version}, yours is {if_version})",
                    what="key",
                )
            if present.revoked_at_ms is not None:
                raise FixedKeyError(f"the key {present.name!r} is revoked for good; make a new one")
            if present.problem is not None:
                raise FixedKeyError(
                    f"the key {present.name!r} cannot be changed by this version: {present.problem}"
                )
            values = _columns(change, present, self._now_ms()) | {"version": present.version + 1}
            what = f"the key {present.name!r}"
            values |= kept(present.managed, _changed(change, present), what=what, detach=detach)
            connection.execute(update(_table).where(_table.c.id == key_id).values(values))
            bump(connection)
            return _find(connection, key_id, owner_id)

    def revoke(
        self,
        key_id: str,
        *,
        owner_id: str | None = None,
        if_version: int | None = None,
        detach: bool = False,
    ) -> GatewayKey:
        """Make a key useless for good; raises `NotFoundError`, `ConflictError`; again is no change."""
        revoked = owned(update(_table).where(_table.c.id == key_id), _table, owner_id)
        with self._database.write() as connection:
            present = _find(connection, key_id, owner_id)
            if if_version is not None and if_version != present.version:
                raise StaleError(
                    f"the key {present.name!r} changed meanwhile (version {present.version})", what="key"
                )
            if present.revoked_at_ms is None:
                refuse_removal(present.managed, what=f"the key {present.name!r}", detach=detach)
                moment = func.coalesce(_table.c.revoked_at_ms, self._now_ms())
                connection.execute(revoked.values(revoked_at_ms=moment, version=present.version + 1))
                bump(connection)
            return _find(connection, key_id, owner_id)

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)


class FixedKeyError(ConflictError):
    """The key cannot be changed: it is revoked, or not understood."""


def _new_id() -> str:
    return f"key_{secrets.token_hex(8)}"


def _changed(change: KeyChange, present: GatewayKey) -> list[str]:
    """Return what becomes another value, members of the policy by `policy.NAME`."""
    given = msgspec.structs.asdict(change)
    before = {
        "name": present.name,
        "scopes": present.scopes,
        "expires_at_ms": present.expires_at_ms,
        "enabled": present.disabled_at_ms is None,
    }
    changed = [name for name, value in before.items() if given[name] not in (msgspec.UNSET, value)]
    if change.policy is not msgspec.UNSET:
        names = [
            name
            for name in KeyPolicy.__struct_fields__
            if getattr(change.policy, name) != getattr(present.policy, name)
        ]
        changed += [f"policy.{name}" for name in names]
    return changed


def _columns(change: KeyChange, present: GatewayKey, now_ms: int) -> dict[str, Any]:
    """Return what of `change` was given, as columns."""
    given = {
        name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET
    }
    for name in ("scopes", "policy"):
        if name in given:
            given[name] = json_text(given[name])
    enabled = given.pop("enabled", None)
    if enabled is not None:
        given["disabled_at_ms"] = None if enabled else present.disabled_at_ms or now_ms
    return given


def _find(connection: Connection, key_id: str, owner_id: str | None) -> GatewayKey:
    statement = owned(select(_table).where(_table.c.id == key_id), _table, owner_id)
    row = connection.execute(statement).mappings().first()
    if row is None:
        raise NotFoundError(f"no key {key_id}")
    return key_from(row)


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Say which name is taken where the database only says that one is."""
    try:
        yield
    except (StaleError, FixedKeyError, ManagedError):
        raise
    except ConflictError as error:
        raise ConflictError(f"a key named {name!r} exists already") from error


__all__ = ["FixedKeyError", "StoredKeys"]
