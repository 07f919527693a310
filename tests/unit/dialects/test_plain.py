"""Requests of nothing but words are read and written the short way: it says what the long way says, or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.messages import Words
from flowrouter.dialects import available, codec
from flowrouter.errors import CallerError

Body = dict[str, Any]

_SHORT_READING = tuple(f"flowrouter.dialects.{name}.parse_requests.plain_request" for name in available())
_SHORT_WRITING = (
    "flowrouter.dialects.anthropic.render_foreign.words_body",
    "flowrouter.dialects.gemini.render_foreign.words_body",
    "flowrouter.dialects.openai_chat.foreign_messages.words_of",
    "flowrouter.dialects.openai_chat.foreign_requests.words_body",
    "flowrouter.dialects.openai_responses.foreign_requests.words_body",
)

_ODD: tuple[Any, ...] = (None, True, 0, 1, 1.0, -1, 10**30, "", "x", [], ["a"], [None], {}, {"text": "x"})
_TEXTS = ("hi", "a b", "x ", " ", "\u2003", "é", "", "x-anthropic-billing-header: a=b;", '"cache_control"')
_NUMBERS = (0, 1, 1.0, 0.2, 2, 2.5, -1)
_LIMITS = (0, 1, 15, 16, 100, 1000, 10**9, 2**63, 10**30, -1)
_STOPS = (["a"], ["a", "b"], ["a"] * 4, ["a"] * 5, ["a"] * 6, [" "], [""], [])

_MEMBERS: dict[Dialect, dict[str, tuple[Any, ...]]] = {
    "anthropic": {
        "max_tokens": _LIMITS, "system": _TEXTS, "temperature": _NUMBERS, "top_p": _NUMBERS, "top_k": _LIMITS,
        "stop_sequences": _STOPS, "stream": (True, False), "metadata": ({"user_id": "u"},), "tools": ([],),
    },
    "openai_chat": {
        "max_tokens": _LIMITS, "max_completion_tokens": _LIMITS, "temperature": _NUMBERS, "top_p": _NUMBERS,
        "presence_penalty": _NUMBERS, "frequency_penalty": _NUMBERS, "seed": _LIMITS, "n": (1, 2),
        "stop": ("a", "", *_STOPS), "stream": (True, False), "user": ("u",), "tools": ([],),
        "stream_options": ({"include_usage": True}, {"include_usage": False}, {"include_usage": None}, {}),
    },
    "openai_responses": {
        "instructions": _TEXTS, "max_output_tokens": _LIMITS, "temperature": _NUMBERS, "top_p": _NUMBERS,
        "stream": (True, False), "store": (True, False), "truncation": ("disabled",), "tools": ([],),
    },
    "gemini": {
        "systemInstruction": (
            *({"parts": [{"text": text}]} for text in _TEXTS), {"parts": []}, {"parts": [{"text": "a"}] * 2}, "x",
            {"role": "user", "parts": [{"text": "a"}]}, {"role": None, "parts": [{"text": "a", "zz": 1}]},
        ),
        "generationConfig": (
            *({"temperature": value, "topP": value} for value in _NUMBERS), {}, {"max_output_tokens": 5},
            *({"maxOutputTokens": value, "topK": value} for value in (*_LIMITS, 4.0)),
            *({"stopSequences": value} for value in _STOPS), {"candidateCount": 1},
        ),
        "labels": ({},),
    },
}  # fmt: skip

_TARGETS = (
    Capabilities(),
    Capabilities(),
    Capabilities(max_output=100, thinking_style="effort", system_role="developer"),
    Capabilities(system_role="user", mid_system=False),
    Capabilities(mid_system=False, needs_user_last=True, reasoning_echo="always"),
    Capabilities(rejects=frozenset({"temperature", "stop", "stop_sequences", "store"})),
    Capabilities(max_tokens_field="max_completion_tokens", stream_options=False, unsupported="refuse"),
    Capabilities(unsupported="drop", prefill=False),
)


def _turn(dialect: Dialect, role: str, text: str) -> Body:
    if dialect == "gemini":
        return {"role": "model" if role == "assistant" else role, "parts": [{"text": text}]}
    return {"role": role, "content": text}


@st.composite
def _bodies(draw: st.DrawFn, dialect: Dialect) -> bytes:
    """Draw a body of mostly nothing but words, its members in any order, with at most two oddities."""
    text = st.one_of(st.just("hi"), st.sampled_from(_TEXTS))
    systems = () if dialect == "gemini" else ("system", "developer")
    roles = [draw(st.sampled_from(systems)) for _ in range(draw(st.integers(0, 2))) if systems]
    roles += [("user", "assistant")[number % 2] for number in range(draw(st.integers(1, 5)))]
    if draw(st.integers(0, 5)) == 0:
        roles = draw(st.permutations(roles))
    turns = [_turn(dialect, role, draw(text)) for role in roles]
    name = {"gemini": "contents", "openai_responses": "input"}.get(dialect, "messages")
    body: Body = {name: turns} if dialect == "gemini" else {"model": "m", name: turns}
    for member in draw(st.lists(st.sampled_from(sorted(_MEMBERS[dialect])), max_size=4, unique=True)):
        body[member] = draw(st.sampled_from(_MEMBERS[dialect][member]))
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 2)))):
        place = draw(st.sampled_from((body, *turns)))
        place[draw(st.sampled_from((*place, "type", "zz", "name")))] = draw(st.sampled_from(_ODD))
    return json.dumps(dict(draw(st.permutations(list(body.items()))))).encode()


@contextmanager
def _the_long_way() -> Iterator[None]:
    """Let nobody take the short way."""
    with ExitStack() as stack:
        for name in (*_SHORT_READING, *_SHORT_WRITING):
            stack.enter_context(mock.patch(name, return_value=None))
        yield


def _told(dialect: Dialect, body: bytes, capabilities: Capabilities) -> tuple[str, dict[Dialect, Any]]:
    """Return all that can be seen of the request in `body`, and what every other dialect makes of it."""
    try:
        request = codec(dialect).parse_request(body)
    except CallerError as error:
        return f"{error}, {error.param}", {}
    made: dict[Dialect, Any] = {}
    for target in available():
        try:
            rendered = codec(target).render_request(request, "asked", capabilities)
        except CallerError as error:
            made[target] = f"{error}, {error.param}"
        else:
            made[target] = (rendered.body, rendered.losses, rendered.edits, rendered.headers)
    return repr(request), made


@pytest.mark.parametrize("dialect", available())
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_both_ways_say_the_same(dialect: Dialect, data: st.DataObject) -> None:
    body, capabilities = data.draw(_bodies(dialect)), data.draw(st.sampled_from(_TARGETS))
    short = _told(dialect, body, capabilities)
    with _the_long_way():
        assert short == _told(dialect, body, capabilities)


_PLAIN: dict[Dialect, Body] = {
    "anthropic": {"model": "m", "max_tokens": 50, "system": "s", "messages": [{"role": "user", "content": "hi"}]},
    "openai_chat": {
        "model": "m", "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}], "stop": "x",
    },
    "openai_responses": {"model": "m", "instructions": "s", "input": "hi", "store": False, "temperature": 0.5},
    "gemini": {"contents": [{"parts": [{"text": "hi"}]}], "generationConfig": {"temperature": 1, "maxOutputTokens": 50}},
}  # fmt: skip


@pytest.mark.parametrize("dialect", available())
def test_both_ways_say_the_same_of_each_member(dialect: Dialect) -> None:
    """Each value of each member alone, for each target: where one way ends the other must begin."""
    plain = _PLAIN[dialect]
    bodies = [
        json.dumps({**plain, member: value}).encode()
        for member, values in _MEMBERS[dialect].items()
        for value in (*values, *_ODD)
    ]
    asked = [(body, capabilities) for body in bodies for capabilities in _TARGETS]
    short = [_told(dialect, *each) for each in asked]
    with _the_long_way():
        for each, told in zip(asked, short, strict=True):
            assert told == _told(dialect, *each), each


@pytest.mark.parametrize("dialect", available())
def test_the_short_way_is_taken(dialect: Dialect) -> None:
    request = codec(dialect).parse_request(json.dumps(_PLAIN[dialect]).encode())
    assert type(request.messages) is Words
    with ExitStack() as stack:
        for name in ("anthropic", "gemini", "openai_chat", "openai_responses"):
            module = "render_foreign" if name in {"anthropic", "gemini"} else "foreign_requests"
            losses = "Translation" if name.startswith("openai") else "Losses"
            stack.enter_context(
                mock.patch(f"flowrouter.dialects.{name}.{module}.{losses}", side_effect=AssertionError)
            )
        for target in available():
            if target == dialect or (target == "openai_responses" and request.stop):
                continue
            assert codec(target).render_request(request, "asked", Capabilities()).losses == ()


def test_words_are_messages_like_any_other() -> None:
    """They are made at the first look, and stay the same: parts are known by their identity."""
    read = codec("openai_chat").parse_request(json.dumps(_PLAIN["openai_chat"]).encode()).messages
    assert type(read) is Words
    whole = tuple(read)
    assert len(read) == 2
    assert read == whole
    assert whole == read
    assert read == Words(read.said)
    assert read != whole[:1]
    assert hash(Words([])) == hash(())
    assert repr(read) == repr(whole)
    assert all(here is there for here, there in zip(read, whole, strict=True))
    assert read[0] is whole[0]
    assert read[1:] == whole[1:]
    assert type(read[:1]) is tuple
    assert [message.parts for message in reversed(read)] == [message.parts for message in reversed(whole)]
