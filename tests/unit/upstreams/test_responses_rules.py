"""What the Responses vendor refuses, in which words, and what it takes."""

import base64
from typing import Any

import pytest

from tests.unit.upstreams.plain import RESPONSES_TOOL, respond, send
from tests.upstreams import ScriptedUpstream

USER = {"role": "user", "content": "hi"}
CALL = {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "18"}
CUSTOM = {"type": "custom_tool_call", "call_id": "c1", "name": "shell", "input": "ls"}
SAID = {"role": "assistant", "content": [{"type": "output_text", "text": "x"}]}
STRICT = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
REASONED = {"type": "reasoning", "id": "rs_1", "summary": []}


def part(kind: str, **members: Any) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": [{"type": kind, **members}]}]}


def tool(**members: Any) -> dict[str, Any]:
    return {"tools": [{"type": "function", "name": "f", "parameters": None, "strict": None, **members}]}


def schema(**members: Any) -> dict[str, Any]:
    return {"text": {"format": {"type": "json_schema", "name": "n", "schema": STRICT, **members}}}


REFUSED: list[tuple[str, dict[str, Any], str, str | None, str | None]] = [
    ("unknown field", {"foo": 1}, "Unknown parameter: 'foo'", "unknown_parameter", "foo"),
    ("Chat's field", {"messages": [USER]}, "Unknown parameter: 'messages'", "unknown_parameter", "messages"),
    ("stop", {"stop": ["x"]}, "Unknown parameter: 'stop'", "unknown_parameter", "stop"),
    ("nested", {"input": [{**USER, "foo": 1}]}, "'input[0].foo'", "unknown_parameter", "input[0].foo"),
    ("no model", {"model": ...}, "Missing required parameter: 'model'", "missing_required_parameter", "model"),
    ("no input", {"input": ...}, 'One of "input"', "missing_required_parameter", "input"),
    ("empty input", {"input": []}, 'One of "input"', "missing_required_parameter", "input"),
    ("wrong type", {"temperature": "hot"}, "Invalid type for 'temperature'", "invalid_type", "temperature"),
    ("input type", {"input": 7}, "Invalid type for 'input'", "invalid_type", "input"),
    ("role", {"input": [{"role": "tool", "content": "x"}]}, "Invalid value: 'tool'", "invalid_value", "input[0].role"),
    ("item", {"input": [{"type": "thought"}]}, "Invalid value: 'thought'", "invalid_value", "input[0].type"),
    ("Chat's part", part("text", text="x"), "Invalid value: 'text'", "invalid_value", "input[0].content[0].type"),
    ("user's output", part("output_text", text="x"), "'output_text'", "invalid_value", "input[0].content[0].type"),
    ("assistant's input", {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]}, "'output_text' or 'refusal'", "invalid_value", "input[0].content[0].type"),
    ("null status", {"input": [{**CALL, "status": None}, OUTPUT]}, "Invalid type for 'input[0].status'", "invalid_type", "input[0].status"),
    ("parsed arguments", {"input": [{**CALL, "parsed_arguments": {}}, OUTPUT]}, "parsed_arguments", "unknown_parameter", "input[0].parsed_arguments"),
    ("arguments as object", {"input": [{**CALL, "arguments": {}}, OUTPUT]}, "'input[0].arguments'", "invalid_type", "input[0].arguments"),
    ("orphan output", {"input": [USER, OUTPUT]}, "No tool call found for function call output with call_id c1.", None, "input"),
    ("output first", {"input": [OUTPUT, CALL]}, "No tool call found for function call output", None, "input"),
    ("unanswered", {"input": [USER, CALL]}, "No tool output found for function call c1.", None, "input"),
    ("unanswered custom", {"input": [USER, CUSTOM]}, "No tool output found for custom tool call c1.", None, "input"),
    ("wrong kind of output", {"input": [CUSTOM, OUTPUT]}, "No tool call found for function call output", None, "input"),
    ("output twice", {"input": [CALL, OUTPUT, OUTPUT]}, "Duplicate tool output", None, "input"),
    ("output of nothing", {"input": [CALL, {"type": "function_call_output", "output": "18"}]}, "'input[1].call_id'", "missing_required_parameter", "input[1].call_id"),
    ("long call id", {"input": [{**CALL, "call_id": "c" * 65}]}, "maximum length 64", "string_above_max_length", "input[0].call_id"),
    ("call's name", {"input": [{**CALL, "name": "a.b"}, OUTPUT]}, "does not match pattern", "invalid_value", "input[0].name"),
    ("call's id", {"input": [{**CALL, "id": "call_1"}, OUTPUT]}, "Expected an ID that begins with 'fc'.", "invalid_value", "input[0].id"),
    ("message's id", {"input": [{**SAID, "id": "chatcmpl-1"}, USER]}, "begins with 'msg'", "invalid_value", "input[0].id"),
    ("reasoning's id", {"input": [{**REASONED, "id": "r_1"}, SAID]}, "begins with 'rs'", "invalid_value", "input[0].id"),
    ("custom call's id", {"input": [{**CUSTOM, "id": "fc_1"}]}, "begins with 'ctc'", "invalid_value", "input[0].id"),
    ("long id", {"input": [{**CALL, "id": "fc_" + "x" * 70}, OUTPUT]}, "maximum length 64", "string_above_max_length", "input[0].id"),
    ("same id twice", {"input": [{**CALL, "id": "fc_1"}, OUTPUT, {**CALL, "id": "fc_1", "call_id": "c2"}]}, "Duplicate item found with id fc_1", None, "input"),
    ("reasoning of nobody", {"input": [{"type": "reasoning", "summary": []}, SAID]}, "'input[0].id'", "missing_required_parameter", "input[0].id"),
    ("foreign token", {"input": [{**REASONED, "encrypted_content": "EqQBCkYIARgC"}, SAID]}, "could not be verified", "invalid_encrypted_content", None),
    ("foreign compaction", {"input": [{"type": "compaction", "encrypted_content": "gAAAAAxyz"}, USER]}, "could not be verified", "invalid_encrypted_content", None),
    ("tool name", tool(name="a.b"), "does not match pattern", "invalid_value", "tools[0].name"),
    ("long tool name", tool(name="a" * 65), "maximum length 64", "string_above_max_length", "tools[0].name"),
    ("tool without name", {"tools": [{"type": "function", "parameters": {}}]}, "'tools[0].name'", "missing_required_parameter", "tools[0].name"),
    ("Chat's tool", {"tools": [{"type": "function", "function": {"name": "f"}}]}, "'tools[0].name'", "missing_required_parameter", "tools[0].name"),
    ("tool schema", tool(parameters={"properties": {}}), "Invalid schema for function 'f'", "invalid_function_parameters", "tools[0].parameters"),
    ("strict tool", tool(parameters=STRICT, strict=True), "'additionalProperties' is required", "invalid_function_parameters", "tools[0].parameters"),
    ("namespaced tool", {"tools": [{"type": "namespace", "name": "n", "description": "", "tools": [{"type": "function", "name": "a.b"}]}]}, "does not match pattern", "invalid_value", "tools[0].tools[0].name"),
    ("unknown choice", {"tools": [RESPONSES_TOOL], "tool_choice": {"type": "function", "name": "g"}}, "Tool choice 'g' not found", None, "tool_choice"),
    ("unknown allowed", {"tools": [RESPONSES_TOOL], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "g"}]}}, "Tool choice 'g' not found", None, "tool_choice"),
    ("Chat's choice", {"tools": [RESPONSES_TOOL], "tool_choice": {"type": "function", "function": {"name": "get_weather"}}}, "'tool_choice", "missing_required_parameter", "tool_choice.name"),
    ("choice without tools", {"tool_choice": "required"}, "must be specified with 'tools'", None, "tool_choice"),
    ("json without the word", {"text": {"format": {"type": "json_object"}}}, "must contain the word 'json'", None, "input"),
    ("strict format", schema(strict=True), "Invalid schema for response_format 'n'", "invalid_json_schema", "text.format.schema"),
    ("format's name", schema(name="a b"), "does not match pattern", "invalid_value", "text.format.name"),
    ("Chat's format", {"response_format": {"type": "json_object"}}, "'response_format'", "unknown_parameter", "response_format"),
    ("hot", {"temperature": 2.5}, "above maximum", "decimal_above_max_value", "temperature"),
    ("small cap", {"max_output_tokens": 15}, ">= 16, but got 15", "integer_below_min_value", "max_output_tokens"),
    ("options unstreamed", {"stream_options": {"include_obfuscation": True}}, "only allowed when 'stream'", None, "stream_options"),
    ("background unstored", {"background": True, "store": False}, "Background mode requires", "invalid_value", "background"),
    ("o temperature", {"model": "o3", "temperature": 0}, "'temperature' is not supported", "unsupported_parameter", "temperature"),
    ("gpt-5 top_p", {"model": "gpt-5.2", "top_p": 0.5}, "'top_p' is not supported", "unsupported_parameter", "top_p"),
    ("plain effort", {"model": "gpt-4.1", "reasoning": {"effort": "low"}}, "'reasoning.effort' is not supported", "unsupported_parameter", "reasoning.effort"),
    ("plain encrypted", {"model": "gpt-4.1", "include": ["reasoning.encrypted_content"]}, "Encrypted content is not supported", None, "include"),
    ("include", {"include": ["everything"]}, "Invalid value: 'everything'", "invalid_value", "include[0]"),
    ("two histories", {"previous_response_id": "resp_1", "conversation": "conv_1"}, "Mutually exclusive", "mutually_exclusive_parameters", None),
    ("no response id", {"previous_response_id": "chatcmpl-1"}, "Expected an ID that begins with 'resp'.", "invalid_value", "previous_response_id"),
    ("no image", part("input_image", detail="auto"), "image_url'", "missing_required_parameter", "input[0].content[0].image_url"),
    ("bare base64", part("input_image", image_url="iVBORw0KGgo="), "Expected a valid URL", "invalid_value", "input[0].content[0].image_url"),
    ("image type", part("input_image", image_url="data:image/tiff;base64,AAAA"), "supported image formats", "invalid_image_format", "input[0].content[0].image_url"),
    ("Chat's image", part("input_image", image_url={"url": "https://example.com/a.png"}), "image_url'", "invalid_type", "input[0].content[0].image_url"),
    ("bare file", part("input_file", file_data="AAAA"), "base64-encoded data URL", "invalid_value", "input[0].content[0].file_data"),
    ("no file", part("input_file", filename="a.pdf"), "file_id'", "missing_required_parameter", "input[0].content[0].file_id"),
    ("options refused", {"model": "fault-rejects-stream-options", "stream": True, "stream_options": {}}, "stream_options", "unknown_parameter", "stream_options"),
    ("host without memory", {"model": "any+stateless", "previous_response_id": "resp_1"}, "previous_response_id", "unsupported_parameter", "previous_response_id"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "words", "code", "param"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_refused(
    up: ScriptedUpstream, fields: dict[str, Any], words: str, code: str | None, param: str | None
) -> None:
    response = respond(up, **fields)
    assert response.status == 400, response.body
    error = response.json["error"]
    assert words in error["message"]
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)
    assert set(error) == {"message", "type", "param", "code"}
    assert len(up.refused) == 1


