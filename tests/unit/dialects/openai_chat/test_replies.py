"""Whole answers: read from Chat's many hosts, and written for Chat clients from any dialect."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.parts import (
    Audio,
    Image,
    Part,
    Provenance,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
)
from flowrouter.canonical.response import Choice, FinishReason, Response
from flowrouter.canonical.usage import Usage
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.dialects.openai_chat import CODEC
from flowrouter.dialects.openai_chat.usage import parse_usage, write_usage
from flowrouter.wire.json import dumps, loads

FROM = Provenance(dialect="openai_chat", family="x")


def read(message: dict[str, Any], finish: str | None = "stop", **members: Any) -> Choice:
    whole = {
        "id": "c-1",
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
    }
    return CODEC.parse_response(dumps({**whole, **members}), FROM).choices[0]


def written(*parts: Part, finish: FinishReason = "stop", **options: Any) -> dict[str, Any]:
    response = Response(
        origin="anthropic", id="msg_01AB", model="claude", choices=(Choice(parts=parts, finish=finish),)
    )
    return loads(CODEC.render_response(response, EncodeOptions(**options)).body)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>502</html>",
        b"",
        b"[]",
        b"{}",
        b'{"choices":[]}',
        b'{"choices":[5]}',
        b'{"choices":[{"index":0}]}',
        b'{"error":{"message":"no"}}',
        b'{"choices":[{"message":{"tool_calls":[{"id":"a"}]}}]}',
        b'{"choices":[{"message":{"tool_calls":[5]}}]}',
        b'{"choices":[{"message":{"images":[5]}}]}',
    ],
)
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        CODEC.parse_response(body, FROM)


def test_reasoning_is_marked_with_where_it_came_from() -> None:
    choice = read({"role": "assistant", "content": "x", "reasoning": "hm"})
    assert choice.parts == (Reasoning(text="hm", field="reasoning", provenance=FROM), Text(text="x"))


@pytest.mark.parametrize(
    ("raw", "message", "meaning"),
    [
        ("stop", {"content": "x"}, "stop"),
        ("length", {"content": "x", "tool_calls": [{"id": "a", "function": {"name": "f"}}]}, "length"),
        ("stop", {"content": None, "tool_calls": [{"id": "a", "function": {"name": "f"}}]}, "tool_calls"),
        ("tool_calls", {"content": "no call after all"}, "stop"),
        ("stop", {"content": None, "refusal": "no"}, "refusal"),
        ("content_filter", {"content": ""}, "content_filter"),
        ("model_length", {"content": "x"}, "length"),
        ("eos", {"content": "x"}, "stop"),
        ("odd", {"content": "x"}, "other"),
        (None, {"content": "x"}, "stop"),
        ("", {"content": "x"}, "stop"),
    ],
)
def test_finish_reasons(raw: str | None, message: dict[str, Any], meaning: str) -> None:
    choice = read(message, raw)
    assert choice.finish == meaning
    assert choice.raw_finish == (raw or None)


def test_a_call_without_id_gets_one_that_is_the_same_every_time() -> None:
    message = {"content": None, "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}] * 2}
    calls = [part for part in read(message).parts if isinstance(part, ToolCall)]
    again = [part for part in read(message).parts if isinstance(part, ToolCall)]
    assert calls == again
    assert calls[0].id.startswith("call_")
    assert calls[0].id != calls[1].id
    assert calls[0].arguments == '{"a":1}'


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"prompt_tokens": 20, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 5}}, (15, 5, None, 9, None)),
        ({"prompt_tokens": 20, "completion_tokens": 9, "prompt_cache_hit_tokens": 8}, (12, 8, None, 9, None)),
        ({"prompt_tokens": 20, "completion_tokens": 9, "cached_tokens": 20}, (0, 20, None, 9, None)),
        ({"prompt_tokens": 20, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 3}}, (12, 5, 3, 9, None)),
        ({"prompt_tokens": 20, "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 4}}, (20, None, None, 5, 4)),
        ({"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 33, "completion_tokens_details": {"reasoning_tokens": 4}}, (20, None, None, 9, 4)),
        ({"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": 9}}, (0, 9, None, None, None)),
        ({"prompt_tokens": None, "completion_tokens": "9", "prompt_tokens_details": None}, (None, None, None, None, None)),
        ({"prompt_tokens": 20.0, "completion_tokens": True}, (20, None, None, None, None)),
    ],
)  # fmt: skip
def test_usage_of_every_host_is_counted_once(raw: dict[str, Any], expected: tuple[int | None, ...]) -> None:
    usage = parse_usage(raw)
    assert (usage.input, usage.cache_read, usage.cache_write, usage.output, usage.reasoning) == expected
    assert usage.raw == raw


def test_foreign_usage_is_written_in_chat_s_sums() -> None:
    usage = Usage(
        input=15, cache_read=5, cache_write=2, output=5, reasoning=4, origin="anthropic", raw={"x": 1}
    )
    assert write_usage(usage) == {
        "prompt_tokens": 22,
        "completion_tokens": 9,
        "total_tokens": 31,
        "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 4},
    }
    assert write_usage(Usage()) == {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def test_a_foreign_answer_has_every_member_an_sdk_wants() -> None:
    assert written(Text(text="Hi"), Text(text=" there"), now=1700000000.7) == {
        "id": "chatcmpl-01AB",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "claude",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hi there", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
    }


def test_the_alias_is_echoed() -> None:
    assert written(Text(text="x"), model="my-alias")["model"] == "my-alias"


def test_an_answer_of_calls_has_null_content() -> None:
    call = ToolCall(id="toolu_1", name="f", arguments='{"a": 1}', extra={"caller": 1})
    choice = written(call, finish="tool_calls")["choices"][0]
    assert choice["message"]["content"] is None
    assert choice["message"]["tool_calls"] == [
        {"id": "toolu_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    ]
    assert choice["finish_reason"] == "tool_calls"


def test_a_client_of_the_deprecated_form_is_answered_in_it() -> None:
    calls = [ToolCall(id=name, name=name, arguments="{}") for name in ("f", "g")]
    response = Response(
        origin="anthropic", id="x", model="m", choices=(Choice(parts=tuple(calls), finish="tool_calls"),)
    )
    rendered = CODEC.render_response(response, EncodeOptions(legacy_calls=True))
    choice = loads(rendered.body)["choices"][0]
    assert choice["message"]["function_call"] == {"name": "f", "arguments": "{}"}
    assert "tool_calls" not in choice["message"]
    assert choice["finish_reason"] == "function_call"
    assert len(rendered.losses) == 1


@pytest.mark.parametrize(
    ("finish", "parts", "word"),
    [
        ("stop", (Text(text="x"),), "stop"),
        ("stop_sequence", (Text(text="x"),), "stop"),
        ("stop", (ToolCall(id="1", name="f", arguments=""),), "tool_calls"),
        ("tool_calls", (Text(text="x"),), "stop"),
        ("length", (ToolCall(id="1", name="f", arguments=""),), "length"),
        ("context_full", (), "length"),
        ("content_filter", (), "content_filter"),
        ("refusal", (Text(text="x"),), "content_filter"),
        ("refusal", (Refusal(text="x"),), "stop"),
        ("paused", (), "stop"),
        ("other", (), "stop"),
    ],
)
def test_finish_words(finish: FinishReason, parts: tuple[Part, ...], word: str) -> None:
    assert written(*parts, finish=finish)["choices"][0]["finish_reason"] == word


def test_reasoning_and_its_envelopes() -> None:
    message = written(
        Reasoning(text="a", sealed="flr1.1"), Reasoning(sealed="flr1.2"), Reasoning(text="b"), Text(text="x")
    )["choices"][0]["message"]
    assert message["reasoning_content"] == "a\n\nb"
    assert message["reasoning_signatures"] == ["flr1.1", "flr1.2"]


def test_a_vendor_s_signature_never_leaves_for_a_client() -> None:
    response = Response(
        origin="anthropic",
        id="x",
        model="m",
        choices=(Choice(parts=(Reasoning(text="a", signature="SECRET"),)),),
    )
    rendered = CODEC.render_response(response, EncodeOptions())
    assert b"SECRET" not in rendered.body
    assert [loss.path for loss in rendered.losses] == ["choices[0].reasoning.signature"]


def test_citations_with_urls_become_annotations_at_their_place() -> None:
    cited = {"type": "web_search_result_location", "url": "https://e.com", "title": "E", "cited_text": "…"}
    page = {"type": "page_location", "start_page_number": 1}
    response = Response(
        origin="anthropic",
        id="x",
        model="m",
        choices=(Choice(parts=(Text(text="Well, "), Text(text="rain.", citations=(cited, page)))),),
    )
    rendered = CODEC.render_response(response, EncodeOptions())
    assert loads(rendered.body)["choices"][0]["message"]["annotations"] == [
        {
            "type": "url_citation",
            "url_citation": {"start_index": 6, "end_index": 11, "title": "E", "url": "https://e.com"},
        }
    ]
    assert [loss.path for loss in rendered.losses] == ["choices[0].citations"]


def test_images_and_what_has_no_place() -> None:
    image = Image(source=Source(kind="base64", media_type="image/png", data="AAAA"))
    response = Response(
        origin="gemini", id="x", model="m", choices=(Choice(parts=(image, Audio(data="A", format="wav"))),)
    )
    rendered = CODEC.render_response(response, EncodeOptions())
    message = loads(rendered.body)["choices"][0]["message"]
    assert message["images"] == [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    assert [loss.path for loss in rendered.losses] == ["choices[0].audio"]
