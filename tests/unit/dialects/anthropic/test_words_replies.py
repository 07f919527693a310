"""Another vendor's words are written with fewer questions: that must come to what all the questions come to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowrouter.canonical.loss import Loss
from flowrouter.canonical.parts import Text
from flowrouter.canonical.response import Choice, Response
from flowrouter.canonical.usage import Usage
from flowrouter.dialects.anthropic import responses, stops
from flowrouter.dialects.codec import EncodeOptions

_FINISHES = (*stops._STOPS, None)  # pyright: ignore[reportPrivateUsage] - all that are known
_TEXTS = st.builds(
    Text,
    text=st.sampled_from(("Hello", "", "more")),
    citations=st.sampled_from(((), (), ({"url": "https://a.test"},), ({"type": "odd"},))),
)
_MEMBERS: Any = st.dictionaries(
    st.sampled_from(("refusal", "content", "logprobs", "service_tier", "prefix")),
    st.sampled_from((None, None, "", [], {}, 0, False, "default", {"a": 1})),
    max_size=3,
)
_CHOICES = st.builds(
    Choice,
    index=st.sampled_from((0, 1)),
    parts=st.lists(_TEXTS, max_size=3).map(tuple),
    finish=st.sampled_from(_FINISHES),
    raw_finish=st.sampled_from((None, "stop", "end_turn")),
    stop_sequence=st.sampled_from((None, "END")),
    logprobs=st.sampled_from((None, {"content": []})),
    extra=_MEMBERS,
    message_extra=_MEMBERS,
)
_ANSWERS = st.builds(
    Response,
    origin=st.sampled_from(("openai_chat", "openai_responses", "gemini")),
    id=st.sampled_from(("chatcmpl-a", "")),
    model=st.just("m"),
    choices=st.lists(_CHOICES, max_size=2).map(tuple),
    usage=st.sampled_from(
        (None, Usage(), Usage(input=1, output=2, reasoning=3, cache_read=4, cache_write_1h=5))
    ),
    extra=_MEMBERS,
)


@settings(max_examples=500, deadline=None)
@given(_ANSWERS)
def test_words_are_written_alike_with_all_questions(answer: Response) -> None:
    options = EncodeOptions(model="asked", now=1.0)
    short = responses.render_response(answer, options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(responses, "_WORDS", frozenset({type(None)}))
        patch.setattr(responses, "_NOTHING", frozenset())
        patch.setattr(responses, "STOP_OF_WORDS", None if _says(answer) else stops.STOP_OF_WORDS)
        assert short == responses.render_response(answer, options)


def _says(answer: Response) -> bool:
    return bool(answer.choices and answer.choices[0].parts)


@pytest.mark.parametrize("finish", _FINISHES)
def test_the_stop_of_words(finish: Any) -> None:
    told = stops.stop_of(finish, None, origin="gemini", called=False, refused=False)
    assert stops.STOP_OF_WORDS[finish] == told


def test_members_that_say_nothing_are_no_loss() -> None:
    assert responses.unknown_members({"a": None, "b": None}, "gemini") == []
    lost = Loss(path="b", kind="dropped", reason="known to gemini only")
    assert responses.unknown_members({"a": None, "b": 0, "content": "x"}, "gemini") == [lost]
