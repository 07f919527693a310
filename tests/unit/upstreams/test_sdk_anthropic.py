"""Anthropic's own SDK straight against the upstream: what works here works at the vendor."""

import base64
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anthropic
import pydantic
import pytest
from anthropic import beta_async_tool, beta_tool

from tests.unit.upstreams.plain import ANTHROPIC_TOOL
from tests.upstreams import Answer, Call, ScriptedUpstream, Thought

MODEL = "claude-haiku-4-5"
THINK: Any = {"type": "enabled", "budget_tokens": 1024}


class City(pydantic.BaseModel):
    city: str
    people: int


@pytest.fixture
def client(up: ScriptedUpstream) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=up.url, api_key="key-1", max_retries=0) as sdk:
        yield sdk


@pytest.fixture
async def async_client(up: ScriptedUpstream) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=up.url, api_key="key-1", max_retries=0) as sdk:
        yield sdk


def user(content: Any) -> Any:
    return [{"role": "user", "content": content}]


def essence(message: Any) -> Any:
    """What a stream and its JSON twin must agree on."""
    known = ("type", "text", "thinking", "signature", "data", "id", "name", "input", "citations")
    blocks = [
        {key: item for key, item in block.model_dump().items() if key in known} for block in message.content
    ]
    ending = (message.stop_reason, message.stop_sequence, message.stop_details)
    return message.id, message.model, blocks, ending, message.usage.model_dump()


