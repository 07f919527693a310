"""Each attempt of an exchange twice: as the request log keeps it, and as its caller is told of it; and its cost.

All are made in one walk and by place: Python calls with so many names through a dictionary, which takes three
times as long. The order is that of the structs, held by tests/unit/gateway/test_settle.py. Times are rounded by
`// 1`, as in `receipts`: two digits take `round` far longer, and no time is negative.
"""

from __future__ import annotations

from flowrouter.canonical.receipt import AttemptNote
from flowrouter.canonical.usage import Usage
from flowrouter.gateway.amounts import AttemptCost, Costs
from flowrouter.gateway.bills import Bills
from flowrouter.gateway.costs import cost_of, costs_of
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.records import AttemptRow
from flowrouter.usage.pricing import usd

Counts = dict[str, int | None]
"""Tokens by kind, as a receipt tells them."""

_UNCOUNTED = Usage()


def attempts_of(
    exchange: Exchange, ended: float, *, bills: Bills, counts: Counts
) -> tuple[tuple[AttemptRow, ...], tuple[AttemptNote, ...], Costs]:
    """Return the attempts in their order, kept and told, and what they cost; `counts` are of the exchange's usage."""
    rows: tuple[AttemptRow, ...] = ()
    notes: tuple[AttemptNote, ...] = ()
    costs: tuple[AttemptCost, ...] = ()
    start = exchange.inbound.started
    for log in exchange.attempts:
        cost = cost_of(log, exchange, bills)
        target, usage, head_at = log.target, cost.usage or _UNCOUNTED, log.head_at
        if log.ended is None:
            log.ended = ended  # with the exchange
        began, took, amount = log.started - start, log.ended - log.started, usd(cost.cost)
        costs += (cost,)
        rows += (
            AttemptRow(
                target.account_id,
                target.preset,
                target.model,
                target.dialect,
                log.verdict,
                log.status,
                log.error,
                round(began * 1000),
                round(took * 1000),
                usage.input,
                usage.cache_read,
                usage.cache_write,
                usage.output,
                usage.reasoning,
                usage.estimated,
                cost.cost,
                cost.charge,
            ),
        )
        notes += (
            AttemptNote(
                target.account,
                target.preset,
                target.model,
                target.dialect,
                (began * 100_000 + 0.5) // 1 / 100,
                ((head_at - start) * 100_000 + 0.5) // 1 / 100
                if head_at and log.status is not None
                else None,
                (took * 100_000 + 0.5) // 1 / 100,
                log.status,
                log.verdict,
                log.error,
                counts if usage is exchange.usage else counts_of(cost.usage),
                usage.estimated,
                amount,
                amount if cost.charge is cost.cost else usd(cost.charge),
                log.trial,
                None if log.paused is None else round(log.paused * 1000, 2),
            ),
        )
    if len(costs) == 1:
        return rows, notes, Costs(costs, costs[0].cost, costs[0].charge)
    return rows, notes, costs_of(costs)


def counts_of(usage: Usage | None) -> Counts:
    """Return what a receipt tells of `usage`."""
    if usage is None:
        return {}
    return {
        "input": usage.input,
        "cache_read": usage.cache_read,
        "cache_write": usage.cache_write,
        "output": usage.output,
        "reasoning": usage.reasoning,
    }


__all__ = ["Counts", "attempts_of", "counts_of"]
