"""OpenAI's own SDK straight against the upstream: what works here works at the vendor."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import openai
import pydantic
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

from tests.unit.upstreams.plain import OPENAI_TOOL
from tests.upstreams import Answer, Call, ScriptedUpstream


class City(pydantic.BaseModel):
    city: str
    people: int
    twins: list[str]


@pytest.fixture
def client(up: ScriptedUpstream) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=up.openai_url, api_key="key-1", max_retries=0) as sdk:
        yield sdk


@pytest.fixture
async def async_client(up: ScriptedUpstream) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=up.openai_url, api_key="key-1", max_retries=0) as sdk:
        yield sdk


def user(text: Any) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": text}]


def streamed(client: openai.OpenAI, **fields: Any) -> ChatCompletion:
    options: Any = {"include_usage": True}
    with client.chat.completions.stream(stream_options=options, **fields) as stream:
        return stream.get_final_completion()


def essence(completion: ChatCompletion) -> Any:
    """What a stream and its JSON twin must agree on."""
    choices: list[Any] = []
    for choice in completion.choices:
        message = choice.message
        extra = message.model_extra or {}
        calls = [
            (call.id, call.function.name, call.function.arguments)
            for call in message.tool_calls or []
            if call.type == "function"
        ]
        said = message.content or None
        thought = extra.get("reasoning_content")
        choices.append((choice.index, choice.finish_reason, said, message.refusal, calls, thought))
    usage = completion.usage.model_dump() if completion.usage else None
    return completion.id, completion.model, choices, usage


CASES: dict[str, dict[str, Any]] = {
    "text": {"messages": user("hello there")},
    "many scripts": {"messages": user("Grüße 你好 👩‍👩‍👧‍👦 \u2028 end")},
    "system": {"messages": [{"role": "system", "content": "be terse"}, *user("hi")]},
    "one tool": {"messages": user("use the tool"), "tools": [OPENAI_TOOL]},
    "two calls": {"messages": user("weather in two cities"), "tools": [OPENAI_TOOL]},
    "text and call": {"messages": user("use the tool and explain"), "tools": [OPENAI_TOOL]},
    "no parallel": {"messages": user("two cities"), "tools": [OPENAI_TOOL], "parallel_tool_calls": False, "tool_choice": "required"},
    "choices": {"messages": user("hi"), "n": 2},
    "refusal": {"model": "any+refusal", "messages": user("hi")},
    "reasoning": {"model": "any+reasoning", "messages": user("hi")},
    "hidden reasoning": {"model": "o4-mini", "messages": user("hi")},
    "stop": {"messages": user("one two three"), "stop": ["three"]},
    "cached": {"messages": [*user("hi"), {"role": "assistant", "content": "x"}, *user("more")], "prompt_cache_key": "k"},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_stream_and_whole_agree(client: openai.OpenAI, up: ScriptedUpstream, case: str) -> None:
    fields: dict[str, Any] = {"model": "any-model", **CASES[case]}
    whole = client.chat.completions.create(**fields)
    assert essence(streamed(client, **fields)) == essence(whole)
    up.assert_all_valid()


@pytest.mark.parametrize(
    "scenario", ["cut-1", "cut-7", "cut-random-3", "quirk-crlf", "quirk-comments", "quirk-bom"]
)
def test_the_sdk_reads_any_cut(client: openai.OpenAI, scenario: str) -> None:
    fields: dict[str, Any] = {"model": f"any+unicode+{scenario}", "messages": user("hi")}
    whole = client.chat.completions.create(**fields)
    assert essence(streamed(client, **fields)) == essence(whole)


def test_a_tool_loop(client: openai.OpenAI, up: ScriptedUpstream) -> None:
    tools: Any = [OPENAI_TOOL]
    history: list[Any] = user("What is the weather in two cities?")
    first = client.chat.completions.create(model="any", messages=history, tools=tools).choices[0]
    assert first.finish_reason == "tool_calls"
    calls = first.message.tool_calls or []
    assert [json.loads(c.function.arguments) for c in calls if c.type == "function"] == [
        {"city": "Paris"},
        {"city": "Rome"},
    ]
    history.append(first.message.model_dump(exclude_none=True, exclude={"annotations"}))
    history += [{"role": "tool", "tool_call_id": c.id, "content": f"{20 + i}"} for i, c in enumerate(calls)]
    last = client.chat.completions.create(model="any", messages=history, tools=tools).choices[0]
    assert last.message.content == "get_weather said: 20; get_weather said: 21"
    up.assert_all_valid()


@pytest.mark.parametrize(
    "choice", ["none", "required", {"type": "function", "function": {"name": "get_weather"}}]
)
def test_tool_choice(client: openai.OpenAI, choice: Any) -> None:
    tools: Any = [OPENAI_TOOL]
    made = client.chat.completions.create(
        model="m", messages=user("weather"), tools=tools, tool_choice=choice
    )
    assert bool(made.choices[0].message.tool_calls) is (choice != "none")


def test_custom_tools_and_legacy_functions(client: openai.OpenAI) -> None:
    tools: Any = [{"type": "custom", "custom": {"name": "shell"}}]
    made = client.chat.completions.create(model="m", messages=user("use the tool"), tools=tools)
    (call,) = made.choices[0].message.tool_calls or []
    assert call.type == "custom"
    assert call.custom.input == "free text 1"
    functions: Any = [{"name": "f", "parameters": {"type": "object", "properties": {}}}]
    old = client.chat.completions.create(model="m", messages=user("use the tool"), functions=functions)
    assert old.choices[0].finish_reason == "function_call"
    assert old.choices[0].message.function_call is not None


def test_parse(client: openai.OpenAI, up: ScriptedUpstream) -> None:
    parsed = client.chat.completions.parse(model="m", messages=user("who"), response_format=City)
    assert parsed.choices[0].message.parsed == City(city="Paris", people=7, twins=["twins 1"])
    with client.chat.completions.stream(model="m", messages=user("who"), response_format=City) as stream:
        assert stream.get_final_completion().choices[0].message.parsed == parsed.choices[0].message.parsed
    up.assert_all_valid()


def test_images_and_files_arrive_intact(client: openai.OpenAI) -> None:
    data = base64.b64encode(b"%PDF-1.7 and so on").decode()
    parts = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{data}"}},
    ]
    text = client.chat.completions.create(model="m", messages=user(parts)).choices[0].message.content or ""
    assert "Seen: url at https://example.com/a.png" in text
    assert "Seen: application/pdf of 18 bytes sha256:" in text


def test_the_length_stop_and_the_filter(client: openai.OpenAI) -> None:
    made = client.chat.completions.create(model="long-50", messages=user("go"), max_completion_tokens=10)
    assert made.choices[0].finish_reason == "length"
    assert made.usage is not None
    assert made.usage.completion_tokens == 10
    filtered = client.chat.completions.create(model="content-filter", messages=user("go"))
    assert filtered.choices[0].finish_reason == "content_filter"
    with pytest.raises(openai.LengthFinishReasonError):
        client.chat.completions.parse(
            model="long-50", messages=user("go"), response_format=City, max_tokens=1
        )


def test_logprobs_and_citations(client: openai.OpenAI) -> None:
    made = client.chat.completions.create(
        model="any+citations", messages=user("a b"), logprobs=True, top_logprobs=2
    )
    entries = made.choices[0].logprobs
    assert entries is not None
    assert "".join(entry.token for entry in entries.content or []) == made.choices[0].message.content
    assert made.choices[0].message.annotations


def test_usage_comes_only_when_asked(client: openai.OpenAI) -> None:
    for asked in (True, False):
        options: Any = {"stream_options": {"include_usage": True}} if asked else {}
        seen = list(client.chat.completions.create(model="m", messages=user("hi"), stream=True, **options))
        assert [bool(chunk.usage) for chunk in seen] == [False] * (len(seen) - 1) + [asked]
        assert (seen[-1].choices == []) is asked


ERRORS: dict[str, type[openai.APIError]] = {
    "fault-400": openai.BadRequestError,
    "fault-401": openai.AuthenticationError,
    "fault-403": openai.PermissionDeniedError,
    "fault-404": openai.NotFoundError,
    "fault-429": openai.RateLimitError,
    "fault-500": openai.InternalServerError,
    "fault-529": openai.InternalServerError,
    "fault-midstream-error": openai.APIError,
}


@pytest.mark.parametrize("model", ERRORS)
def test_errors_become_the_sdk_s_exceptions(client: openai.OpenAI, model: str) -> None:
    with pytest.raises(ERRORS[model]):
        for _ in client.chat.completions.create(model=model, messages=user("one two three"), stream=True):
            pass


def test_the_sdk_s_own_retry_sees_the_recovery(up: ScriptedUpstream) -> None:
    with openai.OpenAI(base_url=up.openai_url, api_key="key-1", max_retries=2) as client:
        made = client.chat.completions.create(model="fault-503-2-times", messages=user("hi"))
    assert made.choices[0].message.content == "You said: hi"
    assert [received.status for received in up.calls] == [503, 503, 200]


def test_models(client: openai.OpenAI) -> None:
    ids = [model.id for model in client.models.list()]
    assert "acme/chat-large" in ids
    assert client.models.retrieve("gpt-4.1").id == "gpt-4.1"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-none")


async def test_the_async_client(async_client: openai.AsyncOpenAI, up: ScriptedUpstream) -> None:
    whole = await async_client.chat.completions.create(model="m", messages=user("hi"))
    async with async_client.chat.completions.stream(model="m", messages=user("hi")) as stream:
        final = await stream.get_final_completion()
    assert final.choices[0].message.content == whole.choices[0].message.content == "You said: hi"
    assert [model.id async for model in async_client.models.list()]
    up.assert_all_valid()


def test_scripted_answers_go_out_in_the_dialect(client: openai.OpenAI, up: ScriptedUpstream) -> None:
    up.script([Answer(text="first"), Answer(calls=(Call(name="f", arguments='{"a":1}', id="call_x"),))])
    assert (
        client.chat.completions.create(model="m", messages=user("hi")).choices[0].message.content == "first"
    )
    (call,) = streamed(client, model="m", messages=user("hi")).choices[0].message.tool_calls or []
    assert (call.id, cast(Any, call).function.arguments) == ("call_x", '{"a":1}')
    assert client.chat.completions.create(model="m", messages=user("hi")).choices[0].message.content
