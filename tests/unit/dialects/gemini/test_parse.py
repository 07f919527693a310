"""Request bodies to canonical requests: both spellings, ids, signatures, media, settings."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from flowrouter.canonical.parts import (
    Audio,
    Document,
    Image,
    Media,
    Opaque,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from flowrouter.canonical.tools import FunctionTool, HostedTool, ToolChoice
from flowrouter.dialects.gemini.ids import is_made
from flowrouter.dialects.gemini.parse_requests import parse_request
from flowrouter.errors import CallerError
from tests.unit.dialects.gemini.build import parse

SIGNATURE = "CpgBAVKzdCQwYWJj"


def turns(*contents: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return the parts of each turn of a body."""
    return [message.parts for message in parse(contents=list(contents)).messages]


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def model(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def test_model_and_verb_stand_in_the_address() -> None:
    request = parse()
    assert (request.origin, request.model, request.stream) == ("gemini", "", False)
    assert request.messages[0].place == "contents[0]"


def test_both_spellings_say_the_same() -> None:
    camel = parse(
        contents=[user({"inlineData": {"mimeType": "image/png", "data": "AA=="}})],
        systemInstruction={"parts": [{"text": "Brief."}]},
        generationConfig={"maxOutputTokens": 5, "thinkingConfig": {"includeThoughts": True}},
        toolConfig={"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        tools=[{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}]}],
    )
    snake = parse(
        contents=[user({"inline_data": {"mime_type": "image/png", "data": "AA=="}})],
        system_instruction={"parts": [{"text": "Brief."}]},
        generation_config={"max_output_tokens": 5, "thinking_config": {"include_thoughts": True}},
        tool_config={"function_calling_config": {"mode": "ANY", "allowed_function_names": ["f"]}},
        tools=[{"function_declarations": [{"name": "f", "parameters_json_schema": {"type": "object"}}]}],
    )
    for field in ("messages", "system", "max_tokens", "tool_choice", "tools", "extra"):
        assert getattr(camel, field) == getattr(snake, field)
    assert camel.reasoning is not None
    assert snake.reasoning is not None
    assert camel.reasoning.display == snake.reasoning.display == "summarized"


def test_spellings_inside_arguments_responses_and_schemas_are_the_clients_own() -> None:
    given = {"mime_type": "x", "inline_data": {"mimeType": 1}}
    [_, [call], [result]] = turns(
        user({"text": "go"}),
        model({"functionCall": {"name": "f", "args": given}}),
        user({"functionResponse": {"name": "f", "response": given}}),
    )
    assert json.loads(call.arguments) == given
    assert json.loads(result.content[0].text) == given


def test_single_objects_stand_for_lists() -> None:
    request = parse(
        contents={"parts": {"text": "Hi"}},
        systemInstruction={"parts": {"text": "Brief."}},
        tools={"functionDeclarations": {"name": "f"}},
    )
    assert request.messages[0].parts == (Text(text="Hi"),)
    assert request.system == (Text(text="Brief."),)
    assert [tool.name for tool in request.tools] == ["f"]


@pytest.mark.parametrize(
    ("value", "texts"),
    [("Brief.", ["Brief."]), ({"text": "Brief."}, ["Brief."]), ({"parts": []}, []), ({}, [])],
    ids=["string", "part", "no parts", "empty"],
)
def test_system_instruction_in_every_form(value: Any, texts: list[str]) -> None:
    assert [part.text for part in parse(systemInstruction=value).system] == texts  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("role", "canonical"), [(None, "user"), ("user", "user"), ("function", "user"), ("model", "assistant")]
)
def test_roles(role: str | None, canonical: str) -> None:
    content: dict[str, Any] = {"parts": [{"text": "x"}]} | ({} if role is None else {"role": role})
    assert parse(contents=[content]).messages[0].role == canonical


def test_calls_without_ids_get_the_same_ones_every_time_and_results_find_them() -> None:
    contents = [
        user({"text": "Rome and Oslo?"}),
        model({"functionCall": {"name": "f", "args": {}}}, {"functionCall": {"name": "g", "args": {}}}),
        user(
            {"functionResponse": {"name": "g", "response": {"result": "2"}}},
            {"functionResponse": {"name": "f", "response": {"result": "1"}}},
        ),
    ]
    [_, [f, g], [first, second]] = turns(*contents)
    assert is_made(f.id)
    assert f.id != g.id
    assert (first.call_id, second.call_id) == (g.id, f.id)
    assert turns(*contents, model({"text": "done"}))[1] == (f, g)


def test_results_of_one_name_are_told_apart_by_order() -> None:
    call = {"functionCall": {"name": "f", "args": {}}}
    answer = {"functionResponse": {"name": "f", "response": {}}}
    [_, [one, two], [first, second]] = turns(user({"text": "x"}), model(call, call), user(answer, answer))
    assert (first.call_id, second.call_id) == (one.id, two.id)


def test_ids_of_the_client_are_kept() -> None:
    [_, [call], [result]] = turns(
        user({"text": "x"}),
        model({"functionCall": {"id": "a-1", "name": "f"}}),
        user({"functionResponse": {"id": "a-1", "name": "f", "response": {"result": "y"}}}),
    )
    assert (call.id, call.arguments, result.call_id, result.name) == ("a-1", "{}", "a-1", "f")


@pytest.mark.parametrize(
    ("response", "text", "is_error"),
    [
        ({"result": "sunny"}, "sunny", None),
        ({"output": "sunny"}, "sunny", None),
        ({"error": "no such city"}, "no such city", True),
        ({"error": {"code": 1}}, '{"error":{"code":1}}', True),
        ({"result": 5}, '{"result":5}', None),
        ({"temperature": 21, "sky": "clear"}, '{"temperature":21,"sky":"clear"}', None),
    ],
    ids=["result", "output", "error", "error object", "number", "object"],
)
def test_a_response_gives_up_its_text(response: Any, text: str, is_error: bool | None) -> None:
    [[result]] = turns(user({"functionResponse": {"id": "1", "name": "f", "response": response}}))
    assert result.content == (Text(text=text),)
    assert result.is_error is is_error


def test_media_inside_a_response_is_content_of_the_result() -> None:
    media = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
    [[result]] = turns(user({"functionResponse": {"id": "1", "name": "f", "response": {}, "parts": [media]}}))
    assert isinstance(result, ToolResult)
    assert isinstance(result.content[0], Image)


def test_signatures_stand_before_what_bore_them() -> None:
    [_, parts] = turns(
        user({"text": "x"}),
        model(
            {"text": "hm", "thought": True, "thoughtSignature": "t"},
            {"text": "Hello", "thoughtSignature": SIGNATURE},
            {"functionCall": {"id": "c", "name": "f"}, "thought_signature": "s"},
            {"thoughtSignature": "alone"},
        ),
    )
    assert parts == (
        Reasoning(text="hm", signature="t"),
        Reasoning(signature=SIGNATURE, field="text"),
        Text(text="Hello"),
        Reasoning(signature="s", call_id="c"),
        ToolCall(id="c", name="f", arguments="{}", shape=("args",)),
        Reasoning(signature="alone", field="part"),
    )


@pytest.mark.parametrize("padding", ["kept", "cut"])
def test_envelopes_are_recognised_in_place_of_a_signature(padding: str) -> None:
    carried = b64encode(b"flr1.abc flr1.de").decode()
    carried = carried if padding == "kept" else carried.rstrip("=")
    [_, parts] = turns(
        user({"text": "x"}), model({"functionCall": {"id": "c", "name": "f"}, "thoughtSignature": carried})
    )
    assert [part.sealed for part in parts[:2]] == ["flr1.abc", "flr1.de"]
    assert [part.call_id for part in parts[:2]] == ["c", "c"]
    assert isinstance(parts[2], ToolCall)


def test_a_signature_that_only_begins_like_an_envelope_is_the_vendors() -> None:
    odd = b64encode(b"flr1\xff\xfe").decode()
    [_, parts] = turns(
        user({"text": "x"}), model({"functionCall": {"id": "c", "name": "f"}, "thoughtSignature": odd})
    )
    assert parts[0].signature == odd


@pytest.mark.parametrize(
    ("part", "kind", "found"),
    [
        ({"inlineData": {"mimeType": "image/webp", "data": "AA=="}}, Image, "image/webp"),
        ({"inlineData": {"mimeType": "application/pdf", "data": "AA=="}}, Document, "application/pdf"),
        ({"inlineData": {"mimeType": "text/csv", "data": "AA=="}}, Document, "text/csv"),
        ({"inlineData": {"mimeType": "video/mp4", "data": "AA=="}}, Media, "video/mp4"),
        ({"fileData": {"mimeType": "image/png", "fileUri": "https://a.example/x.png"}}, Image, "image/png"),
        ({"fileData": {"fileUri": "https://www.youtube.com/watch?v=1"}}, Media, None),
    ],
    ids=["image", "pdf", "csv", "video", "image by address", "video site"],
)
def test_media_by_type(part: dict[str, Any], kind: type[Any], found: str | None) -> None:
    [[media]] = turns(user(part))
    assert isinstance(media, kind)
    assert media.source.media_type == found


@pytest.mark.parametrize(
    ("media_type", "sound"),
    [("audio/wav", "wav"), ("audio/mpeg", "mp3"), ("audio/mp3", "mp3"), ("audio/ogg", "ogg")],
)
def test_audio_formats(media_type: str, sound: str) -> None:
    [[part]] = turns(user({"inlineData": {"mimeType": media_type, "data": "AA=="}}))
    assert part == Audio(data="AA==", format=sound)


@pytest.mark.parametrize(
    "uri", ["gs://b/x.pdf", "https://generativelanguage.googleapis.com/v1beta/files/abc"]
)
def test_files_only_google_opens_are_file_ids(uri: str) -> None:
    [[part]] = turns(user({"fileData": {"mimeType": "application/pdf", "fileUri": uri}}))
    assert (part.source.kind, part.source.file_id) == ("file", uri)


@pytest.mark.parametrize("name", ["executableCode", "codeExecutionResult", "toolCall", "futureKind"])
def test_parts_nobody_else_has_stay_whole(name: str) -> None:
    [[part]] = turns(user({name: {"a": 1}}))
    assert part == Opaque(payload={name: {"a": 1}}, origin="gemini")


def test_tools_of_all_kinds() -> None:
    request = parse(
        tools=[
            {
                "functionDeclarations": [
                    {
                        "name": "f",
                        "parameters": {
                            "type": "OBJECT",
                            "properties": {"type": {"type": "STRING", "nullable": True}},
                            "propertyOrdering": ["type"],
                        },
                    }
                ]
            },
            {"google_search": {}},
        ]
    )
    function, search = request.tools
    assert isinstance(function, FunctionTool)
    assert function.schema == {"type": "object", "properties": {"type": {"type": ["string", "null"]}}}
    assert function.place == "tools[0].functionDeclarations[0]"
    assert isinstance(search, HostedTool)
    assert (search.kind, search.purpose) == ("googleSearch", "web_search")


@pytest.mark.parametrize(
    ("config", "choice"),
    [
        ({}, ToolChoice(mode="auto")),
        ({"mode": "AUTO"}, ToolChoice(mode="auto")),
        ({"mode": "NONE"}, ToolChoice(mode="none")),
        ({"mode": "any"}, ToolChoice(mode="required")),
        ({"mode": "ANY", "allowedFunctionNames": ["f"]}, ToolChoice(mode="tool", name="f")),
        (
            {"mode": "ANY", "allowedFunctionNames": ["f", "g"]},
            ToolChoice(mode="allowed", names=("f", "g"), required=True),
        ),
        ({"mode": "VALIDATED", "allowedFunctionNames": ["f"]}, ToolChoice(mode="allowed", names=("f",))),
    ],
    ids=["empty", "auto", "none", "any", "one", "some", "validated"],
)
def test_tool_choice(config: dict[str, Any], choice: ToolChoice) -> None:
    assert parse(toolConfig={"functionCallingConfig": config}).tool_choice == choice


@pytest.mark.parametrize(
    ("config", "mode", "effort", "budget"),
    [
        ({"thinkingBudget": 0}, "off", None, 0),
        ({"thinkingBudget": -1}, "auto", None, -1),
        ({"thinkingBudget": 2048}, "budget", None, 2048),
        ({"thinkingLevel": "HIGH"}, "effort", "high", None),
        ({"includeThoughts": True}, "auto", None, None),
    ],
    ids=["off", "dynamic", "budget", "level", "shown"],
)
def test_thinking(config: dict[str, Any], mode: str, effort: str | None, budget: int | None) -> None:
    control = parse(generationConfig={"thinkingConfig": config}).reasoning
    assert control is not None
    assert (control.mode, control.effort, control.budget, control.raw) == (mode, effort, budget, config)


def test_generation_settings() -> None:
    request = parse(
        generationConfig={
            "temperature": 0, "topP": 0.5, "topK": 40.0, "candidateCount": 1, "seed": 0, "maxOutputTokens": 7,
            "stopSequences": ["END"], "responseLogprobs": True, "logprobs": 2, "presencePenalty": 0,
            "frequencyPenalty": 0.1, "speechConfig": {"a": 1},
        },
        serviceTier="flex", labels={"a": "b"}, cached_content="cachedContents/x",
    )  # fmt: skip
    sampling = request.sampling
    assert (sampling.temperature, sampling.top_k, sampling.n, sampling.seed) == (0, 40, 1, 0)
    assert (sampling.logprobs, sampling.top_logprobs, sampling.presence_penalty) == (True, 2, 0)
    assert (request.max_tokens, request.stop, request.service_tier) == (7, ("END",), "flex")
    assert request.metadata == {"a": "b"}
    assert request.extra == {
        "generationConfig": {"speechConfig": {"a": 1}},
        "cachedContent": "cachedContents/x",
    }


@pytest.mark.parametrize(
    ("config", "kind", "schema"),
    [
        ({"responseMimeType": "text/plain"}, "text", None),
        ({"responseMimeType": "application/json"}, "json", None),
        (
            {"responseMimeType": "application/json", "responseSchema": {"type": "STRING"}},
            "schema",
            {"type": "string"},
        ),
        ({"responseJsonSchema": {"type": "object"}}, "schema", {"type": "object"}),
    ],
    ids=["text", "json", "classic", "raw"],
)
def test_answer_forms(config: dict[str, Any], kind: str, schema: Any) -> None:
    output = parse(generationConfig=config).output
    assert output is not None
    assert (output.kind, output.schema) == (kind, schema)


def test_an_enums_bare_word_is_no_json() -> None:
    config = {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a"]}}
    request = parse(generationConfig=config)
    assert request.output is None
    assert request.extra == {"generationConfig": config}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"contents": []}, "contents"),
        ({"contents": None}, "contents"),
        ({"contents": "Hi"}, "contents[0]"),
        ({"contents": [{"role": "assistant", "parts": []}]}, "contents[0].role"),
        ({"contents": [{"parts": [5]}]}, "contents[0].parts[0]"),
        ({"contents": [{"parts": [{"text": 5}]}]}, "contents[0].parts[0].text"),
        ({"contents": [{"parts": [{"functionCall": {"args": {}}}]}]}, "contents[0].parts[0].functionCall.name"),
        ({"contents": [{"parts": [{"fileData": {}}]}]}, "contents[0].parts[0].fileData.fileUri"),
        ({"generationConfig": {"temperature": "hot"}}, "generationConfig.temperature"),
        ({"generation_config": {"top_k": "x"}}, "generationConfig.topK"),
        ({"generationConfig": {"stopSequences": [1]}}, "generationConfig.stopSequences[0]"),
        ({"tools": [{"functionDeclarations": [{}]}]}, "tools[0].functionDeclarations[0].name"),
        ({"toolConfig": {"functionCallingConfig": {"mode": "SOME"}}}, "toolConfig.functionCallingConfig.mode"),
        ({"systemInstruction": 5}, "systemInstruction"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_faults_are_named(members: dict[str, Any], param: str) -> None:
    with pytest.raises(CallerError) as raised:
        parse(**members)
    assert raised.value.param == param
    assert raised.value.status == 400


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b'{"contents":'], ids=["0", "list", "text", "cut"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(CallerError):
        parse_request(body)


def test_lone_surrogates_never_crash() -> None:
    request = parse_request(b'{"contents":[{"parts":[{"text":"a\\ud800b"}]}]}')
    assert request.messages[0].parts == (Text(text="a\ufffdb"),)
