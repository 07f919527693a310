"""`/api/login`, `/api/logout`, `/api/me`: in by a password, out, and who one is."""

from __future__ import annotations

from typing import Annotated

import msgspec

from flowrouter.api.admin.access import Visitor, login_is_on, signed_in
from flowrouter.api.admin.call import Call
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.login.passwords import LONGEST, checked, outdated
from flowrouter.api.admin.sessions import Identity, Issued, cookie_name, set_cookie
from flowrouter.errors import CallerError
from flowrouter.gateway.people import User, UserChange
from flowrouter.settings.admin import Role

OIDC_START = "/api/login/oidc/start"

Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST)]


class Credentials(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Name and password of a user; the first one that is made is called `admin`."""

    password: Secret
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] = "admin"

    def __repr__(self) -> str:
        return f"Credentials(name={self.name!r})"


class PasswordChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One's own password, the present and the next."""

    present: Secret
    next: Secret

    def __repr__(self) -> str:
        return "PasswordChange()"


class LeavingQuestion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`everywhere` ends one's sessions on all devices."""

    everywhere: bool = False


class OidcOffered(msgspec.Struct, frozen=True, kw_only=True):
    """Logging in through a provider: what to call it and the address to open."""

    label: str
    start: str


class LoginWays(msgspec.Struct, frozen=True, kw_only=True):
    """How people get in; `advice` says what is missing where nobody can."""

    on: bool
    password: bool
    oidc: OidcOffered | None
    advice: str | None


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who is calling; `csrf_token` goes with every change that a session makes."""

    name: str
    role: Role
    via: str
    owner_id: str | None
    session_id: str | None
    csrf_token: str | None
    ends_at_ms: int | None


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """How many sessions were ended."""

    ended: int


async def show_login(call: Call) -> Reply:
    """Return how people get in; anybody may ask."""
    on = login_is_on(call.deps.config)
    oidc = call.deps.config.admin.oidc
    password = on and bool(await call.ask(lambda store: store.users.list()))
    offered = OidcOffered(label=oidc.label, start=OIDC_START) if on and oidc.issuer else None
    advice = None
    if not on:
        advice = _OFF
    elif not password and offered is None:
        advice = _NO_WAY
    return Reply(data=LoginWays(on=on, password=password, oidc=offered, advice=advice))


async def log_in(call: Call) -> Reply:
    """Begin a session with name and password."""
    if not login_is_on(call.deps.config):
        raise refusal("logging in is off", status=403, code="login_off", fix=_OFF)
    given: Credentials = call.body
    await call.logins.throttle.enter(call.knock.peer, given.name)
    user = await _proven(call, given.name, given.password)
    await call.logins.throttle.forget(call.knock.peer, given.name)
    who = Identity(name=user.name, role=user.role, via="password", subject=f"user:{user.id}", user_id=user.id)
    issued = await begin(call, who)
    return Reply(data=me(call.visitor, issued), cookies=(session_cookie(call, issued),))


async def log_out(call: Call) -> Reply:
    """End the session that is used, or all of the same person."""
    session = call.visitor.session
    ended = 0
    if session is not None:
        everywhere: LeavingQuestion = call.body
        if everywhere.everywhere:
            ended = await call.ask(lambda store: store.sessions.end_all(subject=session.subject))
        else:
            await call.ask(lambda store: store.sessions.end(session.id))
            ended = 1
    return Reply(data=Left(ended=ended), cookies=(no_cookie(call),))


async def show_me(call: Call) -> Reply:
    """Return who is calling."""
    return Reply(data=me(call.visitor, None, call=call))


async def change_my_password(call: Call) -> Reply:
    """Set one's own password; it ends all one's sessions, and begins a new one here."""
    session = call.visitor.session
    if session is None or session.user_id is None:
        raise refusal(
            "only somebody who logged in with a password has one to change",
            status=409,
            code="no_password",
            fix="flow-router admin password",
        )
    change: PasswordChange = call.body
    await call.logins.throttle.enter(call.knock.peer, session.name)
    user = await _proven(call, session.name, change.present)
    await call.logins.throttle.forget(call.knock.peer, session.name)
    new = checked(change.next, least=call.deps.config.admin.password_length)
    hashed = await call.logins.passwords.hash(new)
    await call.ask(lambda store: store.users.update(user.id, UserChange(password_hash=hashed)))
    who = Identity(name=user.name, role=user.role, via="password", subject=f"user:{user.id}", user_id=user.id)
    issued = await begin(call, who)
    return Reply(data=me(call.visitor, issued), cookies=(session_cookie(call, issued),))


async def begin(call: Call, who: Identity) -> Issued:
    """Make a session for somebody who proved who they are, in place of the one that was sent."""
    sessions = call.logins.sessions
    await sessions.drop(call.knock.token)
    issued = await sessions.issue(who, address=call.knock.peer, client=call.knock.headers.get("user-agent"))
    call.visitor = signed_in(issued.session)
    return issued


def session_cookie(call: Call, issued: Issued) -> str:
    """Return the header that gives a session to the browser."""
    secure = call.knock.secure
    return set_cookie(cookie_name(secure=secure), issued.token, seconds=issued.seconds, secure=secure)


def no_cookie(call: Call) -> str:
    """Return the header that takes it away."""
    secure = call.knock.secure
    return set_cookie(cookie_name(secure=secure), "", seconds=0, secure=secure)


def me(visitor: Visitor, issued: Issued | None, *, call: Call | None = None) -> Me:
    """Return what somebody may know of himself."""
    session = visitor.session
    csrf = None if issued is None else issued.csrf_token
    if call is not None and session is not None and call.knock.token:
        csrf = call.logins.sessions.csrf(call.knock.token)
    return Me(
        name=visitor.name,
        role=visitor.role,
        via=visitor.via,
        owner_id=visitor.owner_id,
        session_id=None if session is None else session.id,
        csrf_token=csrf,
        ends_at_ms=None if session is None else session.ends_at_ms,
    )


async def _proven(call: Call, name: str, password: str) -> User:
    """Return the user whose password this is; raises `CallerError` (401)."""
    found = await call.ask(lambda store: store.users.find(name))
    user, known = found or (None, None)
    right = await call.logins.passwords.check(password, known)
    call.target = None if user is None else user.id
    if user is None or known is None or not right or not user.enabled:
        raise _wrong()
    renewed = await call.logins.passwords.hash(password) if outdated(known) else None
    await call.ask(lambda store: store.users.seen(user.id, password_hash=renewed))
    return user


def _wrong() -> CallerError:
    return refusal(
        "name and password do not fit",
        status=401,
        code="wrong_password",
        fix="a new one is set on the gateway's machine: flow-router admin password",
    )


_OFF = 'set `login = "on"` below `[admin]` in config.toml and start the gateway again'
_NO_WAY = "nobody can log in yet; on the gateway's machine: flow-router admin password"

__all__ = [
    "OIDC_START",
    "Credentials",
    "LeavingQuestion",
    "Left",
    "LoginWays",
    "Me",
    "OidcOffered",
    "PasswordChange",
    "begin",
    "change_my_password",
    "log_in",
    "log_out",
    "me",
    "session_cookie",
    "show_login",
    "show_me",
]
