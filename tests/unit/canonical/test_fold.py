"""A whole answer and its stream are the same thing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.canonical import events as e
from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.fold import Fold, fold, replay
from flowrouter.canonical.grammar import Grammar
from flowrouter.canonical.parts import Audio, Image, Opaque, Reasoning, Refusal, Source, Text, ToolCall
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.response import Choice, Response
from flowrouter.canonical.usage import Usage

extra = st.dictionaries(st.sampled_from(["x", "y"]), st.integers() | st.none(), max_size=2)
words = st.text(max_size=6)
maybe = st.none() | words
part = st.one_of(
    st.builds(Text, text=words, citations=st.lists(extra, max_size=2).map(tuple), extra=extra),
    st.builds(Refusal, text=words, field=maybe),
    st.builds(Reasoning, text=words, signature=maybe, sealed=maybe, redacted=maybe, field=maybe, extra=extra),
    st.builds(
        ToolCall,
        id=words,
        name=words,
        arguments=words,
        kind=st.sampled_from(["function", "custom", "legacy"]),
        shape=st.just(("object",)),
        extra=extra,
    ),
    st.builds(Opaque, payload=extra, origin=st.just("anthropic")),
    st.just(Image(source=Source(kind="base64", data="AA=="), cache=CacheHint(ttl="1h"))),
    st.just(Audio(data="AA==", format="wav")),
)
choice = st.builds(
    Choice,
    parts=st.lists(part, max_size=4).map(tuple),
    finish=st.sampled_from(["stop", "tool_calls", "length", "other"]),
    raw_finish=maybe,
    stop_sequence=maybe,
    logprobs=st.none() | st.just({"content": [{"token": "a"}], "refusal": None}),
    extra=extra,
    message_extra=extra,
)
responses = st.builds(
    Response,
    origin=st.sampled_from(["openai_chat", "anthropic"]),
    id=words,
    model=words,
    created=st.none() | st.integers(0, 10),
    choices=st.lists(choice, min_size=1, max_size=3).map(
        lambda made: tuple(
            Choice(**{name: getattr(one, name) for name in one.__struct_fields__} | {"index": place})
            for place, one in enumerate(made)
        )
    ),
    usage=st.none()
    | st.builds(Usage, input=st.none() | st.integers(0, 9), output=st.none() | st.integers(0, 9)),
    extra=extra,
)


@given(responses)
def test_replay_folds_to_itself(response: Response) -> None:
    assert fold(replay(response)) == response


@given(responses)
def test_replay_keeps_the_grammar(response: Response) -> None:
    grammar = Grammar()
    for event in replay(response):
        grammar.check(event)
    grammar.end()


@given(responses)
def test_the_cursor_sees_the_same_text(response: Response) -> None:
    cursor = Cursor()
    for event in replay(response):
        cursor.apply(event)
    first = response.choices[0]
    assert cursor.text == "".join(part.text for part in first.parts if isinstance(part, Text))
    assert cursor.usage == response.usage
    assert cursor.ended
    assert cursor.meaningful
    assert not any(part.is_open for part in cursor.parts)
    assert (cursor.id, cursor.model, cursor.created) == (response.id, response.model, response.created)


def test_overlapping_parts_and_choices() -> None:
    stream = [
        e.MessageStart(origin="openai_chat", id="1", model="m"),
        e.PartStart(index=0, part=Text(text=""), choice=1),
        e.PartStart(index=1, part=Text(text="")),
        e.PartDelta(1, "a"),
        e.PartDelta(0, "b"),
        e.PartDelta(1, "c"),
        e.PartEnd(0),
        e.PartEnd(1),
        e.Finish(reason="length", choice=1),
        e.Finish(reason="stop"),
        e.MessageEnd(),
    ]
    response = fold(stream)
    assert [(choice.index, choice.finish) for choice in response.choices] == [(0, "stop"), (1, "length")]
    assert [choice.parts for choice in response.choices] == [(Text(text="ac"),), (Text(text="b"),)]


def test_signature_pieces_are_joined_and_our_envelope_kept_apart() -> None:
    stream = [
        e.MessageStart(origin="anthropic", id="1", model="m"),
        e.PartStart(index=0, part=Reasoning()),
        e.PartDelta(0, "why"),
        e.SignatureDelta(0, "si"),
        e.SignatureDelta(0, "g"),
        e.SignatureDelta(0, "flr1.x", sealed=True),
    ]
    assert fold(stream).choices[0].parts == (Reasoning(text="why", signature="sig", sealed="flr1.x"),)


def test_logprobs_are_gathered() -> None:
    stream = [
        e.MessageStart(origin="openai_chat", id="1", model="m"),
        e.LogprobsDelta(logprobs={"content": [1], "refusal": None}),
        e.LogprobsDelta(logprobs={"content": [2], "refusal": [3]}),
        e.LogprobsDelta(logprobs={"content": None}),
    ]
    assert fold(stream).choices[0].logprobs == {"content": [1, 2], "refusal": [3]}
    assert stream[1].logprobs == {"content": [1], "refusal": None}  # type: ignore[union-attr]


def test_usage_reports_are_cumulative() -> None:
    stream = [
        e.MessageStart(origin="anthropic", id="1", model="m", usage=Usage(input=99)),
        e.UsageUpdate(Usage(input=5, output=1)),
        e.UsageUpdate(Usage(output=7)),
    ]
    assert fold(stream).usage == Usage(input=5, output=7)


def test_a_cut_answer_is_told_as_far_as_it_came() -> None:
    gathered = Fold()
    for event in [
        e.MessageStart(origin="anthropic", id="1", model="m"),
        e.PartStart(index=0, part=Text(text="")),
        e.PartDelta(0, "half"),
        e.StreamError(Problem(status=529, message="overloaded")),
    ]:
        gathered.feed(event)
    assert gathered.problem is not None
    assert not gathered.ended
    assert gathered.response().choices == (Choice(parts=(Text(text="half"),)),)


def test_no_answer_is_none() -> None:
    with pytest.raises(ValueError, match="begun"):
        fold([e.Ping()])