NOT_FOUND: list[tuple[str, dict[str, Any], str, str | None]] = [
    ("previous", {"previous_response_id": "resp_x"}, "Previous response with id 'resp_x' not found.", "previous_response_not_found"),
    ("conversation", {"conversation": {"id": "conv_x"}}, "Conversation with id 'conv_x' not found.", None),
    ("prompt", {"prompt": {"id": "pmpt_x"}}, "Prompt with id 'pmpt_x' not found.", None),
    ("reference", {"input": [{"type": "item_reference", "id": "msg_x"}]}, "Item with id 'msg_x' not found.", None),
    ("short reference", {"input": [{"id": "msg_x"}]}, "Item with id 'msg_x' not found.", None),
    ("unsealed reasoning", {"input": [REASONED, SAID, USER]}, "Items are not persisted when `store` is set to false", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "words", "code"), [row[1:] for row in NOT_FOUND], ids=[row[0] for row in NOT_FOUND]
)
def test_not_found(up: ScriptedUpstream, fields: dict[str, Any], words: str, code: str | None) -> None:
    response = respond(up, **fields)
    assert response.status == 404, response.body
    assert words in response.message
    assert response.json["error"]["code"] == code


ACCEPTED: dict[str, dict[str, Any]] = {
    "a string": {"input": "hello"},
    "a finished round": {"input": [USER, CALL, OUTPUT], "tools": [RESPONSES_TOOL]},
    "answers before the next words": {"input": [USER, CALL, USER, OUTPUT]},
    "an assistant's last word": {"input": [USER, {"role": "assistant", "content": "so far"}]},
    "output text without id": {"input": [USER, {"type": "message", **SAID}, USER]},
    "output text whole": {"input": [{**SAID, "id": "msg_1", "type": "message", "status": "completed", "content": [{"type": "output_text", "text": "x", "annotations": [], "logprobs": []}]}, USER]},
    "a refusal replayed": {"input": [{"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}, USER]},
    "phases": {"input": [{**SAID, "phase": "commentary"}, {"role": "user", "content": "hi", "phase": None}]},
    "developer": {"input": [{"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "be terse"}]}, USER]},
    "outputs with parts": {"input": [CALL, {**OUTPUT, "output": [{"type": "input_text", "text": "18"}, {"type": "input_image", "image_url": "https://example.com/a.png"}]}]},
    "custom": {"input": [CUSTOM, {"type": "custom_tool_call_output", "call_id": "c1", "output": "a"}]},
    "hosted items": {"input": [USER, {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "x"}}, SAID, USER]},
    "tool without strict": {"tools": [{"type": "function", "name": "f"}], "tool_choice": "auto", "parallel_tool_calls": True},
    "no tools at all": {"tools": [], "tool_choice": "auto", "parallel_tool_calls": False},
    "hosted tools": {"tools": [{"type": "web_search"}, {"type": "code_interpreter", "container": {"type": "auto"}}], "tool_choice": {"type": "code_interpreter"}},
    "namespaced tools": {"tools": [{"type": "namespace", "name": "n", "description": "d", "tools": [{"type": "function", "name": "f", "strict": False, "parameters": {"type": "object", "properties": {}}}]}]},
    "grammar": {"tools": [{"type": "custom", "name": "apply_patch", "format": {"type": "grammar", "syntax": "lark", "definition": "start: /x/"}}]},
    "sampling": {"temperature": 0, "top_p": 0, "max_output_tokens": 16, "truncation": "auto", "user": "u", "metadata": {"a": "b"}},
    "reasoning off": {"model": "gpt-5.2", "reasoning": {"effort": "none"}, "temperature": 0.2},
    "usual sampling": {"model": "o4-mini", "reasoning": {"effort": "high"}, "temperature": 1, "top_p": 1},
    "what Codex sends": {"model": "gpt-5.2", "store": False, "include": ["reasoning.encrypted_content"], "prompt_cache_key": "k", "client_metadata": {"a": "b"}, "reasoning": {"effort": "medium", "summary": "auto"}, "text": {"verbosity": "low"}, "tools": [{"type": "web_search", "external_web_access": False}]},
    "cache breakpoints": part("input_text", text="x", prompt_cache_breakpoint={"mode": "explicit"}),
    "lenient": {"model": "any+lenient", "foo": 1, "input": [{**USER, "bar": 2}]},
    "unchecked": {"model": "any+unchecked", "temperature": 9, "previous_response_id": "resp_none"},
}  # fmt: skip


@pytest.mark.parametrize("case", ACCEPTED)
def test_accepted(up: ScriptedUpstream, case: str) -> None:
    response = respond(up, **ACCEPTED[case])
    assert response.status == 200, response.body
    up.assert_all_valid()


def test_media_that_arrive_are_proven(up: ScriptedUpstream) -> None:
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
    fields = part("input_image", detail="low", image_url=f"data:image/png;base64,{data}")
    text = respond(up, **fields).json["output"][0]["content"][0]["text"]
    assert "image/png of 48 bytes sha256:" in text


def test_places_of_this_dialect_alone() -> None:
    with ScriptedUpstream("openai_responses", keys=["key-1"]) as up:
        assert respond(up).status == 200
        assert respond(up, key="key-2").status == 401
        assert "gpt-5.2" in {model["id"] for model in send(up, "/v1/models", method="GET").json["data"]}
        assert send(up, "/v1/chat/completions", {}).status == 404
        assert send(up, "/v1/embeddings", {}).status == 404
        assert send(up, "/v1/responses", method="GET").status == 404
        assert send(up, "/v1/responses/resp_1/elsewhere", method="GET").status == 404


def test_a_websocket_is_refused_at_once(up: ScriptedUpstream) -> None:
    headers = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    response = send(up, "/v1/responses", method="GET", headers=headers)
    assert (response.status, response.json["error"]["type"]) == (404, "not_found_error")


def test_a_list_of_models_names_each_once(up: ScriptedUpstream) -> None:
    names = [model["id"] for model in send(up, "/v1/models", method="GET").json["data"]]
    assert len(names) == len(set(names))
