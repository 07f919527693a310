"""Says which trace an exchange belongs to, and hands on what is to be told of it."""

from __future__ import annotations

from collections.abc import Iterable

from flowrouter.features.tracing.exporter import Exporter
from flowrouter.features.tracing.told import tell
from flowrouter.gateway.attempt_log import AttemptLog
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.settle import Settlement
from flowrouter.gateway.traces import Trace, forwarded, span_id, trace_of


class Tracer:
    """One gateway's traces; without an `exporter` none is written down. `share` is what is kept of our own."""

    def __init__(self, exporter: Exporter | None, share: float) -> None:
        self._exporter = exporter
        self._share = share

    def settled(self, settlement: Settlement) -> None:
        """Take one exchange, if its trace is to be written down."""
        trace = self._trace(settlement.exchange)
        if trace.sampled and self._exporter is not None:
            self._exporter.take(tell(settlement, trace))

    def headers(self, exchange: Exchange, log: AttemptLog) -> Iterable[tuple[str, str]]:
        """Return what tells a provider of the trace; where we write none, only the client's own is told of."""
        trace = self._trace(exchange)
        if self._exporter is not None:
            return forwarded(trace, span_id(exchange.inbound.request_id, log.number))
        return forwarded(trace, trace.parent_id) if trace.parent_id else ()

    def _trace(self, exchange: Exchange) -> Trace:
        inbound = exchange.inbound
        return trace_of(inbound.headers, inbound.request_id, share=self._share)


__all__ = ["Tracer"]
