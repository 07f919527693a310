"""Whatever bytes arrive, however they are cut, decoders never raise and their events keep the grammar."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.events import Event
from flowrouter.canonical.fold import Fold
from flowrouter.canonical.grammar import Grammar
from flowrouter.canonical.parts import Provenance
from flowrouter.dialects import available, codec
from flowrouter.dialects.codec import DecodeOptions, EncodeOptions
from flowrouter.wire.sse import Frame, SseParser, write
from tests.fuzz.strategies import chunks, streams, values
from tests.vectors.loader import vectors

spoken = pytest.mark.parametrize("dialect", available())
fast = settings(max_examples=60)

STREAMS: dict[Dialect, list[bytes]] = {
    dialect: [vector.body for vector in vectors("streams", dialect)] for dialect in available()
}
LINES = st.sampled_from(
    [
        b"\n", b"\r\n", b"\r", b"\n\n", b"\r\r", b"data:", b"data: ", b"event: ", b": comment", b"\xef\xbb\xbf",
        b"data: {}", b"data: [DONE]", b"event: message_start", b'data: {"error":{"message":"x"}}', b"\xe2\x80\xa8",
        b'data: {"type":"message_stop"}', b'data: {"choices":[]}',
    ]
)  # fmt: skip


def decode(dialect: Dialect, frames: Iterable[Frame], *, lax: bool = False) -> list[Event]:
    """Return the events of frames, held against the grammar, and fold them on the way."""
    options = DecodeOptions(provenance=Provenance(dialect=dialect), lax_finish=lax, think_tags=lax)
    decoder, grammar, fold, cursor = codec(dialect).decoder(options), Grammar(), Fold(), Cursor()
    events: list[Event] = []
    for frame in frames:
        events += decoder.feed(frame)
    events += decoder.close()
    for event in events:
        grammar.check(event)
        fold.feed(event)
        cursor.apply(event)
    grammar.end()
    return events


def framed(pieces: Iterable[bytes]) -> list[Frame]:
    parser = SseParser()
    frames = [frame for piece in pieces for frame in parser.feed(piece)]
    return [*frames, *parser.close()]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Return `data` cut at places taken modulo its length."""
    at = sorted({place % (len(data) + 1) for place in places})
    return [data[start:stop] for start, stop in zip([0, *at], [*at, len(data)], strict=True)]


@fast
@given(pieces=chunks)
def test_the_parser_loses_no_byte_and_finds_the_same_frames_however_it_is_cut(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    whole = framed([data])
    assert framed(pieces) == whole
    assert framed(bytes([byte]) for byte in data) == whole


@fast
@given(
    lines=st.lists(LINES | st.binary(max_size=6), max_size=30),
    places=st.lists(st.integers(0, 500), max_size=6),
)
@spoken
def test_any_lines_decode_without_raising(dialect: Dialect, lines: list[bytes], places: list[int]) -> None:
    data = b"".join(lines)
    assert decode(dialect, framed(cut(data, places))) == decode(dialect, framed([data]))


@fast
@given(data=st.data())
@spoken
def test_a_damaged_stream_keeps_the_grammar(dialect: Dialect, data: st.DataObject) -> None:
    """A real stream with bytes cut out, doubled or overwritten anywhere."""
    body = bytearray(data.draw(st.sampled_from(STREAMS[dialect])))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body)))
        length = data.draw(st.sampled_from([0, 1, 7, 60, 400]))
        body[at : at + length] = data.draw(
            st.sampled_from([b"", b"\n\n", bytes(body[at : at + 90])]) | st.binary(max_size=9)
        )
    decode(
        dialect,
        framed(cut(bytes(body), data.draw(st.lists(st.integers(0, 9999), max_size=5)))),
        lax=data.draw(st.booleans()),
    )


@fast
@given(data=st.data())
@spoken
def test_frames_dropped_doubled_and_reordered_keep_the_grammar(dialect: Dialect, data: st.DataObject) -> None:
    frames = framed([data.draw(st.sampled_from(STREAMS[dialect]))])
    chosen = data.draw(st.lists(st.sampled_from(frames), max_size=25))
    decode(dialect, chosen, lax=data.draw(st.booleans()))


@fast
@given(data=st.data())
@spoken
def test_any_value_in_any_member_keeps_the_grammar(dialect: Dialect, data: st.DataObject) -> None:
    """A real stream in which some members hold values of other types."""
    frames = framed([data.draw(st.sampled_from(STREAMS[dialect]))])
    spoilt: list[Frame] = []
    for frame in frames:
        if frame.data is not None and data.draw(st.integers(0, 3)) == 0:
            frame = spoil(frame, data)
        spoilt.append(frame)
    decode(dialect, spoilt)


def spoil(frame: Frame, data: st.DataObject) -> Frame:
    """Replace one member somewhere in the frame's payload."""
    assert frame.data is not None
    try:
        value = json.loads(frame.data)
    except ValueError:
        return frame
    node: Any = value
    while True:
        keys = (
            list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
        )
        if not keys:
            return frame
        key = data.draw(st.sampled_from(keys))
        if isinstance(node[key], dict | list) and node[key] and data.draw(st.booleans()):
            node = node[key]
            continue
        node[key] = data.draw(values)
        payload = json.dumps(value).encode()
        return Frame(frame.event, payload, write(payload, frame.event))


@fast
@given(events=streams())
@spoken
def test_what_an_encoder_writes_decodes_without_an_error(dialect: Dialect, events: list[Event]) -> None:
    grammar = Grammar()
    for event in events:
        grammar.check(event)
    encoder = codec(dialect).encoder(EncodeOptions(include_usage=True))
    told = decode(dialect, framed([encoder.feed(event) for event in events]))
    assert isinstance(told[-1], e.MessageEnd)
    assert not any(isinstance(event, e.FrameError | e.StreamError) for event in told)


@fast
@given(events=streams(), data=st.data())
@spoken
def test_an_encoder_that_takes_over_anywhere_says_what_the_first_would_have(
    dialect: Dialect, events: list[Event], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(events)))
    first = codec(dialect).encoder(EncodeOptions(include_usage=True))
    whole = [first.feed(event) for event in events]
    cursor = Cursor()
    for event in events[:at]:
        cursor.apply(event)
    second = codec(dialect).resume(EncodeOptions(include_usage=True), cursor)
    rest = [second.feed(event) for event in events[at:]]
    expected = decode(dialect, framed(whole))
    assert decode(dialect, framed([*whole[:at], *rest])) == expected
