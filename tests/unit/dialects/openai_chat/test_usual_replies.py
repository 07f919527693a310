"""Answers in their usual form are read with fewer questions: that must come to what all the questions come to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowrouter.canonical.parts import Provenance, Text
from flowrouter.canonical.response import Response
from flowrouter.dialects.openai_chat import finishes, parse_responses
from flowrouter.dialects.openai_chat.finishes import END_OF_WORDS, meaning

_WHENCE = Provenance(dialect="openai_chat", family="any", account_id="any")
_ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 1.0, 2.5, 10**30, "", "word", "assistant", [], {}, [{}], [None], {"a": 1},
)  # fmt: skip
_ABSENT = object()
_SPEAKING = [
    *("refusal", "annotations", "tool_calls", "function_call", "images", "other"),
    *sorted(parse_responses._THOUGHTS),  # pyright: ignore[reportPrivateUsage] - all that are known
]
_CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def _one_of(*usual: Any) -> st.SearchStrategy[Any]:
    """Return mostly what is usual, at times what is odd, or nothing."""
    often = st.sampled_from(usual)
    return st.one_of(often, often, often, often, often, st.sampled_from(_ODD), st.just(_ABSENT))


@st.composite
def _object(draw: st.DrawFn, **members: st.SearchStrategy[Any]) -> dict[str, Any]:
    """Return an object of these members, in any order."""
    names = draw(st.permutations(list(members)))
    told = {name: draw(members[name]) for name in names}
    return {name: value for name, value in told.items() if value is not _ABSENT}


_MESSAGES = _object(
    role=_one_of("assistant"),
    content=_one_of("Hello", "wörds", "\ud83d", "", None, [{"type": "text", "text": "in a list"}]),
    refusal=_one_of(None, _ABSENT, "no"),
    annotations=_one_of([], _ABSENT, [{"type": "url_citation", "url_citation": {"url": "https://a.test"}}]),
    tool_calls=_one_of(_ABSENT, _ABSENT, None, [], [_CALL]),
    function_call=_one_of(_ABSENT, _ABSENT, None),
    reasoning_content=_one_of(_ABSENT, _ABSENT, None, "thought"),
    reasoning_signatures=_one_of(_ABSENT, _ABSENT, [], ["flr1.x"]),
    images=_one_of(_ABSENT, _ABSENT, []),
)
_CHOICES = _object(
    index=_one_of(0, 0, 1),
    message=st.one_of(_MESSAGES, _MESSAGES, _MESSAGES, st.sampled_from(_ODD)),
    logprobs=_one_of(None, _ABSENT, {"content": []}),
    finish_reason=_one_of("stop", "length", "tool_calls", "STOP", None),
)
_USAGE = _object(
    prompt_tokens=_one_of(3),
    completion_tokens=_one_of(5),
    prompt_tokens_details=_one_of({"cached_tokens": 1, "audio_tokens": 0}),
    completion_tokens_details=_one_of({"reasoning_tokens": 2}),
)
_ANSWERS = _object(
    id=_one_of("chatcmpl-1", "gen-1"),
    object=_one_of("chat.completion"),
    created=_one_of(1_700_000_000),
    model=_one_of("a-model"),
    choices=st.one_of(st.lists(_CHOICES, min_size=1, max_size=3), st.sampled_from(_ODD)),
    usage=st.one_of(_USAGE, _USAGE, st.sampled_from(_ODD)),
    service_tier=_one_of("default", "flex", _ABSENT),
    system_fingerprint=_one_of("fp", _ABSENT),
    error=_one_of(_ABSENT),
)


def _read(answer: dict[str, Any]) -> Response | str:
    body = json.dumps(answer).encode()
    try:
        return parse_responses.parse_response(body, _WHENCE)
    except ValueError as error:
        return str(error)


def _check(answer: dict[str, Any]) -> None:
    usual = _read(answer)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parse_responses, "_as_usual", lambda *_: None)
        patch.setattr(parse_responses, "_words", lambda _: "")
        general = _read(answer)
    assert repr(usual) == repr(general), "the order of members counts too"


@settings(max_examples=400, deadline=None)
@given(_ANSWERS)
def test_an_answer_is_read_alike_with_all_questions(answer: dict[str, Any]) -> None:
    _check(answer)


@pytest.mark.parametrize("name", _SPEAKING)
def test_words_beside_anything_are_read_alike(name: str) -> None:
    for odd in _ODD:
        message = {"role": "assistant", name: odd, "content": "Hello"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        _check({"id": "a", "created": 1, "model": "m", "choices": [choice], "usage": {}})


def test_words_alone_take_the_short_way() -> None:
    message = {"role": "assistant", "content": "Hello", "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    answer = {
        "id": "a",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": {},
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_head", "_choice", "_parts"):
            patch.setattr(parse_responses, name, None)
        read = _read(answer)
    assert isinstance(read, Response)
    assert read.choices[0].parts == (Text(text="Hello"),)
    assert list(read.choices[0].message_extra) == ["refusal", "annotations"]
    assert list(read.choices[0].extra) == ["logprobs"]


@pytest.mark.parametrize("raw", [*finishes._MEANINGS, None])  # pyright: ignore[reportPrivateUsage] - all that are known
def test_the_usual_ends_of_words_mean_the_same(raw: str | None) -> None:
    assert END_OF_WORDS.get(raw, "stop") == meaning(raw, called=False, refused=False)
