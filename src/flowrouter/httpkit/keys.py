"""Gateway keys: the tokens callers hold, and the ring that recognises them.

A token is `flr_` + 64 hex characters (256 random bits) + 8 hex characters of their CRC-32, so that
a typo, a dummy value or another product's key is told from ours without a look-up. Only the
SHA-256 of the whole token is stored; at this entropy a keyed or slow hash adds nothing. The ring
finds keys by that whole hash, never by a prefix; how long that takes tells of hashes, which nobody can choose.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from flowrouter.httpkit.key_policy import NO_LIMITS, NO_POLICY, KeyLimits, KeyPolicy
from flowrouter.settings.managed import Managed

LOCAL_OWNER = "local"
"""The owner of everything on a gateway without tenants, and of callers that need no key."""

KeyState = Literal["live", "disabled", "expired", "revoked", "broken"]
"""`broken`: its stored policy is not understood, and it lets nobody in rather than anybody."""

PREFIX = "flr_"
_SECRET_HEX = 64
_SHOWN = len(PREFIX) + 10
_FORM = re.compile(r"flr_[0-9a-f]{72}\Z")


class GatewayKey(msgspec.Struct, frozen=True, kw_only=True):
    """A caller's key as stored; `token_hash` is hex SHA-256, `shown` its beginning for people.

    One that is disabled can be enabled again, one that is revoked cannot. `version` grows with each change by
    people. `problem` says why a stored key is not understood and not in force.
    """

    id: str
    name: str
    owner_id: str
    token_hash: str
    shown: str
    scopes: tuple[str, ...] = ()
    created_at_ms: int = 0
    expires_at_ms: int | None = None
    disabled_at_ms: int | None = None
    revoked_at_ms: int | None = None
    last_used_at_ms: int | None = None
    policy: KeyPolicy = NO_POLICY
    version: int = 1
    problem: str | None = None
    managed: Managed | None = None

    def state(self, now_ms: int) -> KeyState:
        """Return whether it lets its holder in at `now_ms`, and if not, why."""
        if self.revoked_at_ms is not None:
            return "revoked"
        if self.problem is not None:
            return "broken"
        if self.disabled_at_ms is not None:
            return "disabled"
        return "expired" if self.expires_at_ms is not None and self.expires_at_ms <= now_ms else "live"


class TokenMark(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a token: enough to recognise it, not enough to use it."""

    token_hash: str
    shown: str


class MintedToken:
    """A new token; `token` is to be shown once and then forgotten."""

    __slots__ = ("shown", "token", "token_hash")

    def __init__(self, token: str) -> None:
        self.token = token
        self.token_hash = hash_token(token)
        self.shown = shown(token)

    def __repr__(self) -> str:
        return f"MintedToken({self.shown!r})"


class KeyRing:
    """The keys of one configuration snapshot, found by the hash of the whole token.

    Revoked ones are gone. Disabled and expired ones let nobody in, and still count as keys: a gateway that
    asks for keys does not stop to do so because the last of them is switched off. `mark` is this ring's alone: who
    keeps that keeps no keys.
    """

    __slots__ = ("_keys", "_sound", "mark")

    def __init__(self, keys: Iterable[GatewayKey]) -> None:
        self._keys = {key.token_hash: key for key in keys if key.revoked_at_ms is None}
        # Hashes of keys whose token came with the right checksum before: it need not be worked out again.
        self._sound: set[str] = set()
        self.mark = object()

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[GatewayKey]:
        return iter(self._keys.values())

    def find(self, token: str, *, now_ms: int) -> GatewayKey | None:
        """Return the key that `token` is, unless it is unknown, revoked, disabled or expired.

        A token that is ours by form (`is_token`) yet not found must be refused even where no key
        is required: it was revoked, or belongs to another gateway.
        """
        if not _FORM.match(token):
            return None
        token_hash = hash_token(token)
        key = self._keys.get(token_hash)
        if key is None:
            return None
        if token_hash not in self._sound:
            if not is_token(token):
                return None
            self._sound.add(token_hash)
        return key if key.state(now_ms) == "live" else None


def mint() -> MintedToken:
    """Return a new random token."""
    body = PREFIX + secrets.token_hex(_SECRET_HEX // 2)
    return MintedToken(body + _checksum(body))


def is_token(text: str) -> bool:
    """Return whether `text` has the form and checksum of a gateway key; says nothing about its rights."""
    if not _FORM.match(text):
        return False
    end = len(PREFIX) + _SECRET_HEX
    return hmac.compare_digest(text[end:], _checksum(text[:end]))


def hash_token(token: str) -> str:
    """Return the stored form of `token`: hex SHA-256."""
    return hashlib.sha256(token.encode()).hexdigest()


def shown(token: str) -> str:
    """Return what people may see of `token`: its first characters."""
    return token[:_SHOWN] + "…"


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"


__all__ = [
    "LOCAL_OWNER",
    "NO_LIMITS",
    "NO_POLICY",
    "PREFIX",
    "GatewayKey",
    "KeyLimits",
    "KeyPolicy",
    "KeyRing",
    "KeyState",
    "MintedToken",
    "TokenMark",
    "hash_token",
    "is_token",
    "mint",
    "shown",
]
