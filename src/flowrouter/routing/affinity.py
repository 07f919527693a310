"""Which target a session stays with, and until when that helps: values in, values out.

A pin is kept in shared state under a digest of owner, group and session, so that it can neither be
guessed nor met by another owner. It says nothing about rights: it only moves a target that the plan
holds anyway.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.usage import Usage

SHORT_CACHE = 300.0
"""Seconds that Anthropic keeps a prompt whose marks say nothing else (prompt caching guide, November 2026)."""

LONG_CACHE = 3600.0
"""Seconds for marks with `ttl: "1h"`."""

KeyKind = Literal["session", "cache_key", "prefix"]


class Pin(msgspec.Struct, frozen=True, array_like=True):
    """Where a session's last answer came from.

    `account` is its id, `target` a `Target.key`, `used` wall seconds, `life` how long its prompt cache
    lasts from then, `cached` the prompt tokens that it holds. `sealed` tells that the answers may carry state which only
    this account can read, `moved` that earlier ones carry another's.
    """

    account: str
    target: str
    used: float
    life: float
    cached: int = 0
    sealed: bool = False
    moved: bool = False

    def warm(self, now: float) -> bool:
        """Return whether the prompt cache may still be there."""
        return now - self.used < self.life


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What tells a session from others, and how it was told."""

    key: str
    kind: KeyKind


class Stay:
    """One exchange's claim to its session's place: what was pinned before, and whether that still leads."""

    __slots__ = ("before", "place", "session", "ttl")

    def __init__(self, key: str, session: Session, *, before: Pin | None, ttl: float) -> None:
        self.place = key
        self.session = session
        self.before = before
        self.ttl = ttl


def place(owner_id: str, group: str, session: Session) -> str:
    """Return the key of a session's pin in shared state."""
    text = f"{owner_id}\0{group}\0{session.kind}\0{session.key}"
    return "pin:" + blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def cache_life(usage: Usage | None, dialect: Dialect, *, before: Pin | None, default: float) -> float:
    """Return how long the prompt cache of an answer lasts, in seconds.

    Anthropic's is known by its marks: the answer tells which were written, an answer that only read
    has the life of the one before. Others do not say; `default` is the setting's.
    """
    if dialect != "anthropic" or usage is None:
        return default
    if usage.cache_write_1h:
        return LONG_CACHE
    if usage.cache_read and before is not None:
        return before.life
    return SHORT_CACHE if usage.cache_write or usage.cache_read else default


def cached_tokens(usage: Usage | None) -> int:
    """Return the prompt tokens that are certainly in the cache behind an answer."""
    if usage is None:
        return 0
    return (usage.cache_read or 0) + (usage.cache_write or 0)


__all__ = [
    "LONG_CACHE",
    "SHORT_CACHE",
    "KeyKind",
    "Pin",
    "Session",
    "Stay",
    "cache_life",
    "cached_tokens",
    "place",
]
