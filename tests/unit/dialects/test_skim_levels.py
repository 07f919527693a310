"""The three skim levels agree with the whole reading of a request, for every request vector of every dialect."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.effort import asked_effort
from flowrouter.canonical.head import Texts
from flowrouter.canonical.parts import Document, Image, Part, Text, ToolCall, ToolResult
from flowrouter.canonical.request import Request
from flowrouter.canonical.tools import HostedTool
from flowrouter.dialects import available, codec
from tests.vectors.loader import Vector, each

ANOTHER_COUNT = {
    # A namespace that offers nothing is still told to other dialects as a tool.
    ("tools-namespaces-between-others", "tools"),
    # An effort alone does not switch Anthropic's thinking on.
    ("effort-without-thinking", "thinking"),
    # Search results are text that stands where documents may.
    ("search-results-as-content", "documents"),
}
"""Where the look without reading tells less than the whole reading, on purpose."""


def flat(parts: Iterable[Part]) -> Iterator[Part]:
    for part in parts:
        yield part
        if isinstance(part, ToolResult):
            yield from flat(part.content)


def read(request: Request) -> dict[str, Any]:
    parts = list(flat(part for message in request.messages for part in message.parts))
    control = request.reasoning
    return {
        "turns": len(request.messages),
        "tools": len(request.tools),
        "images": sum(isinstance(part, Image) for part in parts),
        "documents": sum(isinstance(part, Document) for part in parts),
        "tool_results": sum(isinstance(part, ToolResult) for part in parts),
        "thinking": control is not None and control.mode != "off",
        "effort": None if control is None else asked_effort(control),
        "web_search": any(isinstance(tool, HostedTool) and tool.purpose == "web_search" for tool in request.tools),
    }  # fmt: skip


@each("requests")
def test_counts_are_those_of_the_request(vector: Vector) -> None:
    spoken = codec(vector.dialect)
    counts = spoken.skim_counts(vector.body)
    for name, value in read(spoken.parse_request(vector.body)).items():
        if (vector.name, name) not in ANOTHER_COUNT:
            assert getattr(counts, name) == value, name
    assert 0 <= counts.text_bytes <= len(vector.body)


@each("requests")
def test_every_word_of_a_request_is_found_under_its_speaker(vector: Vector) -> None:
    spoken = codec(vector.dialect)
    request, texts = spoken.parse_request(vector.body), spoken.skim_texts(vector.body)
    assert not texts.unread
    for speaker, text in said(request):
        assert any(text in found for found in getattr(texts, speaker)), (speaker, text)


def said(request: Request) -> Iterator[tuple[str, str]]:
    speakers = {"developer": "system", "tool": "tool"}
    for part in request.system:
        if isinstance(part, Text):
            yield "system", part.text.strip("\n")
    for message in request.messages:
        for part in message.parts:
            match part:
                case Text(text=text) if text.strip():
                    yield speakers.get(message.role, message.role), text
                case ToolResult(content=content):
                    yield from (("tool", inner.text) for inner in flat(content) if isinstance(inner, Text))
                case ToolCall(name=name):
                    yield "tool", name.rpartition("__")[2]  # a namespace stands in a member of its own
                case _:
                    pass
    for tool in request.tools:
        if description := getattr(tool, "description", None):
            yield "tool", description


BODIES: dict[Dialect, Any] = {
    "anthropic": {
        "system": [{"type": "text", "text": "be brief"}],
        "messages": [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": [{"type": "tool_use", "name": "look", "input": {"path": "/a\nb"}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "content": [{"type": "text", "text": "seen"}]},
                {"type": "text", "text": "two"},
            ]},
            {"role": "assistant", "content": "{"},
        ],
    },
    "openai_chat": {
        "messages": [
            {"role": "developer", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "one"}]},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"path":"/a\\nb"}'}},
            ]},
            {"role": "tool", "tool_call_id": "c", "content": "seen"},
            {"role": "user", "content": "two"},
            {"role": "assistant", "content": "{"},
        ],
    },
    "openai_responses": {
        "instructions": "be brief",
        "input": [
            {"role": "user", "content": "one"},
            {"type": "function_call", "call_id": "c", "name": "look", "arguments": '{"path":"/a\\nb"}'},
            {"type": "function_call_output", "call_id": "c", "output": "seen"},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "two"}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "{"}]},
        ],
    },
    "gemini": {
        "systemInstruction": {"parts": [{"text": "be brief"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "one"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {"path": "/a\nb"}}}]},
            {"role": "user", "parts": [
                {"functionResponse": {"name": "look", "response": {"output": "seen"}}},
                {"text": "two"},
            ]},
            {"role": "model", "parts": [{"text": "{"}]},
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize("dialect", available())
def test_the_same_conversation_has_the_same_words_in_every_dialect(dialect: Dialect) -> None:
    texts = codec(dialect).skim_texts(msgspec.json.encode({"model": "m", **BODIES[dialect]}))
    assert texts.system == ("be brief",)
    assert texts.user == ("one", "two")
    assert texts.assistant == ("{",)
    assert texts.last == "assistant"
    tool = "\n".join(texts.tool)
    assert "look" in tool
    assert "seen" in tool
    # Behind the escapes of JSON, too.
    assert "/a\nb" in texts.tool


@pytest.mark.parametrize("dialect", [*available(), "openai_completions"])
def test_what_is_no_request_has_no_words_and_says_so(dialect: Any) -> None:
    assert codec(dialect).skim_texts(b"[1]") == Texts(unread=True)
    assert codec(dialect).skim_texts(b"{") == Texts(unread=True)


def test_legacy_prompts_and_texts_to_embed_are_the_users() -> None:
    assert codec("openai_completions").skim_texts(b'{"prompt":["a","b"]}').user == ("a", "b")
    assert codec("openai_chat").skim_texts(b'{"input":["a","b"]}').user == ("a", "b")
    assert codec("openai_chat").skim_texts(b'{"input":"a"}').user == ("a",)
    one, many = (
        b'{"content":{"parts":[{"text":"a"}]}}',
        b'{"requests":[{"content":{"parts":[{"text":"a"}]}}]}',
    )
    assert codec("gemini").skim_texts(one).user == ("a",)
    assert codec("gemini").skim_texts(many).user == ("a",)
    assert codec("gemini").skim_texts(b'{"generateContentRequest":{"contents":"a"}}').user == ("a",)


@pytest.mark.parametrize("tokens", ["[1, 2]", "[[1], [2]]"], ids=["one", "several"])
def test_token_ids_are_words_that_cannot_be_read(tokens: str) -> None:
    assert codec("openai_chat").skim_texts(f'{{"input":{tokens}}}'.encode()).unread
    assert codec("openai_completions").skim_texts(f'{{"prompt":{tokens}}}'.encode()).unread


def test_media_is_not_taken_for_words_and_text_in_its_place_is() -> None:
    picture = "iVBORw0KGgo" * 60
    blocks = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": picture}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a plain word " * 40}},
        {"type": "image", "source": {"type": "url", "url": "https://intranet.example/plan.png"}},
    ]  # fmt: skip
    body = msgspec.json.encode({"messages": [{"role": "user", "content": blocks}]})
    (words,) = codec("anthropic").skim_texts(body).user
    assert picture not in words
    assert "a plain word" in words
    assert "intranet.example" in words


def test_words_in_json_inside_of_json_are_read_however_deep_they_stand() -> None:
    word = "Grüße\nan Phönix"
    held = json.dumps({"held": json.dumps({"note": word})})
    for content in (held, f"{held}\n{held}", held[:-3], f"result: {held}"):
        body = msgspec.json.encode({"messages": [{"role": "tool", "content": content}]})
        assert any(word in text for text in codec("openai_chat").skim_texts(body).tool), content


@pytest.mark.parametrize("depth", [100, 700, 5_000])
def test_a_body_nested_deeply_is_read_or_says_that_it_is_not(depth: int) -> None:
    inner = b'{"a":' * depth + b'"deep word"' + b"}" * depth
    call = b'{"type":"tool_use","name":"n","input":' + inner + b"}"
    texts = codec("anthropic").skim_texts(b'{"messages":[{"role":"assistant","content":[' + call + b"]}]}")
    assert texts.unread or "deep word" in texts.tool
    assert depth > 100 or not texts.unread


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(
    dialect=st.sampled_from([*available(), "openai_completions"]),
    members=st.dictionaries(
        st.sampled_from(
            ["messages", "input", "contents", "system", "instructions", "tools", "prompt", "requests"]
        ),
        json_values,
    ),
)
def test_any_body_is_read_without_an_error(dialect: Any, members: dict[str, Any]) -> None:
    assert isinstance(codec(dialect).skim_texts(msgspec.json.encode(members)), Texts)


@pytest.mark.parametrize(
    ("dialect", "members"),
    [
        ("anthropic", {"metadata": {"note": "hidden word"}}),
        ("anthropic", {"output_config": {"format": {"schema": {"description": "hidden word"}}}}),
        ("openai_chat", {"response_format": {"json_schema": {"schema": {"description": "hidden word"}}}}),
        ("openai_chat", {"stop": ["hidden word"]}),
        ("openai_responses", {"prompt": {"id": "p", "variables": {"who": "hidden word"}}}),
        ("openai_responses", {"text": {"format": {"schema": {"title": "hidden word"}}}}),
        ("gemini", {"generationConfig": {"responseSchema": {"description": "hidden word"}}}),
        ("gemini", {"labels": {"case": "hidden word"}}),
    ],
    ids=["metadata", "output", "format", "stop", "variables", "text", "schema", "labels"],
)
def test_words_beside_the_conversation_are_read_too(dialect: Dialect, members: Any) -> None:
    texts = codec(dialect).skim_texts(msgspec.json.encode(members))
    assert any("hidden word" in text for text in texts.system)
