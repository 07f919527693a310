"""What a Chat client sends, read into the hub; what the hub cannot hold is named to the caller."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.parts import (
    Audio,
    Document,
    Image,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from flowrouter.canonical.request import Request
from flowrouter.canonical.tools import FunctionTool, HostedTool
from flowrouter.dialects.openai_chat import CODEC
from flowrouter.errors import CallerError
from flowrouter.wire.json import dumps, loads


def parsed(**members: Any) -> Request:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **members}
    return CODEC.parse_request(dumps(body))


def with_messages(*messages: dict[str, Any]) -> Request:
    return parsed(messages=list(messages))


def calling(*calls: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls), **members}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": 5}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content[0]"),
        ({"messages": [calling({"id": "a", "function": {}})]}, "messages[0].tool_calls[0].function.name"),
        ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": {}}, "tools"),
        ({"functions": [{"description": "x"}]}, "functions[0].name"),
        ({"temperature": "0.5"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"stream": "yes"}, "stream"),
        ({"stop": [1]}, "stop"),
        ({"stop": 1}, "stop"),
    ],
)
def test_faults_are_named(members: dict[str, Any], param: str) -> None:
    with pytest.raises(CallerError) as caught:
        parsed(**members)
    assert caught.value.param == param
    assert caught.value.status == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b"\xff\xfe"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(CallerError) as caught:
        CODEC.parse_request(body)
    assert caught.value.code == "invalid_json"


def test_lone_surrogates_and_bad_utf8_are_replaced_not_fatal() -> None:
    body = b'{"model":"m","messages":[{"role":"tool","tool_call_id":"a","content":"x\\ud800y\xffz"}]}'
    result = CODEC.parse_request(body).messages[0].parts[0]
    assert isinstance(result, ToolResult)
    assert result.content == (Text(text="x\ufffdy\ufffdz"),)


def test_the_newer_output_cap_wins_and_both_return() -> None:
    request = parsed(max_tokens=5, max_completion_tokens=9)
    assert request.max_tokens == 9
    assert request.extra == {"max_tokens": 5}
    assert request.shapes["max_tokens"] == "max_completion_tokens"
    assert parsed(max_tokens=7).max_tokens == 7


def test_zeros_and_false_are_values() -> None:
    sampling = parsed(temperature=0, top_p=0, seed=0, n=1, logprobs=False, top_logprobs=0).sampling
    assert (sampling.temperature, sampling.top_p, sampling.seed, sampling.n) == (0, 0, 0, 1)
    assert sampling.logprobs is False
    assert sampling.top_logprobs == 0
    assert parsed(parallel_tool_calls=False).parallel_tools is False


def test_reasoning_stands_first_with_its_field() -> None:
    message = with_messages(
        {"role": "assistant", "reasoning_content": "hm", "content": "ok", "tool_calls": []}
    ).messages[0]
    assert message.parts == (Reasoning(text="hm", field="reasoning_content"), Text(text="ok"))


def test_reasoning_details_are_read_and_kept() -> None:
    details = [{"type": "reasoning.text", "text": "a"}, {"type": "reasoning.summary", "summary": "b"}]
    message = with_messages({"role": "assistant", "content": "x", "reasoning_details": details}).messages[0]
    assert message.parts[0] == Reasoning(text="ab", field="reasoning_details")
    assert message.extra == {"reasoning_details": details}


def test_our_envelopes_ride_in_a_member_of_their_own() -> None:
    request = with_messages(
        {
            "role": "assistant",
            "content": "x",
            "reasoning_content": "hm",
            "reasoning_signatures": ["flr1.a", "flr1.b"],
        }
    )
    assert request.messages[0].parts[:2] == (
        Reasoning(text="hm", sealed="flr1.a", field="reasoning_content"),
        Reasoning(sealed="flr1.b"),
    )
    body = loads(CODEC.render_request(request, "m", Capabilities()).body)
    assert body["messages"][0] == {"role": "assistant", "content": "x", "reasoning_content": "hm"}


def test_content_parts() -> None:
    request = with_messages(
        {
            "role": "user",
            "content": [
                {
                    "type": "text",
                    "text": "a",
                    "cache_control": {"type": "ephemeral", "ttl": "1h", "scope": "org"},
                },
                {"type": "text", "text": "b", "prompt_cache_breakpoint": {"mode": "explicit"}},
                {"type": "image_url", "image_url": {"url": "https://e.com/a.png", "detail": "low"}},
                {"type": "file", "file": {"file_id": "file-1"}},
                {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
                {"type": "hologram", "beam": 1},
            ],
        }
    )
    text, marked, image, file, audio, unknown = request.messages[0].parts
    assert text == Text(text="a", cache=CacheHint(ttl="1h", field="cache_control", extra={"scope": "org"}))
    assert marked == Text(
        text="b", cache=CacheHint(field="prompt_cache_breakpoint", extra={"mode": "explicit"})
    )
    assert isinstance(image, Image)
    assert (image.source.kind, image.source.url, image.detail) == ("url", "https://e.com/a.png", "low")
    assert isinstance(file, Document)
    assert file.source.file_id == "file-1"
    assert audio == Audio(data="UklG", format="wav")
    assert unknown == Opaque(payload={"type": "hologram", "beam": 1}, origin="openai_chat")


def test_refusals_know_where_they_stood() -> None:
    beside = with_messages({"role": "assistant", "content": None, "refusal": "no"}).messages[0]
    inside = with_messages({"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}).messages[
        0
    ]
    assert beside.parts == (Refusal(text="no"),)
    assert inside.parts == (Refusal(text="no", field="content"),)


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ({"id": "a", "type": "function", "function": {"name": "f", "arguments": '{ "x": 1 }'}}, '{ "x": 1 }'),
        ({"id": "a", "function": {"name": "f", "arguments": {"x": [1]}}}, '{"x":[1]}'),
        ({"id": "a", "type": "function", "function": {"name": "f"}}, ""),
        ({"id": "a", "type": "custom", "custom": {"name": "f", "input": "free"}}, "free"),
    ],
)
def test_arguments_are_text(call: dict[str, Any], arguments: str) -> None:
    part = with_messages(calling(call)).messages[0].parts[0]
    assert isinstance(part, ToolCall)
    assert (part.id, part.name, part.arguments) == ("a", "f", arguments)


def test_legacy_calls_get_ids_that_pair_them_with_their_results() -> None:
    request = parsed(
        messages=[
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "1"},
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": None},
            {"role": "function", "name": "g", "content": "orphan"},
        ],
        functions=[{"name": "f"}],
        function_call={"name": "f"},
    )
    first, one, second, two, orphan = (message.parts[0] for message in request.messages)
    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert first.kind == "legacy"
    assert [part.call_id for part in (one, two) if isinstance(part, ToolResult)] == [first.id, second.id]
    assert isinstance(orphan, ToolResult)
    assert orphan.call_id not in {first.id, second.id}
    assert request.tools == (FunctionTool(name="f", legacy=True, place="functions[0]"),)
    assert request.tool_choice is not None
    assert (request.tool_choice.mode, request.tool_choice.name) == ("tool", "f")


def test_a_hosted_tool_is_kept_whole() -> None:
    config = {"type": "web_search_preview", "name": "search", "size": 1}
    assert parsed(tools=[config]).tools == (
        HostedTool(kind="web_search_preview", config=config, origin="openai_chat", name="search"),
    )


@pytest.mark.parametrize(
    ("members", "mode", "effort", "budget"),
    [
        ({"reasoning_effort": "high"}, "effort", "high", None),
        ({"reasoning_effort": "none"}, "off", "none", None),
        ({"reasoning": {"effort": "low"}}, "effort", "low", None),
        ({"reasoning": {"max_tokens": 2000}}, "budget", None, 2000),
        ({"reasoning": {"enabled": False}}, "off", None, None),
        ({"thinking": {"type": "enabled", "budget_tokens": 4000}}, "budget", None, 4000),
        ({"thinking": {"type": "enabled"}}, "auto", None, None),
        ({"thinking": {"type": "disabled"}}, "off", None, None),
        ({"enable_thinking": True, "thinking_budget": 100}, "budget", None, 100),
        ({"enable_thinking": False, "thinking_budget": 100}, "off", None, None),
    ],
)
def test_every_host_s_switch_for_reasoning_is_understood(
    members: dict[str, Any], mode: str, effort: str | None, budget: int | None
) -> None:
    control = parsed(**members).reasoning
    assert control is not None
    assert (control.mode, control.effort, control.budget) == (mode, effort, budget)
    assert control.raw == members


def test_a_switch_nobody_knows_stays_in_extra() -> None:
    request = parsed(thinking={"level": 3}, reasoning=[1])
    assert request.reasoning is None
    assert request.extra == {"thinking": {"level": 3}, "reasoning": [1]}


def test_streams_always_ask_for_usage_where_the_host_can_say_it() -> None:
    request = parsed(stream=True, stream_options={"include_obfuscation": False})
    asked = loads(CODEC.render_request(request, "m", Capabilities()).body)
    assert asked["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    silent = loads(CODEC.render_request(request, "m", Capabilities(stream_options=False)).body)
    assert "stream_options" not in silent
