"""What the Messages vendor refuses, and in which words."""

import base64
from typing import Any

import pytest

from tests.unit.upstreams.plain import ANTHROPIC_TOOL, messages, send
from tests.upstreams import ScriptedUpstream

USER = {"role": "user", "content": "hi"}
USE = {"type": "tool_use", "id": "t1", "name": "get_weather", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "18"}
TEXT = {"type": "text", "text": "x"}
MARK = {"type": "ephemeral"}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()


def turn(*blocks: Any, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


def spoken(*turns: Any, **fields: Any) -> dict[str, Any]:
    return {"messages": list(turns), **fields}


def loop(*results: Any, use: Any = USE, **fields: Any) -> dict[str, Any]:
    return spoken(USER, turn(use, role="assistant"), turn(*results), **{"tools": [ANTHROPIC_TOOL], **fields})


def schema(value: dict[str, Any]) -> dict[str, Any]:
    return {"output_config": {"format": {"type": "json_schema", "schema": value}}}


def picture(media_type: str, data: str) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}


THINK = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("unknown field", {"foo": 1}, "foo: Extra inputs are not permitted"),
    ("unknown nested", spoken(turn({**TEXT, "foo": 1})), "messages.0.content.0.text.foo: Extra inputs"),
    ("no cap", {"max_tokens": ...}, "max_tokens: Field required"),
    ("wrong type", {"max_tokens": "9"}, "max_tokens: Input should be a valid integer"),
    ("unknown role", spoken({"role": "tool", "content": "x"}), 'Unexpected role "tool"'),
    ("unknown block", spoken(turn({"type": "video"})), "Input tag 'video'"),
    ("beta field", {"context_management": {"edits": []}}, "context_management: Extra inputs"),
    ("no messages", spoken(), "at least one message is required"),
    ("assistant first", spoken(turn(TEXT, role="assistant"), USER), 'first message must use the "user" role'),
    ("system turn", {"model": "claude-haiku-4-5", **spoken(USER, {"role": "system", "content": "x"})}, "top-level `system`"),
    ("empty content", spoken({"role": "user", "content": ""}), "must have non-empty content"),
    ("empty text", spoken(turn({"type": "text", "text": ""})), "text content blocks must be non-empty"),
    ("blank text", spoken(turn({"type": "text", "text": " "})), "non-whitespace text"),
    ("marked empty text", spoken(turn({"type": "text", "text": "", "cache_control": MARK})), "cache_control cannot be set"),
    ("empty system", {"system": [{"type": "text", "text": ""}]}, "system: text content blocks"),
    ("trailing blank", spoken(USER, {"role": "assistant", "content": "so "}), "cannot end with trailing whitespace"),
    ("prefill", {"model": "claude-opus-4-6", **spoken(USER, turn(TEXT, role="assistant"))}, "does not support assistant message prefill"),
    ("prefill and thinking", spoken(USER, turn(TEXT, role="assistant"), **THINK), "not supported when thinking"),
    ("alternation", {"model": "x+strict-alternation", **spoken(USER, USER)}, "roles must alternate"),
    ("unanswered", spoken(USER, turn(USE, role="assistant"), USER, tools=[ANTHROPIC_TOOL]), "without `tool_result` blocks immediately after: t1"),
    ("unanswered at the end", spoken(USER, turn(USE, role="assistant"), tools=[ANTHROPIC_TOOL]), "immediately after: t1"),
    ("text before result", loop(TEXT, RESULT), "immediately after: t1"),
    ("foreign result", loop({**RESULT, "tool_use_id": "t2"}), "unexpected `tool_use_id` found in `tool_result` blocks: t2"),
    ("result twice", loop(RESULT, RESULT), "must have a single result"),
    ("result without call", spoken(turn(RESULT), tools=[ANTHROPIC_TOOL]), "unexpected `tool_use_id`"),
    ("ids twice", loop(RESULT, RESULT, use=USE) | {"messages": [USER, turn(USE, USE, role="assistant"), turn(RESULT)]}, "ids must be unique"),
    ("id charset", loop({**RESULT, "tool_use_id": "a.b"}, use={**USE, "id": "a.b"}), "tool_use.id: String should match pattern"),
    ("input as text", loop(RESULT, use={**USE, "input": "{}"}), "input: Input should be a valid dictionary"),
    ("history without tools", loop(RESULT, tools=...), "must define tools"),
    ("no tools", {"tools": []}, "tools: List should have at least 1 item"),
    ("choice without tools", {"tool_choice": {"type": "auto"}}, "only be specified while providing `tools`"),
    ("unknown choice", {"tools": [ANTHROPIC_TOOL], "tool_choice": {"type": "tool", "name": "g"}}, "Tool 'g' not found"),
    ("twins", {"tools": [ANTHROPIC_TOOL, ANTHROPIC_TOOL]}, "Tool names must be unique"),
    ("tool name", {"tools": [{**ANTHROPIC_TOOL, "name": "a.b"}]}, "tools.0.custom.name: String should match"),
    ("untyped schema", {"tools": [{"name": "f", "input_schema": {}}]}, "input_schema.type: Field required"),
    ("root union", {"tools": [{"name": "f", "input_schema": {"type": "object", "anyOf": []}}]}, "at the top level"),
    ("temperature", {"temperature": 1.5}, "temperature: Input should be less than or equal to 1"),
    ("sampling gone", {"model": "claude-opus-5", "top_p": 0.9}, "does not support `top_p`"),
    ("big cap", {"model": "claude-haiku-4-5", "max_tokens": 99_000}, "99000 > 64000"),
    ("blank stop", {"stop_sequences": [" "]}, "must contain non-whitespace"),
    ("metadata", {"metadata": {"team": "x"}}, "metadata.team: Extra inputs"),
    ("long user id", {"metadata": {"user_id": "x" * 257}}, "at most 256 characters"),
    ("small budget", {"thinking": {"type": "enabled", "budget_tokens": 1000}}, "greater than or equal to 1024"),
    ("large budget", {"thinking": {"type": "enabled", "budget_tokens": 4000}}, "`max_tokens` must be greater"),
    ("forced while thinking", {**THINK, "tools": [ANTHROPIC_TOOL], "tool_choice": {"type": "any"}}, "forces tool use"),
    ("cool while thinking", {**THINK, "temperature": 0}, "`temperature` may only be set to 1"),
    ("top_k while thinking", {**THINK, "top_k": 5}, "`top_k` must be unset"),
    ("manual on adaptive", {"model": "claude-opus-5", **THINK}, '"thinking.type.enabled" is not supported'),
    ("adaptive on manual", {"model": "claude-haiku-4-5", "thinking": {"type": "adaptive"}}, "'adaptive' is not supported"),
    ("effort on manual", {"model": "claude-haiku-4-5", "output_config": {"effort": "low"}}, "effort parameter"),
    ("thinking missing", loop(RESULT, **THINK), "Expected `thinking` or `redacted_thinking`, but found `tool_use`"),
    ("invented signature", spoken(USER, turn({"type": "thinking", "thinking": "x", "signature": "y"}, TEXT, role="assistant"), USER), "messages.1.content.0: Invalid `signature` in `thinking` block"),
    ("invented data", spoken(USER, turn({"type": "redacted_thinking", "data": "y"}, TEXT, role="assistant"), USER), "Invalid `data` in `redacted_thinking` block"),
    ("five marks", spoken(turn(*[{**TEXT, "cache_control": MARK}] * 5)), "A maximum of 4 blocks with cache_control may be provided. Found 5."),
    ("marks out of order", {"system": [{**TEXT, "cache_control": MARK}], **spoken(turn({**TEXT, "cache_control": {**MARK, "ttl": "1h"}}))}, "must not come after"),
    ("open schema", schema({"type": "object", "properties": {}}), "must be explicitly set to false"),
    ("bounds", schema({"type": "object", "additionalProperties": False, "properties": {"n": {"type": "integer", "minimum": 1}}}), "properties minimum are not supported"),
    ("image type", spoken(turn(picture("image/tiff", PNG))), "media_type: Input should be 'image/jpeg'"),
    ("image lies", spoken(turn(picture("image/jpeg", PNG))), "appears to be image/png"),
    ("image broken", spoken(turn(picture("image/png", "!!"))), "Invalid base64"),
    ("audio", spoken(turn({"type": "input_audio", "input_audio": {}})), "Input tag 'input_audio'"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(up: ScriptedUpstream, fields: dict[str, Any], words: str) -> None:
    response = messages(up, **fields)
    assert response.status == 400, response.body
    body = response.json
    assert words in body["error"]["message"]
    assert body["error"]["type"] == "invalid_request_error"
    assert body["type"] == "error"
    assert body["request_id"] == response.headers["request-id"]
    assert len(up.refused) == 1


ACCEPTED: list[dict[str, Any]] = [
    loop(RESULT, TEXT),
    loop({**RESULT, "content": [TEXT, picture("image/png", PNG)], "is_error": True}),
    loop({"type": "tool_result", "tool_use_id": "t1"}),
    spoken(USER, USER, turn(TEXT, role="assistant"), turn(TEXT, role="assistant"), USER),
    spoken(USER, turn(TEXT, role="assistant")),
    spoken(USER, {"role": "system", "content": "later"}, USER, model="claude-opus-5"),
    {"temperature": 0, "top_k": 5, "metadata": {"user_id": "u"}, "stop_sequences": ["x"]},
    {"model": "claude-haiku-4-5", **THINK, "temperature": 1, "top_p": 0.95},
    {"model": "claude-opus-5", "thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}},
    {"model": "any+lenient", "foo": 1, "messages": [turn({**TEXT, "bar": 2})]},
    {"model": "any+unchecked", "temperature": 9},
    {"max_tokens": 0},
    spoken(turn({**TEXT, "cache_control": {**MARK, "ttl": "1h"}}, {**TEXT, "cache_control": MARK})),
    {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    {"beta": "context-management-2025-06-27", "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}},
]  # fmt: skip


@pytest.mark.parametrize("fields", ACCEPTED)
def test_accepted(up: ScriptedUpstream, fields: dict[str, Any]) -> None:
    response = messages(up, **fields)
    assert response.status == 200, response.body
    up.assert_all_valid()


def test_the_version_header_is_required(up: ScriptedUpstream) -> None:
    body = {"model": "m", "max_tokens": 5, "messages": [USER]}
    response = send(up, "/v1/messages", body)
    assert response.status == 400
    assert response.message == "anthropic-version: header is required"


def test_credentials() -> None:
    with ScriptedUpstream("anthropic", keys=["good-key"]) as up:
        assert messages(up, key="bad-key").json["error"]["type"] == "authentication_error"
        assert messages(up, key="good-key").status == 200
        assert up.last.account == "good-key"


def test_count_tokens_follows_the_same_rules(up: ScriptedUpstream) -> None:
    headers = {"anthropic-version": "2023-06-01"}
    good = {"model": "m", "messages": [USER], "system": "be terse"}
    counted = send(up, "/v1/messages/count_tokens", good, headers=headers)
    assert counted.json["input_tokens"] == messages(up, system="be terse").json["usage"]["input_tokens"]
    with_cap = send(up, "/v1/messages/count_tokens", {**good, "max_tokens": 5}, headers=headers)
    assert with_cap.message == "max_tokens: Extra inputs are not permitted"
    empty = send(up, "/v1/messages/count_tokens", {**good, "messages": []}, headers=headers)
    assert empty.status == 400


def test_threads_are_refused_so_that_whole_histories_come(up: ScriptedUpstream) -> None:
    beta = "message-threads-2026-08-12"
    created = messages(up, beta=beta, thread={"type": "create"})
    assert created.status == 400
    assert created.json["error"]["details"]["error_code"] == "thread_unsupported_request"
    continued = messages(up, beta=beta, thread={"type": "continue", "previous_message_id": "msg_1"})
    assert continued.status == 404
    assert continued.json["error"]["details"]["error_code"] == "thread_not_found"


def test_models_are_paged() -> None:
    with ScriptedUpstream("anthropic", models=["a", "b", "c"]) as up:
        headers = {"anthropic-version": "2023-06-01"}
        first = send(up, "/v1/models?limit=2", headers=headers, method="GET").json
        assert ([m["id"] for m in first["data"]], first["has_more"], first["last_id"]) == (
            ["a", "b"],
            True,
            "b",
        )
        rest = send(up, "/v1/models?limit=2&after_id=b", headers=headers, method="GET").json
        assert ([m["id"] for m in rest["data"]], rest["has_more"]) == (["c"], False)
