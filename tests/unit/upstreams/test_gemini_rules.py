"""What the Gemini API refuses, and in which words."""

import base64
from typing import Any

import pytest

from tests.unit.upstreams.plain import GEMINI_TOOL, TOOL_SCHEMA, generate, send
from tests.upstreams import ScriptedUpstream
from tests.upstreams.gemini.proto import form_of
from tests.upstreams.gemini.shapes import DICTIONARY, EMBED_MANY, GENERATE

CALL = {"functionCall": {"name": "get_weather", "args": {"city": "Rome"}}}
RESPONSE = {"functionResponse": {"name": "get_weather", "response": {"result": "18"}}}
TEXT = {"text": "x"}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
FILES = "https://generativelanguage.googleapis.com/v1beta/files/abc"


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts or [TEXT])}


def model(*parts: Any) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts or [TEXT])}


def spoken(*contents: Any, **fields: Any) -> dict[str, Any]:
    return {"contents": list(contents), **fields}


def loop(*contents: Any, **fields: Any) -> dict[str, Any]:
    return spoken(user(), *contents, tools=[GEMINI_TOOL], **fields)


def config(**fields: Any) -> dict[str, Any]:
    return {"generationConfig": fields}


def thinking(base: str, **fields: Any) -> dict[str, Any]:
    return {"model": base, **config(thinkingConfig=fields)}


def function(name: str = "f", **fields: Any) -> dict[str, Any]:
    return {"functionDeclarations": [{"name": name, **fields}]}


def classic(**properties: Any) -> dict[str, Any]:
    return {"tools": [function(parameters={"type": "OBJECT", "properties": properties})]}


def blob(mime: str, data: str = PNG) -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime, "data": data}}


def choosing(**fields: Any) -> dict[str, Any]:
    return {"toolConfig": {"functionCallingConfig": fields}}


