"""Whether there is a collector to send traces to, by the settings or by the OTEL_* variables.

The variables are those of the OpenTelemetry specification; the exporter itself reads the rest of them
(headers, certificates, compression, timeouts), and the resource its attributes.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from flowrouter.settings.observability import Tracing

DISABLED = "OTEL_SDK_DISABLED"
EXPORTER = "OTEL_TRACES_EXPORTER"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SAMPLER = "OTEL_TRACES_SAMPLER"
SAMPLER_SHARE = "OTEL_TRACES_SAMPLER_ARG"
SERVICE = "OTEL_SERVICE_NAME"
RESOURCE = "OTEL_RESOURCE_ATTRIBUTES"
HEADERS = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")

VARIABLES = (
    DISABLED, EXPORTER, ENDPOINT, TRACES_ENDPOINT, *PROTOCOLS, SAMPLER, SAMPLER_SHARE, SERVICE, RESOURCE, *HEADERS,
)  # fmt: skip

_PATH = "/v1/traces"


class Purpose(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be traced, and where it goes: `endpoint` None is what the variables name.

    `named` says that the settings ask for it, so that what is missing is a mistake. `service` is the name to
    report, None where the variables have one. `remarks` are for people.
    """

    endpoint: str | None
    share: float
    named: bool
    service: str | None = "flow-router"
    remarks: tuple[str, ...] = ()


def purpose(settings: Tracing, environ: Mapping[str, str]) -> Purpose | None:
    """Return what is to be done, None where nothing is."""
    exporter = environ.get(EXPORTER, "").strip().lower()
    off = environ.get(DISABLED, "").strip().lower() == "true" or exporter == "none"
    variables = exporter == "otlp" or bool(environ.get(ENDPOINT) or environ.get(TRACES_ENDPOINT))
    if not settings.enabled or (not settings.endpoint and (off or not variables)):
        return None
    remarks: list[str] = []
    protocol = next((environ[name] for name in PROTOCOLS if environ.get(name)), "http/protobuf")
    if not settings.endpoint and protocol != "http/protobuf":
        remarks.append(f"traces are sent as http/protobuf, not as {protocol}")
    if not settings.endpoint and exporter not in ("", "otlp"):
        remarks.append(f"{EXPORTER}={exporter} is not known here; traces are sent as otlp")
    return Purpose(
        endpoint=_address(settings.endpoint) if settings.endpoint else None,
        share=_share(settings, environ),
        named=bool(settings.endpoint),
        service=None if _names_service(environ) else "flow-router",
        remarks=tuple(remarks),
    )


def _address(endpoint: str) -> str:
    base = endpoint.rstrip("/")
    return base if base.endswith(_PATH) else base + _PATH


def _names_service(environ: Mapping[str, str]) -> bool:
    return bool(environ.get(SERVICE)) or "service.name=" in environ.get(RESOURCE, "")


def _share(settings: Tracing, environ: Mapping[str, str]) -> float:
    """Return the share of traces to keep where no client says; the settings go before the variables."""
    if settings.sample != 1.0:
        return settings.sample
    sampler = environ.get(SAMPLER, "").strip().lower()
    if sampler.endswith("always_off"):
        return 0.0
    if sampler.endswith("traceidratio"):
        try:
            return min(1.0, max(0.0, float(environ.get(SAMPLER_SHARE, "1"))))
        except ValueError:
            return 1.0
    return 1.0


__all__ = ["ENDPOINT", "HEADERS", "TRACES_ENDPOINT", "VARIABLES", "Purpose", "purpose"]
