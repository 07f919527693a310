"""Frames to canonical and back: sibling packages that never meet, behind one `Codec` each.

`codec(name)` loads a dialect on first use; `available()` names those this build speaks.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from flowrouter.canonical.dialect import Dialect
from flowrouter.dialects.codec import Codec

_CLIENT_ONLY: tuple[Dialect, ...] = ("openai_completions",)
_SPOKEN: tuple[Dialect, ...] = ("openai_chat", "openai_responses", "anthropic", "gemini")


def available() -> tuple[Dialect, ...]:
    """Return the dialects this build speaks to providers and clients alike."""
    return _SPOKEN


@cache
def codec(name: Dialect) -> Codec:
    """Return the dialect's functions; raises `KeyError` for one this build does not speak.

    Legacy completions are spoken to clients only.
    """
    if name not in _SPOKEN and name not in _CLIENT_ONLY:
        raise KeyError(name)
    loaded: Codec = import_module(f"flowrouter.dialects.{name}").CODEC
    return loaded


def load() -> None:
    """Load every dialect, so that no request waits for it; some tens of milliseconds, in a thread of its own."""
    for name in (*_SPOKEN, *_CLIENT_ONLY):
        codec(name)


__all__ = ["Codec", "available", "codec", "load"]
