"""What the Chat Completions vendor refuses, and in which words."""

import base64
from typing import Any

import pytest

from tests.unit.upstreams.plain import OPENAI_TOOL, chat, send
from tests.upstreams import ScriptedUpstream

USER = {"role": "user", "content": "hi"}
CALL = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "18"}
STRICT = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


def image(url: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]}


REFUSED: list[tuple[str, dict[str, Any], str, str | None]] = [
    ("unknown field", {"foo": 1}, "Unrecognized request argument supplied: foo", None),
    ("unknown nested", {"messages": [{**USER, "foo": 1}]}, "'messages[0].foo'", "unknown_parameter"),
    ("no messages field", {"messages": ...}, "Missing required parameter: 'messages'", "missing_required_parameter"),
    ("no messages", {"messages": []}, "empty array", "empty_array"),
    ("wrong type", {"temperature": "hot"}, "Invalid type for 'temperature'", "invalid_type"),
    ("unknown role", {"messages": [{"role": "bot", "content": ""}]}, "Invalid value: 'bot'", "invalid_value"),
    ("null content", {"messages": [{"role": "user", "content": None}]}, "'messages[0].content'", "invalid_type"),
    ("no parts", {"messages": [{"role": "user", "content": []}]}, "empty array", "empty_array"),
    ("silent assistant", {"messages": [USER, {"role": "assistant", "content": None}]}, "got null", None),
    ("orphan result", {"messages": [USER, RESULT]}, "must be a response to a preceeding message", None),
    ("unanswered call", {"messages": [USER, CALLED]}, "did not have response messages: c1", None),
    ("user before result", {"messages": [USER, CALLED, USER, RESULT]}, "did not have response messages: c1", None),
    (
        "foreign result",
        {"messages": [USER, CALLED, {**RESULT, "tool_call_id": "c2"}]},
        "'tool_call_id' of 'c2' not found",
        None,
    ),
    ("result twice", {"messages": [USER, CALLED, RESULT, RESULT]}, "duplicate response", None),
    (
        "image in a result",
        {"messages": [USER, CALLED, {**RESULT, "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
        "messages[2].content[0]",
        "missing_required_parameter",
    ),
    (
        "long call id",
        {"messages": [USER, {**CALLED, "tool_calls": [{**CALL, "id": "c" * 41}]}]},
        "maximum length 40",
        "string_above_max_length",
    ),
    (
        "arguments as object",
        {"messages": [USER, {**CALLED, "tool_calls": [{**CALL, "function": {"name": "f", "arguments": {}}}]}]},
        "tool_calls[0].function.arguments",
        "invalid_type",
    ),
    ("no tools", {"tools": []}, "Invalid 'tools': empty array", "empty_array"),
    ("choice without tools", {"tool_choice": "auto"}, "only allowed when 'tools' are specified", None),
    ("parallel without tools", {"parallel_tool_calls": True}, "only allowed when 'tools' are specified", None),
    (
        "tool name",
        {"tools": [{"type": "function", "function": {"name": "a.b"}}]},
        "does not match pattern",
        "invalid_value",
    ),
    (
        "long tool name",
        {"tools": [{"type": "function", "function": {"name": "a" * 65}}]},
        "maximum length 64",
        "string_above_max_length",
    ),
    (
        "tool schema",
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"properties": {}}}}]},
        "Invalid schema for function 'f'",
        "invalid_function_parameters",
    ),
    (
        "strict tool",
        {"tools": [{"type": "function", "function": {"name": "f", "strict": True, "parameters": STRICT}}]},
        "'additionalProperties' is required",
        "invalid_function_parameters",
    ),
    (
        "unknown choice",
        {"tools": [OPENAI_TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}},
        "tool 'g' not found",
        None,
    ),
    ("json without the word", {"response_format": {"type": "json_object"}}, "must contain the word 'json'", None),
    (
        "strict format",
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": STRICT}}},
        "'additionalProperties' is required",
        "invalid_json_schema",
    ),
    ("hot", {"temperature": 2.5}, "above maximum", "decimal_above_max_value"),
    ("none", {"n": 0}, "below minimum", "integer_below_min_value"),
    ("five stops", {"stop": list("abcde")}, "1 to 4 strings", "array_above_max_length"),
    ("options unstreamed", {"stream_options": {"include_usage": True}}, "only allowed when 'stream'", None),
    ("top_logprobs alone", {"top_logprobs": 2}, "only allowed when 'logprobs'", None),
    ("old cap", {"model": "o4-mini", "max_tokens": 5}, "'max_tokens' is not supported", "unsupported_parameter"),
    ("old cap, gpt-5", {"model": "gpt-5.2", "max_tokens": 5}, "max_completion_tokens", "unsupported_parameter"),
    ("o temperature", {"model": "o3", "temperature": 0}, "does not support 0", "unsupported_value"),
    ("o top_p", {"model": "o3", "top_p": 0.5}, "'top_p' is not supported", "unsupported_parameter"),
    ("plain effort", {"model": "gpt-4.1", "reasoning_effort": "low"}, "reasoning_effort", None),
    ("broken data URL", image("data:image/png;base64,!!"), "Invalid base64", "invalid_base64"),
    ("image type", image("data:image/tiff;base64,AAAA"), "unsupported image", "invalid_image_format"),
    ("options refused", {"model": "fault-rejects-stream-options", "stream": True, "stream_options": {}}, "stream_options", None),
    ("reasoning on OpenAI", {"messages": [USER, {"role": "assistant", "content": "x", "reasoning_content": "y"}]}, "reasoning_content", "unknown_parameter"),
    ("echo missing", {"model": "x+reasoning-echo", "messages": [USER, CALLED, RESULT], "tools": [OPENAI_TOOL]}, "Missing `reasoning_content`", None),
    ("echo forbidden", {"model": "x+reasoning-echo-forbidden", "messages": [USER, {"role": "assistant", "content": "x", "reasoning_content": "y"}, USER]}, "not allowed in input", None),
    ("no prefill", {"model": "x+no-prefill", "messages": [USER, {"role": "assistant", "content": "x"}]}, "Expected last role", None),
    ("old host", {"model": "x+old-max-tokens", "max_completion_tokens": 5}, "max_completion_tokens", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "words", "code"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_refused(up: ScriptedUpstream, fields: dict[str, Any], words: str, code: str | None) -> None:
    response = chat(up, **fields)
    assert response.status == 400, response.body
    error = response.json["error"]
    assert words in error["message"]
    assert (error["type"], error["code"]) == ("invalid_request_error", code)
    assert set(error) == {"message", "type", "param", "code"}
    assert len(up.refused) == 1


ACCEPTED: list[dict[str, Any]] = [
    {"messages": [USER, CALLED, RESULT], "tools": [OPENAI_TOOL]},
    {"messages": [USER, {"role": "assistant", "content": "so far"}]},
    {"messages": [{"role": "developer", "content": [{"type": "text", "text": "be terse"}]}, USER]},
    {"temperature": 0, "top_p": 0, "seed": 0, "n": 1, "stop": ["x"], "logprobs": True, "top_logprobs": 0},
    {"model": "gpt-5.2", "max_completion_tokens": 50, "reasoning_effort": "none", "temperature": 0.2},
    {"model": "o4-mini", "reasoning_effort": "high", "temperature": 1},
    {"model": "any+lenient", "foo": 1, "messages": [{**USER, "bar": 2}]},
    {"model": "any+unchecked", "temperature": 9},
    {"model": "deepseek-reasoner", "messages": [USER, {"role": "assistant", "content": "x", "reasoning_content": "y"}, USER]},
    {"model": "x+reasoning-echo", "messages": [USER, {**CALLED, "reasoning_content": "y"}, RESULT], "tools": [OPENAI_TOOL]},
]  # fmt: skip


@pytest.mark.parametrize("fields", ACCEPTED)
def test_accepted(up: ScriptedUpstream, fields: dict[str, Any]) -> None:
    response = chat(up, **fields)
    assert response.status == 200, response.body
    up.assert_all_valid()


def test_credentials() -> None:
    with ScriptedUpstream("openai_chat", keys=["good-key"]) as up:
        for headers in (
            {"authorization": "Bearer bad-key-123"},
            {"authorization": ""},
            {"x-api-key": "good-key"},
        ):
            headers = {"authorization": "", **headers}
            response = send(up, "/v1/chat/completions", {}, headers=headers)
            assert response.status == 401
            assert "bad-key" not in response.message
        good = {"authorization": "Bearer good-key"}
        assert send(up, "/v1/models", headers=good, method="GET").status == 200


def test_unknown_places_are_404(up: ScriptedUpstream) -> None:
    assert send(up, "/v1/v1/chat/completions", {}).status == 404
    assert send(up, "/v1/chat/completions", method="GET").status == 404
    assert send(up, "/v1/models/gpt-nope", method="GET").json["error"]["code"] == "model_not_found"
    assert send(up, "/v1/models/acme/chat-large", method="GET").json["id"] == "acme/chat-large"


def test_a_body_that_is_no_json(up: ScriptedUpstream) -> None:
    response = send(up, "/v1/chat/completions", "just a string")
    assert response.status == 400
    assert "parse the JSON body" in response.message
    assert send(up, "/v1/chat/completions", {}, headers={"content-type": "text/plain"}).status == 400


def test_media_that_arrive_are_proven(up: ScriptedUpstream) -> None:
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
    text = chat(up, **image(f"data:image/png;base64,{data}")).json["choices"][0]["message"]["content"]
    assert "image/png of 48 bytes sha256:" in text
