"""The bill of a session out of the request log, at the prices of today."""

from __future__ import annotations

from collections.abc import Iterable

from flowrouter.gateway.records import RequestRow
from flowrouter.gateway.world import World, hosts_of
from flowrouter.usage.pricing import Price
from flowrouter.usage.sessions import SessionBill, Turn, session_bill

TURNS_MAX = 1_000
"""The newest turns of a session that a bill is made of."""


def bill_of(session: str, rows: Iterable[RequestRow], world: World, *, now: float) -> SessionBill:
    """Return the bill of a session's exchanges, given newest first."""
    return session_bill(session, [_turn(row, world, now) for row in reversed(list(rows))])


def _turn(row: RequestRow, world: World, now: float) -> Turn:
    prompt = sum(filter(None, (row.input_tokens, row.cache_read_tokens, row.cache_write_tokens)))
    price = _price(row, world)
    return Turn(
        id=row.id,
        ts_ms=row.ts_ms,
        model=row.model,
        charge_pusd=row.charge_pusd,
        fresh=row.input_tokens or 0,
        cached=row.cache_read_tokens or 0,
        written=row.cache_write_tokens or 0,
        output=(row.output_tokens or 0) + (row.reasoning_tokens or 0),
        tools=tuple(row.tools.split(",")) if row.tools else (),
        fresh_rate=_rate(price, "input", prompt=prompt, now=now),
        cached_rate=_rate(price, "cache_read", prompt=prompt, now=now),
        output_rate=_rate(price, "output", prompt=prompt, now=now),
    )


def _price(row: RequestRow, world: World) -> Price | None:
    account, preset = world.accounts.get(row.account_id or ""), world.presets.get(row.account_id or "")
    if account is None or preset is None or row.model is None:
        return None
    host = hosts_of(preset, account.base_url).get(row.dialect, "") if row.dialect is not None else ""
    return world.prices.of(preset, row.model, host=host)


def _rate(price: Price | None, kind: str, *, prompt: int, now: float) -> int | None:
    """Return pico-USD per token."""
    usd = None if price is None else price.per_million(kind, now=now, prompt=prompt)
    return None if usd is None else round(usd * 10**6)


__all__ = ["TURNS_MAX", "bill_of"]
