"""Requests of Gemini's own clients: as they came, but for what a stage edited and what is the gateway's own."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import msgspec
import pytest

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Part, Provenance, Reasoning, Text, ToolCall, ToolResult
from flowrouter.canonical.request import Request
from flowrouter.canonical.tools import FunctionTool
from flowrouter.dialects.gemini.ids import made_call_id
from flowrouter.dialects.gemini.parse_requests import parse_request
from flowrouter.dialects.gemini.render_requests import render_request
from flowrouter.dialects.gemini.signing import BYPASS
from tests.unit.dialects.gemini.build import GEMINI_3, own, parse, rows

CALL = {"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}}
BODY: dict[str, Any] = {
    "system_instruction": {"role": "system", "parts": {"text": "Brief."}},
    "contents": [
        {"role": "user", "parts": [{"text": "Hi", "future": 1}]},
        {"role": "model", "parts": [{"text": "hm", "thought": True}, {**CALL, "thoughtSignature": "sig"}]},
        {"parts": [{"function_response": {"id": "c", "name": "f", "response": {"output": "long"}}}]},
    ],
    "tools": [{"function_declarations": [{"name": "f", "parameters": {"type": "OBJECT"}, "behavior": "X"}]}],
    "generation_config": {"max_output_tokens": 9, "temperature": 0, "speechConfig": {"a": 1}},
    "safetySettings": [],
    "labels": {"a": "b"},
}


def request_of(body: dict[str, Any]) -> Request:
    return parse_request(json.dumps(body).encode())


def with_parts(request: Request, number: int, *parts: Part) -> Request:
    """Return `request` with the parts of one turn replaced, as a stage would."""
    messages = list(request.messages)
    messages[number] = msgspec.structs.replace(messages[number], parts=parts)
    return msgspec.structs.replace(request, messages=tuple(messages))


def test_untouched_it_leaves_byte_for_member_as_it_came() -> None:
    rendered = render_request(request_of(BODY), "any", Capabilities())
    assert json.loads(rendered.body) == BODY
    assert list(json.loads(rendered.body)) == list(BODY)
    assert rendered.losses == ()


def test_an_edited_turn_is_written_anew_and_the_others_stay() -> None:
    request = request_of(BODY)
    result = request.messages[2].parts[0]
    edited = with_parts(request, 2, msgspec.structs.replace(result, content=(Text(text="short"),)))
    contents = own(edited)["contents"]
    assert contents[:2] == BODY["contents"][:2]
    assert contents[2] == {
        "role": "user",
        "parts": [{"functionResponse": {"id": "c", "name": "f", "response": {"result": "short"}}}],
    }


def test_an_edited_turn_keeps_its_signature_and_unknown_members() -> None:
    request = request_of(BODY)
    user = with_parts(request, 0, msgspec.structs.replace(request.messages[0].parts[0], text="Ho"))
    assert own(user)["contents"][0] == {"role": "user", "parts": [{"text": "Ho", "future": 1}]}
    model = with_parts(request, 1, *request.messages[1].parts, Text(text="more"))
    assert own(model)["contents"][1]["parts"] == [*BODY["contents"][1]["parts"], {"text": "more"}]


def test_a_changed_setting_changes_only_itself() -> None:
    request = msgspec.structs.replace(request_of(BODY), max_tokens=5)
    assert own(request) == {
        **BODY,
        "generation_config": {**BODY["generation_config"], "max_output_tokens": 5},
    }


def test_a_dropped_setting_is_gone() -> None:
    request = request_of(BODY)
    request = msgspec.structs.replace(
        request, sampling=msgspec.structs.replace(request.sampling, temperature=None)
    )
    assert own(request)["generation_config"] == {"max_output_tokens": 9, "speechConfig": {"a": 1}}


def test_an_added_tool_goes_into_one_entry() -> None:
    request = request_of(BODY)
    request = msgspec.structs.replace(
        request, tools=(*request.tools, FunctionTool(name="g", schema={"type": "object"}))
    )
    [entry] = own(request)["tools"]
    assert [(f["name"], f["parametersJsonSchema"]["type"]) for f in entry["functionDeclarations"]] == [
        ("f", "object"),
        ("g", "object"),
    ]
    assert entry["functionDeclarations"][0]["behavior"] == "X"


def test_reasoning_put_in_by_a_stage_is_planned() -> None:
    request = request_of(BODY)
    control = parse(generationConfig={"thinkingConfig": {"thinkingLevel": "HIGH"}}).reasoning
    assert control is not None
    request = msgspec.structs.replace(request, reasoning=msgspec.structs.replace(control, raw={}))
    config = own(request, **GEMINI_3)["generation_config"]
    assert config["thinkingConfig"] == {"thinkingLevel": "HIGH", "includeThoughts": True}


def test_envelopes_never_leave() -> None:
    carried = b64encode(b"flr1.abc").decode()
    body = {
        "contents": [
            {"role": "user", "parts": [{"text": "x"}]},
            {
                "role": "model",
                "parts": [
                    {"text": "hm", "thought": True, "thoughtSignature": carried},
                    {**CALL, "thoughtSignature": carried},
                ],
            },
            {"parts": [{"functionResponse": {"id": "c", "name": "f", "response": {}}}]},
        ]
    }
    rendered = render_request(request_of(body), "m", Capabilities())
    assert b"flr1" not in rendered.body
    assert carried.encode() not in rendered.body
    assert json.loads(rendered.body)["contents"][1]["parts"] == [CALL]
    assert {kind for _, kind in rows(rendered.losses)} == {"dropped"}


def test_an_opened_envelope_goes_back_onto_its_call() -> None:
    carried = b64encode(b"flr1.abc").decode()
    body = {
        "contents": [
            {"role": "user", "parts": [{"text": "x"}]},
            {"role": "model", "parts": [{**CALL, "thoughtSignature": carried}]},
            {"parts": [{"functionResponse": {"id": "c", "name": "f", "response": {}}}]},
        ]
    }
    request = request_of(body)
    opened = Reasoning(signature="native", call_id="c", provenance=Provenance(dialect="gemini", family="g"))
    call = request.messages[1].parts[1]
    rendered = own(with_parts(request, 1, opened, call), family="g")
    assert rendered["contents"][1]["parts"] == [{**CALL, "thoughtSignature": "native"}]


@pytest.mark.parametrize(
    "provenance", [Provenance(dialect="anthropic"), Provenance(dialect="gemini", family="other")]
)
def test_foreign_signatures_never_leave(provenance: Provenance) -> None:
    request = request_of(BODY)
    alien = Reasoning(text="thought", signature="alien", provenance=provenance)
    body = own(with_parts(request, 1, alien, request.messages[1].parts[2]), family="mine")
    assert "alien" not in json.dumps(body)


def test_ids_of_ours_are_taken_away_again() -> None:
    made = made_call_id("reply", 0, "f")
    body = {
        "contents": [
            {"role": "user", "parts": [{"text": "x"}]},
            {"role": "model", "parts": [{"functionCall": {"id": made, "name": "f", "args": {}}}]},
            {"parts": [{"functionResponse": {"id": made, "name": "f", "response": {"result": "y"}}}]},
        ]
    }
    contents = own(request_of(body))["contents"]
    assert contents[1]["parts"] == [{"functionCall": {"name": "f", "args": {}}}]
    assert contents[2]["parts"] == [{"functionResponse": {"name": "f", "response": {"result": "y"}}}]


def test_a_history_of_mixed_origin_skips_the_check_for_its_unsigned_steps() -> None:
    made = made_call_id("reply", 0, "f")
    body = {
        "contents": [
            {"role": "user", "parts": [{"text": "x"}]},
            {"role": "model", "parts": [{"functionCall": {"id": made, "name": "f", "args": {}}}]},
            {"parts": [{"functionResponse": {"id": made, "name": "f", "response": {}}}]},
            {"role": "model", "parts": [{**CALL, "thought_signature": "native"}]},
            {"parts": [{"functionResponse": {"id": "c", "name": "f", "response": {}}}]},
        ]
    }
    contents = own(request_of(body), **GEMINI_3)["contents"]
    assert contents[1]["parts"][0]["thoughtSignature"] == BYPASS
    assert contents[3] == body["contents"][3]


def test_without_what_was_kept_the_request_is_still_whole() -> None:
    request = msgspec.structs.replace(request_of(BODY), shapes={})
    body = own(request)
    assert body["contents"][1] == BODY["contents"][1]
    assert body["systemInstruction"] == {"parts": [{"text": "Brief."}]}
    assert body["generationConfig"] == {"maxOutputTokens": 9, "temperature": 0, "speechConfig": {"a": 1}}
    assert body["labels"] == {"a": "b"}


def test_a_request_built_by_hand_is_written() -> None:
    request = Request(
        origin="gemini",
        model="",
        messages=(
            Message(role="user", parts=(Text(text="x"),)),
            Message(role="assistant", parts=(ToolCall(id="a", name="f", arguments='{"b": 1}'),)),
            Message(role="tool", parts=(ToolResult(call_id="a", content=(Text(text='{"ok": true}'),)),)),
        ),
    )
    assert own(request)["contents"][2] == {
        "role": "user",
        "parts": [{"functionResponse": {"id": "a", "name": "f", "response": {"ok": True}}}],
    }
