"""The books of one exchange, closed exactly once: a row for the log, a receipt for the caller."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from flowrouter import logs
from flowrouter.canonical.receipt import Receipt
from flowrouter.canonical.usage import Usage
from flowrouter.clock import Clock
from flowrouter.gateway.affinity import session_header
from flowrouter.gateway.amounts import AttemptCost, Costs
from flowrouter.gateway.attempt_log import AttemptLog
from flowrouter.gateway.bills import Bills
from flowrouter.gateway.costs import costs_of
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.holds import settled
from flowrouter.gateway.ports import AttemptRow, RequestLog, RequestRow
from flowrouter.gateway.receipts import receipt_of
from flowrouter.gateway.records import BudgetLine
from flowrouter.logs import Logger
from flowrouter.plugins import Hooks
from flowrouter.routing.bypass import STEP
from flowrouter.wire import json

_CLIENT_MAX = 120
_TOOLS_MAX = 500

COMBO_STEP = "combo "
"""How the step of a plan begins that a combo made."""

_log = logs.get("settlement")


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What listeners are told: the row as it is stored, the receipt, and the record itself.

    Whoever keeps it must not keep `exchange`: it holds the request's body.
    """

    row: RequestRow
    receipt: Receipt
    exchange: Exchange


Listener = Callable[[Settlement], None]
"""Told of an exchange once it is settled; must not block."""


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
    ) -> None:
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
        ended = self._clock.monotonic()
        for attempt in exchange.attempts:
            attempt.ended = attempt.ended or ended
        costs = costs_of(exchange, self._bills)
        used: tuple[BudgetLine, ...] = ()
        if exchange.hold is not None:
            costs, used = settled(exchange.hold, exchange, costs)
        receipt = receipt_of(exchange, ended, costs=costs)
        row = _row(exchange, ended, costs=costs, receipt=json.dumps(receipt), budgets=used)
        self._log.record(row)
        if self._access is not None:
            _note_access(self._access, row)
        for observe in self._observers:
            try:
                observe(exchange, row)
            except Exception as error:  # noqa: BLE001 - what is learned from an answer must not undo it
                _log.error("an observer failed", error=error, request_id=row.id)
        if not self._listeners:
            return
        settlement = Settlement(row=row, receipt=receipt, exchange=exchange)
        for listener in self._listeners:
            try:
                listener(settlement)
            except Exception as error:  # noqa: BLE001 - a feature that fails must not undo an answer
                _log.error("a listener failed", error=error, request_id=row.id)


def _note_access(log: Logger, row: RequestRow) -> None:
    log.info(
        "exchange",
        request_id=row.id,
        endpoint=row.endpoint,
        model=row.requested_model,
        answered_by=row.account_id,
        status=row.status,
        outcome=row.outcome,
        ms=row.duration_ms,
    )


def _row(
    exchange: Exchange, ended: float, *, costs: Costs, receipt: bytes, budgets: tuple[BudgetLine, ...]
) -> RequestRow:
    inbound, head, usage = exchange.inbound, exchange.head, exchange.usage or Usage()
    last = exchange.attempts[-1].target if exchange.attempts else None
    problem, first = exchange.problem, exchange.first_content_at
    return RequestRow(
        id=inbound.request_id,
        ts_ms=int(inbound.wall * 1000),
        owner_id=exchange.caller.owner_id,
        key_id=exchange.caller.key_id,
        client=inbound.headers.get("user-agent", "")[:_CLIENT_MAX] or None,
        client_dialect=inbound.dialect,
        endpoint=inbound.endpoint,
        requested_model=head.model if head is not None else None,
        account_id=last.account_id if last else None,
        preset=last.preset if last else (exchange.bypass and STEP) or None,
        model=exchange.answered_model or (last.model if last else None),
        dialect=last.dialect if last else None,
        stream=head.stream if head is not None else False,
        lane=exchange.lane,
        status=exchange.status,
        outcome=exchange.outcome,
        error_type=(problem.code or problem.kind) if problem is not None else None,
        error_text=problem.message[:300] if problem is not None else None,
        attempts=tuple(
            _attempt_row(attempt, inbound.started, cost)
            for attempt, cost in zip(exchange.attempts, costs.attempts, strict=True)
        ),
        losses=(*exchange.request_losses, *exchange.reply_losses),
        ttft_ms=round((first - inbound.started) * 1000) if first is not None else None,
        duration_ms=round((ended - inbound.started) * 1000),
        overhead_us=round(max(0.0, (first or ended) - inbound.started - exchange.upstream_wait) * 1e6),
        input_tokens=usage.input,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write,
        cache_write_1h_tokens=usage.cache_write_1h,
        output_tokens=usage.output,
        reasoning_tokens=usage.reasoning,
        usage_estimated=usage.estimated,
        cost_pusd=costs.cost,
        charge_pusd=costs.charge,
        session_id=session_header(exchange.inbound.headers),
        request_bytes=len(inbound.body),
        response_bytes=exchange.bytes_out,
        combo=_combo(exchange),
        finish=exchange.finish,
        tools=",".join(exchange.called)[:_TOOLS_MAX] or None,
        budgets=budgets,
        receipt=receipt,
    )


def _combo(exchange: Exchange) -> str | None:
    """Return the combo that the name asked for led to."""
    step = exchange.step
    return step.removeprefix(COMBO_STEP)[:_CLIENT_MAX] if step.startswith(COMBO_STEP) else None


def _attempt_row(attempt: AttemptLog, started: float, cost: AttemptCost) -> AttemptRow:
    target, usage = attempt.target, cost.usage or Usage()
    return AttemptRow(
        account_id=target.account_id,
        preset=target.preset,
        model=target.model,
        dialect=target.dialect,
        outcome=attempt.verdict,
        status=attempt.status,
        error=attempt.error,
        started_ms=round((attempt.started - started) * 1000),
        duration_ms=round((attempt.ended - attempt.started) * 1000) if attempt.ended is not None else None,
        input_tokens=usage.input,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write,
        output_tokens=usage.output,
        reasoning_tokens=usage.reasoning,
        estimated=usage.estimated,
        cost_pusd=cost.cost,
        charge_pusd=cost.charge,
    )


__all__ = ["Books", "Listener", "Settlement"]
