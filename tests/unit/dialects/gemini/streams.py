"""Feeds chunks to the decoder and reads what the encoder wrote."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event
from flowrouter.canonical.fold import Fold
from flowrouter.canonical.grammar import Grammar
from flowrouter.canonical.parts import Provenance
from flowrouter.canonical.response import Choice
from flowrouter.dialects.codec import DecodeOptions
from flowrouter.dialects.gemini.stream_decoder import Decoder
from flowrouter.wire.json import dumps, loads
from flowrouter.wire.sse import Frame, SseParser

FROM = Provenance(dialect="gemini", family="gemini-3", account_id="a")

Piece = dict[str, Any] | list[Any] | bytes


def chunk(*parts: Any, finish: str | None = None, index: int = 0, **members: Any) -> dict[str, Any]:
    """Return a chunk of one candidate; `members` go on the candidate."""
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": index}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [{**candidate, **members}], "modelVersion": "m", "responseId": "r"}


def text(words: str, **members: Any) -> dict[str, Any]:
    return {"text": words, **members}


def thought(words: str, **members: Any) -> dict[str, Any]:
    return {"text": words, "thought": True, **members}


def call(name: str, args: dict[str, Any], signature: str | None = None, **members: Any) -> dict[str, Any]:
    signed = {} if signature is None else {"thoughtSignature": signature}
    return {"functionCall": {"name": name, "args": args, **members}, **signed}


def decode(*pieces: Piece, **options: Any) -> list[Event]:
    """Return the events of `pieces`, held against the grammar."""
    decoder = Decoder(DecodeOptions(provenance=FROM, **options))
    events: list[Event] = []
    for piece in pieces:
        data = piece if isinstance(piece, bytes) else dumps(piece)
        events += decoder.feed(Frame(None, data, b""))
    events += decoder.close()
    grammar = Grammar()
    for event in events:
        grammar.check(event)
    grammar.end()
    return events


def folded(events: Iterable[Event]) -> Fold:
    fold = Fold()
    for event in events:
        fold.feed(event)
    return fold


def told(*pieces: Piece, **options: Any) -> Choice:
    """Return the first choice that `pieces` fold to."""
    fold = folded(decode(*pieces, **options))
    assert fold.problem is None, fold.problem
    return fold.response().choices[0]


def problem(*pieces: Piece, **options: Any) -> tuple[int, str | None]:
    """Return the status and the code of the error that `pieces` end in."""
    last = decode(*pieces, **options)[-1]
    assert isinstance(last, e.StreamError)
    return last.problem.status, last.problem.code


def chunks(data: bytes | Iterable[bytes]) -> list[Any]:
    """Return the objects written as server-sent events, bare ones too."""
    parser = SseParser()
    frames = parser.feed(data if isinstance(data, bytes) else b"".join(data)) + parser.close()
    return [loads(frame.data) for frame in frames if frame.data is not None]


__all__ = [
    "FROM",
    "Piece",
    "call",
    "chunk",
    "chunks",
    "decode",
    "folded",
    "problem",
    "text",
    "thought",
    "told",
]
