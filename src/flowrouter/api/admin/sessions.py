"""Browser sessions: what a login leaves.

A session's cookie is 256 random bits, kept as a hash in the store: it outlives a restart, every worker
knows it, and ending it ends it everywhere. Every login makes a new one and ends the one that was sent.
One that came of a link (`handover`) dies with the local token.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
import secrets

import msgspec

from flowrouter.api.admin.asking import ask
from flowrouter.api.admin.deps import AdminDeps
from flowrouter.api.admin.handover import same
from flowrouter.gateway.people import LoginSession, Via
from flowrouter.gateway.ports import NotFoundError
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.settings.admin import Role

COOKIE = "flow_router_session"
SESSION_SECONDS = 30 * 24 * 3600

_PURPOSE = b"flow-router browser session 1"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_TOUCH_MS = 60_000
_CLIENT_MAX = 200


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who logged in, and how; without a `subject` it is whoever holds the local token."""

    name: str
    role: Role
    via: Via
    subject: str | None = None
    user_id: str | None = None


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A new session with what the browser keeps of it."""

    token: str
    csrf_token: str
    session: LoginSession
    seconds: int

    def __repr__(self) -> str:
        return f"Issued(session={self.session!r})"


class Sessions:
    """Makes, finds and ends sessions; `secret` is the key of what they prove without the store."""

    __slots__ = ("_clock", "_fingerprint", "_management", "_secret", "_settings")

    def __init__(self, deps: AdminDeps) -> None:
        self._management = deps.management
        self._clock = deps.clock
        self._settings = deps.config.admin
        self._secret = deps.secret
        self._fingerprint = hashlib.sha256(_PURPOSE + deps.token.encode()).hexdigest()[:16]

    async def issue(self, who: Identity, *, address: str | None, client: str | None) -> Issued:
        """Begin a session and return what the browser keeps; raises `StorageError`."""
        token = secrets.token_urlsafe(32)
        now_ms = int(self._clock.now() * 1000)
        by_link = who.via == "link"
        lasts = SESSION_SECONDS if by_link else self._settings.session_hours * 3600
        idle = SESSION_SECONDS if by_link else self._settings.idle_minutes * 60
        session = LoginSession(
            id=f"ses_{secrets.token_hex(8)}",
            token_hash=_hash(token),
            name=who.name,
            role=who.role,
            via=who.via,
            subject=who.subject or f"link:{self._fingerprint}",
            owner_id=LOCAL_OWNER,
            created_at_ms=now_ms,
            seen_at_ms=now_ms,
            ends_at_ms=now_ms + int(lasts * 1000),
            idle_ms=int(idle * 1000),
            user_id=who.user_id,
            address=address,
            client=(client or "")[:_CLIENT_MAX] or None,
        )
        await ask(self._management, lambda store: store.sessions.create(session))
        return Issued(token=token, csrf_token=self.csrf(token), session=session, seconds=int(lasts))

    async def find(self, token: str | None) -> LoginSession | None:
        """Return the live session of a cookie's value; raises `StorageError`."""
        if not token or not _TOKEN.fullmatch(token):
            return None
        session = await ask(self._management, lambda store: store.sessions.find(_hash(token)))
        if session is None or not self._is_ours(session):
            return None
        if int(self._clock.now() * 1000) - session.seen_at_ms >= _TOUCH_MS:
            await ask(self._management, lambda store: store.sessions.touch(session.id))
        return session

    async def drop(self, token: str | None) -> None:
        """End the session of a cookie's value, if there is one."""
        session = await self.find(token)
        if session is not None:
            with contextlib.suppress(NotFoundError):
                await ask(self._management, lambda store: store.sessions.end(session.id))

    def csrf(self, token: str) -> str:
        """Return what a page of ours sends beside the cookie; nobody makes it without the gateway's key."""
        return hmac.digest(self._secret, b"csrf " + token.encode(), "sha256").hex()

    def signed(self, text: str) -> str:
        """Return `text` so that `unsigned` takes it back from a browser."""
        return f"{text}.{self._mac(text)}"

    def unsigned(self, value: str) -> str | None:
        """Return what was signed, None for anything else."""
        text, _, mac = value.rpartition(".")
        return text if same(self._mac(text), mac) else None

    def _is_ours(self, session: LoginSession) -> bool:
        """Return whether a session that came of a link is of the present local token."""
        return session.via != "link" or session.subject == f"link:{self._fingerprint}"

    def _mac(self, text: str) -> str:
        return hmac.digest(self._secret, b"cookie " + text.encode("utf-8", "replace"), "sha256").hex()


def cookie_name(*, secure: bool) -> str:
    """Return the cookie's name: where TLS is used, one that browsers take over TLS only, for this host only."""
    return f"__Host-{COOKIE}" if secure else COOKIE


def set_cookie(
    name: str, value: str, *, seconds: int, secure: bool, path: str = "/", lax: bool = False
) -> str:
    """Return a `set-cookie` header; 0 seconds remove the cookie."""
    parts = [f"{name}={value}", f"Max-Age={seconds}", f"Path={path}", "HttpOnly"]
    parts += [f"SameSite={'lax' if lax else 'strict'}", *(["Secure"] if secure else [])]
    return "; ".join(parts)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


__all__ = [
    "COOKIE",
    "SESSION_SECONDS",
    "Identity",
    "Issued",
    "Sessions",
    "cookie_name",
    "set_cookie",
]
