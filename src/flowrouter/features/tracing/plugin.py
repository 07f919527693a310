"""Joins traces to the program, where a collector is named; else nothing of it is even loaded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from flowrouter import logs
from flowrouter.config import environment
from flowrouter.errors import ConfigError
from flowrouter.features.tracing.purpose import (
    ENDPOINT,
    HEADERS,
    TRACES_ENDPOINT,
    VARIABLES,
    Purpose,
    purpose,
)
from flowrouter.gateway.egress import host_of
from flowrouter.hookspecs import hook
from flowrouter.settings.egress import Egress
from flowrouter.upstream.guard import EgressError, Guard, Hosts

if TYPE_CHECKING:
    from flowrouter.features.tracing.exporter import Exporter, Sender

FEATURE = "tracing"

_INSTALL = 'pip install "flow-router[otel]"'
_NEEDED = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")
_USUAL = "http://localhost:4318"
"""Where the exporter sends to that is told nothing (OpenTelemetry's specification)."""

_log = logs.get(FEATURE)


@hook
def setup(app: Any) -> None:
    """Prepare to trace where a collector is named; raises `ConfigError` where that cannot be done."""
    settings = app.config.tracing
    found = _possible(purpose(settings, variables := environment(VARIABLES)))
    found = _allowed(found, variables, app.config.egress)
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


def _allowed(found: Purpose | None, variables: Mapping[str, str], egress: Egress) -> Purpose | None:
    """Return `found` where the gateway may connect to its collector; raises `ConfigError` as `_possible`.

    The collector is the operator's own choice, as an account's host is its owner's. Its library connects by
    itself, so that only the address as it is written can be looked at.
    """
    if found is None:
        return None
    endpoint = found.endpoint or variables.get(TRACES_ENDPOINT) or variables.get(ENDPOINT) or _USUAL
    host = host_of(endpoint)
    name, _, port = (host or "").rpartition(":")
    try:
        if not name:
            raise EgressError(f"{endpoint!r} is no address")
        Guard(egress, lambda: Hosts(written=frozenset({str(host)}))).admit(name, int(port))
    except EgressError as error:
        if found.named:
            raise ConfigError(f"[tracing] endpoint: {error.message}") from None
        _log.warning("OTEL_* variables name a trace collector, but nothing is traced", reason=error.message)
        return None
    return found


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