SEARCH = {"googleSearch": {}}
PARAMETERS = "at 'tools[0].function_declarations[0].parameters"
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("unknown field", {"foo": 1}, 'Invalid JSON payload received. Unknown name "foo": Cannot find field.'),
    ("unknown in a part", spoken(user({"text": "x", "foo": 1})), "Unknown name \"foo\" at 'contents[0].parts[0]': Cannot find field."),
    ("unknown in snake case", {"generation_config": {"max_tokens": 1}}, "Unknown name \"max_tokens\" at 'generation_config'"),
    ("OpenAI's message", spoken({"role": "user", "content": "hi"}), "Unknown name \"content\" at 'contents[0]'"),
    ("wrong integer", config(maxOutputTokens="many"), "Invalid value at 'generation_config.max_output_tokens' (TYPE_INT32), \"many\""),
    ("wrong bool", config(thinkingConfig={"includeThoughts": "yes"}), "(TYPE_BOOL)"),
    ("wrong text", spoken(user({"text": 5})), "Invalid value at 'contents[0].parts[0].text' (TYPE_STRING), 5"),
    ("wrong message", spoken("hi"), "(type.googleapis.com/google.ai.generativelanguage.v1beta.Content), \"hi\""),
    ("wrong struct", loop(model({"functionCall": {"name": "f", "args": "{}"}})), "(type.googleapis.com/google.protobuf.Struct)"),
    ("list for one", {"systemInstruction": [TEXT]}, "Unknown name \"system_instruction\": Proto field is not repeating, cannot start list."),
    ("wrong enum", config(thinkingConfig={"thinkingLevel": "ENORMOUS"}), "v1beta.ThinkingLevel), \"ENORMOUS\""),
    ("broken base64", spoken(user(blob("image/png", "!!"))), "(TYPE_BYTES), Base64 decoding failed"),
    ("Vertex's field", {"tools": [{"retrieval": {}}]}, "Unknown name \"retrieval\" at 'tools[0]'"),
    ("no contents", {"contents": ...}, "GenerateContentRequest.contents: contents is not specified"),
    ("no parts", spoken({"role": "user", "parts": []}), "contents[0].parts: contents.parts must not be empty."),
    ("empty part", spoken(user({})), "required oneof field 'data' must have one initialized field"),
    ("two in one part", spoken(user({"text": "x", **blob("image/png")})), "(oneof), oneof field 'data' is already set. Cannot set 'inlineData'"),
    ("system turn", spoken({"role": "system", "parts": [TEXT]}, user()), "Please use a valid role: user, model."),
    ("assistant turn", spoken(user(), {"role": "assistant", "parts": [TEXT]}, user()), "Please use a valid role"),
    ("only the model", spoken(model()), "single turn requests end with a user role"),
    ("model first", spoken(model(), user()), "multiturn requests begin with a user turn"),
    ("prefill", {"model": "x+no-prefill", **spoken(user(), model())}, "end with a user role"),
    ("alternation", {"model": "x+strict-alternation", **spoken(user(), user())}, "alternate between user and model"),
    ("unanswered", loop(model(CALL), user()), "number of function response parts is equal to the number of function call parts"),
    ("unanswered at the end", loop(model(CALL)), "number of function response parts is equal"),
    ("one of two answered", loop(model(CALL, CALL), user(RESPONSE)), "number of function response parts is equal"),
    ("responses apart", loop(model(CALL, CALL), user(RESPONSE), user(RESPONSE)), "number of function response parts is equal"),
    ("text between", loop(model(CALL), user(TEXT), user(RESPONSE)), "number of function response parts is equal"),
    ("response without call", loop(user(RESPONSE)), "function response turn comes immediately after a function call turn"),
    ("response of another", loop(model(CALL), user({"functionResponse": {"name": "g", "response": {}}})), "`g` answers a function call"),
    ("other id", loop(model({"functionCall": {**CALL["functionCall"], "id": "a"}}), user({"functionResponse": {**RESPONSE["functionResponse"], "id": "b"}})), "name and id"),
    ("nameless call", loop(model({"functionCall": {"args": {}}}), user(RESPONSE)), "function_call.name: Name cannot be empty."),
    ("nameless response", loop(model(CALL), user({"functionResponse": {"response": {}}})), "function_response.name: Name cannot be empty."),
    ("GIF", spoken(user(blob("image/gif"))), "Unsupported MIME type: image/gif"),
    ("unknown media", spoken(user(blob("application/zip"))), "Unsupported MIME type: application/zip"),
    ("image lies", spoken(user(blob("image/jpeg"))), "Unable to process input image"),
    ("no data", spoken(user(blob("image/png", ""))), "inline_data.data: required field is not set"),
    ("image in a response", loop(model(CALL), user({"functionResponse": {**RESPONSE["functionResponse"], "parts": [blob("image/gif")]}})), "Unsupported MIME type"),
    ("foreign file", spoken(user({"fileData": {"fileUri": "https://example.com/a.png"}})), "Invalid or unsupported file uri: https://example.com/a.png"),
    ("no tool", {"tools": [{}]}, "required one_of 'tool_type'"),
    ("OpenAI's tool", {"tools": [{"type": "function", "function": {}}]}, "Unknown name \"type\" at 'tools[0]'"),
    ("name begins with a digit", {"tools": [function("1f")]}, "function_declarations[0].name: Invalid function name."),
    ("long name", {"tools": [function("f" * 65)]}, "maximum length of 64"),
    ("blank in the name", {"tools": [function("a b")]}, "Invalid function name"),
    ("nameless", {"tools": [{"functionDeclarations": [{}]}]}, "Invalid function name"),
    ("twins", {"tools": [function(), function()]}, "Duplicate function declaration found: f"),
    ("$schema", {"tools": [function(parameters={"type": "OBJECT", "$schema": "x"})]}, f"Unknown name \"$schema\" {PARAMETERS}': Cannot find field."),
    ("additionalProperties", {"tools": [function(parameters={"type": "OBJECT", "additionalProperties": False})]}, "Unknown name \"additionalProperties\""),
    ("const below", classic(a={"const": 1}), f"Unknown name \"const\" {PARAMETERS}.properties[0].value': Cannot find field."),
    ("$ref below", classic(a={"type": "ARRAY", "items": {"$ref": "#/$defs/x"}}), "Unknown name \"$ref\""),
    ("oneOf", classic(a={"oneOf": []}), "Unknown name \"oneOf\""),
    ("types in a list", classic(a={"type": ["STRING", "NULL"]}), "Proto field is not repeating, cannot start list."),
    ("unknown type", classic(a={"type": "text"}), "v1beta.Type), \"text\""),
    ("enum of integers", classic(a={"type": "INTEGER", "enum": ["1"]}), "properties[a].enum: only allowed for STRING type"),
    ("empty enum member", classic(a={"type": "STRING", "enum": [""]}), "properties[a].enum[0]: cannot be empty"),
    ("array without items", classic(a={"type": "ARRAY"}), "properties[a].items: missing field."),
    ("format", classic(a={"type": "STRING", "format": "uri"}), "only 'enum' and 'date-time' are supported for STRING type"),
    ("required unknown", {"tools": [function(parameters={"type": "OBJECT", "required": ["a"]})]}, "parameters.required[0]: property is not defined"),
    ("not an object", {"tools": [function(parameters={"type": "STRING"})]}, "schema should be of type OBJECT"),
    ("both schemas", {"tools": [function(parameters={"type": "OBJECT"}, parametersJsonSchema={"type": "object"})]}, "mutually exclusive"),
    ("functions and search", {"model": "gemini-2.5-flash", "tools": [GEMINI_TOOL, SEARCH]}, "Tool use with function calling is unsupported"),
    ("functions and JSON", {"model": "gemini-2.5-pro", "tools": [GEMINI_TOOL], **config(responseMimeType="application/json")}, "response mime type: 'application/json' is unsupported"),
    ("forced without functions", choosing(mode="ANY"), "config is set without function_declarations"),
    ("allowed in AUTO", {"tools": [GEMINI_TOOL], **choosing(mode="AUTO", allowedFunctionNames=["get_weather"])}, "only when function calling mode is ANY"),
    ("allowed unknown", {"tools": [GEMINI_TOOL], **choosing(mode="ANY", allowedFunctionNames=["g"])}, "'g' is not in the function declarations"),
    ("temperature", config(temperature=2.5), "generation_config.temperature: must be in the range [0, 2]"),
    ("no room", config(maxOutputTokens=0), "generation_config.max_output_tokens: must be in the range"),
    ("many stops", config(stopSequences=list("abcdef")), "number of stop sequences (6) exceeds the maximum allowed (5)"),
    ("empty stop", config(stopSequences=[""]), "cannot contain an empty string"),
    ("logprobs alone", config(logprobs=3), "only be set when response_logprobs is true"),
    ("unknown mime", config(responseMimeType="text/html"), "allowed mimetypes are `text/plain`"),
    ("schema for text", config(responseSchema={"type": "STRING"}), "response_schema is only supported with"),
    ("two schemas", config(responseMimeType="application/json", responseSchema={"type": "STRING"}, responseJsonSchema={}), "cannot both be set"),
    ("answer schema", config(responseMimeType="application/json", responseSchema={"type": "OBJECT", "additionalProperties": False}), "Unknown name \"additionalProperties\" at 'generation_config.response_schema'"),
    ("level and budget", thinking("gemini-3.5-flash", thinkingLevel="LOW", thinkingBudget=100), "only set only one of thinking budget and thinking level"),
    ("level on 2.5", thinking("gemini-2.5-flash", thinkingLevel="LOW"), "Thinking level is not supported for this model."),
    ("minimal on a pro", thinking("gemini-3.1-pro-preview", thinkingLevel="minimal"), "Thinking level MINIMAL is not supported"),
    ("no thought on 2.5 pro", thinking("gemini-2.5-pro", thinkingBudget=0), "Budget 0 is invalid. This model only works in thinking mode."),
    ("large budget", thinking("gemini-2.5-flash", thinkingBudget=30_000), "choose a value between 1 and 24576"),
    ("thoughts of none", thinking("gemini-2.5-flash", thinkingBudget=0, includeThoughts=True), "include_thoughts is only enabled when thinking is enabled"),
    ("2.0 thinks not", thinking("gemini-2.0-flash", thinkingBudget=100), "Thinking budget is not supported"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(up: ScriptedUpstream, fields: dict[str, Any], words: str) -> None:
    response = generate(up, **fields)
    assert response.status == 400, response.body
    error = response.json["error"]
    assert words in error["message"]
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    assert len(up.refused) == 1
    assert generate(up, stream=True, **fields).json == response.json


ACCEPTED: dict[str, dict[str, Any]] = {
    "plain": {},
    "role missing": spoken({"parts": [TEXT]}),
    "single objects for lists": {"contents": {"parts": TEXT}, "tools": GEMINI_TOOL, "systemInstruction": {"parts": TEXT}},
    "snake case": {"generation_config": {"max_output_tokens": 9, "stop_sequences": ["x"]}, "system_instruction": user()},
    "mixed within one object": spoken(user({"inlineData": {"data": PNG, "mime_type": "image/png"}})),
    "numbers as text, nulls": config(maxOutputTokens="9", temperature=None, topK=5.0),
    "lower case types and modes": {"tools": [function(parameters={"type": "object", "properties": {}})], **choosing(mode="any")},
    "URL-safe base64": spoken(user(blob("image/png", PNG.replace("+", "-").replace("/", "_").rstrip("=")))),
    "any JSON Schema": {"tools": [function(parametersJsonSchema={**TOOL_SCHEMA, "$schema": "x", "additionalProperties": False, "$defs": {}})]},
    "a property named like a keyword": classic(const={"type": "STRING"}, title={"type": "STRING"}),
    "loop": loop(model(TEXT, CALL), user(RESPONSE)),
    "loop in a function role": loop(model(CALL), {"role": "function", "parts": [RESPONSE]}),
    "parallel, in another order, and text": loop(model(CALL, {"functionCall": {"name": "g"}}), user({"functionResponse": {"name": "g", "response": {}}}, RESPONSE, TEXT)),
    "a replayed stream": loop(model(CALL), model({"text": ""}), user(RESPONSE), user(TEXT)),
    "an id invented by the client": loop(model(CALL), user({"functionResponse": {**RESPONSE["functionResponse"], "id": "mine"}})),
    "an id not echoed": loop(model({"functionCall": {**CALL["functionCall"], "id": "a"}}), user(RESPONSE)),
    "two users": spoken(user(), user()),
    "prefill": spoken(user(), model()),
    "media": spoken(user(blob("image/png"), blob("audio/wav"), blob("video/mp4"), {"fileData": {"fileUri": FILES}}, {"fileData": {"fileUri": "https://youtu.be/x"}})),
    "functions and search on 3": {"model": "gemini-3.5-flash", "tools": [GEMINI_TOOL, SEARCH]},
    "functions and JSON on 3": {"model": "gemini-3.5-flash", "tools": [GEMINI_TOOL], **config(responseMimeType="application/json")},
    "only search on 2.5": {"model": "gemini-2.5-flash", "tools": [SEARCH]},
    "budget on 3": thinking("gemini-3.5-flash", thinkingBudget=1024),
    "level": thinking("gemini-3-pro-preview", thinkingLevel="high", include_thoughts=True),
    "dynamic budget": thinking("gemini-2.5-pro", thinkingBudget=-1),
    "off": thinking("gemini-2.5-flash", thinkingBudget=0),
    "off where there is none": thinking("gemini-2.0-flash", thinkingBudget=0),
    "safety": {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}], "serviceTier": "flex"},
    "lenient": {"model": "any+lenient", "foo": 1, **spoken(user({"text": "x", "bar": 2}))},
    "unchecked": {"model": "any+unchecked", **config(temperature=9)},
}  # fmt: skip


