"""Feeds chunks to the decoder and reads what the encoder wrote."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flowrouter.canonical.events import Event
from flowrouter.canonical.fold import Fold
from flowrouter.canonical.grammar import Grammar
from flowrouter.canonical.parts import Provenance
from flowrouter.canonical.response import Choice
from flowrouter.dialects.codec import DecodeOptions
from flowrouter.dialects.openai_chat import CODEC
from flowrouter.wire.json import dumps, loads
from flowrouter.wire.sse import Frame, SseParser

FROM = Provenance(dialect="openai_chat", family="x")
DONE = b"[DONE]"

Piece = dict[str, Any] | bytes


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **members: Any) -> dict[str, Any]:
    """Return one chunk of the first choice; `members` go on the chunk."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return {"id": "c-1", "model": "m", "created": 7, "choices": [choice], **members}


def calls(*entries: dict[str, Any]) -> dict[str, Any]:
    return chunk({"tool_calls": list(entries)})


def decode(*pieces: Piece, **options: Any) -> list[Event]:
    """Return the events of `pieces`, held against the grammar."""
    decoder = CODEC.decoder(DecodeOptions(provenance=FROM, **options))
    grammar = Grammar()
    events: list[Event] = []
    for piece in pieces:
        data = piece if isinstance(piece, bytes) else dumps(piece)
        events += decoder.feed(Frame(None, data, b""))
    events += decoder.close()
    for event in events:
        grammar.check(event)
    grammar.end()
    return events


def told(*pieces: Piece, **options: Any) -> Choice:
    """Return the first choice that `pieces` fold to."""
    fold = Fold()
    for event in decode(*pieces, **options):
        fold.feed(event)
    assert fold.problem is None, fold.problem
    return fold.response().choices[0]


def chunks(data: bytes | Iterable[bytes]) -> list[Any]:
    """Return the chunks written, `[DONE]` as a string."""
    parser = SseParser()
    frames = parser.feed(data if isinstance(data, bytes) else b"".join(data)) + parser.close()
    return [
        "[DONE]" if frame.data == DONE else loads(frame.data) for frame in frames if frame.data is not None
    ]


__all__ = ["DONE", "FROM", "Piece", "calls", "chunk", "chunks", "decode", "told"]
