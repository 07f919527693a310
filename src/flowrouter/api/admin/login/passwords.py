"""Passwords: argon2id, off the event loop, two at a time because each takes 64 MiB."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from flowrouter.api.admin.envelope import refusal
from flowrouter.errors import ConfigError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LONGEST = 1024
"""Bytes; more would only be work."""

_AT_ONCE = 2
_WAITING_MAX = 16


class Passwords:
    """Checks passwords; one instance per process, used from the event loop."""

    __slots__ = ("_places", "_waiting")

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def check(self, password: str, known: str | None) -> bool:
        """Return whether the hash `known` is of `password`; None takes as long and is never right."""
        with self._waited():
            async with self._places:
                return await asyncio.to_thread(matches, password, known)

    async def hash(self, password: str) -> str:
        """Return what may be kept of a password."""
        with self._waited():
            async with self._places:
                return await asyncio.to_thread(hashed, password)

    @contextmanager
    def _waited(self) -> Iterator[None]:
        if self._waiting >= _WAITING_MAX:
            fix = "try again in a moment"
            raise refusal("too many logins at a time", status=503, code="busy", fix=fix)
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1


def hashed(password: str) -> str:
    """Return the argon2id hash of a password with its parameters and salt."""
    return _hasher().hash(password)


def matches(password: str, known: str | None) -> bool:
    """Return whether the hash `known` is of `password`; None is never right, in the same time."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        right = _hasher().verify(known or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
    return right and known is not None


def outdated(known: str) -> bool:
    """Return whether a hash was made with other parameters than are used now."""
    return _hasher().check_needs_rehash(known)


def checked(password: str, *, least: int) -> str:
    """Return a new password that may be used; raises `ConfigError`."""
    if len(password) < least:
        raise ConfigError(
            f"a password has at least {least} characters", fix="several words are easy to remember"
        )
    if len(password.encode()) > LONGEST:
        raise ConfigError(f"a password has at most {LONGEST} bytes")
    if len(set(password)) < _DIFFERENT_MIN:
        raise ConfigError("this password repeats a few characters; take another one")
    return password


_DIFFERENT_MIN = 5


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher, Type

    # RFC 9106, section 4: the second recommended option.
    return PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4, hash_len=32, type=Type.ID)


@lru_cache(maxsize=1)
def _nobodys() -> str:
    """Return a hash that no password has, so that unknown names take as long as known ones."""
    return hashed(secrets.token_hex(16))


__all__ = ["LONGEST", "Passwords", "checked", "hashed", "matches", "outdated"]
