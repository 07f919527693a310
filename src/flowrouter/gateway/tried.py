"""Each attempt of an exchange as the request log keeps it, what a receipt tells beyond that, and its cost.

All are made in one walk and by place: Python calls with so many names through a dictionary, which takes three
times as long. The order is that of the structs, held by tests/unit/gateway/test_settle.py. Times are rounded by
`// 1`, as in `receipts`: two digits take `round` far longer, and no time is negative.
"""

from __future__ import annotations

from flowrouter.canonical.receipt_rest import TryRest
from flowrouter.canonical.usage import Usage
from flowrouter.gateway.amounts import AttemptCost, Costs
from flowrouter.gateway.bills import Bills
from flowrouter.gateway.costs import cost_of, costs_of
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.records import AttemptRow

_UNCOUNTED = Usage()


def attempts_of(
    exchange: Exchange, ended: float, *, bills: Bills
) -> tuple[tuple[AttemptRow, ...], tuple[TryRest, ...], Costs]:
    """Return the attempts in their order, the rest of each, and what they cost."""
    rows: tuple[AttemptRow, ...] = ()
    rests: tuple[TryRest, ...] = ()
    costs: tuple[AttemptCost, ...] = ()
    start = exchange.inbound.started
    for log in exchange.attempts:
        cost = cost_of(log, exchange, bills)
        target, usage, head_at = log.target, cost.usage or _UNCOUNTED, log.head_at
        if log.ended is None:
            log.ended = ended  # with the exchange
        began, took = log.started - start, log.ended - log.started
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
        rests += (
            TryRest(
                target.account,
                (began * 100_000 + 0.5) // 1,
                (took * 100_000 + 0.5) // 1,
                ((head_at - start) * 100_000 + 0.5) // 1 if head_at and log.status is not None else None,
                log.trial,
                None if log.paused is None else round(log.paused * 1000, 2),
            ),
        )
    if len(costs) == 1:
        return rows, rests, Costs(costs, costs[0].cost, costs[0].charge)
    return rows, rests, costs_of(costs)


__all__ = ["attempts_of"]
