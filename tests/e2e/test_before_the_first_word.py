"""Settings that act before the first word, through a started gateway: hedges, dripping streams, a client's own limit."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

HEDGING = {"hedging": {"enabled": True, "min_wait": 0.5, "spend_share": 1.0}}
GUARD = {"slow_tokens": 20.0}


class Pair:
    """A gateway with two accounts of one dialect."""

    def __init__(self, gateway: RunningGateway, first: ScriptedUpstream, second: ScriptedUpstream) -> None:
        self.gateway = gateway
        self.first = first
        self.second = second

    def ask(self, model: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes, dict[str, Any]]:
        """Return the reply to a streamed question, its body and its receipt."""
        ask = {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": True}
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=60)
        connection.request(
            "POST",
            "/v1/chat/completions",
            body=msgspec.json.encode(ask),
            headers={"content-type": "application/json", **headers},
        )
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        status, receipt = self.gateway.get(f"/v1/receipts/{answer.headers['x-request-id']}")
        assert status == 200
        return answer, body, msgspec.json.decode(receipt)


@pytest.fixture
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    with (
        ScriptedUpstream(dialect="openai_chat", keys=["one"]) as first,
        ScriptedUpstream(dialect="openai_chat", keys=["two"]) as second,
    ):
        accounts = [
            {"name": "first", "preset": "custom-openai", "base_url": first.openai_url, "api_key": "one",
             "models": ["*"]},
            {"name": "second", "preset": "custom-openai", "base_url": second.openai_url, "api_key": "two",
             "models": ["*"], "priority": 2},
        ]  # fmt: skip
        with RunningGateway(accounts, settings={"routing": request.param}) as gateway:
            yield Pair(gateway, first, second)
            gateway.assert_no_complaints()


@pytest.mark.parametrize("pair", [HEDGING], ids=["hedging"], indirect=True)
def test_a_late_first_word_is_hedged(pair: Pair) -> None:
    assert pair.ask("warm")[0].status == 200
    before = len(pair.first.disconnects)
    pair.first.script(["fault-hang-first-token"], model="late")
    answer, body, receipt = pair.ask("late")
    assert answer.status == 200
    assert answer.headers["x-flowrouter-target"] == "second/late"
    assert body.endswith(b"data: [DONE]\n\n")
    assert [(note["account"], note["verdict"]) for note in receipt["attempts"]] == [
        ("first", "hedged"),
        ("second", "answered"),
    ]
    pair.first.wait_for(lambda: len(pair.first.disconnects) > before, timeout=5)


@pytest.mark.parametrize("pair", [GUARD], ids=["slow_tokens"], indirect=True)
def test_a_dripping_stream_gives_way(pair: Pair) -> None:
    pair.first.script(["fault-hang-midstream@2"], model="drip")
    answer, body, receipt = pair.ask("drip")
    assert answer.headers["x-flowrouter-target"] == "second/drip"
    assert body.endswith(b"data: [DONE]\n\n")
    assert [note["verdict"] for note in receipt["attempts"]] == ["timeout", "answered"]


@pytest.mark.parametrize("pair", [{}], ids=["default"], indirect=True)
def test_a_clients_own_limit_holds(pair: Pair) -> None:
    for upstream in (pair.first, pair.second):
        upstream.script(["fault-hang-headers"], model="never")
    answer, body, _ = pair.ask("never", **{"x-flowrouter-timeout": "1.5"})
    assert answer.status == 504
    assert answer.headers["x-should-retry"] == "false"
    assert msgspec.json.decode(body)["error"]["code"] == "client_timeout"