CASES: dict[str, dict[str, Any]] = {
    "text": {"messages": user("hello there")},
    "many scripts": {"messages": user("Grüße 你好 👩‍👩‍👧‍👦 \u2028 end")},
    "system": {"system": [{"type": "text", "text": "be terse"}], "messages": user("hi")},
    "one tool": {"messages": user("use the tool"), "tools": [ANTHROPIC_TOOL]},
    "two calls": {"messages": user("weather in two cities"), "tools": [ANTHROPIC_TOOL]},
    "text and call": {"messages": user("use the tool and explain"), "tools": [ANTHROPIC_TOOL]},
    "empty input": {"messages": user("use the tool"), "tools": [{"name": "f", "input_schema": {"type": "object"}}]},
    "thinking": {"messages": user("hi"), "thinking": THINK},
    "thinking and calls": {"messages": user("two cities: weather"), "thinking": THINK, "tools": [ANTHROPIC_TOOL]},
    "redacted": {"model": f"{MODEL}+redacted", "messages": user("hi"), "thinking": THINK},
    "omitted": {"model": "claude-opus-5", "messages": user("hi"), "thinking": {"type": "adaptive", "display": "omitted"}},
    "refusal": {"model": "any+refusal", "messages": user("hi")},
    "filter": {"model": "any+content-filter", "messages": user("hi")},
    "paused": {"model": "any+pause-turn", "messages": user("hi")},
    "context full": {"model": "any+context-full", "messages": user("hi")},
    "citations": {"model": "any+citations", "messages": user("hi")},
    "stop": {"messages": user("one two three"), "stop_sequences": ["three"]},
    "length": {"messages": user("one two three"), "max_tokens": 2},
    "cache": {"messages": user([{"type": "text", "text": "x" * 400, "cache_control": {"type": "ephemeral", "ttl": "1h"}}])},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_stream_and_whole_agree(client: anthropic.Anthropic, up: ScriptedUpstream, case: str) -> None:
    fields: dict[str, Any] = {"model": MODEL, "max_tokens": 2000, **CASES[case]}
    whole = client.messages.create(**fields)
    with client.messages.stream(**fields) as stream:
        final = stream.get_final_message()
    assert essence(final) == essence(whole)
    up.assert_all_valid()


@pytest.mark.parametrize(
    "scenario", ["cut-1", "cut-7", "cut-random-3", "quirk-crlf", "quirk-comments", "quirk-pings"]
)
def test_the_sdk_reads_any_cut(client: anthropic.Anthropic, scenario: str) -> None:
    fields: dict[str, Any] = {"model": f"any+unicode+{scenario}", "max_tokens": 2000, "messages": user("hi")}
    whole = client.messages.create(**fields)
    with client.messages.stream(**fields) as stream:
        assert essence(stream.get_final_message()) == essence(whole)


def test_thinking_over_several_turns(client: anthropic.Anthropic, up: ScriptedUpstream) -> None:
    history: list[Any] = user("use the tool in three steps")
    for step in range(4):
        fields: Any = {"model": f"{MODEL}+redacted", "thinking": THINK, "tools": [ANTHROPIC_TOOL]}
        with client.messages.stream(max_tokens=2000, messages=history, **fields) as stream:
            message = stream.get_final_message()
        assert [block.type for block in message.content[:2]] == ["thinking", "redacted_thinking"]
        history.append({"role": "assistant", "content": message.content})
        calls = [block for block in message.content if block.type == "tool_use"]
        assert bool(calls) is (step < 3)
        history += user([{"type": "tool_result", "tool_use_id": call.id, "content": "18"} for call in calls])
    up.assert_all_valid()


def test_usage_of_a_cached_conversation(client: anthropic.Anthropic) -> None:
    marked: Any = [{"type": "text", "text": "x" * 4000, "cache_control": {"type": "ephemeral"}}]
    first = client.messages.create(model=MODEL, max_tokens=50, system=marked, messages=user("hi"))
    assert first.usage.cache_creation_input_tokens
    assert not first.usage.cache_read_input_tokens
    history = [*user("hi"), {"role": "assistant", "content": "x"}, *user("more")]
    second = client.messages.create(model=MODEL, max_tokens=50, system=marked, messages=history)
    assert second.usage.cache_read_input_tokens
    assert not second.usage.cache_creation_input_tokens


def test_images_and_documents_arrive_intact(client: anthropic.Anthropic) -> None:
    pdf = base64.b64encode(b"%PDF-1.7 and so on").decode()
    document = {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": pdf},
    }
    picture = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    content = [document, picture, {"type": "text", "text": "look"}]
    (block,) = client.messages.create(model=MODEL, max_tokens=500, messages=user(content)).content
    assert block.type == "text"
    assert "Seen: application/pdf of 18 bytes sha256:" in block.text
    assert "Seen: url at https://example.com/a.png" in block.text


def test_parse(client: anthropic.Anthropic, up: ScriptedUpstream) -> None:
    parsed = client.messages.parse(model=MODEL, max_tokens=500, messages=user("who"), output_format=City)
    assert parsed.parsed_output == City(city="Paris", people=7)
    with client.messages.stream(
        model=MODEL, max_tokens=500, messages=user("who"), output_format=City
    ) as stream:
        assert stream.get_final_message().parsed_output == parsed.parsed_output
    up.assert_all_valid()


def test_the_tool_runner_goes_on_with_whole_histories(
    client: anthropic.Anthropic, up: ScriptedUpstream
) -> None:
    asked: list[str] = []

    @beta_tool
    def get_weather(city: str) -> str:
        """Tell the weather of a city."""
        asked.append(city)
        return f"18 degrees in {city}"

    runner = client.beta.messages.tool_runner(
        model=MODEL, max_tokens=2000, tools=[get_weather], messages=user("What is the weather in two cities?")
    )
    last = runner.until_done()
    assert asked == ["Paris", "Rome"]
    (block,) = last.content
    assert block.type == "text"
    assert block.text == "get_weather said: 18 degrees in Paris; get_weather said: 18 degrees in Rome"
    statuses = [received.status for received in up.calls]
    assert statuses == [400, 200, 200]
    assert "thread" in up.calls[0].json
    assert "thread" not in up.calls[-1].json
    assert len(up.calls[-1].json["messages"]) == 3


async def test_the_async_client(async_client: anthropic.AsyncAnthropic, up: ScriptedUpstream) -> None:
    @beta_async_tool
    async def get_weather(city: str) -> str:
        """Tell the weather of a city."""
        return f"18 in {city}"

    async with async_client.messages.stream(model=MODEL, max_tokens=50, messages=user("hi")) as stream:
        assert await stream.get_final_text() == "You said: hi"
    runner = async_client.beta.messages.tool_runner(
        model=MODEL, max_tokens=500, tools=[get_weather], messages=user("use the tool")
    )
    last = await runner.until_done()
    assert last.stop_reason == "end_turn"
    counted = await async_client.messages.count_tokens(model=MODEL, messages=user("hi"))
    assert counted.input_tokens == 4
    assert [model.id async for model in async_client.models.list(limit=1)] == list(up.models[-4:])


def test_count_tokens_and_models(client: anthropic.Anthropic) -> None:
    tools: Any = [ANTHROPIC_TOOL]
    few = client.messages.count_tokens(model=MODEL, messages=user("hi")).input_tokens
    many = client.messages.count_tokens(
        model=MODEL, messages=user("hi"), tools=tools, system="x"
    ).input_tokens
    assert many > few
    assert client.beta.messages.count_tokens(model=MODEL, messages=user("hi")).input_tokens == few
    assert client.models.retrieve("claude-opus-5").id == "claude-opus-5"
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("claude-none")


ERRORS: dict[str, type[anthropic.APIStatusError]] = {
    "fault-400": anthropic.BadRequestError,
    "fault-401": anthropic.AuthenticationError,
    "fault-403": anthropic.PermissionDeniedError,
    "fault-404": anthropic.NotFoundError,
    "fault-429": anthropic.RateLimitError,
    "fault-500": anthropic.InternalServerError,
    "fault-529": anthropic.APIStatusError,
    "fault-midstream-error": anthropic.APIStatusError,
}


@pytest.mark.parametrize("model", ERRORS)
def test_errors_become_the_sdk_s_exceptions(client: anthropic.Anthropic, model: str) -> None:
    with (
        pytest.raises(ERRORS[model]) as caught,
        client.messages.stream(model=model, max_tokens=50, messages=user("one two three")) as stream,
    ):
        stream.get_final_message()
    status = 200 if model == "fault-midstream-error" else int(model.removeprefix("fault-"))
    assert caught.value.status_code == status


def test_beta_fields_need_their_header(client: anthropic.Anthropic) -> None:
    edits: Any = {"edits": [{"type": "clear_thinking_20251015"}]}
    betas: Any = ["context-management-2025-06-27"]
    fields: Any = {"model": MODEL, "max_tokens": 50, "messages": user("hi"), "context_management": edits}
    assert client.beta.messages.create(betas=betas, **fields).stop_reason == "end_turn"
    with pytest.raises(anthropic.BadRequestError, match="context_management"):
        client.messages.create(
            model=MODEL, max_tokens=50, messages=user("hi"), extra_body={"context_management": edits}
        )


def test_scripted_answers_go_out_in_the_dialect(client: anthropic.Anthropic, up: ScriptedUpstream) -> None:
    call = Call(name="f", arguments='{"a": 1}', id="toolu_x")
    up.script([Answer(text="first", thoughts=(Thought(text="hm"),), calls=(call,))])
    message = client.messages.create(model=MODEL, max_tokens=50, messages=user("hi"))
    assert [block.type for block in message.content] == ["thinking", "text", "tool_use"]
    assert message.stop_reason == "tool_use"
