"""Anthropic's SDK: structured output, images, documents, betas."""

import json
from typing import Any

import anthropic
import pydantic
import pytest

from tests.conformance.cells import AnthropicCell
from tests.conformance.samples import CLAUDE_TOOL, PDF, PNG, b64, message_said, message_whole, seen, user


class City(pydantic.BaseModel):
    city: str
    people: int
    twins: list[str]


PARIS = City(city="Paris", people=7, twins=["twins 1"])


def test_parse(claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell) -> None:
    fields: Any = {"model": claude_cell.model(), "max_tokens": 500, "messages": user("who")}
    assert claude_sdk.messages.parse(output_format=City, **fields).parsed_output == PARIS
    with claude_sdk.messages.stream(output_format=City, **fields) as stream:
        assert stream.get_final_message().parsed_output == PARIS


async def test_parse_async(async_claude_sdk: anthropic.AsyncAnthropic, claude_cell: AnthropicCell) -> None:
    parsed = await async_claude_sdk.messages.parse(
        model=claude_cell.model(), max_tokens=500, messages=user("who"), output_format=City
    )
    assert parsed.parsed_output == PARIS


def test_a_format_by_hand(claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell) -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    config: Any = {"format": {"type": "json_schema", "schema": schema}}
    made = claude_sdk.messages.create(
        model=claude_cell.model(), max_tokens=50, messages=user("who"), output_config=config
    )
    (text,) = message_said(made)["blocks"]
    assert json.loads(text) == {"n": 7}


def test_media(claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell) -> None:
    content: list[Any] = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": b64(PNG)}},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {
            "type": "document",
            "title": "a.pdf",
            "source": {"type": "base64", "media_type": "application/pdf", "data": b64(PDF)},
        },
        {"type": "text", "text": "look"},
    ]
    opens = claude_cell.account != "gemini"
    fields: Any = {"model": claude_cell.model(), "max_tokens": 500, "messages": user(content)}
    if not opens:  # addresses of the open net are refused, never left out
        with pytest.raises(anthropic.BadRequestError, match=r"content\[1\]"):
            claude_sdk.messages.create(**fields)
        del content[1]
    whole = claude_sdk.messages.create(**fields)
    lines = [
        *(
            ["You said: look"] if opens else ["You said: a.pdf", "look"]
        ),  # no place for a file's name but a text
        seen("image/png", PNG),
        *(["Seen: url at https://example.com/a.png"] if opens else []),
        seen("application/pdf", PDF),
    ]
    assert message_said(whole)["blocks"] == ["\n".join(lines)]
    with claude_sdk.messages.stream(**fields) as stream:
        assert message_whole(stream.get_final_message()) == message_whole(whole)


def test_documents_of_text_and_search_results(
    claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell
) -> None:
    """Where the vendor has no such parts, their text is still read."""
    content: list[Any] = [
        {"type": "document", "title": "Notes", "source": {"type": "text", "media_type": "text/plain", "data": "the plot"}},
        {"type": "search_result", "source": "https://example.com/s", "title": "Found", "content": [{"type": "text", "text": "the find"}]},
        {"type": "text", "text": "look"},
    ]  # fmt: skip
    made = claude_sdk.messages.create(model=claude_cell.model(), max_tokens=500, messages=user(content))
    (text,) = message_said(made)["blocks"]
    assert "look" in text
    if claude_cell.translated:
        assert "the plot" in text
        assert "the find" in text
        assert "https://example.com/s" in text
    else:
        assert seen("text/plain", b"the plot") in text.splitlines()
        assert "Seen: search_result at https://example.com/s" in text.splitlines()


def test_an_image_that_lies_about_its_kind(
    claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell
) -> None:
    """Anthropic refuses a PNG that says JPEG; the refusal reaches the caller unchanged."""
    lying = {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": b64(PNG)}}
    fields: Any = {"model": claude_cell.model(), "max_tokens": 50, "messages": user([lying])}
    if claude_cell.translated:
        assert "image/" in message_said(claude_sdk.messages.create(**fields))["blocks"][0]
        return
    claude_cell.house.refusals_meant = True
    with pytest.raises(anthropic.BadRequestError, match="appears to be image/png"):
        claude_sdk.messages.create(**fields)


def test_betas_and_context_management(claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell) -> None:
    """What Claude Code sends with every request: passed on at home, told as a loss elsewhere."""
    edits: Any = {"edits": [{"type": "clear_thinking_20251015"}]}
    betas: Any = ["context-management-2025-06-27"]
    raw = claude_sdk.beta.messages.with_raw_response.create(
        model=claude_cell.model(), max_tokens=50, messages=user("hi"), context_management=edits, betas=betas
    )
    assert message_said(raw.parse())["blocks"] == ["You said: hi"]
    sent = claude_cell.up.last
    if claude_cell.translated:
        assert "context_management" not in sent.json
        assert sent.header("anthropic-beta") is None
        assert "context_management" in raw.headers["x-flowrouter-losses"].split(",")
    else:
        assert sent.json["context_management"] == edits
        assert "context-management-2025-06-27" in (sent.header("anthropic-beta") or "")


def test_hosted_tools(claude_sdk: anthropic.Anthropic, claude_cell: AnthropicCell) -> None:
    """A tool that the vendor runs exists there alone: elsewhere it is a told loss, and forcing it is refused."""
    hosted: Any = {"type": "web_search_20250305", "name": "web_search"}
    tools: Any = [CLAUDE_TOOL, hosted]
    fields: Any = {"model": claude_cell.model(), "max_tokens": 50, "messages": user("hi"), "tools": tools}
    raw = claude_sdk.messages.with_raw_response.create(**fields)
    assert message_said(raw.parse())["blocks"] == ["You said: hi"]
    if not claude_cell.translated:
        assert claude_cell.up.last.json["tools"] == tools
        return
    sent = str(claude_cell.up.last.json["tools"])
    assert "get_weather" in sent
    assert "earch" not in sent
    assert raw.headers["x-flowrouter-losses"] == "tools[1]"
    with pytest.raises(anthropic.BadRequestError, match="search"):
        claude_sdk.messages.create(tool_choice={"type": "tool", "name": "web_search"}, **fields)
    assert len(claude_cell.up.requests) == 1
