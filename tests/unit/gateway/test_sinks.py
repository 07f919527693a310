"""What a sink lets through: frames as they are, unless the client could not read them so."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event
from flowrouter.canonical.parts import Provenance, Text
from flowrouter.dialects import codec
from flowrouter.dialects.codec import DecodeOptions, EncodeOptions
from flowrouter.gateway.editors import Editor, SparingEditor
from flowrouter.gateway.sinks import PassthroughSink, TranslateSink
from flowrouter.wire.sse import SseParser

CHUNK = b'{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}'
PROVENANCE = Provenance(dialect="openai_chat", family="m", account_id="a")


def relayed(stream: bytes) -> bytes:
    spoken = codec("openai_chat")
    sink, decoder = (
        PassthroughSink(spoken, EncodeOptions()),
        spoken.decoder(DecodeOptions(provenance=PROVENANCE)),
    )
    parser = SseParser()
    return b"".join(
        sink.feed(frame, decoder.feed(frame)) for frame in [*parser.feed(stream), *parser.close()]
    )


@pytest.mark.parametrize("before", [b"", b"data: "], ids=["bare", "framed"])
def test_a_chunk_without_its_frame_gets_one(before: bytes) -> None:
    assert relayed(before + CHUNK + b"\n\n") == b"data: " + CHUNK + b"\n\n"


def test_a_chunk_on_several_lines_stays_one_event() -> None:
    spread = CHUNK.replace(b',"choices"', b',\n  "choices"')
    assert relayed(spread + b"\n\n") == b"data: " + spread.replace(b"\n", b" ") + b"\n\n"


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic"])
def test_a_bare_error_is_none_to_these_sdks(dialect: str) -> None:
    (frame,) = SseParser().feed(b'{"type":"error","error":{"message":"no"}}\n\n')
    assert not codec(dialect).is_error_frame(frame)  # type: ignore[arg-type]


class Counting(SparingEditor):
    """An editor that leaves deltas alone, and hears them nevertheless where it is asked to."""

    def __init__(self, *, spares: bool) -> None:
        self.heard = ""
        self.saw: list[str] = []
        self._spares = spares

    def spares(self, index: int) -> bool:
        return self._spares and index == 0

    def hearer(self) -> Callable[[str], None]:
        return self._hear

    def _hear(self, text: str) -> None:
        self.heard += text

    def __call__(self, event: Event) -> list[Event]:
        if isinstance(event, e.PartDelta):
            self.saw.append(event.text)
        return [event]


def begun(edits: Sequence[Editor]) -> TranslateSink:
    sink = TranslateSink(codec("openai_chat"), EncodeOptions(), edits)
    sink.close([
        e.MessageStart(origin="anthropic", id="id-1", model="m"),
        e.PartStart(index=0, part=Text(text="")),
        e.PartStart(index=1, part=Text(text="")),
    ])  # fmt: skip
    return sink


@pytest.mark.parametrize("index", [0, 1], ids=["first", "behind"])
@pytest.mark.parametrize("spares", [(), (True,), (True, True), (True, False), (False,)], ids=str)
def test_texts_leave_as_their_events_would(spares: tuple[bool, ...], index: int) -> None:
    """What is spared an editor is heard by it; one that is not has all of them edit."""
    editors = [Counting(spares=spared) for spared in spares]
    said, fed = begun(editors), begun(())
    say = said.saying(index)
    assert [say(text) for text in "abc"] == [fed.close([e.PartDelta(index, text)]) for text in "abc"]
    for mine, other in zip(said.cursor.parts, fed.cursor.parts, strict=True):
        assert (mine.content, mine.pieces, mine.behind) == (other.content, other.pieces, other.behind)
    spared = all(spares) and index == 0
    for editor in editors:
        assert (editor.heard, editor.saw) == (("abc", []) if spared else ("", ["a", "b", "c"]))


def test_an_array_has_every_frame_fed() -> None:
    sink = PassthroughSink(codec("gemini"), EncodeOptions(framing="array"))
    assert sink.saying(0) is None
