"""Google's own SDK straight against the upstream: what works here works at the vendor."""

import enum
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pydantic
import pytest
from google import genai
from google.genai import errors, types

from tests.upstreams import Answer, Call, ScriptedUpstream, Thought

MODEL = "gemini-3.5-flash"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


class City(pydantic.BaseModel):
    city: str
    people: int


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"18 degrees in {city}"


def made(up: ScriptedUpstream, **options: Any) -> genai.Client:
    return genai.Client(api_key="key-1", http_options=types.HttpOptions(base_url=up.url, **options))


@pytest.fixture
def client(up: ScriptedUpstream) -> Iterator[genai.Client]:
    with made(up) as sdk:
        yield sdk


@pytest.fixture
async def async_client(up: ScriptedUpstream) -> AsyncIterator[Any]:
    async with made(up).aio as sdk:
        yield sdk


def config(**fields: Any) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(**fields)


SHOW = types.ThinkingConfig(include_thoughts=True)
CASES: dict[str, dict[str, Any]] = {
    "text": {"contents": "hello there"},
    "many scripts": {"contents": "Grüße 你好 \u2028 end"},
    "system": {"contents": "hi", "config": config(system_instruction="be terse")},
    "thoughts": {"contents": "hi", "config": config(thinking_config=SHOW)},
    "stop": {"contents": "one two three", "config": config(stop_sequences=["three"])},
    "length": {"model": "any", "contents": "one two three", "config": config(max_output_tokens=2)},
    "2.5": {"model": "gemini-2.5-pro", "contents": "hi", "config": config(thinking_config=SHOW)},
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("version", [None, "v1beta"], ids=["the SDK's version", "v1beta"])
def test_stream_and_whole_agree(up: ScriptedUpstream, case: str, version: str | None) -> None:
    with made(up, api_version=version) as client:
        fields: dict[str, Any] = {"model": MODEL, **CASES[case]}
        whole = client.models.generate_content(**fields)
        chunks = list(client.models.generate_content_stream(**fields))
    assert "".join(chunk.text or "" for chunk in chunks) == whole.text
    assert chunks[-1].usage_metadata == whole.usage_metadata
    assert chunks[-1].response_id == whole.response_id
    reasons = [
        candidate.finish_reason for chunk in (chunks[-1], whole) for candidate in chunk.candidates or ()
    ]
    assert len(set(reasons)) == 1
    up.assert_all_valid()


@pytest.mark.parametrize("scenario", ["cut-1", "cut-7", "cut-random-3", "quirk-cr", "quirk-finish-early"])
def test_the_sdk_reads_any_cut(client: genai.Client, scenario: str) -> None:
    chunks = client.models.generate_content_stream(model=f"any+unicode+{scenario}", contents="hi")
    whole = client.models.generate_content(model="any+unicode", contents="hi")
    assert "".join(chunk.text or "" for chunk in chunks) == whole.text


def test_thoughts_are_told_apart(client: genai.Client) -> None:
    answer = client.models.generate_content(model=MODEL, contents="hi", config=config(thinking_config=SHOW))
    thought, said = answer.parts or ()
    assert thought.thought is True
    assert said.thought_signature
    assert answer.text == "You said: hi"
    assert answer.usage_metadata
    assert answer.usage_metadata.thoughts_token_count


def test_a_tool_loop_by_hand(client: genai.Client, up: ScriptedUpstream) -> None:
    tool = types.Tool(
        function_declarations=[
            types.FunctionDeclaration(
                name="get_weather",
                parameters=types.Schema(
                    type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)}
                ),
            )
        ]
    )
    contents: list[Any] = [types.UserContent("use the tool in three steps: weather in two cities")]
    for _ in range(3):
        answer = client.models.generate_content(model=MODEL, contents=contents, config=config(tools=[tool]))
        calls = answer.function_calls or []
        assert [bool(part.thought_signature) for part in answer.parts or ()] == [True, False]
        contents.append((answer.candidates or [])[0].content)
        results = [types.FunctionResponse(id=c.id, name=c.name, response={"result": "18"}) for c in calls]
        contents.append(types.UserContent([types.Part(function_response=result) for result in results]))
    answer = client.models.generate_content(model=MODEL, contents=contents, config=config(tools=[tool]))
    assert answer.text == "get_weather said: 18; get_weather said: 18"
    assert answer.function_calls is None
    up.assert_all_valid()
    contents[1].parts[0].thought_signature = None
    with pytest.raises(errors.ClientError, match="missing a thought_signature"):
        client.models.generate_content(model=MODEL, contents=contents, config=config(tools=[tool]))
    contents[1].parts[0].thought_signature = b"skip_thought_signature_validator"
    assert client.models.generate_content(model=MODEL, contents=contents, config=config(tools=[tool])).text
    assert up.last.bypasses == 1


@pytest.mark.parametrize("model", [MODEL, "gemini-2.5-flash", "any"])
def test_a_chat_calls_functions_by_itself(client: genai.Client, up: ScriptedUpstream, model: str) -> None:
    chat = client.chats.create(model=model, config=config(tools=[get_weather]))
    answer = chat.send_message("What is the weather in two cities?")
    expected = "get_weather said: 18 degrees in Paris; get_weather said: 18 degrees in Rome"
    assert answer.text == expected
    streamed = list(chat.send_message_stream("And again in three steps, the weather in two cities?"))
    assert "get_weather said:" in "".join(chunk.text or "" for chunk in streamed)
    assert chat.send_message("thanks").text == "You said: thanks"
    assert [received.status for received in up.calls] == [200] * 7
    up.assert_all_valid()


