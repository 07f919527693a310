"""Token counts: both forms of the question, both ways, and the one answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.parts import Text
from flowrouter.dialects.gemini.count_tokens import (
    parse_count,
    parse_count_request,
    render_count,
    render_count_request,
)
from flowrouter.errors import CallerError
from tests.unit.dialects.gemini.build import WEATHER, chat, say
from tests.upstreams.dialect import Exchange
from tests.upstreams.gemini.rules import check_count_request
from tests.upstreams.received import Received
from tests.upstreams.scenarios import ModelName

CONTENTS = [{"role": "user", "parts": [{"text": "Hi"}]}]


@pytest.mark.parametrize(
    "body",
    [
        {"contents": CONTENTS},
        {"generateContentRequest": {"model": "models/x", "contents": CONTENTS, "tools": []}},
        {"generate_content_request": {"model": "models/x", "contents": CONTENTS}},
    ],
    ids=["bare", "whole", "snake"],
)
def test_both_forms_are_requests(body: dict[str, Any]) -> None:
    request = parse_count_request(json.dumps(body).encode())
    assert (request.origin, request.model) == ("gemini", "")
    assert request.messages[0].parts == (Text(text="Hi"),)
    assert "model" not in request.extra


@pytest.mark.parametrize(
    ("body", "param"),
    [({}, "contents"), ({"generateContentRequest": 5}, "generateContentRequest")],
    ids=["nothing", "type"],
)
def test_faults_are_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(CallerError) as raised:
        parse_count_request(json.dumps(body).encode())
    assert raised.value.param == param


@pytest.mark.parametrize("model", ["gemini-x", "tunedModels/x"])
def test_the_question_passes_the_vendors_rules(model: str) -> None:
    request = chat(say("system", "Sys."), say("user", "Hi"), tools=(WEATHER,), max_tokens=5)
    body = json.loads(render_count_request(request, model, Capabilities()).body)
    inside = body["generateContentRequest"]
    assert inside["model"] == (f"models/{model}" if "/" not in model else model)
    assert {"systemInstruction", "contents", "tools"} <= set(inside)
    if "/" not in model:
        received = Received(
            index=0, connection_id=0, method="POST", target=f"/v1beta/models/{model}:countTokens", headers=[],
            body=json.dumps(body).encode(), at=0.0,
        )  # fmt: skip
        check_count_request(
            Exchange(received=received, model=ModelName(model), account="a", request_id="r", body=body)
        )


def test_an_own_request_goes_out_as_it_came() -> None:
    body = {"contents": CONTENTS, "system_instruction": {"parts": [{"text": "x"}]}}
    request = parse_count_request(json.dumps({"generateContentRequest": body}).encode())
    asked = json.loads(render_count_request(request, "m", Capabilities()).body)
    assert asked == {"generateContentRequest": {"model": "models/m", **body}}


def test_the_answer() -> None:
    assert json.loads(render_count(7)) == {"totalTokens": 7}
    assert parse_count(b'{"totalTokens": 31, "promptTokensDetails": []}') == 31
    assert parse_count(b'{"total_tokens": 0}') == 0


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"totalTokens": true}', b'{"totalTokens": -1}'])
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(ValueError):
        parse_count(body)
