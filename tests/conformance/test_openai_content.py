"""OpenAI's SDK: structured output, images, documents, cache marks."""

import json
from typing import Any

import openai
import pydantic
import pytest

from tests.conformance.cells import OpenAICell
from tests.conformance.house import House
from tests.conformance.samples import OPENAI_TOOL, PDF, PNG, b64, seen, streamed_completion, user


class City(pydantic.BaseModel):
    city: str
    people: int
    twins: list[str]


class Bounded(pydantic.BaseModel):
    """Limits that Anthropic's grammar does not take, so that they must move."""

    name: str = pydantic.Field(min_length=3, max_length=20)
    age: int = pydantic.Field(ge=0, le=150)


PARIS = City(city="Paris", people=7, twins=["twins 1"])


def test_parse(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    fields: Any = {"model": chat_cell.model(), "messages": user("who"), "response_format": City}
    made = chat_sdk.chat.completions.parse(**fields)
    assert made.choices[0].message.parsed == PARIS
    assert made.choices[0].finish_reason == "stop"
    with chat_sdk.chat.completions.stream(**fields) as stream:
        assert stream.get_final_completion().choices[0].message.parsed == PARIS


def test_parse_by_its_older_name(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    fields: Any = {"model": chat_cell.model(), "messages": user("who"), "response_format": City}
    assert chat_sdk.beta.chat.completions.parse(**fields).choices[0].message.parsed == PARIS
    with chat_sdk.beta.chat.completions.stream(**fields) as stream:
        kinds = [event.type for event in stream]
        assert stream.get_final_completion().choices[0].message.parsed == PARIS
    assert kinds[-1] == "content.done"
    assert "content.delta" in kinds


def test_parse_with_limits(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    made = chat_sdk.chat.completions.parse(
        model=chat_cell.model(), messages=user("who"), response_format=Bounded
    )
    parsed = made.choices[0].message.parsed
    assert parsed is not None
    assert (parsed.name, parsed.age) == ("name 1", 7)


def test_parsed_tool_arguments(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    tool = openai.pydantic_function_tool(City, name="note_city")
    fields: Any = {"model": chat_cell.model(), "messages": user("use the tool"), "tools": [tool]}
    (call,) = chat_sdk.chat.completions.parse(**fields).choices[0].message.tool_calls or ()
    assert call.function.parsed_arguments == PARIS
    with chat_sdk.chat.completions.stream(**fields) as stream:
        (streamed,) = stream.get_final_completion().choices[0].message.tool_calls or ()
    assert streamed.function.parsed_arguments == PARIS


async def test_parse_async(async_chat_sdk: openai.AsyncOpenAI, chat_cell: OpenAICell) -> None:
    made = await async_chat_sdk.chat.completions.parse(
        model=chat_cell.model(), messages=user("who"), response_format=City
    )
    assert made.choices[0].message.parsed == PARIS


def test_a_schema_by_hand(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    """Not strict, without `additionalProperties`, beside tools that are not called."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    chosen: Any = {"type": "json_schema", "json_schema": {"name": "count", "schema": schema}}
    tools: Any = [OPENAI_TOOL]
    raw = chat_sdk.chat.completions.with_raw_response.create(
        model=chat_cell.model(), messages=user("who"), response_format=chosen, tools=tools
    )
    if chat_cell.account == "gemini":  # this line of its models takes no format beside tools
        assert "response_format" in chat_cell.lost(raw.headers)
        assert json.dumps(schema, separators=(",", ":")) in str(chat_cell.up.last.json["systemInstruction"])
        return
    assert json.loads(raw.parse().choices[0].message.content or "") == {"n": 7}


def test_json_mode(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    made = chat_sdk.chat.completions.create(
        model=chat_cell.model(), messages=user("answer in json"), response_format={"type": "json_object"}
    )
    if chat_cell.account == "claude":  # it has no such mode
        sent = chat_cell.up.last.json
        assert "JSON" in str(sent.get("system", "")) or sent.get("output_config"), "JSON mode vanished"
        return
    assert json.loads(made.choices[0].message.content or "") == {"answer": "yes", "number": 7}


def test_media(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    parts: list[Any] = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{b64(PNG)}", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {
            "type": "file",
            "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{b64(PDF)}"},
        },
    ]
    fields: Any = {"model": chat_cell.model(), "messages": user(parts)}
    if chat_cell.account == "gemini":  # it opens no addresses, so that one is refused and never left out
        with pytest.raises(openai.BadRequestError, match=r"content\[2\]"):
            chat_sdk.chat.completions.create(**fields)
        del parts[2]
    made = chat_sdk.chat.completions.create(**fields)
    assert made.choices[0].message.content == "\n".join(
        [
            "You said: look",
            *(["a.pdf"] if chat_cell.account == "gemini" else []),  # no place for a file's name but a text
            seen("image/png", PNG),
            *([] if chat_cell.account == "gemini" else ["Seen: url at https://example.com/a.png"]),
            seen("application/pdf", PDF),
        ]
    )
    assert (
        streamed_completion(chat_sdk, **fields).choices[0].message.content == made.choices[0].message.content
    )


def test_an_image_of_a_kind_nobody_takes(chat_sdk: openai.OpenAI, chat_cell: OpenAICell) -> None:
    """All vendors refuse a TIFF; the refusal reaches the caller as a 400 that names the place."""
    chat_cell.house.refusals_meant = True
    parts: list[Any] = [{"type": "image_url", "image_url": {"url": "data:image/tiff;base64,SUkqAAgAAAA="}}]
    with pytest.raises(openai.BadRequestError) as caught:
        chat_sdk.chat.completions.create(model=chat_cell.model(), messages=user(parts))
    told = caught.value.message.lower()
    assert any(word in told for word in ("tiff", "media_type", "supported image formats"))


def test_audio_is_refused_where_nobody_hears(house: House) -> None:
    cell = OpenAICell(house, "claude")
    parts: list[Any] = [{"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}]
    with cell.client() as sdk, pytest.raises(openai.BadRequestError) as caught:
        sdk.chat.completions.create(model=cell.model(), messages=user(parts))
    assert "audio" in caught.value.message
    assert (caught.value.param or "").startswith("messages")
    assert not house.claude.requests


@pytest.mark.parametrize("ttl", ["5m", "1h"])
def test_anthropic_s_cache_marks_pass_from_a_chat_client(house: House, ttl: str) -> None:
    """Chat clients write Anthropic's marks into their parts; each keeps its place and its lifetime."""
    cell = OpenAICell(house, "claude")
    mark = {"type": "ephemeral", "ttl": ttl}
    messages: list[Any] = [
        {"role": "system", "content": [{"type": "text", "text": "rules " * 400, "cache_control": mark}]},
        {"role": "user", "content": [
            {"type": "text", "text": "a book", "cache_control": mark},
            {"type": "text", "text": "a question"},
        ]},
    ]  # fmt: skip
    tools: Any = [OPENAI_TOOL, {**OPENAI_TOOL, "function": {"name": "last"}, "cache_control": mark}]
    with cell.client() as sdk:
        made = sdk.chat.completions.create(model=cell.model(), messages=messages, tools=tools)
    sent = house.claude.last.json
    assert [tool.get("cache_control") for tool in sent["tools"]] == [None, mark]
    assert [block.get("cache_control") for block in sent["system"]] == [mark]
    assert [block.get("cache_control") for block in sent["messages"][0]["content"]] == [mark, None]
    assert made.usage is not None
    details: Any = made.usage.prompt_tokens_details
    assert details.cache_write_tokens > 0
    assert details.cached_tokens == 0
    assert made.usage.prompt_tokens > details.cache_write_tokens
