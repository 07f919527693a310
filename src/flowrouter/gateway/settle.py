"""The books of one exchange, closed exactly once: a row for the log, a receipt for the caller."""

from __future__ import annotations

import msgspec

from flowrouter import logs
from flowrouter.canonical.receipt import Receipt
from flowrouter.canonical.usage import Usage
from flowrouter.clock import Clock
from flowrouter.gateway.exchange import AttemptLog, Exchange
from flowrouter.gateway.ports import AttemptRow, RequestLog, RequestRow
from flowrouter.gateway.receipts import receipt_of
from flowrouter.logs import Logger
from flowrouter.plugins import Hooks
from flowrouter.wire import json

_SESSION_HEADERS = ("x-claude-code-session-id", "session-id", "x-session-id", "session_id")
_CLIENT_MAX = 120

_log = logs.get("settlement")


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What listeners are told: the row as it is stored, and the receipt."""

    row: RequestRow
    receipt: Receipt


class Books:
    """Settles exchanges into the request log and tells the listeners."""

    def __init__(self, log: RequestLog, *, clock: Clock, hooks: Hooks, access: Logger | None = None) -> None:
        self._log = log
        self._clock = clock
        self._hooks = hooks
        self._access = access

    def settle(self, exchange: Exchange) -> None:
        """Close the books of `exchange`; a second call does nothing. Never blocks, never raises."""
        if exchange.settled:
            return
        exchange.settled = True
        ended = self._clock.monotonic()
        for attempt in exchange.attempts:
            attempt.ended = attempt.ended or ended
        receipt = receipt_of(exchange, ended)
        row = _row(exchange, ended, json.dumps(receipt))
        self._log.record(row)
        if self._access is not None:
            _note_access(self._access, row)
        for listener in self._hooks.listeners:
            try:
                listener(Settlement(row=row, receipt=receipt))
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


def _row(exchange: Exchange, ended: float, receipt: bytes) -> RequestRow:
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
        preset=last.preset if last else None,
        model=exchange.answered_model or (last.model if last else None),
        dialect=last.dialect if last else None,
        stream=head.stream if head is not None else False,
        lane=exchange.lane,
        status=exchange.status,
        outcome=exchange.outcome,
        error_type=(problem.code or problem.kind) if problem is not None else None,
        error_text=problem.message[:300] if problem is not None else None,
        attempts=tuple(_attempt_row(attempt, inbound.started) for attempt in exchange.attempts),
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
        session_id=_session(exchange),
        request_bytes=len(inbound.body),
        response_bytes=exchange.bytes_out,
        receipt=receipt,
    )


def _attempt_row(attempt: AttemptLog, started: float) -> AttemptRow:
    target = attempt.target
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
    )


def _session(exchange: Exchange) -> str | None:
    headers = exchange.inbound.headers
    for name in _SESSION_HEADERS:
        if value := headers.get(name):
            return value[:128]
    return None


__all__ = ["Books", "Settlement"]
