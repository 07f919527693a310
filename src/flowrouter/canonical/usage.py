"""Tokens counted once: the five kinds are disjoint, whatever a dialect includes in what."""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.canonical.dialect import Dialect


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one exchange; None means the provider did not say.

    `input` excludes both cache kinds; `output` excludes `reasoning`; `cache_write` includes
    `cache_write_1h`. `estimated` marks numbers we computed. `raw` is the provider's own object,
    returned unchanged to clients of the same dialect (`origin`). `tier` and `searches` (web searches
    that are billed) are what a provider tells of them outside of that object.
    """

    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    output: int | None = None
    reasoning: int | None = None
    estimated: bool = False
    origin: Dialect | None = None
    raw: dict[str, Any] | None = None
    tier: str | None = None
    searches: int | None = None

    @property
    def total_input(self) -> int:
        """Return all input tokens, cached ones included."""
        return (self.input or 0) + (self.cache_read or 0) + (self.cache_write or 0)

    @property
    def total_output(self) -> int:
        """Return all output tokens, reasoning included."""
        return (self.output or 0) + (self.reasoning or 0)


TOKENS_MAX = 10**9
"""More tokens than any request has: who says so is mistaken, and nothing is known."""


_TOKENS = range(TOKENS_MAX + 1)


def token_count(value: object) -> int | None:
    """Return a count of tokens as a provider writes it, None for what is none."""
    if type(value) is int and value in _TOKENS:
        return value
    if value is None or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not value <= TOKENS_MAX:  # nor is it NaN
        return None
    return max(0, int(value)) if isinstance(value, int) or value.is_integer() else None


def merge(older: Usage | None, newer: Usage) -> Usage:
    """Return `newer` with what only `older` knew: usage reports are cumulative, the last one wins."""
    if older is None:
        return newer
    borrowed = any(
        getattr(newer, kind) is None and getattr(older, kind) is not None
        for kind in ("input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning")
    )
    raw = newer.raw
    if older.raw is not None and newer.raw is not None and older.origin == newer.origin:
        raw = {**older.raw, **newer.raw}
    return Usage(
        input=older.input if newer.input is None else newer.input,
        cache_read=older.cache_read if newer.cache_read is None else newer.cache_read,
        cache_write=older.cache_write if newer.cache_write is None else newer.cache_write,
        cache_write_1h=older.cache_write_1h if newer.cache_write_1h is None else newer.cache_write_1h,
        output=older.output if newer.output is None else newer.output,
        reasoning=older.reasoning if newer.reasoning is None else newer.reasoning,
        estimated=newer.estimated or (older.estimated and borrowed),
        origin=newer.origin or older.origin,
        raw=raw,
        tier=newer.tier or older.tier,
        searches=older.searches if newer.searches is None else newer.searches,
    )


__all__ = ["TOKENS_MAX", "Usage", "merge", "token_count"]
