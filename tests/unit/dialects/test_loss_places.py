"""A loss names the place in the client's own body: each of these was once silent, or told of another place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.fold import replay
from flowrouter.canonical.parts import Provenance
from flowrouter.dialects import codec
from flowrouter.dialects.codec import EncodeOptions

USER: dict[str, Any] = {"role": "user", "content": "a"}
TURN: dict[str, Any] = {"role": "user", "parts": [{"text": "a"}]}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"


def call(name: str = "f", **members: Any) -> dict[str, Any]:
    return {"id": "c1", "type": "function", "function": {"name": name, "arguments": "{}"}, **members}


def result(text: str, **members: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": "c1", "content": text, **members}


def asking(call: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": [call]}


Case = tuple[Dialect, Dialect, dict[str, Any], Capabilities, str]
PLAIN = Capabilities()
CASES: dict[str, Case] = {
    "a member of a call": (
        "openai_chat",
        "anthropic",
        {"messages": [USER, asking(call(odd=1)), result("x")]},
        PLAIN,
        "messages[*].tool_calls[*].odd",
    ),
    "a member of a call's function": (
        "openai_chat",
        "gemini",
        {"messages": [USER, asking({**call(), "function": {"name": "f", "arguments": "{}", "odd": 1}}), result("x")]},
        PLAIN,
        "messages[*].tool_calls[*].function",
    ),
    "a member of a message that is a result": (
        "gemini",
        "openai_chat",
        {"contents": [TURN, {"role": "model", "parts": [{"functionCall": {"name": "f"}}]}, {"role": "user", "odd": 1, "parts": [{"functionResponse": {"name": "f", "response": {}}}]}]},
        PLAIN,
        "contents[*].odd",
    ),
    "the deprecated choice, where a search cannot be forbidden": (
        "openai_chat",
        "gemini",
        {"messages": [USER], "functions": [{"name": "f"}], "function_call": "none", "web_search_options": {}},
        Capabilities(hosted=frozenset({"web_search"})),
        "function_call",
    ),
    "a member of a declaration": (
        "gemini",
        "openai_chat",
        {"contents": [TURN], "tools": [{"functionDeclarations": [{"name": "f", "behavior": "NON_BLOCKING"}]}]},
        PLAIN,
        "tools[*].functionDeclarations[*].behavior",
    ),
    "a member of a source": (
        "anthropic",
        "openai_responses",
        {"max_tokens": 5, "messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG, "odd": 1}}]}]},
        PLAIN,
        "messages[*].content[*].source.odd",
    ),
    "the name of inline bytes": (
        "gemini",
        "openai_chat",
        {"contents": [{"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": PNG, "displayName": "x"}}]}]},
        PLAIN,
        "contents[*].parts[*].inlineData.displayName",
    ),
    "the resolution of an image": (
        "openai_chat",
        "anthropic",
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a.example/b.png", "detail": "high"}}]}]},
        PLAIN,
        "messages[0].content[0].image_url.detail",
    ),
    "a cache mark's time": (
        "openai_chat",
        "anthropic",
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}}]}]},
        PLAIN,
        "messages[*].content[*].prompt_cache_breakpoint",
    ),
    "a cache mark of the system": (
        "anthropic",
        "gemini",
        {"max_tokens": 5, "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}], "messages": [USER]},
        PLAIN,
        "system[*].cache_control",
    ),
    "a cache mark of an empty result": (
        "anthropic",
        "openai_responses",
        {"max_tokens": 5, "messages": [USER, {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {}}]}, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": [], "cache_control": {"type": "ephemeral"}}]}]},
        Capabilities(extensions=frozenset({"prompt_cache_breakpoint"})),
        "messages[2].content[0].cache_control",
    ),
    "which of a host's words for reasoning": (
        "openai_chat",
        "openai_responses",
        {"messages": [USER], "thinking": {"type": "enabled", "budget_tokens": 3000}},
        PLAIN,
        "thinking",
    ),
    "the second of two words for reasoning": (
        "openai_chat",
        "anthropic",
        {"messages": [USER], "reasoning_effort": "high", "thinking": {"type": "disabled"}},
        PLAIN,
        "thinking",
    ),
    "an effort beside thinking that is dropped": (
        "anthropic",
        "openai_chat",
        {"max_tokens": 9000, "messages": [USER], "thinking": {"type": "enabled", "budget_tokens": 2000}, "output_config": {"effort": "low"}},
        Capabilities(thinking_style="none"),
        "output_config.effort",
    ),
    "an effort beside a budget that is sent": (
        "anthropic",
        "gemini",
        {"max_tokens": 9000, "messages": [USER], "thinking": {"type": "enabled", "budget_tokens": 2000}, "output_config": {"effort": "low"}},
        PLAIN,
        "output_config.effort",
    ),
    "a member of the reasoning object": (
        "openai_responses",
        "anthropic",
        {"input": "a", "reasoning": {"effort": "low", "mode": "pro"}},
        PLAIN,
        "reasoning.mode",
    ),
    "log probabilities asked for by include": (
        "openai_responses",
        "anthropic",
        {"input": "a", "include": ["message.output_text.logprobs"]},
        PLAIN,
        "include",
    ),
    "a free-text tool's name": (
        "openai_chat",
        "anthropic",
        {"messages": [USER], "tools": [{"type": "custom", "custom": {"name": "a b"}}]},
        PLAIN,
        "tools[0].custom.name",
    ),
    "a deprecated function's name": (
        "openai_chat",
        "anthropic",
        {"messages": [USER], "functions": [{"name": "a b"}]},
        PLAIN,
        "functions[0].name",
    ),
    "a tool behind a namespace": (
        "openai_responses",
        "gemini",
        {
            "input": "a",
            "tools": [
                {"type": "namespace", "name": "n", "description": "d", "tools": [{"type": "function", "name": "f"}, {"type": "function", "name": "g"}]},
                {"type": "function", "name": "h", "strict": True},
            ],
        },
        PLAIN,
        "tools[1].strict",
    ),
    "what a namespace says of itself": (
        "openai_responses",
        "openai_chat",
        {"input": "a", "tools": [{"type": "namespace", "name": "n", "description": "d", "tools": [{"type": "function", "name": "f"}]}]},
        PLAIN,
        "tools[*].description",
    ),
    "domains of a web search": (
        "openai_responses",
        "gemini",
        {"input": "a", "tools": [{"type": "web_search", "filters": {"allowed_domains": ["a.example"]}}]},
        Capabilities(hosted=frozenset({"web_search"})),
        "tools[0].filters.allowed_domains",
    ),
    "the earlier of two results": (
        "openai_chat",
        "anthropic",
        {"messages": [USER, asking(call()), result("first"), result("second")]},
        PLAIN,
        "messages[2]",
    ),
    "an id a host takes in its own form only": (
        "openai_chat",
        "openai_responses",
        {"messages": [USER, asking(call()), result("x")]},
        Capabilities(tool_id="[a-zA-Z0-9]{9}"),
        "messages[1].tool_calls[0].id",
    ),
    "a failure in Gemini's words": (
        "gemini",
        "openai_chat",
        {"contents": [TURN, {"role": "model", "parts": [{"functionCall": {"name": "f"}}]}, {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"error": "x"}}}]}]},
        PLAIN,
        "contents[2].parts[0].functionResponse.response.error",
    ),
    "a schema in Gemini's newer member": (
        "gemini",
        "openai_chat",
        {"contents": [TURN], "generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": {"type": "object"}}},
        Capabilities(json_schema=False, json_object=False),
        "generationConfig.responseJsonSchema",
    ),
    "a schema in Anthropic's older member": (
        "anthropic",
        "openai_chat",
        {"max_tokens": 5, "messages": [USER], "output_format": {"type": "json_schema", "schema": {"type": "object"}}},
        Capabilities(json_schema=False, json_object=False),
        "output_format",
    ),
    "objects that must be closed": (
        "openai_chat",
        "anthropic",
        {"messages": [USER], "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "properties": {}}}}},
        PLAIN,
        "response_format.json_schema.schema",
    ),
    "options of a stream, in its own dialect": (
        "openai_chat",
        "openai_chat",
        {"messages": [USER], "stream": True, "stream_options": {"include_obfuscation": True}},
        Capabilities(stream_options=False),
        "stream_options.include_obfuscation",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", list(CASES.values()), ids=list(CASES))
def test_the_place_is_the_clients_own(case: Case) -> None:
    origin, target, members, limits, path = case
    body = members if origin == "gemini" else {"model": "m", **members}
    request = codec(origin).parse_request(json.dumps(body).encode())
    rendered = codec(target).render_request(request, "t", limits)
    assert path in [loss.path for loss in rendered.losses]


def test_the_order_of_properties_is_told_by_their_order() -> None:
    schema = {
        "type": "OBJECT",
        "properties": {"b": {"type": "STRING"}, "a": {"type": "STRING"}},
        "propertyOrdering": ["a", "b"],
    }
    body = {"contents": [TURN], "tools": [{"functionDeclarations": [{"name": "f", "parameters": schema}]}]}
    request = codec("gemini").parse_request(json.dumps(body).encode())
    rendered = json.loads(codec("openai_chat").render_request(request, "t", PLAIN).body)
    assert list(rendered["tools"][0]["function"]["parameters"]["properties"]) == ["a", "b"]


def test_a_gemini_client_may_have_its_answer_stored() -> None:
    request = codec("gemini").parse_request(json.dumps({"contents": [TURN], "store": True}).encode())
    rendered = codec("openai_responses").render_request(request, "t", PLAIN)
    assert json.loads(rendered.body)["store"] is True


@pytest.mark.parametrize("target", ["openai_chat", "openai_responses", "gemini"])
def test_the_stop_sequence_that_was_met_is_told_as_lost(target: Dialect) -> None:
    reply = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "stop_sequence",
        "content": [{"type": "redacted_thinking", "data": "x"}, {"type": "text", "text": "a"}],
        "stop_sequence": "END", "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip
    response = codec("anthropic").parse_response(json.dumps(reply).encode(), Provenance(dialect="anthropic"))
    whole = codec(target).render_response(response, EncodeOptions())
    encoder = codec(target).encoder(EncodeOptions())
    for event in replay(response):
        encoder.feed(event)
    for losses in (whole.losses, encoder.losses):
        told = [loss.path for loss in losses]
        assert any(path.endswith("stop_sequence") for path in told)
        assert len(told) > 1, "the redacted thinking is lost too"
