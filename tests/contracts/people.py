"""The contract of `Users`, `LoginSessions` and `AuditBook`: who is in, for how long, and what they did."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flowrouter.gateway.people import (
    AuditBook,
    AuditEntry,
    AuditFilter,
    LoginSession,
    LoginSessions,
    UserChange,
    Users,
)
from flowrouter.gateway.ports import ConflictError, NotFoundError
from tests.contracts.fakes import START, FakeClock

NOW_MS = int(START * 1000)


def session(number: int, **changes: Any) -> LoginSession:
    values: dict[str, Any] = {
        "id": f"ses_{number}",
        "token_hash": f"hash-{number}",
        "name": "ann",
        "role": "viewer",
        "via": "oidc",
        "subject": "oidc:x|ann",
        "owner_id": "local",
        "created_at_ms": NOW_MS,
        "seen_at_ms": NOW_MS,
        "ends_at_ms": NOW_MS + 10_000,
        "idle_ms": 4_000,
    }
    return LoginSession(**(values | changes))


def entry(number: int, **changes: Any) -> AuditEntry:
    values: dict[str, Any] = {
        "id": f"aud_{number:04}",
        "ts_ms": NOW_MS + number,
        "owner_id": "local",
        "actor": "ann",
        "via": "oidc",
        "role": "admin",
        "action": "create_key",
        "status": 201,
        "after": {"deep": [1, None, "ä"]},
    }
    return AuditEntry(**(values | changes))


class PeopleContract:
    """Subclass it and override the fixtures, all of one empty store that tells time by `clock`."""

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def users(self) -> Users:
        raise NotImplementedError

    @pytest.fixture
    def sessions(self) -> LoginSessions:
        raise NotImplementedError

    @pytest.fixture
    def audit(self) -> AuditBook:
        raise NotImplementedError

    def test_users(self, users: Users) -> None:
        made = users.create("Ann", role="operator", password_hash="$argon2id$one")
        assert users.find("aNN") == (made, "$argon2id$one")
        assert users.find("bob") is None
        with pytest.raises(ConflictError, match="ann"):
            users.create("ann", role="viewer", password_hash="x")
        changed = users.update(made.id, UserChange(role="admin", password_hash="$argon2id$two"))
        assert changed == msgspec.structs.replace(made, role="admin")
        assert users.find("ann") == (changed, "$argon2id$two")
        users.seen(made.id, password_hash="$argon2id$three")
        found = users.find("ann")
        assert found is not None
        assert (found[0].seen_at_ms, found[1]) == (NOW_MS, "$argon2id$three")
        users.create("bea", role="viewer", password_hash="x")
        assert [user.name for user in users.list()] == ["Ann", "bea"]
        users.delete(made.id)
        for refused in (
            lambda: users.get(made.id),
            lambda: users.delete(made.id),
            lambda: users.update(made.id, UserChange(role="viewer")),
        ):
            with pytest.raises(NotFoundError):
                refused()

    def test_sessions_end_by_their_times(self, sessions: LoginSessions, clock: FakeClock) -> None:
        sessions.create(session(1))
        sessions.create(session(2))
        assert sessions.find("hash-1") == session(1)
        assert sessions.find("hash-x") is None
        clock.advance(3)
        sessions.touch("ses_1")
        clock.advance(2)
        assert [each.id for each in sessions.list()] == ["ses_1"]
        assert sessions.find("hash-2") is None, "idle for too long"
        clock.advance(1.5)
        sessions.touch("ses_1")
        clock.advance(3.5)
        assert sessions.find("hash-1") is None, "over, however busy"
        with pytest.raises(NotFoundError):
            sessions.end("ses_1")

    def test_sessions_are_ended(self, sessions: LoginSessions) -> None:
        for number, subject in enumerate(("a", "a", "b", "b")):
            sessions.create(session(number, subject=subject))
        assert sessions.end("ses_0").subject == "a"
        with pytest.raises(NotFoundError):
            sessions.end("ses_2", subject="a")
        assert {each.id for each in sessions.list(subject="b")} == {"ses_2", "ses_3"}
        assert sessions.end_all(subject="b") == 2
        assert [each.id for each in sessions.list()] == ["ses_1"]
        assert sessions.end_all() == 1

    def test_sessions_follow_their_user(self, users: Users, sessions: LoginSessions) -> None:
        user = users.create("ann", role="operator", password_hash="x")
        mine = {"user_id": user.id, "subject": f"user:{user.id}", "role": "admin"}
        sessions.create(session(1, **mine))
        found = sessions.find("hash-1")
        assert found is not None
        assert found.role == "operator", "the user's, not the one of the login"
        users.update(user.id, UserChange(role="viewer"))
        found = sessions.find("hash-1")
        assert found is not None
        assert found.role == "viewer"
        for change in (UserChange(enabled=False), UserChange(enabled=True, password_hash="y")):
            users.update(user.id, change)
            assert sessions.find("hash-1") is None
            sessions.create(session(1, **mine))
        users.update(user.id, UserChange(enabled=False))
        sessions.create(session(9, **mine))
        assert sessions.find("hash-9") is None, "nobody who is disabled"
        users.delete(user.id)
        assert sessions.list() == []

    def test_audit(self, audit: AuditBook) -> None:
        for number in range(5):
            audit.record(entry(number, actor="ann" if number % 2 else "bob"))
        found = audit.list(AuditFilter())
        assert [each.id for each in found] == [f"aud_{number:04}" for number in (4, 3, 2, 1, 0)]
        assert found[0] == entry(4, actor="bob")
        assert [each.id for each in audit.list(AuditFilter(), limit=2, before_id="aud_0003")] == [
            "aud_0002",
            "aud_0001",
        ]
        assert [each.id for each in audit.list(AuditFilter(actor="ann"))] == ["aud_0003", "aud_0001"]
        span = AuditFilter(since_ms=NOW_MS + 1, until_ms=NOW_MS + 3)
        assert [each.id for each in audit.list(span)] == ["aud_0002", "aud_0001"]
        assert audit.list(AuditFilter(action="other")) == audit.list(AuditFilter(target="x")) == []

    def test_old_entries_leave(self, audit: AuditBook, clock: FakeClock) -> None:
        audit.record(entry(0))
        clock.advance(401 * 86_400)
        for number in range(1, 201):
            audit.record(entry(number, ts_ms=int(clock.now() * 1000)))
        assert audit.list(AuditFilter(until_ms=NOW_MS + 1)) == []
