"""What is left of a key's rate limits, told in the header names of the client's own dialect.

OpenAI's and Anthropic's clients know one limit for requests and one for tokens; of a minute's and a day's they
hear of the one with less left. Google has no such headers: there a refusal names the wait (`RetryInfo`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.clock import iso
from flowrouter.httpkit.replies import Headers

Kind = Literal["requests", "tokens"]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One limit as it stood at `now`: what is left, and when it is whole again (seconds since the epoch)."""

    kind: Kind
    limit: int
    remaining: int
    resets: float
    now: float


def limit_headers(standings: Sequence[Standing], dialect: Dialect) -> Headers:
    """Return the headers that tell of `standings` in `dialect`."""
    headers: Headers = []
    if dialect == "gemini":
        return headers
    for kind in ("requests", "tokens"):
        of_kind = [each for each in standings if each.kind == kind]
        if of_kind:
            tightest = min(of_kind, key=lambda each: (each.remaining, -each.resets))
            headers += (_anthropic if dialect == "anthropic" else _openai)(tightest)
    return headers


def _openai(standing: Standing) -> Headers:
    return [
        (b"x-ratelimit-limit-%b" % standing.kind.encode(), b"%d" % standing.limit),
        (b"x-ratelimit-remaining-%b" % standing.kind.encode(), b"%d" % standing.remaining),
        (b"x-ratelimit-reset-%b" % standing.kind.encode(), _duration(standing.resets - standing.now)),
    ]


def _anthropic(standing: Standing) -> Headers:
    name = b"anthropic-ratelimit-%b" % standing.kind.encode()
    return [
        (name + b"-limit", b"%d" % standing.limit),
        (name + b"-remaining", b"%d" % standing.remaining),
        (name + b"-reset", iso(math.ceil(standing.resets)).encode()),
    ]


def _duration(seconds: float) -> bytes:
    """Return a time as OpenAI writes it: `12s`, `6m0s`, `23h59m59s`."""
    whole = max(1, math.ceil(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return b"%dh%dm%ds" % (hours, minutes, rest)
    return b"%dm%ds" % (minutes, rest) if minutes else b"%ds" % rest


__all__ = ["Kind", "Standing", "limit_headers"]
