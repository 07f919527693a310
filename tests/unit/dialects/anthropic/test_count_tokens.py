"""Counting tokens: the request without its output side."""

import json

import pytest

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.request import ReasoningControl, Sampling
from flowrouter.dialects.anthropic import parse_count, parse_count_request, render_count, render_count_request
from tests.unit.dialects.anthropic.build import WEATHER, chat, say
from tests.upstreams.anthropic_messages.rules import check_count_request
from tests.upstreams.dialect import Exchange
from tests.upstreams.received import Received
from tests.upstreams.scenarios import ModelName


def test_a_count_request_needs_no_output_cap_and_comes_back_as_it_was():
    body = {"model": "m", "system": "S", "messages": [{"role": "user", "content": "Hi"}], "tools": []}
    rendered = render_count_request(parse_count_request(json.dumps(body).encode()), "m", Capabilities())
    assert json.loads(rendered.body) == body


def test_a_foreign_request_is_counted_without_what_only_the_answer_needs():
    request = chat(
        say("system", "S"), say("user", "Hi"), tools=(WEATHER,), max_tokens=9000, stream=True, user="u",
        sampling=Sampling(temperature=0.5), stop=("END",), reasoning=ReasoningControl(mode="effort", effort="low"),
        service_tier="auto",
    )  # fmt: skip
    rendered = render_count_request(request, "m", Capabilities(thinking_style="manual"))
    body = json.loads(rendered.body)
    assert body.keys() == {"model", "system", "messages", "tools", "thinking"}
    received = Received(
        index=0, connection_id=0, method="POST", target="/", headers=[], body=rendered.body, at=0.0
    )
    check_count_request(
        Exchange(received=received, model=ModelName("m"), account="a", request_id="r", body=body)
    )


def test_the_answer():
    assert render_count(2095) == b'{"input_tokens":2095}'
    assert parse_count(b'{"input_tokens":2095,"context_management":{}}') == 2095


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"input_tokens":"5"}', b'{"input_tokens":true}', b"<html>"]
)
def test_other_bodies_hold_no_count(body):
    with pytest.raises(ValueError, match="count"):
        parse_count(body)
