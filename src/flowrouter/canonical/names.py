"""Fits names into a target's rule without ever letting two become one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from functools import lru_cache

NAME_PATTERN = r"[a-zA-Z0-9_-]"
"""The characters OpenAI and Anthropic allow in tool names and Anthropic in call ids."""

_DIGEST = 8


def fit(names: Iterable[str], *, pattern: str = NAME_PATTERN, limit: int = 64) -> dict[str, str]:
    """Return original → fitted for `names`; a name that already fits stays as it is.

    `pattern` matches one allowed character (hex digits among them). Others become `_` (never deleted:
    `a.b` and `ab` would collide), and a changed or overlong name ends in a hash of the original, so the
    result is the same on every turn. No two names share a fitted one.
    """
    originals = list(dict.fromkeys(names))
    if not originals:
        return {}
    allowed = _allowed(pattern)
    fits = fitting(pattern, limit)
    taken = {name for name in originals if fits(name)}
    if len(taken) == len(originals):
        return {name: name for name in originals}
    fitted: dict[str, str] = {}
    for name in originals:
        if name in taken:
            fitted[name] = name
            continue
        candidate, salt = _hashed(name, allowed, limit), 0
        while candidate in taken:
            salt += 1
            candidate = _hashed(name, allowed, limit, salt=salt)
        taken.add(candidate)
        fitted[name] = candidate
    return fitted


def fit_one(name: str, *, pattern: str = NAME_PATTERN, limit: int = 64) -> str:
    """Return `name` fitted as `fit` does for a name alone."""
    return name if fitting(pattern, limit)(name) else _hashed(name, _allowed(pattern), limit)


@lru_cache(maxsize=32)
def fitting(pattern: str, limit: int) -> Callable[[str], object]:
    """Return what tells whether a name fits as it is: something for one that does, None for others."""
    return re.compile(f"(?:{pattern}){{1,{limit}}}").fullmatch


@lru_cache(maxsize=32)
def _allowed(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _hashed(name: str, allowed: re.Pattern[str], limit: int, *, salt: int = 0) -> str:
    salted = f"{name}\0{salt}" if salt else name
    digest = hashlib.sha256(salted.encode("utf-8", "surrogatepass")).hexdigest()[: min(_DIGEST, limit)]
    filler = "_" if allowed.fullmatch("_") else "0"
    head = name[: max(0, limit - len(digest) - 1)]
    clean = "".join(letter if allowed.fullmatch(letter) else filler for letter in head)
    return f"{clean}{filler}{digest}"[-limit:]


__all__ = ["NAME_PATTERN", "fit", "fit_one", "fitting"]
