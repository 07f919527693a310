"""A stream means the same whether its frames are compared with a mould or decoded one by one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.canonical import events as e
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.events import Event
from flowrouter.canonical.parts import Provenance
from flowrouter.dialects import codec
from flowrouter.dialects.codec import DecodeOptions
from flowrouter.dialects.mould import DeltaMould, apart
from flowrouter.wire.sse import Frame, SseParser, write

TEXTS = st.one_of(
    st.sampled_from(
        ["", "a", "text", "content", "c-1", '"', "\\", "\n", "</", "<think>", "é", "\ud800", "🙂", "0"]
    ),
    st.text(max_size=6),
)


def words(name: str) -> st.SearchStrategy[dict[str, Any]]:
    return TEXTS.map(lambda text: {name: text})


CHAT_DELTAS = st.one_of(
    words("content"),
    words("content"),
    words("content"),
    words("reasoning_content"),
    words("refusal"),
    words("surprise"),
    words("reasoning").map(lambda said: {**said, "content": None}),
    words("content").map(lambda said: {"role": "assistant", **said}),
    words("content").map(lambda said: {**said, "reasoning_content": "same"}),
    words("text").map(lambda said: {"reasoning_details": [{"type": "reasoning.text", **said}]}),
    words("arguments").map(
        lambda said: {"tool_calls": [{"index": 0, "id": "t", "function": {"name": "f", **said}}]}
    ),
    words("arguments").map(lambda said: {"tool_calls": [{"index": 0, "function": said}]}),
)
CHAT = st.builds(
    lambda delta, index, more, choice: {
        "id": "c-1",
        "model": "m",
        "choices": [{"index": index, "delta": delta, **choice}],
        **more,
    },
    CHAT_DELTAS,
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from(
        [
            {},
            {},
            {},
            {"usage": {"prompt_tokens": 1}},
            {"odd": 1},
            *({"obfuscation": pad} for pad in ("a", "bc", "D9", "é", "")),
        ]
    ),
    st.sampled_from(
        [{}, {}, {}, {"finish_reason": "stop"}, {"stop_reason": "a"}, {"logprobs": {"content": []}}]
    ),
)

CLAUDE_DELTAS = st.one_of(
    words("text").map(lambda said: {"type": "text_delta", **said}),
    words("text").map(lambda said: {"type": "text_delta", **said}),
    words("thinking").map(lambda said: {"type": "thinking_delta", **said}),
    words("signature").map(lambda said: {"type": "signature_delta", **said}),
    words("partial_json").map(lambda said: {"type": "input_json_delta", **said}),
)
BLOCKS = st.sampled_from([
    {"type": "text", "text": ""},
    {"type": "thinking", "thinking": "", "signature": ""},
    {"type": "tool_use", "id": "t", "name": "f", "input": {}},
    {"type": "server_tool_use", "id": "s", "name": "g", "input": {}},
])  # fmt: skip
NUMBERS = st.sampled_from([0, 0, 0, 1])
CLAUDE = st.one_of(
    st.builds(lambda index, delta: {"type": "content_block_delta", "index": index, "delta": delta}, NUMBERS, CLAUDE_DELTAS),
    st.builds(lambda index, delta: {"type": "content_block_delta", "index": index, "delta": delta}, NUMBERS, CLAUDE_DELTAS),
    st.builds(lambda index, block: {"type": "content_block_start", "index": index, "content_block": block}, NUMBERS, BLOCKS),
    NUMBERS.map(lambda index: {"type": "content_block_stop", "index": index}),
    st.just({"type": "ping"}),
)  # fmt: skip


def framed(data: bytes) -> Frame:
    return Frame(None, data, write(data))


def payload(data: bytes) -> Frame:
    return Frame(None, data, b"")


def decoded(dialect: Dialect, frames: list[bytes], *, fitted: bool) -> list[Event]:
    """Return what `frames` mean, those that fit their mould as they came not even fed."""
    decoder = codec(dialect).decoder(DecodeOptions(provenance=Provenance(dialect=dialect)))
    events: list[Event] = []
    for data in frames:
        frame = framed(data)
        mould = decoder.mould
        fit = mould.fit if fitted and mould is not None else None
        if mould is not None and fit is not None and (said := fit(frame.raw)):
            events.append(e.PartDelta(mould.index, said))
        else:
            events += decoder.feed(frame)
    return [*events, *decoder.close()]


def written(value: Any, *, ascii_only: bool) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=ascii_only).encode("utf-8", "replace")


@pytest.mark.parametrize(
    ("dialect", "each"), [("openai_chat", CHAT), ("anthropic", CLAUDE)], ids=["chat", "anthropic"]
)
@given(data=st.data())
def test_frames_mean_what_they_mean_alone(
    dialect: Dialect, each: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    chosen = data.draw(st.lists(st.tuples(each, st.booleans(), st.integers(1, 3)), max_size=12))
    frames = [written(value, ascii_only=plain) for value, plain, times in chosen for _ in range(times)]
    # A blank ahead of every other frame changes nothing but that no frame has the bytes of the one before.
    apart = [b" " * (number % 2) + frame for number, frame in enumerate(frames)]
    alone = decoded(dialect, apart, fitted=False)
    assert decoded(dialect, frames, fitted=False) == alone
    assert decoded(dialect, frames, fitted=True) == alone


def test_a_frame_fits_as_it_stands_only() -> None:
    mould = DeltaMould()
    mould.learn(SseParser().feed(b'event: e\ndata: {"t":"one"}\n\n')[0], "one", [e.PartDelta(0, "one")])
    fit = mould.fit
    assert fit is not None
    assert fit(b'event: e\ndata: {"t":"two"}\n\n') == "two"
    for other in (
        b'data: {"t":"two"}\n\n', b'event: f\ndata: {"t":"two"}\n\n', b'event: e\ndata: {"t":"two"}\n',
        b'event: e\ndata: {"t":"two"}\n\ndata: {"t":"three"}\n\n', b'event: e\ndata: {"t":"two"}\r\n\r\n',
        b'event: e\ndata: {"t":"two"}\n\n\n', b'event: e\ndata: {"t":"t\n\nwo"}\n\n', b"\n\n", b"",
        b'event: e\ndata: {"t":\n\n"two"}\n\n', b'event: e\ndata: {"t":"two"\n}\n\n', b'event: e\ndata: {"t":\r"two"}\n\n',
    ):  # fmt: skip
        assert not fit(other)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"t":"one"}\n\n',
        b'data: {"t":\ndata: "one"}\n\n',
        b'data: {"t":"one"}\r\n\r\n',
        b'data: {"t":"one"}\nid: 1\n\n',
    ],
    ids=["bare", "two-lines", "carriage-returns", "a-line-behind"],
)
def test_frames_of_another_form_are_taken_apart(raw: bytes) -> None:
    mould, (frame,) = DeltaMould(), SseParser().feed(raw)
    mould.learn(frame, "one", [e.PartDelta(0, "one")])
    assert not mould.framed
    assert mould.match(frame) == e.PartDelta(0, "one")


def test_a_mould_fits_what_differs_in_its_string_only() -> None:
    mould = DeltaMould()
    mould.learn(payload(b'{"i":0,"t":"one"}'), "one", [e.PartDelta(3, "one")])
    assert mould.match(payload(b'{"i":0,"t":"tw\\u00f6"}')) == e.PartDelta(3, "twö")
    for other in (
        b'{"i":1,"t":"two"}', b'{"i":0,"t":"two"} ', b'{"i":0,"t":2}', b'{"i":0,"t":"a","t":"b"}', b'{"i":0,"t":""}',
        b'{"i":0,"t":}', b'{"i":0,"t":"\xff"}', b'{"i":0,"t":"\\ud800"}', b'{"i":0,"t":"two',
    ):  # fmt: skip
        assert mould.match(payload(other)) is None
    mould.forget()
    assert mould.match(payload(b'{"i":0,"t":"two"}')) is None


def test_padding_may_differ_too() -> None:
    mould = DeltaMould()
    mould.learn(payload(b'{"t":"one","u":null,"obfuscation":"xY3"}'), "one", [e.PartDelta(0, "one")])
    assert mould.match(payload(b'{"t":"two","u":null,"obfuscation":"n"}')) == e.PartDelta(0, "two")
    for other in (
        b'{"t":"two","u":null}', b'{"t":"two","u":null,"obfuscation":"a","error":"b"}', b'{"t":"two","obfuscation":"a"}',
        b'{"t":"two","u":null,"obfuscation":""}', b'{"t":"two","u":null,"obfuscation":"\\"}', b'"obfuscation":"a"}',
    ):  # fmt: skip
        assert mould.match(payload(other)) is None


@pytest.mark.parametrize(
    ("frame", "said"),
    [(b'{"t":"t"}', "t"), (b'{"t":"a","u":"\\u0061"}', "a"), (b'{"t":"\xc3\xa9"}', "é"), (b'{"t":5}', "5")],
    ids=["found-twice", "escapes", "not-ascii", "no-string"],
)
def test_where_the_string_stands_must_be_certain(frame: bytes, said: str) -> None:
    mould = DeltaMould()
    mould.learn(payload(frame), said, [e.PartDelta(0, said)])
    assert mould.match(payload(frame)) is None


def test_a_host_whose_frames_all_differ_is_left_alone() -> None:
    mould = DeltaMould()
    for number in range(20):
        mould.learn(payload(b'{"n":%d,"t":"a"}' % number), "a", [e.PartDelta(0, "a")])
    assert mould.match(payload(b'{"n":19,"t":"b"}')) is None


@pytest.mark.parametrize("padding", [b"", b',"obfuscation":"xY3"'], ids=["bare", "padded"])
def test_several_frames_are_told_apart_as_long_as_they_fit(padding: bytes) -> None:
    def frame(text: bytes) -> bytes:
        return b'data: {"t":"%b"%b}\n\n' % (text, padding)

    mould = DeltaMould()
    mould.learn(SseParser().feed(frame(b"one"))[0], "one", [e.PartDelta(2, "one")])
    fit = mould.fit
    assert fit is not None
    two, three, other = frame(b"two"), frame(b"\\n\\n"), b"data: [DONE]\n\n"
    fitting = [(two, "two"), (three, "\n\n")]
    assert apart(two + three, fit) == (fitting, b"")
    for rest in (other, two[:9], two[:-1], b"\n\n" + two, other + two, b"\n"):
        assert apart(two + three + rest, fit) == (fitting, rest)
    assert apart(other + two, fit) == ([], other + two)
