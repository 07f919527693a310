"""A signature that comes behind an answer's text makes no block: the last block is what clients print."""

from __future__ import annotations

import json
from typing import Any

from flowrouter.canonical import events as e
from flowrouter.canonical.fold import fold
from flowrouter.canonical.parts import Reasoning, Text, ToolCall
from flowrouter.dialects.anthropic import CODEC
from flowrouter.dialects.codec import EncodeOptions


def answer(last: Reasoning, *, call: bool = False) -> list[e.Event]:
    events: list[e.Event] = [
        e.MessageStart(origin="gemini", id="r1", model="m"),
        e.PartStart(index=0, part=Text(text="")),
        e.PartDelta(0, "The task is done."),
        e.PartEnd(0),
        e.PartStart(index=1, part=last),
        e.SignatureDelta(1, "flr1.abc", sealed=True),
        e.PartEnd(1),
    ]
    if call:
        events += [e.PartStart(index=2, part=ToolCall(id="c1", name="f", arguments="{}")), e.PartEnd(2)]
    return [*events, e.Finish(reason="tool_calls" if call else "stop"), e.MessageEnd()]


def blocks(events: list[e.Event]) -> tuple[list[str], list[str]]:
    """Return the kinds of block of the streamed and of the whole answer."""
    encoder = CODEC.encoder(EncodeOptions())
    sent = b"".join(encoder.feed(event) for event in events)
    starts: list[dict[str, Any]] = [
        json.loads(line[6:])
        for line in sent.decode().splitlines()
        if line.startswith('data: {"type":"content_block_start"')
    ]
    whole = json.loads(CODEC.render_response(fold(events), EncodeOptions()).body)
    return [start["content_block"]["type"] for start in starts], [block["type"] for block in whole["content"]]


def test_the_text_stays_the_last_block() -> None:
    events = answer(Reasoning(field="empty"))
    assert blocks(events) == (["text"], ["text"])
    encoder = CODEC.encoder(EncodeOptions())
    for event in events:
        encoder.feed(event)
    assert [loss.path for loss in encoder.losses] == ["content.reasoning"]
    assert [loss.path for loss in CODEC.render_response(fold(events), EncodeOptions()).losses] == [
        "content.reasoning"
    ]


def test_the_signature_of_a_call_keeps_its_block() -> None:
    kinds = ["text", "thinking", "tool_use"]
    assert blocks(answer(Reasoning(call_id="c1"), call=True)) == (kinds, kinds)
