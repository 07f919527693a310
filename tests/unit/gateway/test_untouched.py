"""What is said to leave an answer as it is does so, told event by event; and its outline is that of its end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from flowrouter.accounts.vault import Vault
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.events import Event
from flowrouter.canonical.fold import Fold, replay
from flowrouter.canonical.head import Head
from flowrouter.canonical.outline import Outline
from flowrouter.canonical.parts import Opaque, Part, Reasoning, Refusal, Text, ToolCall
from flowrouter.canonical.response import Choice, Response
from flowrouter.canonical.usage import Usage
from flowrouter.gateway.editors import Editor
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.prepare import Prepared
from flowrouter.gateway.reasoning import ReasoningState
from flowrouter.gateway.sinks import edited
from flowrouter.gateway.untouched import untouched
from flowrouter.routing import Target

_STATE = ReasoningState(Vault(b"k" * 32))
_TARGET = Target(account_id="acc", account="work", preset="openai", model="m", dialect="openai_chat")
_NOBODY: Any = None
"""Stands for what is not asked for."""

_INBOUND: Any = SimpleNamespace(dialect="anthropic")
_EXCHANGE = Exchange(_INBOUND, head=Head(model="m", stream=False, length=0))

_PARTS: tuple[Part, ...] = (
    Text(text="words"),
    Text(text=""),
    Text(text="cited", citations=({"url": "https://a.test"},)),
    ToolCall(id="c", name="f", arguments="{}"),
    ToolCall(id="d", name="g", arguments="{}"),
    ToolCall(id="e", name="f", arguments=""),
    ToolCall(id="h", name="", arguments="{}"),
    Reasoning(text="because", signature="sig=="),
    Refusal(text="no"),
    Opaque(payload={"type": "odd"}, origin="openai_chat"),
)
_CHOICES = st.builds(
    Choice,
    index=st.sampled_from((0, 0, 0, 1, 2, -1)),
    parts=st.lists(st.sampled_from(_PARTS), max_size=3).map(tuple),
    finish=st.sampled_from(("stop", "stop", "length", "tool_calls", None)),
    raw_finish=st.sampled_from((None, "stop")),
    stop_sequence=st.sampled_from((None, "END")),
    logprobs=st.sampled_from((None, None, {"content": []})),
    extra=st.sampled_from(({}, {"logprobs": None})),
    message_extra=st.sampled_from(({}, {"refusal": None})),
)
_COUNTS = st.sampled_from((3, 0, 3, None))
_ANSWERS = st.builds(
    Response,
    origin=st.just("openai_chat"),
    id=st.sampled_from(("a", "")),
    model=st.sampled_from(("m", "")),
    choices=st.lists(_CHOICES, max_size=3).map(tuple),
    created=st.sampled_from((None, 1)),
    usage=st.one_of(st.none(), st.builds(Usage, input=_COUNTS, output=_COUNTS)),
    extra=st.sampled_from(({}, {"service_tier": "default"})),
)


def _prepared(*, seals: bool, marks: bool, rewriters: tuple[Editor, ...] = ()) -> Prepared:
    reasoning = _STATE if seals else None
    return Prepared(
        _TARGET, _NOBODY, Capabilities(), "translate", rewriters=rewriters, reasoning=reasoning, marks=marks
    )


@settings(max_examples=800, deadline=None)
@given(_ANSWERS, st.booleans(), st.booleans())
def test_an_answer_that_is_left_as_it_is(answer: Response, seals: bool, marks: bool) -> None:
    prepared = _prepared(seals=seals, marks=marks)
    outline = untouched(answer, _EXCHANGE, prepared)
    if outline is None:
        return
    cursor, gathered = Cursor(), Fold()
    for event in edited(replay(answer), prepared.edits(_EXCHANGE)):
        cursor.apply(event)
        gathered.feed(event)
    assert gathered.response() == answer
    finish = cursor.finishes.get(0)
    called = tuple([part.name for part in cursor.parts if part.name is not None])
    reason = finish.reason if finish is not None else None
    assert outline == Outline(cursor.id, cursor.model, cursor.usage, reason, called)
    assert cursor.ended
    assert prepared.sealer is None or not prepared.sealer.envelopes


def _as_it_is(event: Event) -> list[Event]:
    return [event]


def _counted(*parts: Part) -> Response:
    choice = Choice(parts=parts, finish="stop")
    usage = Usage(input=1, output=1)
    return Response(origin="openai_chat", id="a", model="m", choices=(choice,), usage=usage)


def test_words_and_calls_that_were_counted_are_left() -> None:
    for seals in (True, False):
        prepared = _prepared(seals=seals, marks=False)
        assert untouched(_counted(Text(text="words")), _EXCHANGE, prepared) is not None
        outline = untouched(_counted(ToolCall(id="c", name="f", arguments="{}")), _EXCHANGE, prepared)
        assert outline is not None
        assert outline.called == ("f",)


def test_what_is_sealed_marked_or_rewritten_is_not() -> None:
    call = ToolCall(id="c", name="f", arguments="{}")
    assert (
        untouched(_counted(Reasoning(text="because")), _EXCHANGE, _prepared(seals=True, marks=False)) is None
    )
    assert untouched(_counted(call), _EXCHANGE, _prepared(seals=True, marks=True)) is None
    assert (
        untouched(
            _counted(Text(text="words")),
            _EXCHANGE,
            _prepared(seals=False, marks=False, rewriters=(_as_it_is,)),
        )
        is None
    )


def test_what_is_streamed_split_or_passes_is_not() -> None:
    told, prepared = _counted(Text(text="words")), _prepared(seals=False, marks=False)
    streamed = Exchange(_NOBODY, head=Head(model="m", stream=True, length=0))
    assert untouched(told, streamed, prepared) is None
    split = msgspec.structs.replace(prepared, capabilities=Capabilities(think_tags=True))
    assert untouched(told, _EXCHANGE, split) is None
    assert untouched(told, _EXCHANGE, msgspec.structs.replace(prepared, lane="passthrough")) is None
