"""Which answers may go on elsewhere, in which ways, and what the next target is asked."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.events import Event
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Opaque, Part, Reasoning, Refusal, Text, ToolCall
from flowrouter.canonical.request import OutputFormat, ReasoningControl, Request, Sampling
from flowrouter.gateway.completable import asked, obstacle, ways
from flowrouter.gateway.joiner import Joiner
from flowrouter.gateway.joins import Restart

SENT = "The keeper counted sixty waves before dawn, and then"
ABLE = Capabilities(prefill=True)


def ask(text: str = "Tell.", **members: Any) -> Request:
    said = (Message(role="user", parts=(Text(text=text),)),)
    return Request(**{"origin": "openai_chat", "model": "m", "messages": said, **members})


def come(*events: Event) -> Cursor:
    cursor = Cursor()
    for event in (e.MessageStart(origin="openai_chat", id="1", model="m"), *events):
        cursor.apply(event)
    return cursor


def text(said: str = SENT, index: int = 0) -> tuple[Event, ...]:
    return e.PartStart(index=index, part=Text(text="")), e.PartDelta(index, said)


def part(header: Part, index: int = 0, *, ended: bool = True) -> tuple[Event, ...]:
    return (e.PartStart(index=index, part=header), *((e.PartEnd(index),) if ended else ()))


@pytest.mark.parametrize(
    ("events", "why"),
    [
        (text(), None),
        ((*part(Reasoning(text="Hm.")), *text(index=1)), None),
        ((), "no text"),
        (part(Reasoning(text="Hm."), ended=False), "reasoning"),
        ((*part(Reasoning(text="Hm.", signature="s")), *text(index=1)), "signed"),
        ((*part(Reasoning(redacted="s")), *text(index=1)), "signed"),
        ((*text(), *part(ToolCall(id="1", name="f", arguments=""), 1)), "tool_call"),
        (part(Refusal(text="No.")), "refusal"),
        ((*part(Opaque(payload={}, origin="openai_chat")), *text(index=1)), "opaque"),
        ((*text(), e.CitationDelta(0, {"url": "u"})), "citations"),
        ((*text(), e.PartEnd(0), *text(index=1)), "several parts"),
        ((*text(), e.PartStart(index=1, part=Text(text="x"), choice=1)), "choices"),
        ((*text(), e.PartEnd(0), e.Finish(reason="stop")), "finished"),
        (text(SENT + " \ufffd"), "halves"),
    ],
    ids=range(14),
)
def test_what_left_decides(events: tuple[Event, ...], why: str | None) -> None:
    said = obstacle(ask(), come(*events))
    assert said is None if why is None else why in (said or "")


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"sampling": Sampling(n=2)}, "choices"),
        ({"sampling": Sampling(top_logprobs=3)}, "probabilities"),
        ({"output": OutputFormat(kind="schema")}, "form"),
        ({"output": OutputFormat(kind="text"), "sampling": Sampling(n=1, logprobs=False)}, None),
    ],
    ids=range(4),
)
def test_what_was_asked_decides(members: dict[str, Any], why: str | None) -> None:
    said = obstacle(ask(**members), come(*text()))
    assert said is None if why is None else why in (said or "")


@pytest.mark.parametrize(
    ("request_", "events", "capabilities", "expected"),
    [
        (ask(), text(), ABLE, ["prefill", "restart"]),
        (ask(), text(), Capabilities(), ["restart"]),
        (ask(), text(), Capabilities(prefill=True, needs_user_last=True), ["restart"]),
        (ask(reasoning=ReasoningControl(mode="effort", effort="low")), text(), ABLE, ["restart"]),
        (ask(reasoning=ReasoningControl(mode="effort", effort="none")), text(), ABLE, ["prefill", "restart"]),
        (ask(), (*part(Reasoning(text="Hm.")), *text(index=1)), ABLE, ["restart"]),
        (ask(max_tokens=5), text(), ABLE, ["restart"]),
        (ask(stop=("then he",)), text(), ABLE, ["restart"]),
        (ask(), text("\n"), ABLE, ["restart"]),
        (ask(), (*text("Sixty "), e.FrameError("?"), e.PartDelta(0, "dawn")), ABLE, ["restart"]),
        (ask(), (*text("Sixty "), e.FrameError("?")), ABLE, ["prefill", "restart"]),
    ],
    ids=range(11),
)
def test_ways(
    request_: Request, events: tuple[Event, ...], capabilities: Capabilities, expected: list[str]
) -> None:
    cursor = come(*events)
    assert list(ways(request_, cursor, capabilities, policy="complete")) == expected
    told = ways(request_, cursor, capabilities, policy="best_effort")
    assert [way for way in told if way != "instruction"] == expected


def test_the_client_s_own_begun_answer_is_only_restarted() -> None:
    begun = ask(messages=(*ask().messages, Message(role="assistant", parts=(Text(text="It was"),))))
    assert ways(begun, come(*text()), ABLE, policy="best_effort") == ("restart",)


def test_what_the_next_target_is_asked() -> None:
    request = ask(max_tokens=100)
    assert asked("restart", request, SENT + " ") is request
    begun = asked("prefill", request, SENT + " ")
    assert [message.role for message in begun.messages] == ["user", "assistant"]
    assert begun.messages[-1].parts == (Text(text=SENT),)
    assert begun.max_tokens is not None
    assert 80 < begun.max_tokens < 100
    told = asked("instruction", request, SENT)
    note = told.messages[-1].parts[0]
    assert isinstance(note, Text)
    assert note.text.startswith("[Note of the gateway")
    assert note.text.endswith(SENT[-40:])


def test_a_call_that_rests_on_withheld_reasoning_ends_the_attempt() -> None:
    joiner = Joiner(Restart(SENT), come(*text()))
    ahead = [*part(Reasoning(text="Hm.", signature="s")), *text(SENT + " he slept.", 1), e.PartEnd(1)]
    told = [made for event in ahead for made in joiner.feed(event)]
    assert told == [e.PartDelta(0, " he slept.")]
    assert joiner.feed(e.PartStart(index=2, part=ToolCall(id="1", name="f", arguments=""))) == []
    assert joiner.failed is not None


def test_parts_behind_the_join_go_on_counting() -> None:
    joiner = Joiner(Restart(SENT), come(*text()))
    call = ToolCall(id="1", name="f", arguments="")
    events = [
        e.MessageStart(origin="anthropic", id="other", model="other"),
        *text(SENT),
        e.PartEnd(0),
        e.PartStart(index=1, part=call),
        e.PartDelta(1, "{}"),
        e.PartEnd(1),
        e.Finish(reason="tool_calls"),
        e.MessageEnd(),
    ]
    assert [made for event in events for made in joiner.feed(event)] == [
        e.MessageStart(origin="anthropic", id="1", model="m"),
        e.PartEnd(0),
        e.PartStart(index=1, part=call),
        e.PartDelta(1, "{}"),
        e.PartEnd(1),
        e.Finish(reason="tool_calls"),
        e.MessageEnd(),
    ]
