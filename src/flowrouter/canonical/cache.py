"""Prompt-cache marks, kept where the client put them."""

from __future__ import annotations

from typing import Any

import msgspec


class CacheHint(msgspec.Struct, frozen=True, kw_only=True):
    """A mark that the prompt up to and including its bearer should be cached.

    `ttl` is the vendor's own word (`5m`, `1h`); None means the vendor's default. `extra` keeps
    members this hub does not know (a scope, say), for the dialect they came from. `field` names the
    member it stood in where a dialect has several (`prompt_cache_breakpoint`, `cache_control`).
    """

    ttl: str | None = None
    field: str | None = None
    extra: dict[str, Any] = {}


__all__ = ["CacheHint"]
