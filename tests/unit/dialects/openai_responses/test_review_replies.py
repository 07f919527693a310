"""Replies in forms that hosts really send, and what of other vendors' replies comes back to us."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.events import Event
from flowrouter.canonical.fold import replay
from flowrouter.canonical.parts import Reasoning, Text, ToolCall
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.dialects.openai_responses.item_writer import ItemWriter
from flowrouter.dialects.openai_responses.parse_requests import parse_request
from flowrouter.dialects.openai_responses.responses import parse_response, render_response
from flowrouter.dialects.openai_responses.stream_encoder import Encoder
from flowrouter.wire.json import dumps, loads
from tests.unit.dialects.openai_responses.streams import (
    CREATED,
    DONE,
    FROM,
    START,
    added,
    completed,
    decode,
    done,
    encode,
    event,
    message,
    told,
)

CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}"}
ODD: dict[str, dict[str, Any]] = {
    "text of null": {
        "output": [
            {
                **message("a"),
                "content": [{"type": "output_text", "text": None}, {"type": "output_text", "text": "b"}],
            }
        ]
    },
    "refusal that is a list": {"output": [{**message("a"), "content": [{"type": "refusal", "refusal": []}]}]},
    "no call_id": {"output": [{k: v for k, v in CALL.items() if k != "call_id"}]},
    "call_id of null": {"output": [{**CALL, "call_id": None}]},
    "call_id that is a number": {"output": [{**CALL, "call_id": 7}]},
    "no arguments": {"output": [{k: v for k, v in CALL.items() if k != "arguments"}]},
    "arguments of null": {"output": [{**CALL, "arguments": None}]},
    "arguments as an object": {"output": [{**CALL, "arguments": {"a": 1}}]},
    "namespace of null": {"output": [{**CALL, "namespace": None}]},
    "id of null": {"id": None},
    "model of null": {"model": None},
    "model that is a number": {"model": 4},
}


@pytest.mark.parametrize("members", ODD.values(), ids=ODD.keys())
def test_an_odd_reply_goes_back_to_its_own_dialect_as_it_came(members: dict[str, Any]) -> None:
    whole = {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "model": "m",
        "output": [],
        **members,
    }
    response = parse_response(dumps(whole), FROM)
    assert loads(render_response(response, EncodeOptions()).body) == whole


@pytest.mark.parametrize("name", ["id", "model"])
def test_what_a_reply_left_out_is_not_made_up_for_its_own_dialect(name: str) -> None:
    whole = {"id": "resp_1", "object": "response", "status": "completed", "model": "m", "output": []}
    del whole[name]
    assert loads(render_response(parse_response(dumps(whole), FROM), EncodeOptions()).body) == whole


def test_a_name_that_was_asked_for_is_told_whatever_the_host_said() -> None:
    whole = {"id": "resp_1", "object": "response", "status": "completed", "model": None, "output": []}
    rendered = render_response(parse_response(dumps(whole), FROM), EncodeOptions(model="mine"))
    assert loads(rendered.body)["model"] == "mine"


def test_a_blank_line_that_comes_alone_divides_no_summary() -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "**A**\n\nb"}]}
    deltas = [
        event("reasoning_summary_text.delta", summary_index=0, item_id="rs_1", delta=delta)
        for delta in ("**A**", "\n\n", "b")
    ]
    events = decode(
        CREATED,
        added({**item, "summary": []}),
        *deltas,
        done(item),
        completed(item, model="m", object="response"),
    )
    frames = b"".join(Encoder(EncodeOptions()).feed(happened) for happened in events[:1])
    encoder = Encoder(EncodeOptions())
    frames = b"".join(encoder.feed(happened) for happened in events)
    assert frames.count(b"event: response.reasoning_summary_part.added") == 1
    choice = told(CREATED, added({**item, "summary": []}), *deltas, done(item), completed(item))
    assert [part.text for part in choice.parts if isinstance(part, Reasoning)] == ["**A**\n\nb"]


def test_two_parts_of_a_summary_stay_two() -> None:
    summary = [{"type": "summary_text", "text": text} for text in ("a", "b")]
    item = {"type": "reasoning", "id": "rs_1", "summary": summary}
    deltas = [
        event("reasoning_summary_text.delta", summary_index=n, item_id="rs_1", delta=text)
        for n, text in enumerate("ab")
    ]
    events = decode(CREATED, added({**item, "summary": []}), *deltas, done(item), completed(item))
    encoder = Encoder(EncodeOptions())
    frames = b"".join(encoder.feed(happened) for happened in events)
    assert frames.count(b"event: response.reasoning_summary_part.added") == 2


def test_reasoning_of_another_vendor_is_known_again_when_it_comes_back() -> None:
    """Without a mark it would pass for the vendor's own, who knows no such item and refuses the request."""
    thought: tuple[Event, ...] = (
        e.PartStart(index=0, part=Reasoning(text="")),
        e.PartDelta(0, "hm"),
        e.PartEnd(0),
        e.PartStart(index=1, part=Text(text="")),
        e.PartDelta(1, "so"),
        e.PartEnd(1),
    )
    frames, _ = encode(START, *thought, *DONE)
    items = frames[-1]["response"]["output"]
    assert items[0]["encrypted_content"] == "flr1."
    request = parse_request(dumps({"model": "m", "input": items}))
    part = request.messages[0].parts[0]
    assert isinstance(part, Reasoning)
    assert (part.text, part.sealed, part.signature) == ("hm", "flr1.", None)


def test_reasoning_of_this_dialect_gets_no_mark() -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "a"}]}
    encoder = Encoder(EncodeOptions())
    frames = b"".join(encoder.feed(h) for h in decode(CREATED, added(item), done(item), completed(item)))
    assert b"flr1." not in frames


def test_a_function_named_like_one_of_a_namespace_stands_in_none() -> None:
    tools = [
        {"type": "namespace", "name": "ns", "tools": [{"type": "function", "name": "f"}]},
        {"type": "function", "name": "ns__f"},
    ]
    call = e.PartStart(index=0, part=ToolCall(id="c", name="ns__f", arguments="{}"))
    frames, _ = encode(
        START, call, e.PartEnd(0), *DONE, asked=dumps({"model": "m", "input": "x", "tools": tools})
    )
    said = frames[-1]["response"]["output"][0]
    assert (said["name"], said.get("namespace")) == ("ns__f", None)


def test_an_answer_of_many_items_looks_at_each_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    close = ItemWriter.close

    def counted(self: ItemWriter, *args: Any, **kwargs: Any) -> bytes:
        nonlocal looks
        looks += 1
        return close(self, *args, **kwargs)

    monkeypatch.setattr(ItemWriter, "close", counted)
    encoder, parts = Encoder(EncodeOptions()), 400
    for number in range(parts):
        if number == 0:
            encoder.feed(START)
        encoder.feed(e.PartStart(index=number, part=ToolCall(id=f"c{number}", name="f", arguments="{}")))
        encoder.feed(e.PartEnd(number))
    for happened in DONE:
        encoder.feed(happened)
    assert looks < 4 * parts


def test_resuming_an_answer_that_ended_says_nothing_more() -> None:
    events = decode(CREATED, added(message()), done(message("a")), completed(message("a")))
    cursor = Cursor()
    for happened in events:
        cursor.apply(happened)
    assert Encoder.resume(EncodeOptions(), cursor).feed(e.MessageEnd()) == b""
    assert [
        type(happened)
        for happened in replay(parse_response(dumps(completed(message("a"))["response"]), FROM))
    ]
