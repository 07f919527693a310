"""A stream means the same however its bytes are cut, and says what its whole twin says.

Each vector is decoded whole, byte by byte and at random places; its events keep the grammar; its
fold equals the twin's parse; written again by the encoder, in one piece or taken over by a second
encoder after any event, it still folds to the same.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.events import Event
from flowrouter.canonical.fold import Fold, fold, replay
from flowrouter.canonical.grammar import Grammar
from flowrouter.canonical.parts import Provenance
from flowrouter.canonical.response import Response
from flowrouter.dialects import codec
from flowrouter.dialects.codec import DecodeOptions, EncodeOptions
from flowrouter.wire.sse import SseParser
from tests.vectors.loader import Vector, each

ENCODE = EncodeOptions(include_usage=True)


def decode(dialect: Dialect, pieces: Iterable[bytes]) -> list[Event]:
    """Return the events of a stream that arrives in `pieces`, each held against the grammar."""
    parser, grammar = SseParser(), Grammar()
    decoder = codec(dialect).decoder(DecodeOptions(provenance=Provenance(dialect=dialect)))
    events: list[Event] = []
    for piece in pieces:
        for frame in parser.feed(piece):
            events += decoder.feed(frame)
    for frame in parser.close():
        events += decoder.feed(frame)
    events += decoder.close()
    for event in events:
        grammar.check(event)
    grammar.end()
    return events


def cut_anywhere(data: bytes, seed: int) -> Iterator[bytes]:
    """Yield `data` in pieces of random sizes, the same ones for the same seed."""
    chance = random.Random(seed)
    at = 0
    while at < len(data):
        size = chance.choice((1, 2, 3, 7, 40, 200, 1500))
        yield data[at : at + size]
        at += size


def gathered(events: Iterable[Event]) -> Fold:
    fold = Fold()
    for event in events:
        fold.feed(event)
    return fold


def essence(response: Response) -> Any:
    """Return the answer as plain values, without what a stream and a whole answer tell differently.

    That is: the reply's id, the vendor's raw usage object, the member a host keeps its reasoning in,
    and unknown members without a value.
    """
    plain = msgspec.to_builtins(response)
    del plain["id"]
    if plain["usage"] is not None:
        del plain["usage"]["raw"]
    for choice in plain["choices"]:
        for part in choice["parts"]:
            part.pop("field", None)
    return _without_empty_extra(plain)


def _without_empty_extra(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_without_empty_extra(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: _without_empty_extra(item) for name, item in value.items()}
    for name in ("extra", "message_extra"):
        if name in kept:
            kept[name] = {key: item for key, item in kept[name].items() if item not in (None, "", [], {})}
    return kept


@each("streams")
def test_cuts_change_nothing(vector: Vector) -> None:
    whole = decode(vector.dialect, [vector.body])
    assert decode(vector.dialect, (bytes([byte]) for byte in vector.body)) == whole
    for seed in range(12):
        assert decode(vector.dialect, cut_anywhere(vector.body, seed)) == whole


@each("streams")
def test_every_frame_is_understood(vector: Vector) -> None:
    events = decode(vector.dialect, [vector.body])
    assert [event for event in events if isinstance(event, e.FrameError)] == []
    assert isinstance(events[-1], e.StreamError if vector.twin is None else e.MessageEnd)


@each("streams")
def test_fold_equals_the_whole_twin(vector: Vector) -> None:
    told = gathered(decode(vector.dialect, [vector.body]))
    if vector.twin is None:
        assert told.problem is not None
        return
    whole = codec(vector.dialect).parse_response(vector.twin, Provenance(dialect=vector.dialect))
    assert essence(told.response()) == essence(whole)


def retold(dialect: Dialect, events: Iterable[Event], *, cut: int | None = None) -> Fold:
    """Return the fold of `events` encoded and decoded again, another encoder taking over at `cut`."""
    spoken = codec(dialect)
    encoder, cursor = spoken.encoder(ENCODE), Cursor()
    out: list[bytes] = []
    for number, event in enumerate(events):
        if number == cut:
            encoder = spoken.resume(ENCODE, cursor)
        out.append(encoder.feed(event))
        cursor.apply(event)
    return gathered(decode(dialect, out))


def same(first: Fold, second: Fold) -> bool:
    """Return whether two streams tell the same, errors included."""
    if (first.problem is None) != (second.problem is None):
        return False
    if first.problem is not None and second.problem is not None:
        return first.problem.message == second.problem.message
    return essence(first.response()) == essence(second.response())


@each("streams")
def test_encoded_again_it_tells_the_same(vector: Vector) -> None:
    events = decode(vector.dialect, [vector.body])
    told, again = gathered(events), retold(vector.dialect, events)
    if told.problem is None:
        assert essence(again.response()) == essence(told.response())
    assert same(told, again)


@each("streams")
def test_another_encoder_can_take_over_after_any_event(vector: Vector) -> None:
    events = decode(vector.dialect, [vector.body])
    told = gathered(events)
    for cut in range(len(events) + 1):
        again = retold(vector.dialect, events, cut=cut)
        assert same(told, again), f"cut before event {cut}: {events[min(cut, len(events) - 1)]}"


@each("responses")
def test_whole_answer_told_as_a_stream(vector: Vector) -> None:
    """A host that ignores `stream` answers whole; its client still gets a stream that says the same."""
    whole = codec(vector.dialect).parse_response(vector.body, Provenance(dialect=vector.dialect))
    grammar = Grammar()
    for event in replay(whole):
        grammar.check(event)
    again = retold(vector.dialect, replay(whole))
    expected, told = essence(whole), essence(again.response())
    assert [choice["parts"] for choice in told["choices"]] == [c["parts"] for c in expected["choices"]]
    assert [choice["finish"] for choice in told["choices"]] == [c["finish"] for c in expected["choices"]]
    assert told["usage"] == expected["usage"]


@each("responses")
def test_a_whole_answer_is_what_its_stream_folds_to(vector: Vector) -> None:
    """So that one which nothing edits may be rendered without being told event by event."""
    whole = codec(vector.dialect).parse_response(vector.body, Provenance(dialect=vector.dialect))
    assert all(choice.finish is not None for choice in whole.choices)
    assert fold(replay(whole)) == whole
