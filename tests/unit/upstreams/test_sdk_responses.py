"""OpenAI's own SDK straight against `/v1/responses`: what works here works at the vendor."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
import pydantic
import pytest
from openai.types.responses import Response

from tests.unit.upstreams.plain import RESPONSES_TOOL, TOOL_SCHEMA
from tests.upstreams import Answer, Call, ScriptedUpstream, Thought

ENCRYPTED: dict[str, Any] = {"store": False, "include": ["reasoning.encrypted_content"]}
SUMMARY: dict[str, Any] = {"reasoning": {"effort": "low", "summary": "auto"}}
CUSTOM: dict[str, Any] = {"type": "custom", "name": "shell"}
NAMESPACE: dict[str, Any] = {
    "type": "namespace",
    "name": "home",
    "description": "",
    "tools": [RESPONSES_TOOL],
}


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


def essence(response: Response) -> dict[str, Any]:
    """All that a stream and its JSON twin must agree on, without what the SDK adds while parsing."""
    whole = response.model_dump(by_alias=True, exclude_unset=True)
    for item in whole["output"]:
        item.pop("parsed_arguments", None)
        for part in item.get("content") or []:
            part.pop("parsed", None)
    return whole


CASES: dict[str, dict[str, Any]] = {
    "text": {"input": "hello there"},
    "many scripts": {"input": "Grüße 你好 👩‍👩‍👧‍👦 \u2028 end"},
    "settings": {"input": "hi", "instructions": "be terse", "temperature": 0, "metadata": {"a": "b"}, "max_output_tokens": 99, "user": "u"},
    "one tool": {"input": "use the tool", "tools": [RESPONSES_TOOL]},
    "two calls": {"input": "weather in two cities", "tools": [RESPONSES_TOOL]},
    "text and call": {"input": "use the tool and explain", "tools": [RESPONSES_TOOL]},
    "no parallel": {"input": "two cities", "tools": [RESPONSES_TOOL], "parallel_tool_calls": False, "tool_choice": "required"},
    "custom": {"input": "use the tool", "tools": [CUSTOM]},
    "namespace": {"input": "use the tool", "tools": [NAMESPACE]},
    "refusal": {"model": "any+refusal", "input": "hi"},
    "summary": {"model": "o4-mini", "input": "hi", **SUMMARY},
    "encrypted": {"model": "gpt-5.2", "input": "use the tool", "tools": [RESPONSES_TOOL], **SUMMARY, **ENCRYPTED},
    "silent reasoning": {"model": "o4-mini", "input": "hi"},
    "open reasoning": {"model": "any+reasoning", "input": "hi"},
    "hidden reasoning": {"model": "gpt-5.2+redacted", "input": "hi", **SUMMARY, **ENCRYPTED},
    "citations": {"model": "any+citations", "input": "hi"},
    "logprobs": {"input": "a b", "top_logprobs": 2, "include": ["message.output_text.logprobs"]},
    "hosted search": {"model": "any+web-search", "input": "hi", "tools": [{"type": "web_search"}]},
    "nothing": {"model": "any+empty", "input": "hi"},
    "cached": {"input": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "x"}, {"role": "user", "content": "more"}], "prompt_cache_key": "k"},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_stream_and_whole_agree(client: openai.OpenAI, up: ScriptedUpstream, case: str) -> None:
    fields: dict[str, Any] = {"model": "any-model", **CASES[case]}
    whole = client.responses.create(**fields)
    with client.responses.stream(**fields) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert essence(final) == essence(whole)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert whole.usage is not None
    assert whole.usage.total_tokens == whole.usage.input_tokens + whole.usage.output_tokens
    up.assert_all_valid()


@pytest.mark.parametrize(
    "scenario",
    ["cut-1", "cut-7", "cut-random-3", "quirk-crlf", "quirk-comments", "quirk-bom", "quirk-no-event-lines", "quirk-done", "quirk-unknown-event", "quirk-only-final"],
)  # fmt: skip
def test_the_sdk_reads_any_cut_and_habit(client: openai.OpenAI, scenario: str) -> None:
    fields: dict[str, Any] = {"model": f"any+unicode+{scenario}", "input": "hi"}
    whole = client.responses.create(**fields)
    with client.responses.stream(**fields) as stream:
        assert essence(stream.get_final_response()) == essence(whole)


def test_a_stateless_tool_loop_with_encrypted_reasoning(client: openai.OpenAI, up: ScriptedUpstream) -> None:
    history: list[Any] = [{"role": "user", "content": "What is the weather in two cities, in two steps?"}]
    asked: dict[str, Any] = {"model": "gpt-5.2", "tools": [RESPONSES_TOOL], **SUMMARY, **ENCRYPTED}
    for _ in range(2):
        made = client.responses.create(input=history, **asked)
        assert [item.type for item in made.output] == ["reasoning", "function_call", "function_call"]
        history += made.output
        history += [
            {"type": "function_call_output", "call_id": item.call_id, "output": "18"}
            for item in made.output
            if item.type == "function_call"
        ]
    last = client.responses.create(input=history, **asked)
    assert last.output_text == "get_weather said: 18; get_weather said: 18"
    up.assert_all_valid()


def test_a_tool_loop_that_the_vendor_remembers(client: openai.OpenAI, up: ScriptedUpstream) -> None:
    asked: dict[str, Any] = {"model": "gpt-5.2", "tools": [RESPONSES_TOOL]}
    first = client.responses.create(input="use the tool", instructions="be terse", **asked)
    call = next(item for item in first.output if item.type == "function_call")
    answered: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "18"}]
    last = client.responses.create(input=answered, previous_response_id=first.id, **asked)
    assert last.output_text == "get_weather said: 18"
    assert last.previous_response_id == first.id
    again = client.responses.create(model="gpt-5.2", input="and now?", previous_response_id=last.id)
    assert again.output_text == "You said: and now?"
    with pytest.raises(openai.BadRequestError, match="No tool output found for function call"):
        client.responses.create(input="well?", previous_response_id=first.id, **asked)
    assert len(up.refused) == 1


def test_items_by_reference(client: openai.OpenAI, up: ScriptedUpstream) -> None:
    first = client.responses.create(model="gpt-5.2", input="hello")
    history: list[Any] = [{"type": "item_reference", "id": item.id} for item in first.output]
    history += [{"role": "user", "content": "more"}]
    assert client.responses.create(model="gpt-5.2", input=history).output_text == "You said: more"
    with pytest.raises(openai.BadRequestError, match="without its required 'reasoning' item"):
        client.responses.create(model="gpt-5.2", input=history[1:])
    with pytest.raises(openai.BadRequestError, match="without its required following item"):
        client.responses.create(model="gpt-5.2", input=[history[0], history[2]])
    assert len(up.refused) == 2


def test_parse(client: openai.OpenAI, up: ScriptedUpstream) -> None:
    parsed = client.responses.parse(model="m", input="who", text_format=City)
    assert parsed.output_parsed == City(city="Paris", people=7, twins=["twins 1"])
    with client.responses.stream(model="m", input="who", text_format=City) as stream:
        assert stream.get_final_response().output_parsed == parsed.output_parsed
    strict = openai.pydantic_function_tool(City, name="get_city")
    called = client.responses.parse(model="m", input="use the tool", tools=[strict])
    (call,) = (item for item in called.output if item.type == "function_call")
    assert call.parsed_arguments == City(city="Paris", people=7, twins=["twins 1"])
    up.assert_all_valid()


def test_custom_and_namespaced_calls(client: openai.OpenAI, up: ScriptedUpstream) -> None:
    made = client.responses.create(model="m", input="use both tools", tools=[CUSTOM, NAMESPACE])  # type: ignore[list-item]
    custom, function = made.output
    assert custom.type == "custom_tool_call"
    assert (custom.name, custom.input) == ("shell", "free text 1")
    assert function.type == "function_call"
    assert (function.namespace, function.name) == ("home", "get_weather")
    history: Any = [
        {"role": "user", "content": "use both tools"},
        *made.output,
        {"type": "custom_tool_call_output", "call_id": custom.call_id, "output": "a.txt"},
        {"type": "function_call_output", "call_id": function.call_id, "output": "18"},
    ]
    last = client.responses.create(model="m", input=history, tools=[CUSTOM, NAMESPACE])  # type: ignore[list-item]
    assert last.output_text == "shell said: a.txt; home__get_weather said: 18"
    up.assert_all_valid()


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("none", []),
        ("required", ["first"]),
        ({"type": "function", "name": "second"}, ["second"]),
        ({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "second"}]}, ["second"]),
    ],
    ids=["none", "required", "named", "allowed"],
)  # fmt: skip
def test_tool_choice(client: openai.OpenAI, choice: Any, called: list[str]) -> None:
    tools: Any = [{**RESPONSES_TOOL, "name": name} for name in ("first", "second")]
    made = client.responses.create(model="m", input="weather", tools=tools, tool_choice=choice)
    assert [item.name for item in made.output if item.type == "function_call"] == called


def test_images_and_files_arrive_intact(client: openai.OpenAI) -> None:
    data = base64.b64encode(b"%PDF-1.7 and so on").decode()
    parts: Any = [
        {"type": "input_text", "text": "look"},
        {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "low"},
        {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{data}"},
    ]
    text = client.responses.create(model="m", input=[{"role": "user", "content": parts}]).output_text
    assert "Seen: url at https://example.com/a.png" in text
    assert "Seen: application/pdf of 18 bytes sha256:" in text


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("long-50", "max_output_tokens"),
        ("context-full", "max_output_tokens"),
        ("content-filter", "content_filter"),
    ],
    ids=["length", "context", "filter"],
)
def test_incomplete_answers(client: openai.OpenAI, model: str, reason: str) -> None:
    fields: dict[str, Any] = {"model": model, "input": "go", "max_output_tokens": 16}
    whole = client.responses.create(**fields)
    assert whole.status == "incomplete"
    assert whole.incomplete_details is not None
    assert whole.incomplete_details.reason == reason
    events = list(client.responses.create(**fields, stream=True))
    assert events[-1].type == "response.incomplete"
    assert essence(events[-1].response) == essence(whole)
    with client.responses.stream(**fields) as stream, pytest.raises(RuntimeError, match="completed"):
        stream.get_final_response()


def test_input_tokens(client: openai.OpenAI) -> None:
    counted = client.responses.input_tokens.count(model="m", input="one two three", instructions="be terse")
    made = client.responses.create(model="m", input="one two three", instructions="be terse")
    assert made.usage is not None
    assert counted.input_tokens == made.usage.input_tokens > 0


ERRORS: dict[str, type[openai.APIError]] = {
    "fault-400": openai.BadRequestError,
    "fault-401": openai.AuthenticationError,
    "fault-403": openai.PermissionDeniedError,
    "fault-404": openai.NotFoundError,
    "fault-429": openai.RateLimitError,
    "fault-500": openai.InternalServerError,
    "fault-529": openai.InternalServerError,
    "any+quirk-nested-error+fault-midstream-error": openai.APIError,
}


@pytest.mark.parametrize("model", ERRORS)
def test_errors_become_the_sdk_s_exceptions(client: openai.OpenAI, model: str) -> None:
    with pytest.raises(ERRORS[model]):
        for _ in client.responses.create(model=model, input="one two three", stream=True):
            pass


@pytest.mark.parametrize(
    ("model", "last"),
    [("fault-midstream-error", "response.failed"), ("any+quirk-error-event+fault-midstream-error", "error")],
    ids=["failed", "error"],
)
def test_errors_inside_a_stream(client: openai.OpenAI, model: str, last: str) -> None:
    events = list(client.responses.create(model=model, input="one two three", stream=True))
    assert events[-1].type == last
    assert [event.sequence_number for event in events] == list(range(len(events)))
    with (
        client.responses.stream(model=model, input="one two three") as stream,
        pytest.raises(RuntimeError, match="completed"),
    ):
        stream.get_final_response()


def test_the_sdk_s_own_retry_sees_the_recovery(up: ScriptedUpstream) -> None:
    with openai.OpenAI(base_url=up.openai_url, api_key="key-1", max_retries=2) as client:
        made = client.responses.create(model="fault-503-2-times", input="hi")
    assert made.output_text == "You said: hi"
    assert [received.status for received in up.calls] == [503, 503, 200]


async def test_the_async_client(async_client: openai.AsyncOpenAI, up: ScriptedUpstream) -> None:
    whole = await async_client.responses.create(model="m", input="hi")
    async with async_client.responses.stream(model="m", input="hi") as stream:
        final = await stream.get_final_response()
    assert final.output_text == whole.output_text == "You said: hi"
    up.assert_all_valid()


def test_scripted_answers_go_out_in_the_dialect(client: openai.OpenAI, up: ScriptedUpstream) -> None:
    call = Call(name="f", arguments='{"a":1}', id="call_x")
    up.script([Answer(text="first", thoughts=(Thought(text="hm"),), calls=(call,))])
    made = client.responses.create(model="m", input="hi", reasoning={"summary": "auto"})
    reasoning, message, function = made.output
    assert reasoning.type == "reasoning"
    assert reasoning.summary[0].text == "hm"
    assert message.type == "message"
    assert function.type == "function_call"
    assert (function.call_id, json.loads(function.arguments)) == ("call_x", {"a": 1})


def test_settings_are_echoed(client: openai.OpenAI) -> None:
    tool: Any = {"type": "function", "name": "f", "parameters": TOOL_SCHEMA}
    made = client.responses.create(
        model="m", input="hi", instructions="be terse", tools=[tool], text={"verbosity": "low"}
    )
    assert (made.instructions, made.temperature, made.parallel_tool_calls) == ("be terse", 1.0, True)
    (echoed,) = made.tools
    assert echoed.type == "function"
    assert echoed.strict is True
    assert made.text is not None
    assert made.text.verbosity == "low"
