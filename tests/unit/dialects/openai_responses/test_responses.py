"""Whole Responses answers: read, and written for clients of this dialect."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from openai.types.responses import Response as SdkResponse

from flowrouter.canonical.parts import Image, Opaque, Provenance, Reasoning, Refusal, Source, Text, ToolCall
from flowrouter.canonical.response import Choice, Response
from flowrouter.canonical.usage import Usage
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.dialects.openai_responses.responses import parse_response, render_response
from flowrouter.wire.json import dumps, loads
from tests.unit.dialects.openai_responses.streams import FROM, message
from tests.vectors.loader import ROOT

BODIES = sorted((ROOT / "openai_responses" / "responses").glob("*.json"))


def body(*output: Any, **members: Any) -> dict[str, Any]:
    whole = {"id": "resp_1", "object": "response", "created_at": 7, "status": "completed", "model": "m"}
    return {**whole, "output": list(output), **members}


def parsed(*output: Any, **members: Any) -> Response:
    return parse_response(dumps(body(*output, **members)), FROM)


def foreign(*parts: Any, finish: Any = "stop", **members: Any) -> Response:
    choice = Choice(parts=parts, finish=finish)
    return Response(**{"origin": "anthropic", "id": "msg_1", "model": "c", "choices": (choice,), **members})


def rendered(response: Response, **options: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the body for a client, which the SDK must take, and the paths of what was lost."""
    reply = render_response(response, EncodeOptions(**options))
    SdkResponse.model_validate(loads(reply.body))
    return loads(reply.body), [loss.path for loss in reply.losses]


@pytest.mark.parametrize("path", BODIES, ids=[path.stem for path in BODIES])
def test_an_answer_of_the_vendor_returns_as_it_came(path: Any) -> None:
    reply = render_response(parse_response(path.read_bytes(), FROM), EncodeOptions())
    assert loads(reply.body) == loads(path.read_bytes())
    assert reply.losses == ()


