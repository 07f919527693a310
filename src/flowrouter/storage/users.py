"""Users in the store: a password's hash is sealed besides, and changing it ends what it opened."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from flowrouter.accounts.vault import Vault
from flowrouter.clock import Clock
from flowrouter.gateway.people import User, UserChange
from flowrouter.gateway.ports import ConflictError, NotFoundError
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.settings.admin import Role
from flowrouter.storage.database import Database
from flowrouter.storage.ownership import kept, refuse_removal
from flowrouter.storage.people_tables import login_sessions
from flowrouter.storage.people_tables import users as _table
from flowrouter.storage.rows import managed_from


class StoredUsers:
    """The `Users` of one store."""

    def __init__(self, database: Database, vault: Vault, *, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    def list(self) -> Sequence[User]:
        """Return the users by name."""
        with self._database.read() as connection:
            rows = connection.execute(select(_table).order_by(_table.c.name_key)).mappings()
            return [_user(row) for row in rows]

    def get(self, user_id: str) -> User:
        """Return one user; raises `NotFoundError`."""
        with self._database.read() as connection:
            return _get(connection, user_id)

    def find(self, name: str) -> tuple[User, str] | None:
        """Return the user of this name with the hash of the password; raises `StorageError`."""
        statement = select(_table).where(_table.c.name_key == name.casefold())
        with self._database.read() as connection:
            row = connection.execute(statement).mappings().first()
        if row is None:
            return None
        sealed = row["password_sealed"]
        return _user(row), self._vault.open(sealed, table="users", row=row["id"], field="password").decode()

    def create(self, name: str, *, role: Role, password_hash: str) -> User:
        """Store a new user; raises `ConflictError` where the name is taken, in whatever case."""
        user_id, now_ms = f"usr_{secrets.token_hex(8)}", self._now_ms()
        values = {
            "id": user_id,
            "owner_id": LOCAL_OWNER,
            "name": name,
            "name_key": name.casefold(),
            "role": role,
            "enabled": True,
            "created_at_ms": now_ms,
            "updated_at_ms": now_ms,
            **self._password(user_id, password_hash),
        }
        try:
            with self._database.write() as connection:
                connection.execute(insert(_table).values(values))
                return _get(connection, user_id)
        except ConflictError as error:
            raise ConflictError(f"a user named {name!r} exists already") from error

    def update(
        self,
        user_id: str,
        change: UserChange,
        *,
        check: Callable[[User], None] | None = None,
        detach: bool = False,
    ) -> User:
        """Change a user; one who is disabled or has a new password is signed out; raises `NotFoundError`."""
        values: dict[str, Any] = {"updated_at_ms": self._now_ms()}
        if change.role is not None:
            values["role"] = change.role
        if change.enabled is not None:
            values["enabled"] = change.enabled
        if change.password_hash is not None:
            values |= self._password(user_id, change.password_hash)
        with self._database.write() as connection:
            present = _get(connection, user_id)
            if check is not None:
                check(present)
            what = f"the user {present.name!r}"
            values |= kept(present.managed, _changed(change, present), what=what, detach=detach)
            connection.execute(update(_table).where(_table.c.id == user_id).values(values))
            if change.password_hash is not None or change.enabled is False:
                _sign_out(connection, user_id)
            return _get(connection, user_id)

    def delete(
        self, user_id: str, *, check: Callable[[User], None] | None = None, detach: bool = False
    ) -> None:
        """Remove a user and the user's sessions; raises `NotFoundError`."""
        with self._database.write() as connection:
            user = _get(connection, user_id)
            if check is not None:
                check(user)
            refuse_removal(user.managed, what=f"the user {user.name!r}", detach=detach)
            _sign_out(connection, user_id)
            connection.execute(delete(_table).where(_table.c.id == user_id))

    def seen(self, user_id: str, *, password_hash: str | None = None) -> None:
        """Note a login; `password_hash` replaces one that was made with older parameters."""
        values: dict[str, Any] = {"seen_at_ms": self._now_ms()}
        if password_hash is not None:
            values["password_sealed"] = self._password(user_id, password_hash)["password_sealed"]
        with self._database.write() as connection:
            connection.execute(update(_table).where(_table.c.id == user_id).values(values))

    def _password(self, user_id: str, password_hash: str) -> dict[str, Any]:
        sealed = self._vault.seal(password_hash.encode(), table="users", row=user_id, field="password")
        return {"password_sealed": sealed, "password_at_ms": self._now_ms()}

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)


def _sign_out(connection: Connection, user_id: str) -> None:
    connection.execute(delete(login_sessions).where(login_sessions.c.user_id == user_id))


def _get(connection: Connection, user_id: str) -> User:
    row = connection.execute(select(_table).where(_table.c.id == user_id)).mappings().first()
    if row is None:
        raise NotFoundError(f"no user {user_id}")
    return _user(row)


def _user(row: Mapping[Any, Any]) -> User:
    values: dict[str, Any] = {name: row[name] for name in User.__struct_fields__}
    values["managed"] = managed_from(row)
    return User(**values)


def _changed(change: UserChange, present: User) -> list[str]:
    """Return what becomes another value; a new password always does."""
    changed = [
        name for name in ("role", "enabled") if getattr(change, name) not in (None, getattr(present, name))
    ]
    return [*changed, *(() if change.password_hash is None else ("password",))]


__all__ = ["StoredUsers"]