def test_media(client: genai.Client) -> None:
    picture = types.Part.from_bytes(data=PNG, mime_type="image/png")
    video = types.Part.from_uri(file_uri="https://youtu.be/x", mime_type="video/mp4")
    answer = client.models.generate_content(model=MODEL, contents=["look", picture, video])
    assert answer.text
    assert "Seen: image/png of 48 bytes sha256:" in answer.text
    assert "Seen: video/mp4 at https://youtu.be/x" in answer.text
    with pytest.raises(errors.ClientError, match="Unsupported MIME type"):
        client.models.generate_content(
            model=MODEL, contents=[types.Part.from_bytes(data=PNG, mime_type="image/gif")]
        )


@pytest.mark.parametrize(
    ("field", "schema"),
    [
        ("response_schema", City),
        ("response_json_schema", City.model_json_schema()),
        ("response_schema", list[City]),
    ],
    ids=["a class", "raw JSON Schema", "a list of a class"],
)
def test_structured_output(client: genai.Client, up: ScriptedUpstream, field: str, schema: Any) -> None:
    fields = config(response_mime_type="application/json", **{field: schema})
    answer = client.models.generate_content(model=MODEL, contents="who", config=fields)
    parsed: Any = answer.parsed
    one: Any = parsed[0] if isinstance(parsed, list) else parsed
    assert one in (City(city="Paris", people=7), {"city": "Paris", "people": 7})
    up.assert_all_valid()


def test_an_enum_as_output(client: genai.Client) -> None:
    fields = config(response_mime_type="text/x.enum", response_schema=Colour)
    assert client.models.generate_content(model=MODEL, contents="which", config=fields).parsed == Colour.RED


def test_blocked_and_filtered(client: genai.Client) -> None:
    blocked = client.models.generate_content(model="any+refusal", contents="hi")
    assert blocked.prompt_feedback
    assert blocked.prompt_feedback.block_reason == types.BlockedReason.PROHIBITED_CONTENT
    assert blocked.text is None
    filtered = client.models.generate_content(model="any+content-filter", contents="hi")
    assert (filtered.candidates or [])[0].finish_reason == types.FinishReason.SAFETY


def test_count_tokens_and_embeddings(client: genai.Client, up: ScriptedUpstream) -> None:
    assert client.models.count_tokens(model=MODEL, contents="hi").total_tokens == 4
    fields = types.EmbedContentConfig(output_dimensionality=12, task_type="RETRIEVAL_QUERY")
    embedded = client.models.embed_content(model="gemini-embedding-001", contents=["a", "b"], config=fields)
    first, second = embedded.embeddings or ()
    assert len(first.values or ()) == 12
    assert first.values != second.values
    assert up.last.path.endswith(":batchEmbedContents")
    up.assert_all_valid()


def test_models(client: genai.Client, up: ScriptedUpstream) -> None:
    names = [model.name for model in client.models.list(config={"page_size": 2})]
    assert names[:2] == ["models/gemini-3-pro-preview", "models/gemini-3.5-flash"]
    assert len(names) > 2
    assert all((name or "").startswith("models/gemini") for name in names)
    assert len(up.requests) == (len(names) + 1) // 2
    one = client.models.get(model="gemini-2.5-pro")
    assert (one.input_token_limit, one.supported_actions) == (1_048_576, ["generateContent", "countTokens"])
    with pytest.raises(errors.ClientError) as caught:
        client.models.get(model="gemini-none")
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")


ERRORS: dict[str, tuple[type[errors.APIError], int]] = {
    "fault-400": (errors.ClientError, 400),
    "fault-401": (errors.ClientError, 401),
    "fault-403": (errors.ClientError, 403),
    "fault-404": (errors.ClientError, 404),
    "fault-429": (errors.ClientError, 429),
    "fault-500": (errors.ServerError, 500),
    "fault-503": (errors.ServerError, 503),
    "fault-html": (errors.ServerError, 502),
    "sixty-words+fault-midstream-error": (errors.ServerError, 503),
    "fault-200-error-first-event": (errors.ServerError, 503),
}


@pytest.mark.parametrize("model", ERRORS)
def test_errors_become_the_sdk_s_exceptions(client: genai.Client, model: str) -> None:
    kind, code = ERRORS[model]
    with pytest.raises(kind) as caught:
        list(client.models.generate_content_stream(model=model, contents="one two three"))
    assert caught.value.code == code
    assert caught.value.message


def test_a_wrong_key() -> None:
    with ScriptedUpstream("gemini", keys=["other"]) as up, made(up) as client:
        with pytest.raises(errors.ClientError, match="API key not valid") as caught:
            client.models.generate_content(model=MODEL, contents="hi")
        assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")


def test_scripted_answers_go_out_in_the_dialect(client: genai.Client, up: ScriptedUpstream) -> None:
    call = Call(name="f", arguments='{"a": 1}', id="x")
    up.script([Answer(text="first", thoughts=(Thought(text="hm"),), calls=(call,))])
    answer = client.models.generate_content(model="any+quirk-call-ids", contents="hi")
    assert [part.thought for part in answer.parts or ()] == [True, None, None]
    (made_call,) = answer.function_calls or ()
    assert (made_call.id, made_call.name, made_call.args) == ("x", "f", {"a": 1})


# The SDK subclasses its HTTP client's session, of which that client complains.
@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
async def test_the_async_client(async_client: Any, up: ScriptedUpstream) -> None:
    chunks = [c async for c in await async_client.models.generate_content_stream(model=MODEL, contents="hi")]
    assert "".join(chunk.text or "" for chunk in chunks) == "You said: hi"
    chat = async_client.chats.create(model=MODEL, config=config(tools=[get_weather]))
    answer = await chat.send_message("use the tool")
    assert answer.text == "get_weather said: 18 degrees in Paris"
    assert (await async_client.models.count_tokens(model=MODEL, contents="hi")).total_tokens == 4
    up.assert_all_valid()