def test_parts_of_every_kind() -> None:
    response = parsed(
        {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": t} for t in ("a", "b")], "encrypted_content": "E"},
        message("Hi", ""), {"type": "function_call", "id": "fc", "call_id": "c1", "name": "go", "namespace": "ns", "arguments": "{}"},
        {"type": "custom_tool_call", "id": "ct", "call_id": "c2", "name": "patch", "input": "x"},
        {"type": "image_generation_call", "id": "ig", "status": "completed", "result": "QUJD"},
        {"type": "mcp_list_tools", "id": "m", "server_label": "s", "tools": []},
    )  # fmt: skip
    assert response.choices[0].parts == (
        Reasoning(text="a\n\nb", signature="E", provenance=FROM, extra={"item": {"id": "rs"}}),
        Text(text="Hi", extra={"item": {"id": "msg_1"}}),
        ToolCall(id="c1", name="ns__go", arguments="{}", extra={"item": {"id": "fc", "namespace": "ns"}}),
        ToolCall(id="c2", name="patch", arguments="x", kind="custom", extra={"item": {"id": "ct"}}),
        Image(source=Source(kind="base64", media_type="image/png", data="QUJD"), extra={"item": {"id": "ig"}}),
        Opaque(payload={"type": "mcp_list_tools", "id": "m", "server_label": "s", "tools": []}, origin="openai_responses"),
    )  # fmt: skip
    assert response.choices[0].finish == "tool_calls"


def test_arguments_that_are_an_object_are_text_for_others_and_return_as_they_came() -> None:
    whole = body({"type": "function_call", "call_id": "c", "name": "f", "arguments": {"a": 1}})
    response = parse_response(dumps(whole), FROM)
    [part] = response.choices[0].parts
    assert isinstance(part, ToolCall)
    assert part.arguments == '{"a":1}'
    assert loads(render_response(response, EncodeOptions()).body) == whole


@pytest.mark.parametrize(
    "whole",
    [
        {}, [], {"error": {"message": "x"}}, {"choices": []}, {"output": None}, {"output": ["x"]},
        body(status="failed", error={"code": "server_error", "message": "x"}), body(status="failed", error=None),
    ],
    ids=["empty", "list", "error", "chat", "null", "text", "failed", "failed-in-silence"],
)  # fmt: skip
def test_what_is_no_answer_is_refused(whole: Any) -> None:
    with pytest.raises(ValueError, match=r"response|object"):
        parse_response(dumps(whole), FROM)


def test_counts() -> None:
    details = {"cached_tokens": 60, "cache_write_tokens": 30}
    raw = {
        "input_tokens": 100,
        "input_tokens_details": details,
        "output_tokens": 50,
        "output_tokens_details": {"reasoning_tokens": 20},
    }
    usage = parsed(usage=raw).usage
    assert usage == Usage(
        input=10, cache_read=60, cache_write=30, output=30, reasoning=20, origin="openai_responses", raw=raw
    )


def test_counts_written_are_complete() -> None:
    whole, _ = rendered(foreign(Text(text="x"), usage=Usage(input=3, output=2)))
    assert whole["usage"] == {
        "input_tokens": 3, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 2, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 5,
    }  # fmt: skip


def test_an_edited_answer_of_the_vendor_is_written_anew() -> None:
    response = parsed(message("Hi"), brand_new=1)
    choice = response.choices[0]
    more = msgspec.structs.replace(choice, parts=(*choice.parts, ToolCall(id="c", name="f", arguments="{}")))
    whole = loads(render_response(msgspec.structs.replace(response, choices=(more,)), EncodeOptions()).body)
    assert [item["type"] for item in whole["output"]] == ["message", "function_call"]
    assert whole["brand_new"] == 1


def test_text_that_was_edited_keeps_the_rest_of_its_item() -> None:
    response = parsed(message("Hi", mood="bright"))
    choice = response.choices[0]
    [text] = choice.parts
    changed = msgspec.structs.replace(choice, parts=(msgspec.structs.replace(text, text="Bye"),))  # type: ignore[type-var]
    whole = loads(
        render_response(msgspec.structs.replace(response, choices=(changed,)), EncodeOptions()).body
    )
    assert whole["output"] == [message("Bye", mood="bright")]


def test_a_foreign_answer_of_many_parts() -> None:
    whole, lost = rendered(
        foreign(
            Reasoning(text="Hm", sealed="flr1.x"), Reasoning(text="", signature="theirs"), Text(text="Hi"), Refusal(text="no"),
            ToolCall(id="toolu_1", name="f", arguments='{"a":1}'), extra={"container": {"id": 1}, "nothing": None},
        ),
        asked=dumps({"model": "x", "input": "y", "temperature": 0}), now=5.5, model="alias",
    )  # fmt: skip
    reasoning, said, call = whole["output"]
    assert (reasoning["summary"], reasoning["encrypted_content"]) == (
        [{"type": "summary_text", "text": "Hm"}],
        "flr1.x",
    )
    assert [piece["type"] for piece in said["content"]] == ["output_text", "refusal"]
    assert (call["call_id"], call["arguments"]) == ("toolu_1", '{"a":1}')
    assert (whole["id"], whole["model"], whole["created_at"], whole["temperature"]) == (
        "resp_1",
        "alias",
        5,
        0,
    )
    assert lost == ["container", "content.reasoning"]


def test_further_choices_are_lost() -> None:
    choices = tuple(Choice(index=n, parts=(Text(text=str(n)),), finish="stop") for n in range(2))
    whole, lost = rendered(foreign(choices=choices))
    assert [piece["text"] for item in whole["output"] for piece in item["content"]] == ["0"]
    assert lost == ["choices[1]"]


def test_a_malformed_call_fails_and_is_known_again() -> None:
    whole, _ = rendered(foreign(finish="malformed_call"))
    assert whole["status"] == "failed"
    assert (
        parse_response(dumps(whole), Provenance(dialect="openai_responses")).choices[0].finish
        == "malformed_call"
    )
