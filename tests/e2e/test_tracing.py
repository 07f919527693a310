"""Traces of a started gateway, as a collector gets them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.collector import Collector, Received
from tests.support.gateway import RunningGateway, free_port
from tests.upstreams import ScriptedUpstream

SERVER, CLIENT = 2, 3
ERROR = 2
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
SECRET_WORDS = "the-prompt-nobody-may-see"
CREDENTIAL = "sk-canary-credential"
VENDOR_KEY = "vendor-key-canary"


@pytest.fixture
def vendor() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream("openai_chat", keys=[VENDOR_KEY]) as vendor:
        yield vendor


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


def account(vendor: ScriptedUpstream, name: str = "chat", **more: Any) -> dict[str, Any]:
    return {
        "name": name, "preset": "openai", "base_url": vendor.openai_url, "api_key": VENDOR_KEY,
        "models": ["*"], "dialects": ["openai_chat"], **more,
    }  # fmt: skip


def ask(gateway: RunningGateway, *, stream: bool = False, headers: dict[str, str] | None = None) -> int:
    asked = {"model": "gpt-5.5", "stream": stream, "messages": [{"role": "user", "content": SECRET_WORDS}]}
    sent = {"content-type": "application/json", **(headers or {})}
    return gateway.call("POST", "/v1/chat/completions", body=json.dumps(asked).encode(), headers=sent)[0]


def pair(spans: list[Received]) -> tuple[Received, Received]:
    """Return the exchange's span and its only attempt's."""
    (exchange,) = (span for span in spans if span.kind == SERVER)
    (attempt,) = (span for span in spans if span.kind == CLIENT)
    return exchange, attempt


def test_an_exchange_and_its_attempt(vendor: ScriptedUpstream, collector: Collector) -> None:
    settings = {"tracing": {"endpoint": collector.url}}
    with RunningGateway([account(vendor)], settings=settings) as gateway:
        before = time.time_ns()
        assert ask(gateway, stream=True) == 200
        exchange, attempt = pair(collector.wait_for(lambda spans: len(spans) >= 2))
        assert exchange.name == "POST /v1/chat/completions"
        assert exchange.attributes["http.response.status_code"] == 200
        assert exchange.attributes["flowrouter.outcome"] == "ok"
        assert exchange.resource["service.name"] == "flow-router"
        assert not exchange.parent_id
        assert attempt.name == "chat gpt-5.5"
        assert (attempt.trace_id, attempt.parent_id) == (exchange.trace_id, exchange.span_id)
        assert before - 10**9 < exchange.started <= attempt.started <= attempt.ended <= exchange.ended
        told = attempt.attributes
        assert told["gen_ai.operation.name"] == "chat"
        assert told["gen_ai.provider.name"] == "openai"
        assert told["gen_ai.request.model"] == "gpt-5.5"
        assert told["gen_ai.response.finish_reasons"] == ["stop"]
        assert told["gen_ai.usage.input_tokens"] > 0
        assert told["gen_ai.usage.output_tokens"] > 0
        assert told["gen_ai.response.time_to_first_chunk"] >= 0
        assert (told["server.address"], told["server.port"]) == ("127.0.0.1", vendor.port)
        assert told["flowrouter.cost_usd"] > 0
        assert "traceparent" not in dict(vendor.last.headers), (
            "providers hear of it only where that is configured"
        )
        gateway.assert_no_complaints()


def test_nothing_of_what_was_said_leaves(vendor: ScriptedUpstream, collector: Collector) -> None:
    with RunningGateway([account(vendor)], settings={"tracing": {"endpoint": collector.url}}) as gateway:
        ask(gateway)
        ask(gateway, headers={"authorization": f"Bearer {CREDENTIAL}"})
        collector.wait_for(lambda spans: len(spans) >= 4)
    sent = b"".join(collector.bodies)
    assert not [word for word in (SECRET_WORDS, CREDENTIAL, VENDOR_KEY) if word.encode() in sent]


def test_a_failed_attempt_and_the_next(vendor: ScriptedUpstream, collector: Collector) -> None:
    accounts = [account(vendor, "first", api_key="revoked"), account(vendor, "second", priority=2)]
    with RunningGateway(accounts, settings={"tracing": {"endpoint": collector.url}}) as gateway:
        assert ask(gateway) == 200
        spans = collector.wait_for(lambda spans: len(spans) >= 3)
        first, second = sorted(
            (span for span in spans if span.kind == CLIENT),
            key=lambda span: span.attributes["flowrouter.attempt"],
        )
        assert (first.status, first.attributes["error.type"]) == (ERROR, "auth")
        assert first.attributes["http.response.status_code"] == 401
        assert (second.status, second.attributes["flowrouter.verdict"]) == (0, "answered")
        assert len({span.span_id for span in spans}) == 3


def test_a_trace_of_the_clients_own(vendor: ScriptedUpstream, collector: Collector) -> None:
    settings = {"tracing": {"endpoint": collector.url, "forward": True}}
    with RunningGateway([account(vendor)], settings=settings) as gateway:
        named = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1"}
        assert ask(gateway, headers=named) == 200
        exchange, attempt = pair(collector.wait_for(lambda spans: len(spans) >= 2))
        assert (exchange.trace_id, exchange.parent_id, exchange.state) == (TRACE, PARENT, "vendor=1")
        heard = dict(vendor.last.headers)
        assert heard["traceparent"] == f"00-{TRACE}-{attempt.span_id}-01"
        assert heard["tracestate"] == "vendor=1"
        unsampled = {"traceparent": f"00-{TRACE}-{PARENT}-00"}
        assert ask(gateway, headers=unsampled) == 200
        assert ask(gateway) == 200
        spans = collector.wait_for(lambda spans: len(spans) >= 4)
        assert len([span for span in spans if span.trace_id == TRACE]) == 2, "the client said not to"


def test_variables_will_do(vendor: ScriptedUpstream, collector: Collector) -> None:
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_SERVICE_NAME": "edge",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-token=collector-secret",
    }
    with RunningGateway([account(vendor)], environ=environ) as gateway:
        assert ask(gateway) == 200
        exchange, _ = pair(collector.wait_for(lambda spans: len(spans) >= 2))
        assert exchange.resource["service.name"] == "edge"
        assert collector.headers[0]["x-token"] == "collector-secret"
        assert "collector-secret" not in gateway.log


def test_off_in_spite_of_variables(vendor: ScriptedUpstream, collector: Collector) -> None:
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    with RunningGateway(
        [account(vendor)], settings={"tracing": {"enabled": False}}, environ=environ
    ) as gateway:
        assert ask(gateway) == 200
    assert not collector.spans


def test_a_dead_collector_costs_no_request_anything(vendor: ScriptedUpstream) -> None:
    settings = {"tracing": {"endpoint": f"http://127.0.0.1:{free_port()}"}}
    with RunningGateway([account(vendor)], settings=settings) as gateway:
        assert {ask(gateway) for _ in range(50)} == {200}
        began = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - began < 15, "the end does not wait for a collector that is away"
        assert "traces were dropped" in gateway.log or "takes nothing" in gateway.log


def test_what_is_left_is_sent_at_the_end(vendor: ScriptedUpstream, collector: Collector) -> None:
    with RunningGateway([account(vendor)], settings={"tracing": {"endpoint": collector.url}}) as gateway:
        assert {ask(gateway) for _ in range(20)} == {200}
    assert len(collector.spans) == 40