@pytest.mark.parametrize("case", ACCEPTED)
def test_accepted(up: ScriptedUpstream, case: str) -> None:
    response = generate(up, **ACCEPTED[case])
    assert response.status == 200, response.body
    up.assert_all_valid()


def test_all_misfits_are_named_at_once(up: ScriptedUpstream) -> None:
    error = generate(up, foo=1, **spoken(user({"text": "x", "bar": 1}))).json["error"]
    assert error["message"].count("Cannot find field.") == 2
    (details,) = error["details"]
    assert details["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    assert [each["field"] for each in details["fieldViolations"]] == ["contents[0].parts[0]", ""]


def test_every_form_in_the_vendor_s_types_is_known() -> None:
    seen: set[Any] = set()
    waiting: list[Any] = [GENERATE, EMBED_MANY]
    while waiting:
        kind, inside = form_of(waiting.pop())
        if kind == "union":
            waiting += inside
        elif kind in ("list", "map"):
            waiting.append(inside)
        elif kind == "message" and inside not in seen:
            seen.add(inside)
            waiting += [hint for _, hint in DICTIONARY.message(inside).fields.values()]
    assert len(seen) > 40


def test_a_cached_content_nobody_made(up: ScriptedUpstream) -> None:
    response = generate(up, cachedContent="cachedContents/abc")
    assert (response.status, response.json["error"]["status"]) == (404, "NOT_FOUND")


def test_credentials() -> None:
    with ScriptedUpstream("gemini", keys=["good-key"]) as up:
        wrong = generate(up, key="bad-key")
        assert (wrong.status, wrong.json["error"]["status"]) == (400, "INVALID_ARGUMENT")
        assert wrong.message == "API key not valid. Please pass a valid API key."
        assert wrong.json["error"]["details"][0]["reason"] == "API_KEY_INVALID"
        missing = send(up, "/v1beta/models/m:generateContent", spoken(user()))
        assert (missing.status, missing.json["error"]["status"]) == (403, "PERMISSION_DENIED")
        assert generate(up, key="good-key").status == 200
        in_query = send(up, "/v1beta/models/m:generateContent?key=good-key", spoken(user()))
        assert in_query.status == 200
        assert up.last.account == "good-key"


def test_count_tokens_follows_the_same_rules(up: ScriptedUpstream) -> None:
    asked = spoken(user(), systemInstruction=user(), tools=[GEMINI_TOOL])
    prompted = generate(up, **asked).json["usageMetadata"]["promptTokenCount"]
    whole = {"model": "models/any-model", **asked}
    counted = generate(up, verb="countTokens", contents=..., generateContentRequest=whole)
    assert counted.json["totalTokens"] == prompted
    assert 0 < generate(up, verb="countTokens").json["totalTokens"] < prompted
    assert up.calls_of("any-model") == up.calls
    for fields, words in (
        ({"contents": []}, "contents is not specified"),
        ({"tools": []}, 'Unknown name "tools"'),
        ({"generateContentRequest": whole}, "cannot be set together"),
        ({"contents": ..., "generateContentRequest": asked}, "unexpected model name format"),
        ({"contents": ..., "generateContentRequest": {**whole, "tools": [{}]}}, "tool_type"),
    ):
        assert words in generate(up, verb="countTokens", **fields).message


def test_embeddings(up: ScriptedUpstream) -> None:
    base = "gemini-embedding-001"
    one = generate(up, model=base, verb="embedContent", contents=..., content=user())
    wide = {
        "model": f"models/{base}",
        "content": user(),
        "taskType": "CLUSTERING",
        "outputDimensionality": 16,
    }
    many = generate(
        up,
        model=base,
        verb="batchEmbedContents",
        contents=...,
        requests=[wide, {**wide, "content": user({"text": "y"})}],
    )
    first, second = (each["values"] for each in many.json["embeddings"])
    assert one.json["embedding"]["values"] == first[:8]
    assert (len(first), len(second)) == (16, 16)
    assert first != second
    up.assert_all_valid()
    for fields, words in (
        ({"requests": []}, "requests is not specified"),
        ({"requests": [{**wide, "model": "models/other"}]}, "requests[0].model: model must match"),
        ({"requests": [wide] * 101}, "at most 100 requests can be in one batch"),
        ({"requests": [{**wide, "task": "x"}]}, "Unknown name \"task\" at 'requests[0]'"),
        ({"requests": [{**wide, "taskType": "x"}]}, "task_type"),
        (
            {"requests": [{**wide, "content": {"parts": []}}]},
            "requests[0].content: contents is not specified",
        ),
        ({"requests": [{**wide, "outputDimensionality": 0}]}, "output_dimensionality"),
    ):
        assert words in generate(up, model=base, verb="batchEmbedContents", contents=..., **fields).message
    assert len(up.refused) == 7


def test_models_are_paged_and_share_their_address() -> None:
    with ScriptedUpstream(models=["a", "b", "c"]) as up:
        header = {"x-goog-api-key": "k"}
        first = send(up, "/v1beta/models?pageSize=2", method="GET", headers=header).json
        assert [row["name"] for row in first["models"]] == ["models/a", "models/b"]
        rest = send(
            up, f"/v1/models?pageSize=2&pageToken={first['nextPageToken']}", method="GET", headers=header
        )
        assert [row["name"] for row in rest.json["models"]] == ["models/c"]
        assert "nextPageToken" not in rest.json
        assert send(up, "/v1beta/models/b?key=k", method="GET").json["displayName"] == "B"
        missing = send(up, "/v1/models/z", method="GET", headers=header)
        assert (missing.status, missing.json["error"]["status"]) == (404, "NOT_FOUND")
        assert missing.message.startswith("models/z is not found for API version v1beta")
        assert send(up, "/v1/models", method="GET").json["object"] == "list"


def test_addresses() -> None:
    with ScriptedUpstream(strict_models=True, models=["a"]) as up:
        for version in ("v1", "v1beta"):
            for key in ("", "?key=k"):
                response = send(
                    up,
                    f"/{version}/models/a:generateContent{key}",
                    spoken(user()),
                    headers={"x-goog-api-key": "k"},
                )
                assert response.status == 200
        assert up.gemini_url == f"{up.url}/v1beta"
        assert generate(up, model="b").json["error"]["status"] == "NOT_FOUND"
        assert generate(up, model="a", verb="predict").json["error"]["status"] == "NOT_FOUND"
        assert "alt" in generate(up, model="a", stream=True, query="?alt=xml").json[0]["error"]["message"]
