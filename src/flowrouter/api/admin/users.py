"""`/api/users` and `/api/sessions`: who may log in with a password, and which browsers are signed in."""

from __future__ import annotations

from typing import Annotated

import msgspec

from flowrouter.api.admin.call import Call
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.login.passwords import LONGEST, checked
from flowrouter.api.admin.paging import paged
from flowrouter.api.admin.preconditions import refuse_other, tag_of
from flowrouter.api.admin.reading import NO_CONTROLS
from flowrouter.api.admin.roles import covers
from flowrouter.gateway.people import LoginSession, User, UserChange
from flowrouter.settings.admin import Role

Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST)]


class UserDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user to make."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=NO_CONTROLS)]
    password: Secret
    role: Role = "viewer"

    def __repr__(self) -> str:
        return f"UserDraft(name={self.name!r}, role={self.role!r})"


class UserPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a user; a new password, or `enabled` false, ends the user's sessions."""

    role: Role | None = None
    enabled: bool | None = None
    password: Secret | None = None

    def __repr__(self) -> str:
        return f"UserPatch(role={self.role!r}, enabled={self.enabled!r})"


class UserGone(msgspec.Struct, frozen=True, kw_only=True):
    """A user who was removed."""

    id: str
    name: str


class SessionShown(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in browser; `current` is the one that asks. `client` is the name it gives itself."""

    id: str
    name: str
    role: Role
    via: str
    address: str | None
    client: str | None
    created_at_ms: int
    seen_at_ms: int
    ends_at_ms: int
    current: bool


async def list_users(call: Call) -> Reply:
    """Return who may log in with a password."""
    call.operator_only("see the users")
    found = await call.ask(lambda store: store.users.list())
    return paged(found, call.query, key=lambda user: (user.name.casefold(), user.id))


async def get_user(call: Call) -> Reply:
    """Return one user."""
    call.operator_only("see the users")
    user = await call.ask(lambda store: store.users.get(call.rest))
    return Reply(data=user, headers=_tagged(user, call))


async def create_user(call: Call) -> Reply:
    """Make a user, who may log in when this returns."""
    call.operator_only("make users")
    draft: UserDraft = call.body
    name = draft.name.strip()
    if not name:
        raise refusal("`name` is blank", param="name")
    hashed = await call.logins.passwords.hash(_checked(draft.password, call))
    user = await call.ask(lambda store: store.users.create(name, role=draft.role, password_hash=hashed))
    headers = {**_tagged(user, call), "location": f"/api/users/{user.id}"}
    return Reply(data=user, headers=headers)


async def change_user(call: Call) -> Reply:
    """Change role or password, or let somebody in no more; it holds at once."""
    call.operator_only("change users")
    patch: UserPatch = call.body
    hashed = None
    if patch.password is not None:
        hashed = await call.logins.passwords.hash(_checked(patch.password, call))
    change = UserChange(role=patch.role, enabled=patch.enabled, password_hash=hashed)
    changed = await call.ask(
        lambda store: store.users.update(
            call.rest, change, check=lambda user: _refuse_other(user, call), detach=call.query.detach
        )
    )
    return Reply(data=changed, headers=_tagged(changed, call))


async def delete_user(call: Call) -> Reply:
    """Remove a user with all sessions."""
    call.operator_only("remove users")
    user: User = await call.ask(lambda store: store.users.get(call.rest))
    await call.ask(
        lambda store: store.users.delete(
            user.id, check=lambda present: _refuse_other(present, call), detach=call.query.detach
        )
    )
    return Reply(data=UserGone(id=user.id, name=user.name))


async def list_sessions(call: Call) -> Reply:
    """Return the signed-in browsers: everybody's for admins, one's own for others."""
    call.operator_only("see sessions")
    subject = _subject(call)
    found = await call.ask(lambda store: store.sessions.list(subject=subject))
    rows = [shown(session, call) for session in found]
    return paged(rows, call.query, key=lambda row: (-row.created_at_ms, row.id))


async def end_session(call: Call) -> Reply:
    """Sign a browser out; admins any, others their own."""
    call.operator_only("end sessions")
    subject = _subject(call)
    return Reply(
        data=shown(await call.ask(lambda store: store.sessions.end(call.rest, subject=subject)), call)
    )


def shown(session: LoginSession, call: Call) -> SessionShown:
    """Return what may be seen of a session."""
    mine = call.visitor.session
    names = [name for name in SessionShown.__struct_fields__ if name != "current"]
    return SessionShown(
        current=mine is not None and mine.id == session.id, **{name: getattr(session, name) for name in names}
    )


def _refuse_other(user: User, call: Call) -> None:
    refuse_other(call, _tagged(user, call)["etag"], "user")


def _tagged(user: User, call: Call) -> dict[str, str]:
    """Return the header for what can be changed of a user; logging in changes nothing of it."""
    return {"etag": tag_of(msgspec.structs.replace(user, seen_at_ms=None), secret=call.deps.secret)}


def _subject(call: Call) -> str | None:
    """Return whose sessions exist for the visitor, None for everybody's."""
    if covers(call.visitor.role, "admin") or call.visitor.session is None:
        return None
    return call.visitor.session.subject


def _checked(password: str, call: Call) -> str:
    return checked(password, least=call.deps.config.admin.password_length)


__all__ = [
    "SessionShown",
    "UserDraft",
    "UserGone",
    "UserPatch",
    "change_user",
    "create_user",
    "delete_user",
    "end_session",
    "get_user",
    "list_sessions",
    "list_users",
    "shown",
]
