"""Joins traces to the program, where a collector is named; else nothing of it is even loaded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from flowrouter import logs
from flowrouter.config import environment
from flowrouter.errors import ConfigError
from flowrouter.features.tracing.purpose import HEADERS, VARIABLES, Purpose, purpose
from flowrouter.hookspecs import hook

if TYPE_CHECKING:
    from flowrouter.features.tracing.exporter import Exporter, Sender

FEATURE = "tracing"

_INSTALL = 'pip install "flow-router[otel]"'
_NEEDED = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")
_log = logs.get(FEATURE)


@hook
def setup(app: Any) -> None:
    """Prepare to trace where a collector is named; raises `ConfigError` where that cannot be done."""
    settings = app.config.tracing
    found = _possible(purpose(settings, variables := environment(VARIABLES)))
    forward = settings.enabled and settings.forward
    if found is None and not forward:
        return
    from flowrouter.features.tracing.exporter import Exporter
    from flowrouter.features.tracing.tracer import Tracer

    exporter = None
    if found is not None:
        for name in HEADERS:
            logs.hide(*(pair.partition("=")[2] for pair in variables.get(name, "").split(",")))
        for remark in found.remarks:
            _log.warning(remark)
        exporter = Exporter(_opener(found), _log)
    tracer = Tracer(exporter, 1.0 if found is None else found.share)
    if exporter is not None:
        app.books.listen(tracer.settled)
        app.features[FEATURE] = exporter
    if forward:
        app.attempts.trace_headers = tracer.headers


@hook
@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Send traces while the gateway serves."""
    exporter: Exporter | None = app.features.get(FEATURE)
    if exporter is None:
        yield
        return
    exporter.start()
    try:
        yield
    finally:
        await asyncio.to_thread(exporter.stop)


def _possible(found: Purpose | None) -> Purpose | None:
    """Return `found` where the library is there; raises `ConfigError` where the settings ask for it in vain."""
    if found is None or _is_installed():
        return found
    if found.named:
        raise ConfigError("[tracing] endpoint needs OpenTelemetry, which is not installed", fix=_INSTALL)
    _log.warning("OTEL_* variables name a trace collector, but nothing is traced", fix=_INSTALL)
    return None


def _is_installed() -> bool:
    try:
        return all(find_spec(name) is not None for name in _NEEDED)
    except ModuleNotFoundError:  # not even the package around it
        return False


def _opener(found: Purpose) -> Callable[[], Sender]:
    def opened() -> Sender:
        from flowrouter.features.tracing.spans import Collector

        return Collector(found)

    return opened


__all__ = ["FEATURE"]
