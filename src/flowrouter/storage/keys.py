"""Stored gateway keys, for people: minted once, listed without their token, revoked for good."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import msgspec
from sqlalchemy import func, insert, select, update

from flowrouter.clock import Clock
from flowrouter.gateway.ports import ConflictError, NotFoundError
from flowrouter.httpkit.keys import NO_POLICY, GatewayKey, KeyPolicy, MintedToken, mint
from flowrouter.storage.database import Database, bump, owned
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

    def create(
        self,
        name: str,
        *,
        owner_id: str,
        scopes: tuple[str, ...] = (),
        expires_at_ms: int | None = None,
        policy: KeyPolicy = NO_POLICY,
    ) -> tuple[GatewayKey, MintedToken]:
        """Mint a key; the token is returned here and nowhere else; raises `ConflictError`."""
        token = mint()
        key = GatewayKey(
            id=f"key_{secrets.token_hex(8)}",
            name=name,
            owner_id=owner_id,
            token_hash=token.token_hash,
            shown=token.shown,
            scopes=scopes,
            created_at_ms=int(self._clock.now() * 1000),
            expires_at_ms=expires_at_ms,
            policy=policy,
        )
        values = msgspec.structs.asdict(key) | {"scopes": json_text(scopes), "policy": json_text(policy)}
        try:
            with self._database.write() as connection:
                connection.execute(insert(_table).values(values))
                bump(connection)
        except ConflictError as error:
            raise ConflictError(f"a key named {name!r} exists already") from error
        return key, token

    def revoke(self, key_id: str, *, owner_id: str | None = None) -> GatewayKey:
        """Make a key useless for good; raises `NotFoundError`; again is no change."""
        now_ms = int(self._clock.now() * 1000)
        mine = owned(select(_table).where(_table.c.id == key_id), _table, owner_id)
        revoked = owned(update(_table).where(_table.c.id == key_id), _table, owner_id)
        with self._database.write() as connection:
            connection.execute(revoked.values(revoked_at_ms=func.coalesce(_table.c.revoked_at_ms, now_ms)))
            bump(connection)
            row = connection.execute(mine).mappings().first()
            if row is None:
                raise NotFoundError(f"no key {key_id}")
            return key_from(row)


__all__ = ["StoredKeys"]
