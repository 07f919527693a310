"""Turns what is told of exchanges into the SDK's spans and sends them to the collector.

This module loads the OpenTelemetry SDK and its exporter; import it in the thread that uses them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from uuid import uuid4

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from flowrouter import __version__
from flowrouter.features.tracing.purpose import Purpose
from flowrouter.features.tracing.told import Span, Told

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_KINDS = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT, "internal": SpanKind.INTERNAL}


class Collector:
    """The way to one collector; its methods block."""

    def __init__(self, purpose: Purpose) -> None:
        # Its own warnings, one for each try, would drown the log; what matters is told by `exporter`.
        quiet = logging.getLogger("opentelemetry")
        quiet.addHandler(logging.NullHandler())
        quiet.propagate = False
        attributes = {"service.version": __version__, "service.instance.id": str(uuid4())}
        if purpose.service is not None:
            attributes["service.name"] = purpose.service
        self._resource = Resource.create(attributes)
        self._scope = InstrumentationScope("flowrouter", __version__)
        self._exporter = OTLPSpanExporter(endpoint=purpose.endpoint)

    def send(self, exchanges: Iterable[Told]) -> bool:
        """Send the spans of `exchanges`, trying again for some seconds; return whether they were taken."""
        spans = [span for told in exchanges for span in self._spans(told)]
        return self._exporter.export(spans) is SpanExportResult.SUCCESS

    def close(self) -> None:
        """End what is under way; a thread that still sends returns at its next try."""
        self._exporter.shutdown()

    def _spans(self, told: Told) -> Iterator[ReadableSpan]:
        yield self._span(told, told.span)
        for attempt in told.attempts:
            yield self._span(told, attempt)

    def _span(self, told: Told, span: Span) -> ReadableSpan:
        status = Status(StatusCode.ERROR) if span.error else Status(StatusCode.UNSET)
        return ReadableSpan(
            span.name,
            context=_context(told, span.id, is_remote=False),
            parent=_context(told, span.parent_id, is_remote=span.kind == "server")
            if span.parent_id
            else None,
            resource=self._resource,
            attributes=span.attributes,
            kind=_KINDS[span.kind],
            status=status,
            start_time=span.started,
            end_time=max(span.started, span.ended),
            instrumentation_scope=self._scope,
        )


def _context(told: Told, span_id: str, *, is_remote: bool) -> SpanContext:
    return SpanContext(
        trace_id=int(told.trace.trace_id, 16),
        span_id=int(span_id, 16),
        is_remote=is_remote,
        trace_flags=_SAMPLED,
        trace_state=TraceState.from_header([told.trace.state]) if told.trace.state else None,
    )


__all__ = ["Collector"]
