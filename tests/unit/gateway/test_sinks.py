"""What a sink lets through: frames as they are, unless the client could not read them so."""

from __future__ import annotations

import pytest

from flowrouter.canonical.parts import Provenance
from flowrouter.dialects import codec
from flowrouter.dialects.codec import DecodeOptions, EncodeOptions
from flowrouter.gateway.sinks import PassthroughSink
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
