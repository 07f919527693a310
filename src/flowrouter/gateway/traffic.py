"""What charts ask of the request log: sums over time, how long answers took, who asks whom, sessions.

Times are integer milliseconds since the epoch (`*_ms`), money is integer pico-USD (`*_pusd`), and None means
unknown, never zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from flowrouter.gateway.records import RequestFilter, UsageLine

SeriesSplit = Literal["preset", "account", "model", "key", "client", "combo", "outcome", "none"]
SeriesSpan = Literal["hour", "day"]


class SeriesLine(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of one group over time, by the moments that have any; `rest`: of all groups that are not shown."""

    group: str | None
    rest: bool
    points: Mapping[int, UsageLine]


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Lines over time; days begin `offset_minutes` before UTC's, which may be less than was asked for."""

    lines: Sequence[SeriesLine]
    offset_minutes: int


class ServedLine(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a model's prompts was read from and written to the cache, at one account."""

    account_id: str | None
    preset: str | None
    model: str | None
    cache_read_tokens: int
    cache_write_tokens: int


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """How long one exchange took: to the first token, and in all; `ok`: it was answered to its end."""

    ttft_ms: int | None
    duration_ms: int | None
    ok: bool


class Tried(msgspec.Struct, frozen=True):
    """One attempt of a request: where, and what became of it."""

    account_id: str
    preset: str
    outcome: str


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """The way one request took through the gateway; `tokens` are of all kinds together."""

    client: str | None
    key_id: str | None
    combo: str | None
    preset: str | None
    account_id: str | None
    ok: bool
    tokens: int
    charge_pusd: int | None
    attempts: tuple[Tried, ...]


class SessionLine(msgspec.Struct, frozen=True, kw_only=True):
    """A session in the log: its sums (`usage.group` is its name), its models by use, the client of its last request.

    `truncated`: it has more requests than were looked at, and its sums are of the newest.
    """

    session_id: str
    client: str | None
    models: tuple[str, ...]
    first_ms: int
    last_ms: int
    usage: UsageLine
    truncated: bool


class SessionPage(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions, the one used last first; `next_cursor` None means the end, a page may be short before it."""

    rows: tuple[SessionLine, ...]
    next_cursor: str | None


class Traffic(Protocol):
    """The stored request log as pictures; all methods block, and none reads more than a bounded number of rows."""

    def series(
        self,
        which: RequestFilter,
        *,
        split: SeriesSplit,
        span: SeriesSpan,
        offset_minutes: int = 0,
        top: int = 8,
    ) -> Series:
        """Return the `top` groups by charge, then requests, and the rest as one.

        Raises `CallerError` (`too_many_rows`) where only the rows themselves could tell, and they are too many.
        """
        ...

    def served(self, which: RequestFilter) -> Sequence[ServedLine]:
        """Return who served models with a cache, on the whole days that `which` touches."""
        ...

    def timings(
        self, which: RequestFilter, *, edges: Sequence[int], count: int
    ) -> Sequence[Sequence[Timing]]:
        """Return the newest `count` of each stretch between two `edges`, as far as `which` includes it."""
        ...

    def passages(self, which: RequestFilter, *, limit: int) -> Sequence[Passage]:
        """Return the ways of the newest requests."""
        ...

    def sessions(self, which: RequestFilter, *, limit: int = 50, cursor: str | None = None) -> SessionPage:
        """Return one page; raises `ValueError` for a cursor that is not ours."""
        ...


__all__ = [
    "Passage",
    "Series",
    "SeriesLine",
    "SeriesSpan",
    "SeriesSplit",
    "ServedLine",
    "SessionLine",
    "SessionPage",
    "Timing",
    "Traffic",
    "Tried",
]
