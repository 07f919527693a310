"""Fits names into a target's rule without ever letting two become one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

NAME_PATTERN = r"[a-zA-Z0-9_-]"
"""The characters OpenAI and Anthropic allow in tool names and Anthropic in call ids."""

_DIGEST = 8


def fit(names: Iterable[str], *, pattern: str = NAME_PATTERN, limit: int = 64) -> dict[str, str]:
    """Return original → fitted for `names`; a name that already fits stays as it is.

    `pattern` matches one allowed character. Others become `_` (never deleted: `a.b` and `ab` would
    collide), and a changed or overlong name ends in a hash of the original, so the result is the
    same on every turn.
    """
    allowed = re.compile(pattern)
    return {name: _fit(name, allowed, limit) for name in dict.fromkeys(names)}


def fit_one(name: str, *, pattern: str = NAME_PATTERN, limit: int = 64) -> str:
    """Return `name` fitted as `fit` does."""
    return _fit(name, re.compile(pattern), limit)


def _fit(name: str, allowed: re.Pattern[str], limit: int) -> str:
    clean = "".join(letter if allowed.fullmatch(letter) else "_" for letter in name)
    if clean == name and 0 < len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return f"{clean[: limit - _DIGEST - 1]}_{digest}"


__all__ = ["NAME_PATTERN", "fit", "fit_one"]
