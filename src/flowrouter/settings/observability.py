"""The shape of `[metrics]` and `[tracing]`: who may look on, and where traces go."""

from __future__ import annotations

import re

from flowrouter.settings.section import Section, Share

_URL = re.compile(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?")


class Metrics(Section, frozen=True):
    """Whether `GET /metrics` answers, and whether it does so without a credential (`public`)."""

    enabled: bool = True
    public: bool = False


class Tracing(Section, frozen=True):
    """Traces for an OpenTelemetry collector; none while no collector is named here or by the OTEL_* variables.

    `endpoint` is the collector's OTLP/HTTP address (`http://127.0.0.1:4318`), `sample` the share of exchanges
    that are traced where the client does not say. `forward` tells providers which trace a request belongs to.
    """

    enabled: bool = True
    endpoint: str = ""
    sample: Share = 1.0
    forward: bool = False

    def __post_init__(self) -> None:
        if self.endpoint and not _URL.fullmatch(self.endpoint):
            raise ValueError(f"endpoint: {self.endpoint!r} is no address; write `http://127.0.0.1:4318`")


__all__ = ["Metrics", "Tracing"]
