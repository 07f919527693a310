"""The bill of one session: what each turn cost, and why the dear ones did.

A turn reads the conversation so far. What of it the provider had in its cache is cheap; what is new costs
full price. So a turn is dear for what a tool put into it, for a prompt that had to be read anew although
it had been read before (a cache miss), or for what it wrote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import msgspec

from flowrouter.usage.pricing import usd

Cause = Literal["first", "tool", "cache_miss", "prompt", "output"]

MISS_TOKENS = 1_024
"""Tokens that were read before and not found in the cache, from which on it is called a miss."""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a session; `fresh_rate` and `cached_rate` are pico-USD per token, None unknown."""

    id: str
    ts_ms: int
    model: str | None
    charge_pusd: int | None
    fresh: int
    cached: int
    written: int
    output: int
    tools: tuple[str, ...] = ()
    fresh_rate: int | None = None
    cached_rate: int | None = None
    output_rate: int | None = None


class TurnBill(msgspec.Struct, frozen=True, kw_only=True):
    """What one turn cost and the main reason; `missed_tokens` were read before and paid for again.

    `tool` is whose result the turn read, `missed_pusd` what the miss cost beyond a hit (null unknown).
    """

    number: int
    id: str
    ts_ms: int
    model: str | None
    charge_pusd: int | None
    charge_usd: str | None
    fresh_tokens: int
    cached_tokens: int
    output_tokens: int
    cause: Cause
    tool: str | None
    missed_tokens: int
    missed_pusd: int | None


class SessionBill(msgspec.Struct, frozen=True, kw_only=True):
    """The bill of a session: a sentence, the sums, and every turn; `by_tool` is what reading results cost."""

    session: str
    sentence: str
    turns: int
    charge_pusd: int
    charge_usd: str
    charge_unknown: int
    missed_pusd: int
    by_tool: dict[str, int]
    lines: tuple[TurnBill, ...]


def session_bill(session: str, turns: Sequence[Turn]) -> SessionBill:
    """Return the bill of `turns`, oldest first."""
    lines: list[TurnBill] = []
    by_tool: Counter[str] = Counter()
    before: Turn | None = None
    for number, turn in enumerate(turns, 1):
        line = _line(number, turn, before)
        if line.tool is not None and turn.fresh_rate is not None:
            read = max(0, turn.fresh + turn.written - line.missed_tokens)
            by_tool[line.tool] += read * turn.fresh_rate
        lines.append(line)
        before = turn
    total = sum(line.charge_pusd or 0 for line in lines)
    unknown = sum(line.charge_pusd is None for line in lines)
    missed = sum(line.missed_pusd or 0 for line in lines)
    return SessionBill(
        session=session,
        sentence=_sentence(lines, total, missed=missed, by_tool=by_tool, unknown=unknown),
        turns=len(lines),
        charge_pusd=total,
        charge_usd=usd(total) or "0",
        charge_unknown=unknown,
        missed_pusd=missed,
        by_tool=dict(by_tool.most_common()),
        lines=tuple(lines),
    )


def _line(number: int, turn: Turn, before: Turn | None) -> TurnBill:
    missed = _missed(turn, before)
    rate = None if turn.fresh_rate is None or turn.cached_rate is None else turn.fresh_rate - turn.cached_rate
    tool = ", ".join(before.tools) if before is not None and before.tools else None
    return TurnBill(
        number=number,
        id=turn.id,
        ts_ms=turn.ts_ms,
        model=turn.model,
        charge_pusd=turn.charge_pusd,
        charge_usd=usd(turn.charge_pusd),
        fresh_tokens=turn.fresh + turn.written,
        cached_tokens=turn.cached,
        output_tokens=turn.output,
        cause=_cause(turn, before, missed=missed, tool=tool),
        tool=tool,
        missed_tokens=missed,
        missed_pusd=0 if not missed else (None if rate is None else max(0, rate) * missed),
    )


def _missed(turn: Turn, before: Turn | None) -> int:
    """Return the tokens that the turn before had read of the same prompt and this one did not find cached.

    A provider that caches nothing misses nothing, and a prompt that became shorter is another one.
    """
    if before is None or before.model != turn.model:
        return 0
    caches = before.cached + before.written + turn.cached > 0
    had = before.fresh + before.cached + before.written
    if not caches or turn.fresh + turn.cached + turn.written < had:
        return 0
    missed = had - turn.cached
    return missed if missed >= MISS_TOKENS and turn.cached < before.cached + before.written else 0


def _cause(turn: Turn, before: Turn | None, *, missed: int, tool: str | None) -> Cause:
    rates = turn.fresh_rate or 1, turn.output_rate or 5
    new = turn.fresh + turn.written - missed
    parts = {"cache_miss": missed * rates[0], "output": turn.output * rates[1], "prompt": new * rates[0]}
    cause = max(parts, key=lambda name: parts[name])
    match cause:
        case "cache_miss":
            return "cache_miss"
        case "output":
            return "output"
        case _:
            return "first" if before is None else "tool" if tool is not None else "prompt"


def _sentence(
    lines: Sequence[TurnBill], total: int, *, missed: int, by_tool: Counter[str], unknown: int
) -> str:
    if not lines:
        return "The session has no turns."
    count = f"{len(lines)} turn{'' if len(lines) == 1 else 's'}"
    cost = _money(total) if not unknown else f"at least {_money(total)} ({unknown} without a known price)"
    said = [f"The session cost {cost} in {count}"]
    dearest = max(lines, key=lambda line: line.charge_pusd or 0)
    if total and dearest.charge_pusd and len(lines) > 1:
        share = round(dearest.charge_pusd * 100 / total)
        said.append(
            f"turn {dearest.number} took {_money(dearest.charge_pusd)} of it ({share} %) {_why(dearest)}"
        )
    if by_tool:
        tool, amount = by_tool.most_common(1)[0]
        if amount * 20 >= total:
            said.append(f"reading results of {tool} took {_money(amount)}")
    misses = sum(1 for line in lines if line.missed_tokens)
    if missed:
        said.append(f"{misses} cache miss{'' if misses == 1 else 'es'} took {_money(missed)}")
    return "; ".join(said) + "."


def _why(line: TurnBill) -> str:
    match line.cause:
        case "tool":
            return f"for the result of {line.tool} ({line.fresh_tokens:,} new tokens)"
        case "cache_miss":
            return f"for a cache miss ({line.missed_tokens:,} tokens read again)"
        case "output":
            return f"for what it wrote ({line.output_tokens:,} tokens)"
        case "first":
            return f"for the first prompt ({line.fresh_tokens:,} tokens)"
        case "prompt":
            return f"for what was new in its prompt ({line.fresh_tokens:,} tokens)"


def _money(amount: int) -> str:
    return f"${amount / 10**12:.4f}" if amount < 10**10 else f"${amount / 10**12:.2f}"


__all__ = ["MISS_TOKENS", "SessionBill", "Turn", "TurnBill", "session_bill"]
