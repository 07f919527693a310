"""What a cursor keeps of parts for dialects that repeat them when they end."""

from __future__ import annotations

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.fold import fold, replay_part
from flowrouter.canonical.parts import Opaque, Reasoning, Text, ToolCall

START = e.MessageStart(origin="openai_responses", id="r", model="m")


def cursor_of(*events: e.Event) -> Cursor:
    cursor = Cursor()
    for event in events:
        cursor.apply(event)
    return cursor


def test_deltas_of_every_kind_are_kept_and_only_text_is_visible() -> None:
    call = ToolCall(id="c", name="f", arguments="")
    headers = (Text(text="a"), Reasoning(), call)
    events = [
        event
        for number, header in enumerate(headers)
        for event in (e.PartStart(index=number, part=header), *(e.PartDelta(number, "xy") for _ in range(40)))
    ]
    cursor = cursor_of(START, *events, e.PartDelta(1, ""))
    assert [part.content for part in cursor.parts] == ["xy" * 40] * 3
    assert [part.pieces for part in cursor.parts] == [40, 40, 40]
    assert [part.text for part in cursor.parts] == ["a" + "xy" * 40, "", ""]
    assert cursor.text == "a" + "xy" * 40
    assert cursor.characters == 241


def test_attributes_and_events_of_no_part_are_kept_or_counted() -> None:
    cited, signed = e.CitationDelta(0, {"url": "u"}), e.SignatureDelta(1, "s", sealed=True)
    starts = (e.PartStart(index=0, part=Text(text="")), e.PartStart(index=1, part=Reasoning()))
    others = (e.OpaqueEvent(origin="anthropic", payload={}), e.LogprobsDelta(logprobs={}))
    cursor = cursor_of(START, *starts, cited, signed, *others)
    assert [part.attributes for part in cursor.parts] == [[cited], [signed]]
    assert cursor.others == 2


def test_an_opaque_part_ends_as_its_delta_says_and_is_no_text() -> None:
    start = e.PartStart(index=0, part=Opaque(payload={"status": "in_progress"}, origin="openai_responses"))
    events = [START, start, e.PartDelta(0, '{"status":"completed"}'), e.PartEnd(0)]
    [part] = fold(events).choices[0].parts
    assert part == Opaque(payload={"status": "completed"}, origin="openai_responses")
    assert cursor_of(*events).characters == 0
    assert [type(event) for event in replay_part(0, part)] == [e.PartStart, e.PartEnd]
