"""Who runs the gateway: users, their sessions, and the book of what they changed.

Values and ports as in `ports`; all methods block and are called off the event loop. Passwords arrive
hashed and session tokens as hashes: nothing here could sign anyone in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from flowrouter.settings.admin import Role
from flowrouter.settings.managed import Managed

Via = str
"""How somebody got in: `password`, `oidc`, `link`, `token`, `key` or `cli`."""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with a password; names are unique whatever the case."""

    id: str
    name: str
    role: Role
    owner_id: str
    enabled: bool = True
    created_at_ms: int = 0
    updated_at_ms: int = 0
    password_at_ms: int | None = None
    seen_at_ms: int | None = None
    managed: Managed | None = None


class UserChange(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a user; None leaves it. A password comes as its hash and ends the user's sessions."""

    role: Role | None = None
    enabled: bool | None = None
    password_hash: str | None = None

    def __repr__(self) -> str:
        return f"UserChange(role={self.role!r}, enabled={self.enabled!r})"


class LoginSession(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in browser. `role` is as of now for users of ours, as of the login for all others.

    `subject` says whose the session is (`user:ID`, `oidc:ISSUER|SUB`, `link:TOKEN FINGERPRINT`). It ends at
    `ends_at_ms`, and `idle_ms` after its last use.
    """

    id: str
    token_hash: str
    name: str
    role: Role
    via: Via
    subject: str
    owner_id: str
    created_at_ms: int
    seen_at_ms: int
    ends_at_ms: int
    idle_ms: int
    user_id: str | None = None
    address: str | None = None
    client: str | None = None

    def __repr__(self) -> str:
        return f"LoginSession(id={self.id!r}, name={self.name!r}, role={self.role!r})"


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One change, or an attempt at one that was refused; ids sort by time.

    `before` and `after` hold what differs, without secrets. `status` is that of the answer, 0 for a command.
    """

    id: str
    ts_ms: int
    owner_id: str
    actor: str
    via: Via
    role: str
    action: str
    status: int
    target: str | None = None
    method: str | None = None
    path: str | None = None
    address: str | None = None
    request_id: str | None = None
    before: Any = None
    after: Any = None


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries; what is None does not narrow them. Times are a half-open span."""

    actor: str | None = None
    action: str | None = None
    target: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


class Users(Protocol):
    """The people who may log in with a password."""

    def list(self) -> Sequence[User]:
        """Return the users by name."""
        ...

    def get(self, user_id: str) -> User:
        """Return one user; raises `NotFoundError`."""
        ...

    def find(self, name: str) -> tuple[User, str] | None:
        """Return the user of this name with the hash of the password; raises `StorageError`."""
        ...

    def create(self, name: str, *, role: Role, password_hash: str) -> User:
        """Store a new user; raises `ConflictError` where the name is taken, in whatever case."""
        ...

    def update(
        self,
        user_id: str,
        change: UserChange,
        *,
        check: Callable[[User], None] | None = None,
        detach: bool = False,
    ) -> User:
        """Change a user; one who is disabled or has a new password is signed out; raises `NotFoundError`.

        And `ManagedError` where a file owns what changes, unless `detach`.

        `check` is shown the present user, whom nobody else changes meanwhile, and may raise.
        """
        ...

    def delete(
        self, user_id: str, *, check: Callable[[User], None] | None = None, detach: bool = False
    ) -> None:
        """Remove a user and the user's sessions; raises `NotFoundError`."""
        ...

    def seen(self, user_id: str, *, password_hash: str | None = None) -> None:
        """Note a login; `password_hash` replaces one that was made with older parameters."""
        ...


class LoginSessions(Protocol):
    """The browsers that are signed in."""

    def create(self, session: LoginSession) -> None:
        """Store a session; those that have ended leave."""
        ...

    def find(self, token_hash: str) -> LoginSession | None:
        """Return the live session of a token; one of a user who is disabled or gone is none."""
        ...

    def touch(self, session_id: str) -> None:
        """Note that a session is in use."""
        ...

    def list(self, *, subject: str | None = None) -> Sequence[LoginSession]:
        """Return the live sessions, last used first (None: everybody's)."""
        ...

    def end(self, session_id: str, *, subject: str | None = None) -> LoginSession:
        """End one; raises `NotFoundError`, also for somebody else's where `subject` is given."""
        ...

    def end_all(self, *, subject: str | None = None) -> int:
        """End all of one subject (None: everybody's) and count them."""
        ...


class AuditBook(Protocol):
    """Who changed what; entries are only ever added, and leave when they are old."""

    def record(self, entry: AuditEntry) -> None:
        """Add an entry."""
        ...

    def list(
        self, which: AuditFilter, *, limit: int = 50, before_id: str | None = None
    ) -> Sequence[AuditEntry]:
        """Return entries, newest first, from the one after `before_id` on."""
        ...


__all__ = [
    "AuditBook",
    "AuditEntry",
    "AuditFilter",
    "LoginSession",
    "LoginSessions",
    "User",
    "UserChange",
    "Users",
    "Via",
]
