"""Signed-in browsers in the store, so that every worker knows them and an end of one is for good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, and_, case, delete, insert, or_, select, update

from flowrouter.clock import Clock
from flowrouter.gateway.people import LoginSession
from flowrouter.gateway.ports import NotFoundError
from flowrouter.storage.database import Database
from flowrouter.storage.people_tables import login_sessions as _table
from flowrouter.storage.people_tables import users


class StoredSessions:
    """The `LoginSessions` of one store."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(self, session: LoginSession) -> None:
        """Store a session; those that have ended leave."""
        with self._database.write() as connection:
            connection.execute(delete(_table).where(~self._alive()))
            connection.execute(insert(_table).values(msgspec.structs.asdict(session)))

    def find(self, token_hash: str) -> LoginSession | None:
        """Return the live session of a token; one of a user who is disabled or gone is none."""
        with self._database.read() as connection:
            row = connection.execute(self._live().where(_table.c.token_hash == token_hash)).mappings().first()
        return None if row is None else _session(row)

    def touch(self, session_id: str) -> None:
        """Note that a session is in use."""
        with self._database.write() as connection:
            used = update(_table).where(_table.c.id == session_id)
            connection.execute(used.values(seen_at_ms=self._now_ms()))

    def list(self, *, subject: str | None = None) -> Sequence[LoginSession]:
        """Return the live sessions, last used first (None: everybody's)."""
        statement = self._live().order_by(_table.c.seen_at_ms.desc(), _table.c.id)
        if subject is not None:
            statement = statement.where(_table.c.subject == subject)
        with self._database.read() as connection:
            return [_session(row) for row in connection.execute(statement).mappings()]

    def end(self, session_id: str, *, subject: str | None = None) -> LoginSession:
        """End one; raises `NotFoundError`, also for somebody else's where `subject` is given."""
        with self._database.write() as connection:
            row = connection.execute(self._live().where(_table.c.id == session_id)).mappings().first()
            if row is None or subject not in (None, row["subject"]):
                raise NotFoundError(f"no session {session_id}")
            connection.execute(delete(_table).where(_table.c.id == session_id))
            return _session(row)

    def end_all(self, *, subject: str | None = None) -> int:
        """End all of one subject (None: everybody's) and count them."""
        statement = delete(_table)
        if subject is not None:
            statement = statement.where(_table.c.subject == subject)
        with self._database.write() as connection:
            return connection.execute(statement).rowcount

    def _live(self) -> Select[Any]:
        """Return live sessions, those of users of ours with the role the user has now."""
        columns = [
            case((users.c.id.is_not(None), users.c.role), else_=_table.c.role).label("role")
            if name == "role"
            else _table.c[name]
            for name in LoginSession.__struct_fields__
        ]
        known = or_(_table.c.user_id.is_(None), and_(users.c.id.is_not(None), users.c.enabled.is_(True)))
        joined = _table.outerjoin(users, users.c.id == _table.c.user_id)
        return select(*columns).select_from(joined).where(self._alive(), known)

    def _alive(self) -> ColumnElement[bool]:
        now_ms = self._now_ms()
        return and_(_table.c.ends_at_ms > now_ms, _table.c.seen_at_ms + _table.c.idle_ms > now_ms)

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)


def _session(row: Mapping[Any, Any]) -> LoginSession:
    return LoginSession(**{name: row[name] for name in LoginSession.__struct_fields__})


__all__ = ["StoredSessions"]
