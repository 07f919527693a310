"""Cost and charge of an exchange: what providers are believed to take, and what counts against the caller.

Every attempt has a cost: by the usage its provider reported, 0 for one that was refused or never answered.
One that was stopped because another was faster has read the prompt, so that is estimated. Charged is only
what reached the client, or what the client did not stay for: then the provider was at work for nothing, and
nobody but the caller could help it. A sum with an unknown part is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flowrouter.canonical.estimate import BYTES_PER_TOKEN
from flowrouter.canonical.usage import Usage
from flowrouter.gateway.amounts import AttemptCost, Costs
from flowrouter.gateway.attempt_log import AttemptLog
from flowrouter.gateway.bills import Bills
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.missing_usage import estimated

HEDGED = "hedged"
"""The verdict on an attempt that lost against another one of the same request."""

_NOTHING = Usage()
_FREE = AttemptCost()


def costs_of(attempts: Sequence[AttemptCost]) -> Costs:
    """Return what an exchange with these attempts cost."""
    return Costs(
        tuple(attempts), _sum(each.cost for each in attempts), _sum(each.charge for each in attempts)
    )


def _sum(amounts: Iterable[int | None]) -> int | None:
    known = list(amounts)
    return None if None in known else sum(amount for amount in known if amount is not None)


def cost_of(attempt: AttemptLog, exchange: Exchange, bills: Bills) -> AttemptCost:
    """Return what one attempt of `exchange` cost, and the usage that is billed."""
    usage = attempt.usage
    if attempt.delivered:
        usage = usage or exchange.usage
        cost = bills.settle(attempt.target, usage or _NOTHING)
        return AttemptCost(usage, cost, cost)
    if usage is None and attempt.verdict == HEDGED and exchange.usage is not None:
        usage = Usage(input=exchange.usage.total_input, output=0, estimated=True)
    if attempt.abandoned:
        usage = usage or _unseen(exchange)
        cost = bills.settle(attempt.target, usage)
        return AttemptCost(usage, cost, cost)
    if usage is None:
        return _FREE
    return AttemptCost(usage, bills.settle(attempt.target, usage))


def _unseen(exchange: Exchange) -> Usage:
    """Return what an attempt took at least of which nothing has come."""
    size = round(len(exchange.inbound.body) / BYTES_PER_TOKEN)
    return estimated(exchange, 0) or Usage(input=size, output=0, estimated=True)


__all__ = ["HEDGED", "cost_of", "costs_of"]
