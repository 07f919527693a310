"""Whether there is a collector: the settings first, then the OTEL_* variables."""

from __future__ import annotations

import pytest

from flowrouter.features.tracing.purpose import purpose
from flowrouter.settings.observability import Tracing

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


@pytest.mark.parametrize(
    ("settings", "environ"),
    [
        (Tracing(), {}),
        (Tracing(), {"OTEL_SERVICE_NAME": "x"}),
        (Tracing(enabled=False), ENDPOINT),
        (Tracing(enabled=False, endpoint="http://127.0.0.1:1"), {}),
        (Tracing(), {**ENDPOINT, "OTEL_SDK_DISABLED": "true"}),
        (Tracing(), {**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}),
    ],
    ids=["nothing said", "a name alone", "off", "off with an endpoint", "disabled", "no exporter"],
)
def test_nothing_is_traced(settings: Tracing, environ: dict[str, str]) -> None:
    assert purpose(settings, environ) is None


@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
def test_a_variable_names_a_collector(name: str) -> None:
    found = purpose(Tracing(), {name: "http://collector:4318"})
    assert found is not None
    assert (found.endpoint, found.named) == (None, False), "the exporter reads the address itself"
    assert purpose(Tracing(), {"OTEL_TRACES_EXPORTER": "otlp"}) is not None


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
        ("https://otlp.example.com/otlp", "https://otlp.example.com/otlp/v1/traces"),
        ("https://otlp.example.com/v1/traces", "https://otlp.example.com/v1/traces"),
    ],
    ids=["origin", "slash", "path", "whole"],
)
def test_where_the_settings_lead(written: str, address: str) -> None:
    found = purpose(Tracing(endpoint=written), {**ENDPOINT, "OTEL_SDK_DISABLED": "true"})
    assert found is not None
    assert (found.endpoint, found.named) == (address, True)


def test_endpoints_that_are_none() -> None:
    for wrong in ("collector:4318", "grpc://collector", "http://user:word@collector"):
        with pytest.raises(ValueError, match="is no address"):
            Tracing(endpoint=wrong)


def test_samplers() -> None:
    def share(sampler: str, argument: str = "", sample: float = 1.0) -> float:
        environ = {**ENDPOINT, "OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": argument}
        found = purpose(Tracing(sample=sample), environ)
        assert found is not None
        return found.share

    assert share("") == share("parentbased_always_on") == share("traceidratio", "no number") == 1.0
    assert share("parentbased_traceidratio", "0.25") == 0.25
    assert share("always_off") == 0.0
    assert share("always_off", sample=0.5) == 0.5, "the settings go first"


def test_what_cannot_be_done_is_told() -> None:
    found = purpose(Tracing(), {**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    assert found is not None
    assert "http/protobuf" in found.remarks[0]
    named = purpose(Tracing(), {**ENDPOINT, "OTEL_RESOURCE_ATTRIBUTES": "service.name=edge"})
    assert named is not None
    assert named.service is None
