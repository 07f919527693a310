"""Stored accounts, for people: made, changed and removed in single transactions."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from flowrouter.accounts.account import Account
from flowrouter.accounts.oauth import written
from flowrouter.accounts.vault import Vault
from flowrouter.clock import Clock
from flowrouter.gateway.ports import (
    AccountChange,
    AccountDraft,
    ConflictError,
    ManagedError,
    NotFoundError,
)
from flowrouter.gateway.tokens import KIND
from flowrouter.storage.database import Database, bump, owned
from flowrouter.storage.ownership import kept, refuse_removal
from flowrouter.storage.rows import account_from, json_text, seal_headers, seal_key, seal_oauth
from flowrouter.storage.tables import accounts as _table
from flowrouter.storage.tables import model_lists, sealed_blobs


class StoredAccounts:
    """The `Accounts` of one store; every change tells the serving process."""

    def __init__(self, database: Database, vault: Vault, *, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    def list(self, *, owner_id: str | None = None) -> Sequence[Account]:
        """Return the accounts by priority and name (None: of every owner)."""
        statement = owned(select(_table), _table, owner_id).order_by(_table.c.priority, _table.c.name)
        with self._database.read() as connection:
            return [account_from(row, self._vault) for row in connection.execute(statement).mappings()]

    def get(self, account_id: str, *, owner_id: str | None = None) -> Account:
        """Return one account; raises `NotFoundError`."""
        with self._database.read() as connection:
            return self._find(connection, account_id, owner_id)

    def create(self, draft: AccountDraft, *, owner_id: str) -> Account:
        """Store a new account; raises `ConflictError` where the name is taken."""
        account_id = f"acc_{secrets.token_hex(8)}"
        now_ms = int(self._clock.now() * 1000)
        values = self._columns(account_id, msgspec.structs.asdict(draft))
        values |= {"id": account_id, "owner_id": owner_id, "created_at_ms": now_ms, "updated_at_ms": now_ms}
        with _named(draft.name), self._database.write() as connection:
            connection.execute(insert(_table).values(values))
            bump(connection)
            return self._find(connection, account_id, owner_id)

    def update(
        self,
        account_id: str,
        change: AccountChange,
        *,
        owner_id: str | None = None,
        check: Callable[[Account], None] | None = None,
        detach: bool = False,
    ) -> Account:
        """Change an account that `check` lets pass; raises `NotFoundError`, `ConflictError`."""
        given = {
            name: value
            for name, value in msgspec.structs.asdict(change).items()
            if value is not msgspec.UNSET
        }
        values = self._columns(account_id, given)
        values["updated_at_ms"] = int(self._clock.now() * 1000)
        statement = owned(update(_table).where(_table.c.id == account_id), _table, owner_id)
        with _named(given.get("name", account_id)), self._database.write() as connection:
            present = self._find(connection, account_id, owner_id)
            if check is not None:
                check(present)
            what, changed = f"the account {present.name!r}", _changed(present, given)
            values |= kept(present.managed, changed, what=what, detach=detach)
            connection.execute(statement.values(values))
            bump(connection)
            return self._find(connection, account_id, owner_id)

    def delete(
        self,
        account_id: str,
        *,
        owner_id: str | None = None,
        check: Callable[[Account], None] | None = None,
        detach: bool = False,
    ) -> None:
        """Remove an account, its model list and its access token; its request rows stay; raises `NotFoundError`."""
        statement = owned(delete(_table).where(_table.c.id == account_id), _table, owner_id)
        with self._database.write() as connection:
            present = self._find(connection, account_id, owner_id)
            if check is not None:
                check(present)
            refuse_removal(present.managed, what=f"the account {present.name!r}", detach=detach)
            connection.execute(statement)
            connection.execute(delete(model_lists).where(model_lists.c.account_id == account_id))
            connection.execute(
                delete(sealed_blobs).where(sealed_blobs.c.kind == KIND, sealed_blobs.c.id == account_id)
            )
            bump(connection)

    def _find(self, connection: Connection, account_id: str, owner_id: str | None) -> Account:
        statement = owned(select(_table).where(_table.c.id == account_id), _table, owner_id)
        row = connection.execute(statement).mappings().first()
        if row is None:
            raise _missing(account_id)
        return account_from(row, self._vault)

    def _columns(self, account_id: str, given: dict[str, Any]) -> dict[str, Any]:
        """Return `given` as columns: lists as JSON, secrets sealed."""
        columns = dict(given)
        for name in ("dialects", "models", "tags", "quota"):
            if name in columns:
                columns[name] = json_text(columns[name])
        if "api_key" in columns:
            columns["api_key_sealed"] = seal_key(account_id, columns.pop("api_key"), self._vault)
        if "oauth" in columns:
            columns["oauth_sealed"] = seal_oauth(account_id, columns.pop("oauth"), self._vault)
        if "headers" in columns:
            columns["headers_sealed"] = seal_headers(account_id, columns.pop("headers"), self._vault)
        return columns


def _changed(present: Account, given: dict[str, Any]) -> list[str]:
    """Return the fields that become another value; secrets that could not be opened are always another."""
    before: dict[str, Any] = {name: getattr(present, name) for name in given}
    if "api_key" in given:
        before["api_key"] = present.api_key.reveal() if present.api_key else None
    if "headers" in given:
        before["headers"] = {name: value.reveal() for name, value in present.headers}
    if "oauth" in given:
        before["oauth"] = None if present.oauth is None else written(present.oauth)
    return [name for name, value in given.items() if value != before[name]]


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Say which name is taken where the database only says that one is."""
    try:
        yield
    except ManagedError:
        raise
    except ConflictError as error:
        raise ConflictError(f"an account named {name!r} exists already") from error


def _missing(account_id: str) -> NotFoundError:
    return NotFoundError(f"no account {account_id}")


__all__ = ["StoredAccounts"]
