"""The event grammar: the table is complete, and the checker lets nothing out of place through."""

from __future__ import annotations

from typing import get_args

import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event, is_meaningful
from flowrouter.canonical.grammar import GRAMMAR, Grammar, GrammarError
from flowrouter.canonical.parts import Image, Opaque, Part, Reasoning, Refusal, Source, Text, ToolCall
from flowrouter.canonical.problem import Problem
from flowrouter.canonical.usage import Usage

START = e.MessageStart(origin="anthropic", id="1", model="m")
TEXT = e.PartStart(index=0, part=Text(text=""))
STOP = e.Finish(reason="stop")
ERROR = e.StreamError(Problem(status=500, message="no"))


def check(*events: Event) -> Grammar:
    grammar = Grammar()
    for event in events:
        assert grammar.check(event) is event
    return grammar


def test_the_table_has_every_event() -> None:
    assert set(GRAMMAR) == set(get_args(Event))


@pytest.mark.parametrize(
    "events",
    [
        (START, STOP, e.MessageEnd()),
        (
            e.Ping(),
            e.FrameError("x"),
            START,
            e.Ping(),
            TEXT,
            e.PartDelta(0, "a"),
            e.PartEnd(0),
            STOP,
            e.MessageEnd(),
        ),
        (
            START,
            TEXT,
            e.PartStart(index=1, part=Text(text="")),
            e.PartEnd(1),
            e.PartEnd(0),
            STOP,
            e.MessageEnd(),
        ),
        (START, STOP, e.UsageUpdate(Usage()), e.MessageEnd()),
        (ERROR,),
        (START, TEXT, ERROR),
        (START, STOP, e.Finish(reason="stop", choice=1), e.MessageEnd()),
    ],
)
def test_allowed(events: tuple[Event, ...]) -> None:
    check(*events).end()


@pytest.mark.parametrize(
    "events, complaint",
    [
        ((TEXT,), "PartStart in state new"),
        ((START, START), "MessageStart in state open"),
        ((START, e.PartStart(index=1, part=Text(text=""))), "not the next"),
        ((START, TEXT, TEXT), "not the next"),
        ((START, e.PartDelta(0, "a")), "not open"),
        ((START, TEXT, e.PartEnd(0), e.PartDelta(0, "a")), "not open"),
        ((START, TEXT, e.PartEnd(0), e.PartEnd(0)), "not open"),
        ((START, TEXT, e.PartEnd(0), e.SignatureDelta(0, "s")), "not open"),
        ((START, e.CitationDelta(0, {})), "not open"),
        ((START, TEXT, STOP), "open parts"),
        ((START, STOP, STOP), "twice"),
        ((START, STOP, TEXT), "has finished"),
        ((START, e.MessageEnd()), "without a finish"),
        ((START, TEXT, e.Finish(reason="stop", choice=1), e.MessageEnd()), "open parts"),
        ((e.MessageEnd(),), "state new"),
        ((START, STOP, e.MessageEnd(), e.Ping()), "state done"),
        ((START, STOP, e.MessageEnd(), ERROR), "state done"),
        ((ERROR, ERROR), "state done"),
    ],
)
def test_refused(events: tuple[Event, ...], complaint: str) -> None:
    *before, last = events
    grammar = check(*before)
    with pytest.raises(GrammarError, match=complaint):
        grammar.check(last)


@pytest.mark.parametrize("events", [(), (START,), (START, STOP)])
def test_an_open_end_is_refused(events: tuple[Event, ...]) -> None:
    with pytest.raises(GrammarError, match="stopped"):
        check(*events).end()


@pytest.mark.parametrize(
    "part, meaningful",
    [
        (Text(text=""), False),
        (Text(text="a"), True),
        (Reasoning(), False),
        (Reasoning(text="a"), True),
        (Refusal(text=""), False),
        (Refusal(text="no"), True),
        (ToolCall(id="1", name="f", arguments=""), True),
        (Image(source=Source(kind="url", url="u")), True),
        (Opaque(payload={}, origin="anthropic"), True),
    ],
)
def test_starts_commit_when_they_carry_content(part: Part, meaningful: bool) -> None:
    assert is_meaningful(e.PartStart(index=0, part=part)) is meaningful


@pytest.mark.parametrize(
    "event, meaningful",
    [
        (START, False),
        (e.Ping(), False),
        (e.FrameError("x"), False),
        (e.PartDelta(0, ""), False),
        (e.PartDelta(0, " "), True),
        (e.PartEnd(0), False),
        (STOP, True),
        (e.MessageEnd(), False),
        (ERROR, False),
    ],
)
def test_what_commits(event: Event, meaningful: bool) -> None:
    assert is_meaningful(event) is meaningful
