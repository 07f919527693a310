"""Whole replies: those of others for an Anthropic client, and bodies that are no reply."""

import json

import pytest

from flowrouter.canonical.parts import Image, Opaque, Provenance, Reasoning, Refusal, Source, Text, ToolCall
from flowrouter.canonical.response import Choice, Response
from flowrouter.canonical.usage import Usage
from flowrouter.dialects.anthropic import CODEC
from flowrouter.dialects.codec import EncodeOptions
from tests.unit.dialects.anthropic.build import rows

MINE = Provenance(dialect="anthropic", family="claude", account_id="a1")
CALL = ToolCall(id="call_1", name="f", arguments='{"a":1}')


def reply(*parts, finish="stop", **members) -> Response:
    choice = Choice(parts=parts, finish=finish, raw_finish=members.pop("raw", finish))
    return Response(
        origin="openai_chat",
        id="chatcmpl-abc",
        model="gpt",
        choices=(choice, *members.pop("more", ())),
        **members,
    )


def render(response: Response, **options):
    rendered = CODEC.render_response(response, EncodeOptions(**options))
    return json.loads(rendered.body), rows(rendered.losses)


UNTOLD_USAGE = dict.fromkeys(
    (
        "cache_creation",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "inference_geo",
        "output_tokens_details",
        "server_tool_use",
        "service_tier",
    )
)
"""What the published schema wants in every reply, null where nothing is known."""


def test_a_foreign_reply():
    usage = Usage(
        input=15, cache_read=5, output=7, reasoning=2, origin="openai_chat", raw={"prompt_tokens": 20}
    )
    body, losses = render(
        reply(Reasoning(text="Hm"), Text(text="Hi"), CALL, finish="tool_calls", usage=usage)
    )
    assert body == {
        "id": "msg_abc",
        "type": "message",
        "role": "assistant",
        "model": "gpt",
        "content": [
            {"type": "thinking", "thinking": "Hm", "signature": ""},
            {"type": "text", "text": "Hi", "citations": None},
            {
                "type": "tool_use",
                "id": "call_1",
                "name": "f",
                "input": {"a": 1},
                "caller": {"type": "direct"},
            },
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "usage": {
            **UNTOLD_USAGE,
            "input_tokens": 15,
            "cache_read_input_tokens": 5,
            "output_tokens": 9,
            "output_tokens_details": {"thinking_tokens": 2},
        },
    }
    assert losses == []


def test_the_name_asked_for_may_stand_in_the_reply():
    assert render(reply(Text(text="Hi")), model="alias")[0]["model"] == "alias"


@pytest.mark.parametrize(
    ("finish", "parts", "stop"),
    [
        ("stop", (Text(text="x"),), "end_turn"),
        ("stop", (CALL,), "tool_use"),
        ("stop", (Refusal(text="no"),), "refusal"),
        ("stop_sequence", (), "stop_sequence"),
        ("tool_calls", (CALL,), "tool_use"),
        ("tool_calls", (Text(text="x"),), "end_turn"),
        ("length", (CALL,), "max_tokens"),
        ("context_full", (), "model_context_window_exceeded"),
        ("content_filter", (CALL,), "refusal"),
        ("refusal", (), "refusal"),
        ("paused", (), "pause_turn"),
        ("malformed_call", (), "end_turn"),
        ("other", (), "end_turn"),
        (None, (), None),
    ],
)
def test_stop_reasons(finish, parts, stop):
    assert render(reply(*parts, finish=finish))[0]["stop_reason"] == stop


def test_what_an_answer_cannot_hold_is_a_loss():
    picture = Image(source=Source(kind="url", url="u"))
    body, losses = render(
        reply(
            picture,
            Opaque(payload={"type": "audio"}, origin="openai_chat"),
            Text(text="Hi", citations=({"type": "url_citation"},)),
            Text(text=""),
            Reasoning(text="", signature="theirs"),
            more=(Choice(index=1, parts=(Text(text="two"),)),),
            extra={"system_fingerprint": "fp", "none": None},
        )
    )
    assert body["content"] == [{"type": "text", "text": "Hi", "citations": None}]
    assert losses == [
        ("choices[1]", "dropped"), ("content.image", "dropped"), ("content.opaque", "dropped"),
        ("content.citations", "dropped"), ("content.reasoning", "dropped"), ("system_fingerprint", "dropped"),
    ]  # fmt: skip


def test_sealed_reasoning_travels_as_the_signature():
    sealed = Reasoning(
        text="Hm", signature="theirs", sealed="flr1.x", provenance=Provenance(dialect="gemini")
    )
    body, _ = render(reply(sealed))
    assert body["content"] == [{"type": "thinking", "thinking": "Hm", "signature": "flr1.x"}]


def test_a_client_always_gets_numbers_and_an_id():
    body, _ = render(Response(origin="openai_chat", id="", model="m", choices=()))
    assert body["usage"] == {**UNTOLD_USAGE, "input_tokens": 0, "output_tokens": 0}
    assert body["id"].startswith("msg_")
    assert len(body["id"]) > 8
    again, _ = render(Response(origin="openai_chat", id="", model="m", choices=()))
    assert again["id"] == body["id"]


def test_parsing_marks_reasoning_with_its_provenance():
    body = {
        "type": "message", "id": "m", "model": "c", "role": "assistant", "stop_reason": "end_turn",
        "content": [{"type": "thinking", "thinking": "Hm", "signature": "flr1.theirs"}],
    }  # fmt: skip
    response = CODEC.parse_response(json.dumps(body).encode(), MINE)
    assert response.choices[0].parts == (Reasoning(text="Hm", signature="flr1.theirs", provenance=MINE),)
    assert response.usage is None


def test_usage_is_disjoint():
    usage = {
        "input_tokens": 10, "cache_read_input_tokens": 4, "output_tokens": 30,
        "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 5},
        "output_tokens_details": {"thinking_tokens": 20},
    }  # fmt: skip
    body = {"type": "message", "content": [], "stop_reason": "end_turn", "usage": usage}
    told = CODEC.parse_response(json.dumps(body).encode(), MINE).usage
    assert told is not None
    assert (told.input, told.cache_read, told.cache_write, told.cache_write_1h) == (10, 4, 7, 5)
    assert (told.output, told.reasoning, told.total_input, told.total_output) == (10, 20, 21, 30)


@pytest.mark.parametrize(
    "body",
    [
        b"<html></html>", b"", b"[]", b"{}", b'{"type":"message"}', b'{"type":"message","content":[{"type":"text"}]}',
        b'{"type":"error","error":{"type":"api_error","message":"m"}}', b'{"object":"chat.completion","choices":[]}',
        b'{"type":"message","content":[],"base_resp":{"status_code":1008}}',
    ],
)  # fmt: skip
def test_bodies_that_are_no_reply(body):
    with pytest.raises(ValueError, match=r"."):
        CODEC.parse_response(body, MINE)
