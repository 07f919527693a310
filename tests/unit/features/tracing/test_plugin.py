"""How traces join the program: nothing without a collector, a plain word where the library is missing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from flowrouter.config import Config
from flowrouter.errors import ConfigError
from flowrouter.features.tracing import plugin
from flowrouter.gateway.attempt_log import AttemptLog
from flowrouter.gateway.exchange import Exchange, Inbound
from flowrouter.gateway.traces import span_id
from flowrouter.routing import Target
from flowrouter.settings.egress import Egress
from flowrouter.settings.observability import Tracing

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


OPEN = Egress()


def app(tracing: Tracing, egress: Egress = OPEN) -> Any:
    heard: list[Any] = []
    return SimpleNamespace(
        config=Config(tracing=tracing, egress=egress),
        features={},
        heard=heard,
        books=SimpleNamespace(listen=heard.append),
        attempts=SimpleNamespace(trace_headers=None),
    )


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "environment", lambda _names: {})


def exchange(headers: dict[str, str]) -> tuple[Exchange, AttemptLog]:
    made = Exchange(
        Inbound(
            request_id="req_1", dialect="openai_chat", operation="generate", endpoint="/v1/chat/completions",
            headers=headers, body=b"", wall=1.0, started=1.0,
        )
    )  # fmt: skip
    target = Target(account_id="1", account="a", preset="openai", model="m", dialect="openai_chat")
    return made, AttemptLog(target, 1.0, number=3)


def test_nothing_is_done_unless_asked_for() -> None:
    made = app(Tracing())
    plugin.setup(made)
    assert (made.heard, made.attempts.trace_headers) == ([], None)


def test_settings_that_need_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "_is_installed", lambda: False)
    with pytest.raises(ConfigError) as raised:
        plugin.setup(app(Tracing(endpoint="http://127.0.0.1:4318")))
    assert "flow-router[otel]" in str(raised.value.fix)


def test_variables_alone_stop_no_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "_is_installed", lambda: False)
    monkeypatch.setattr(plugin, "environment", lambda _names: {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:1"})
    made = app(Tracing())
    plugin.setup(made)
    assert made.heard == []


def test_what_providers_are_told() -> None:
    named = exchange({"traceparent": f"00-{TRACE}-{PARENT}-01"})
    writing = app(Tracing(endpoint="http://127.0.0.1:4318", forward=True))
    plugin.setup(writing)
    told = dict(writing.attempts.trace_headers(*named))
    assert told == {"traceparent": f"00-{TRACE}-{span_id('req_1', 3)}-01"}
    passing = app(Tracing(forward=True))
    plugin.setup(passing)
    assert dict(passing.attempts.trace_headers(*named)) == {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    assert dict(passing.attempts.trace_headers(*exchange({}))) == {}, (
        "no trace is begun that nobody writes down"
    )


LIST = Egress(mode="list", hosts=("api.openai.com",))


@pytest.mark.parametrize(
    ("endpoint", "egress"),
    [
        ("http://169.254.169.254/v1/traces", Egress(hosts=("169.254.0.0/16",))),
        ("http://collector.example:4318", LIST),
    ],
    ids=["metadata", "list"],
)
def test_se7_a_collector_that_may_not_be_reached(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, egress: Egress
) -> None:
    with pytest.raises(ConfigError, match=r"egress|never connects"):
        plugin.setup(app(Tracing(endpoint=endpoint), egress))
    monkeypatch.setattr(plugin, "environment", lambda _names: {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
    made = app(Tracing(), egress)
    plugin.setup(made)
    assert made.heard == [], "variables of the machine stop no gateway, and open nothing either"


@pytest.mark.parametrize(
    "egress", [Egress(mode="accounts"), Egress(mode="list", hosts=("collector.example:4318",))]
)
def test_a_collector_that_may(egress: Egress) -> None:
    made = app(Tracing(endpoint="http://collector.example:4318"), egress)
    plugin.setup(made)
    assert len(made.heard) == 1
