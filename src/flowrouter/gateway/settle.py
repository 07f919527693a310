"""The books of one exchange, closed exactly once: a row for the log, and what a receipt tells beyond it.

Exchanges that end in the same turn of the event loop are entered together at its end, behind the answers and
before anything else is read: the code that does so is long and runs once a request, so that each time it has
to be fetched anew; run several times in a row it takes half as long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from flowrouter import logs
from flowrouter.canonical.receipt_rest import TryRest
from flowrouter.canonical.usage import Usage
from flowrouter.clock import Clock
from flowrouter.gateway.affinity import session_header
from flowrouter.gateway.amounts import Costs
from flowrouter.gateway.bills import Bills
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.holds import settled
from flowrouter.gateway.ports import AttemptRow, RequestLog, RequestRow
from flowrouter.gateway.receipts import rest_of
from flowrouter.gateway.records import BudgetLine
from flowrouter.gateway.tried import attempts_of
from flowrouter.logs import Logger
from flowrouter.plugins import Hooks
from flowrouter.routing.bypass import STEP
from flowrouter.wire import json

_CLIENT_MAX = 120
_TOOLS_MAX = 500
_UNCOUNTED = Usage()
_NOBODY = AttemptRow("", "", "", "openai_chat", "")
"""Stands for the last attempt where there is none."""

COMBO_STEP = "combo "
"""How the step of a plan begins that a combo made."""

_log = logs.get("settlement")


class Settlement(msgspec.Struct, frozen=True):
    """What listeners are told: the row as it is stored, and the record itself.

    Whoever keeps it must not keep `exchange`: it holds the request's body.
    """

    row: RequestRow
    exchange: Exchange


Listener = Callable[[Settlement], None]
"""Told of an exchange once it is settled; must not block."""

Soon = Callable[[Callable[[], None]], object]
"""Calls what it is given behind what the event loop has at hand."""


class Books:
    """Settles exchanges into the request log, tells the observers (ours) and the listeners (features')."""

    def __init__(
        self,
        log: RequestLog,
        *,
        clock: Clock,
        hooks: Hooks,
        bills: Bills,
        observers: Sequence[Callable[[Exchange, RequestRow], None]] = (),
        access: Logger | None = None,
        soon: Soon | None = None,
    ) -> None:
        """Enter exchanges together as `soon` says; without it each at once."""
        self._waiting: list[tuple[Exchange, float]] = []
        self._soon = soon
        self._observers = observers
        self._bills = bills
        self._log = log
        self._clock = clock
        self._listeners: tuple[Listener, ...] = hooks.listeners
        self._access = access

    def listen(self, listener: Listener) -> None:
        """Tell `listener` of every settlement from now on, as those of the hooks."""
        self._listeners = (*self._listeners, listener)

    def settle(self, exchange: Exchange) -> None:
        """Close the books of `exchange`; a second call does nothing. Never blocks, never raises."""
        if exchange.settled:
            return
        exchange.settled = True
        waiting = self._waiting
        waiting.append((exchange, self._clock.monotonic()))
        if self._soon is None:
            self.enter()
        elif len(waiting) == 1:
            self._soon(self.enter)

    def enter(self) -> None:
        """Enter what is settled; what is logged meanwhile carries the id of its own exchange, whoever calls."""
        waiting, self._waiting = self._waiting, []
        for exchange, ended in waiting:
            before = logs.about(exchange.inbound.request_id)
            try:
                self._enter(exchange, ended)
            except Exception as error:  # noqa: BLE001 - the books of the others must be closed all the same
                _log.error("an exchange was not entered", error=error, request_id=exchange.inbound.request_id)
            finally:
                logs.back(before)

    def _enter(self, exchange: Exchange, ended: float) -> None:
        attempts, tries, costs = attempts_of(exchange, ended, bills=self._bills)
        used: tuple[BudgetLine, ...] = ()
        if exchange.hold is not None:
            costs, used = settled(exchange.hold, exchange, costs)
        row = _row(exchange, ended, costs=costs, attempts=attempts, tries=tries, budgets=used)
        self._log.record(row)
        if self._access is not None:
            self._access.told(
                "exchange",
                {
                    "request_id": row.id,
                    "endpoint": row.endpoint,
                    "model": row.requested_model,
                    "answered_by": row.account_id,
                    "status": row.status,
                    "outcome": row.outcome,
                    "ms": row.duration_ms,
                },
            )
        for observe in self._observers:
            try:
                observe(exchange, row)
            except Exception as error:  # noqa: BLE001 - what is learned from an answer must not undo it
                _log.error("an observer failed", error=error, request_id=row.id)
        if not self._listeners:
            return
        settlement = Settlement(row, exchange)
        for listener in self._listeners:
            try:
                listener(settlement)
            except Exception as error:  # noqa: BLE001 - a feature that fails must not undo an answer
                _log.error("a listener failed", error=error, request_id=row.id)


def _row(
    exchange: Exchange,
    ended: float,
    *,
    costs: Costs,
    attempts: tuple[AttemptRow, ...],
    tries: tuple[TryRest, ...],
    budgets: tuple[BudgetLine, ...],
) -> RequestRow:
    inbound, head, usage, step = exchange.inbound, exchange.head, exchange.usage or _UNCOUNTED, exchange.step
    problem, first, started = exchange.problem, exchange.first_content_at, inbound.started
    last = attempts[-1] if attempts else _NOBODY
    own = (first or ended) - started - exchange.upstream_wait
    # By place, as `tried` makes attempts, and in two parts: a call with more than thirty arguments is made of a list.
    # The order is that of the struct, held by tests/unit/gateway/test_settle.py.
    asked = (
        inbound.request_id,
        int(inbound.wall * 1000),
        exchange.caller.owner_id,
        exchange.caller.key_id,
        inbound.headers.get("user-agent", "")[:_CLIENT_MAX] or None,
        inbound.dialect,
        inbound.endpoint,
        None if head is None else head.model,
        last.account_id or None,
        last.preset or (exchange.bypass and STEP) or None,
        exchange.answered_model or last.model or None,
        last.dialect if attempts else None,
        False if head is None else head.stream,
        exchange.lane,
        exchange.status,
        exchange.outcome,
        None if problem is None else problem.code or problem.kind,
        None if problem is None else problem.message[:300],
        attempts,
    )
    done = (
        exchange.request_losses + exchange.reply_losses,
        None if first is None else round((first - started) * 1000),
        round((ended - started) * 1000),
        round(own * 1e6) if own > 0 else 0,
        usage.input,
        usage.cache_read,
        usage.cache_write,
        usage.cache_write_1h,
        usage.output,
        usage.reasoning,
        usage.estimated,
        costs.cost,
        costs.charge,
        session_header(inbound.headers),
        len(inbound.body),
        exchange.bytes_out,
        step.removeprefix(COMBO_STEP)[:_CLIENT_MAX] if step.startswith(COMBO_STEP) else None,
        exchange.finish,
        (",".join(exchange.called)[:_TOOLS_MAX] or None) if exchange.called else None,
        budgets,
        json.dumps(rest_of(exchange, ended, tries)),
    )
    return RequestRow(*(asked + done))


__all__ = ["Books", "Listener", "Settlement"]
