"""Server-sent events: whatever the line ends and wherever the cuts, the frames are the same."""

from __future__ import annotations

import json
import random
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flowrouter.wire import sse
from flowrouter.wire.sse import Frame, SseError, SseParser

BOM = b"\xef\xbb\xbf"


def parse(*pieces: bytes) -> list[Frame]:
    parser = SseParser()
    frames = [frame for piece in pieces for frame in parser.feed(piece)]
    return frames + parser.close()


def told(*pieces: bytes) -> list[tuple[str | None, bytes | None]]:
    return [(frame.event, frame.data) for frame in parse(*pieces)]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({min(place, len(data)) for place in places}), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges)]


# Pieces that matter to the framing, so that random streams hit every corner of it.
streams = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"\n",
                b"\r",
                b"\r\n",
                b"\n\n",
                b"data: ",
                b"data:",
                b"data",
                b"event: x",
                b": note",
                BOM[:1],
                BOM,
            ]
        ),
        st.binary(max_size=4),
        st.sampled_from(["é", "\u2028", "😀"]).map(str.encode),
    ),
    max_size=24,
).map(b"".join)


def reference(data: bytes) -> list[tuple[str | None, bytes | None]]:
    """Read the stream as the standard tells it: by lines, an event per blank line."""
    data = data.removeprefix(BOM)
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    found: list[tuple[str | None, bytes | None]] = []
    event, payload = None, []
    for line in lines:
        if not line:
            if payload:
                found.append((event, b"\n".join(payload)))
            event, payload = None, []
        name, _, value = line.partition(b":")
        value = value[1:] if value[:1] == b" " else value
        if name == b"data":
            payload.append(value)
        elif name == b"event":
            event = value.decode("utf-8", "replace")
    return found + ([(event, b"\n".join(payload))] if payload else [])


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_line_ends(end: bytes) -> None:
    lines = [b"event: a", b"data: 1", b"", b": note", b"", b"data: 2", b"data: 3", b"", b""]
    assert told(end.join(lines)) == [("a", b"1"), (None, None), (None, b"2\n3")]


@pytest.mark.parametrize(
    "stream",
    [
        b"data: 1\r\n\ndata: 2\n\r\n",
        b"data: 1\n\rdata: 2\r\n\r",
        b"data: 1\r\rdata: 2\n\n",
        b"data: 1\n\n\r\ndata: 2",
    ],
)
def test_mixed_line_ends(stream: bytes) -> None:
    assert [data for _, data in told(stream) if data is not None] == [b"1", b"2"]


@pytest.mark.parametrize(
    "line, data",
    [
        (b"data: x", b"x"),
        (b"data:x", b"x"),
        (b"data:  x", b" x"),
        (b"data:", b""),
        (b"data", b""),
        (b"data: a: b", b"a: b"),
        (b"data:\tx", b"\tx"),
        (b"id: 7", None),
        (b"retry: 5", None),
        (b"dat: x", None),
        (b" data: x", None),
        (b":data: x", None),
    ],
)
def test_fields(line: bytes, data: bytes | None) -> None:
    assert told(line + b"\n\n") == [(None, data)]


def test_multi_line_data_keeps_its_blank_lines() -> None:
    assert told(b"data: a\ndata:\ndata: b\n\n") == [(None, b"a\n\nb")]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_only_line_feeds_and_returns_split(separator: str) -> None:
    payload = f'{{"text":"a{separator}b"}}'.encode()
    assert told(b"data: " + payload + b"\n\n") == [(None, payload)]


@pytest.mark.parametrize("place", range(1, 8))
def test_byte_order_mark_cut_anywhere(place: int) -> None:
    stream = BOM + b"data: x\n\n"
    assert parse(stream[:place], stream[place:]) == [Frame(None, b"x", b"data: x\n\n")]


def test_byte_order_mark_only_at_the_start() -> None:
    assert told(b"data: x\n\n" + BOM + b"data: y\n\n") == [(None, b"x"), (None, None)]


def test_last_frame_without_blank_line() -> None:
    assert told(b"data: x\n\nevent: e\ndata: y") == [(None, b"x"), ("e", b"y")]
    assert told(b"data: x\n\nevent: e\ndata: y\n") == [(None, b"x"), ("e", b"y")]


@pytest.mark.parametrize("stream", [b"", b"\n", b"\r", b"\r\n", b"\n\r", BOM, b"data: x\n\n\n"])
def test_a_rest_of_blank_lines_is_no_frame(stream: bytes) -> None:
    assert [frame for frame in parse(stream) if frame.raw.strip() == b"" and frame.data is not None] == []
    parser = SseParser()
    parser.feed(stream)
    assert parser.close() == []


def test_frame_leaves_at_its_blank_line() -> None:
    """Whoever waits for the next frame before sending this one delays every token."""
    parser = SseParser()
    assert parser.feed(b"data: 1\n") == []
    assert [frame.data for frame in parser.feed(b"\n")] == [b"1"]
    assert parser.feed(b"data: 2\r\n\r") == []
    assert [frame.data for frame in parser.feed(b"\n")] == [b"2"]


def test_empty_pieces_are_harmless() -> None:
    assert told(b"", b"data: x", b"", b"\n\n", b"") == [(None, b"x")]


def test_parser_can_be_closed_twice() -> None:
    parser = SseParser()
    parser.feed(b"data: x")
    assert len(parser.close()) == 1
    assert parser.close() == []


