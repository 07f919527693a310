"""What a trace tells of one exchange: attributes by the conventions of OpenTelemetry, times in nanoseconds.

HTTP and `flowrouter.*` attributes stand on the exchange's span, `gen_ai.*` on those of its attempts alone, so
that whoever adds up the tokens of all spans counts none twice. Names are those of the GenAI semantic
conventions 1.40 (`gen_ai.provider.name`, not the older `gen_ai.system`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from flowrouter.canonical.usage import Usage
from flowrouter.gateway.attempt_log import AttemptLog
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.records import AttemptRow, RequestRow
from flowrouter.gateway.settle import Settlement
from flowrouter.gateway.traces import Trace, span_id
from flowrouter.usage.pricing import usd

Attributes = dict[str, Any]

_NAME_MAX = 200

_PROVIDERS: Mapping[str, str] = {"gemini": "gcp.gemini", "mistral": "mistral_ai", "xai": "x_ai"}
"""Presets that the conventions call otherwise."""

_OPERATIONS: Mapping[str, str] = {
    "embeddings": "embeddings",
    "embed_content": "embeddings",
    "batch_embed": "embeddings",
    "compact": "compact",
}
_ENDED = frozenset({"answered", "hedged"})
"""Verdicts that are no errors: the answer, and who was a moment too late with it."""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """One span; `error` is its type, empty where it went well."""

    kind: Literal["server", "client", "internal"]
    name: str
    id: str
    parent_id: str
    started: int
    ended: int
    attributes: Attributes
    error: str = ""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange: its trace, its own span, and those below."""

    trace: Trace
    span: Span
    attempts: tuple[Span, ...]


def tell(settlement: Settlement, trace: Trace) -> Told:
    """Return the spans of a settled exchange; keeps nothing of its bodies."""
    row, exchange = settlement.row, settlement.exchange
    own = span_id(row.id)
    attempts = tuple(
        _attempt(log, billed, exchange, parent_id=own)
        for log, billed in zip(exchange.attempts, row.attempts, strict=True)
    )
    span = _exchange(row, exchange, own=own, parent_id=trace.parent_id)
    # The log rounds to milliseconds; no attempt ends after its exchange.
    ended = max(span.ended, *(attempt.ended for attempt in attempts)) if attempts else span.ended
    return Told(trace=trace, span=msgspec.structs.replace(span, ended=ended), attempts=attempts)


def _exchange(row: RequestRow, exchange: Exchange, *, own: str, parent_id: str) -> Span:
    inbound = exchange.inbound
    started = int(inbound.wall * 1e9)
    attributes: Attributes = {
        "http.response.status_code": row.status or None,
        "flowrouter.request_id": row.id,
        "flowrouter.dialect": row.client_dialect,
        "flowrouter.operation": inbound.operation,
        "flowrouter.asked_model": (row.requested_model or "")[:_NAME_MAX],
        "flowrouter.outcome": row.outcome,
        "flowrouter.lane": row.lane,
        "flowrouter.stream": row.stream,
        "flowrouter.attempts": len(row.attempts),
        "flowrouter.seams": len(exchange.seams),
        "flowrouter.losses": len(row.losses),
        "flowrouter.overhead_ms": None if row.overhead_us is None else row.overhead_us / 1000,
        "flowrouter.cost_usd": _dollars(row.cost_pusd),
        "flowrouter.charge_usd": _dollars(row.charge_pusd),
    }
    asked = row.endpoint.startswith("/")  # else it is a call of the gateway's own
    if asked:
        attributes |= {"http.request.method": "POST", "http.route": row.endpoint}
    error = ""
    if row.outcome != "ok":
        error = "cancelled" if row.outcome == "cancelled" else str(row.status)
        attributes["error.type"] = error
    return Span(
        kind="server" if asked else "internal",
        name=f"POST {row.endpoint}" if asked else row.endpoint,
        id=own,
        parent_id=parent_id,
        started=started,
        ended=started + (row.duration_ms or 0) * 1_000_000,
        attributes=_said(attributes),
        error=error if row.status >= 500 or row.outcome == "partial" else "",
    )


def _attempt(log: AttemptLog, billed: AttemptRow, exchange: Exchange, *, parent_id: str) -> Span:
    target, inbound = log.target, exchange.inbound
    host, _, port = target.host.rpartition(":")
    operation = _OPERATIONS.get(inbound.operation) or (
        "generate_content" if target.dialect == "gemini" else "chat"
    )
    attributes: Attributes = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": _PROVIDERS.get(target.preset, target.preset),
        "gen_ai.request.model": target.model[:_NAME_MAX],
        "gen_ai.request.stream": exchange.head.stream if exchange.head is not None else None,
        "server.address": host or None,
        "server.port": int(port) if port.isdigit() else None,
        "http.response.status_code": log.status,
        "flowrouter.account": target.account,
        "flowrouter.dialect": target.dialect,
        "flowrouter.attempt": log.number,
        "flowrouter.verdict": log.verdict,
        "flowrouter.trial": log.trial or None,
        "flowrouter.cost_usd": _dollars(billed.cost_pusd),
        **_tokens(billed),
    }
    if log is exchange.answering and log.delivered:
        attributes |= _answer(log, exchange)
    error = "" if log.verdict in _ENDED else log.verdict
    if error:
        attributes["error.type"] = error
    return Span(
        kind="client",
        name=f"{operation} {target.model[:_NAME_MAX]}",
        id=span_id(inbound.request_id, log.number),
        parent_id=parent_id,
        started=_wall(exchange, log.started),
        ended=_wall(exchange, log.ended if log.ended is not None else log.started),
        attributes=_said(attributes),
        error=error,
    )


def _tokens(billed: AttemptRow) -> Attributes:
    """Return the counts of one attempt; by the conventions input includes what was cached."""
    if billed.input_tokens is None and billed.output_tokens is None:
        return {}
    usage = Usage(
        input=billed.input_tokens,
        cache_read=billed.cache_read_tokens,
        cache_write=billed.cache_write_tokens,
        output=billed.output_tokens,
        reasoning=billed.reasoning_tokens,
    )
    return {
        "gen_ai.usage.input_tokens": usage.total_input,
        "gen_ai.usage.output_tokens": usage.total_output,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning,
        "flowrouter.usage_estimated": billed.estimated or None,
    }


def _answer(log: AttemptLog, exchange: Exchange) -> Attributes:
    """Return what only the attempt that answered can tell."""
    first = exchange.first_content_at
    streamed = exchange.head is not None and exchange.head.stream
    return {
        "gen_ai.response.model": exchange.answered_model,
        "gen_ai.response.finish_reasons": [exchange.finish] if exchange.finish else None,
        "gen_ai.response.time_to_first_chunk": max(0.0, first - log.started)
        if first is not None and streamed
        else None,
    }


def _wall(exchange: Exchange, moment: float) -> int:
    """Return a moment of the monotonic clock as nanoseconds since the epoch."""
    inbound = exchange.inbound
    return int((inbound.wall + moment - inbound.started) * 1e9)


def _dollars(pico: int | None) -> float | None:
    told = usd(pico)
    return None if told is None else float(told)


def _said(attributes: Attributes) -> Attributes:
    """Return `attributes` without what nobody knows."""
    return {name: value for name, value in attributes.items() if value is not None}


__all__ = ["Attributes", "Span", "Told", "tell"]
