"""`Idempotency-Key`: a call that was answered once is answered the same again, and not made twice.

The first call with a key takes a place in the shared state before it does anything; its answer takes that
place when it is there, for a day. The key belongs to who sent it and to the path. Answers may hold a new
gateway key's token, so they are sealed with a key that never leaves the gateway. What failed leaves
nothing behind and may be tried again.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from flowrouter.api.admin.access import Visitor
from flowrouter.api.admin.call import AdminRoute
from flowrouter.api.admin.deps import AdminDeps
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.roles import is_change
from flowrouter.errors import CallerError

HEADER = "idempotency-key"
REPLAYED = "idempotency-replayed"
KEPT_SECONDS = 24 * 3600.0
RUNNING_SECONDS = 120.0
"""For how long a call that died without a word keeps others away."""

_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_NONCE = 12
_PERSONAL = frozenset({"/api/login", "/api/logout", "/api/me/password"})
"""Answers that are for one browser."""


class _Kept(msgspec.Struct, array_like=True):
    """An answer, or that there is none yet (`status` 0)."""

    digest: bytes
    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""
    media: str = ""


class Place:
    """The place of one key; whoever entered it first fills or leaves it."""

    __slots__ = ("_box", "_digest", "_key", "_state")

    def __init__(self, deps: AdminDeps, box: AESGCM, *, key: str, digest: bytes) -> None:
        self._state = deps.state
        self._box = box
        self._key = key
        self._digest = digest

    async def enter(self) -> Reply | None:
        """Take the place, or return the first answer; raises `CallerError` (409, 422)."""
        mine = self._sealed(_Kept(self._digest))
        for _ in range(2):
            if await self._state.put_if_absent(self._key, mine, ttl=RUNNING_SECONDS):
                return None
            there = await self._state.get(self._key)
            kept = None if there is None else self._opened(there)
            if kept is not None:
                return self._answer(kept)
            if there is not None:  # nobody can read it
                await self._state.delete(self._key)
        raise _busy()

    async def keep(self, reply: Reply, status: int) -> None:
        """Leave the answer for whoever asks again."""
        if reply.stream is not None or reply.write is not None or reply.cookies or not 200 <= status < 300:
            await self.leave()
            return
        kept = _Kept(self._digest, status, dict(reply.headers), reply.body(), reply.media)
        await self._state.put(self._key, self._sealed(kept), ttl=KEPT_SECONDS)

    async def leave(self) -> None:
        """Give the place back: the call did nothing."""
        await self._state.delete(self._key)

    def _answer(self, kept: _Kept) -> Reply:
        if not hmac.compare_digest(kept.digest, self._digest):
            raise refusal(
                f"this `{HEADER}` was used for another request",
                status=422,
                code="idempotency_key_reused",
                param=HEADER,
                fix="send a new key with a new request",
            )
        if not kept.status:
            raise _busy()
        headers = {**kept.headers, REPLAYED: "true"}
        return Reply(status=kept.status, headers=headers, content=kept.body, media=kept.media)

    def _sealed(self, kept: _Kept) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._box.encrypt(nonce, msgspec.msgpack.encode(kept), self._key.encode())

    def _opened(self, sealed: bytes) -> _Kept | None:
        try:
            text = self._box.decrypt(sealed[:_NONCE], sealed[_NONCE:], self._key.encode())
            return msgspec.msgpack.decode(text, type=_Kept)
        except (InvalidTag, ValueError, msgspec.DecodeError):  # of another gateway's key, or another version
            return None


class Replays:
    """Finds the place of a call."""

    __slots__ = ("_box", "_deps")

    def __init__(self, deps: AdminDeps) -> None:
        self._deps = deps
        self._box = AESGCM(hmac.digest(deps.secret, b"answers that may be asked for again", "sha256"))

    def place(
        self, row: AdminRoute, visitor: Visitor, *, given: str | None, path: str, sent: bytes
    ) -> Place | None:
        """Return the place that the header's value names, None without one; raises `CallerError` (400).

        `sent` is what tells two requests of one path apart: the query and the body.
        """
        if given is None or not heeds(row):
            return None
        if not _KEY.fullmatch(given):
            raise refusal(f"`{HEADER}` takes 1 to 200 visible ASCII characters", param=HEADER)
        name = "\n".join((_whose(visitor), row.method, path, given))
        key = f"replay:{hashlib.sha256(name.encode()).hexdigest()}"
        return Place(self._deps, self._box, key=key, digest=hashlib.sha256(sent).digest())


def heeds(row: AdminRoute) -> bool:
    """Return whether a route looks at the header."""
    changes = row.method == "POST" and is_change(row.method, row.path)
    return changes and not (row.public or row.relays) and row.path not in _PERSONAL


def _whose(visitor: Visitor) -> str:
    if visitor.session is not None:
        return f"session {visitor.session.subject}"
    return f"{visitor.via} {visitor.key_id or ''}"


def _busy() -> CallerError:
    return refusal(
        f"a request with this `{HEADER}` is being answered",
        status=409,
        code="in_progress",
        param=HEADER,
        fix="ask again in a moment",
    )


__all__ = ["HEADER", "KEPT_SECONDS", "REPLAYED", "Place", "Replays", "heeds"]