@given(streams, st.lists(st.integers(0, 80), max_size=8))
@example(b"data: a\r\n\r\ndata: b\r\n\r\n", [10, 11])
@example(b"data: a\r\r\ndata: b", [8, 9])
@example(b"\r\n\r\n", [1, 2, 3])
def test_cuts_change_nothing(stream: bytes, places: list[int]) -> None:
    whole = parse(stream)
    assert parse(*cut(stream, places)) == whole
    assert parse(*(stream[at : at + 1] for at in range(len(stream)))) == whole


@given(streams)
def test_frames_are_the_standards(stream: bytes) -> None:
    found = [
        (frame.event, frame.data) for frame in parse(stream) if not frame.bare and frame.data is not None
    ]
    assert found == reference(stream)


@given(streams)
def test_no_byte_is_lost(stream: bytes) -> None:
    """The passthrough lane sends `raw`: all of it together is the stream, but for blank lines at the end."""
    joined = b"".join(frame.raw for frame in parse(stream))
    rest = stream.removeprefix(BOM)
    assert rest.startswith(joined)
    assert rest[len(joined) :].strip(b"\r\n") == b""


@given(
    st.binary(max_size=60).filter(lambda data: not {0x0A, 0x0D} & set(data)),
    st.sampled_from([None, "e", "error"]),
)
def test_what_is_written_is_read(data: bytes, event: str | None) -> None:
    assert told(sse.write(data, event)) == [(event, data)]


ERROR = b'{\n  "error": {\n    "code": 503,\n    "message": "a\\n\\nb: c"\n  }\n}'


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n", b"\r\n\r\n"], ids=["nothing", "line", "blank", "CRLF"])
@pytest.mark.parametrize(
    "body", [ERROR, b"[" + ERROR + b"\n]", b'{"error":{}}'], ids=["object", "array", "flat"]
)
def test_bare_json_between_blank_lines_is_an_event(body: bytes, end: bytes) -> None:
    """Google ends a broken stream so; its own clients read it, with or without a blank line behind."""
    first, last = parse(b"data: {}\n\n" + body + end)
    assert (first.bare, first.data) == (False, b"{}")
    assert (last.bare, last.event, last.data) == (True, None, body)
    assert last.raw == body + end


@pytest.mark.parametrize(
    "text",
    [b"{", b"{]", b"null", b'"x"', b'{"a":1} x', b': {"a":1}', b'id: {"a":1}', b'{"a":', b"<html>{}</html>"],
    ids=str,
)
def test_other_text_between_blank_lines_is_none(text: bytes) -> None:
    assert [(frame.data, frame.bare) for frame in parse(text + b"\n\n")] == [(None, False)]


def test_json_beside_data_is_a_field_of_no_meaning() -> None:
    assert [(frame.data, frame.bare) for frame in parse(b'{"a":1}\ndata: x\n\n')] == [(b"x", False)]


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.integers(0, 4),
)
def test_json_on_one_line_means_the_same(value: object, indent: int) -> None:
    text = json.dumps(value, indent=indent or None).encode().replace(b"\n", b"\r\n")
    flat = sse.one_line(text)
    assert not {0x0A, 0x0D} & set(flat)
    assert json.loads(flat) == value
    assert told(sse.write(flat)) == [(None, flat)]


def test_heartbeat_is_no_event() -> None:
    assert told(sse.COMMENT) == [(None, None)]


class CountingBuffer(bytearray):
    """A buffer that adds up how many bytes each search looks at."""

    looked_at = 0

    def find(self, sub, start=0, end=None):  # type: ignore[override]
        found = super().find(sub, start) if end is None else super().find(sub, start, end)
        stop = len(self) if end is None else min(end, len(self))
        self.looked_at += max(0, (found if found >= 0 else stop) - start) + 1
        return found


@pytest.mark.parametrize("size", [1, 7, 64 * 1024])
@pytest.mark.parametrize("payload", [b"x", b"x\r", b"\r\nx"], ids=["plain", "returns", "lines"])
def test_large_event_costs_once(payload: bytes, size: int) -> None:
    """An event of a megabyte in any pieces is looked at about once, never once per piece."""
    stream = b"data: " + payload * (2**20 // len(payload) if size > 1 else 2**15)
    parser = SseParser()
    parser.pending = CountingBuffer()
    for at in range(0, len(stream), size):
        assert parser.feed(stream[at : at + size]) == []
    pieces = len(stream) / size
    assert parser.pending.looked_at <= 4 * len(stream) + 20 * pieces
    assert [frame.data is not None for frame in parser.feed(b"\n\n")] == [True]


def test_large_event_is_whole() -> None:
    payload = random.Random(1).randbytes(3_000_000).replace(b"\n", b".").replace(b"\r", b".")
    stream = b"data: " + payload + b"\r\n\r\n"
    (frame,) = parse(*(stream[at : at + 65_536] for at in range(0, len(stream), 65_536)))
    assert frame.data == payload
    assert frame.raw == stream


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"], ids=["LF", "CRLF", "CR"])
def test_many_frames_in_one_piece_cost_once_each(end: bytes) -> None:
    frame = b"data: " + b"x" * 20 + end
    parser = SseParser()
    parser.pending = CountingBuffer()
    assert len(parser.feed(frame * 5_000 + b"data: y")) == 5_000
    assert parser.pending.looked_at <= 4 * 5_000 * len(frame)


def test_event_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_FRAME", 100)
    parser = SseParser()
    assert len(parser.feed(b"data: x\n\n" * 50)) == 50
    with pytest.raises(SseError, match="100"):
        parser.feed(b"data: " + b"x" * 100)
