"""What an encoder gives for the deltas of one part writes what it would write if each were fed."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.parts import Part, Reasoning, Refusal, Text, ToolCall
from flowrouter.dialects import codec
from flowrouter.dialects.codec import EncodeOptions

PARTS: dict[str, Part] = {
    "text": Text(text=""),
    "reasoning": Reasoning(text=""),
    "refusal": Refusal(text=""),
    "call": ToolCall(id="call_1", name="f", arguments=""),
    "custom": ToolCall(id="call_1", name="f", arguments="", kind="custom"),
}
DIALECTS: tuple[Dialect, ...] = ("openai_chat", "openai_responses", "anthropic", "gemini")
TEXTS = ["one", ' "two"', "\n\n", "\\", "é🙂", "\u2028", "\ud800", '{"a":', "1}"]


def encoder(dialect: Dialect, origin: Dialect, part: Part) -> Any:
    """Return an encoder in whose stream a first part has ended and a second one has begun."""
    made = codec(dialect).encoder(EncodeOptions(include_usage=True, now=1.0))
    for event in (
        e.MessageStart(origin=origin, id="id-1", model="m"),
        e.PartStart(index=0, part=Reasoning(text="")),
        e.PartDelta(0, "first"),
        e.PartEnd(0),
        e.PartStart(index=1, part=part),
    ):
        made.feed(event)
    return made


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("origin", ["openai_chat", "anthropic"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_said_as_fed(dialect: Dialect, origin: Dialect, part: Part) -> None:
    fed, said = encoder(dialect, origin, part), encoder(dialect, origin, part)
    for number, text in enumerate(TEXTS):
        say = said.saying(1)  # until the first delta has left, a start may be held back
        written = said.feed(e.PartDelta(1, text)) if say is None else say(text)
        assert written == fed.feed(e.PartDelta(1, text)), number
    for event in (e.PartEnd(1), e.Finish(reason="stop"), e.MessageEnd()):
        assert said.feed(event) == fed.feed(event)
    assert said.losses == fed.losses
    assert said.saying(1) is None
    assert said.saying(7) is None


@pytest.mark.parametrize("dialect", DIALECTS)
def test_text_is_said_without_being_asked_again(dialect: Dialect) -> None:
    fed, said = (encoder(dialect, "anthropic", PARTS["text"]) for _ in range(2))
    say = said.saying(1)
    assert [say(text) for text in TEXTS] == [fed.feed(e.PartDelta(1, text)) for text in TEXTS]
