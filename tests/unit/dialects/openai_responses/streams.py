"""Feeds events of the vendor to the decoder, and reads what the encoder wrote."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from openai._models import construct_type_unchecked
from openai._types import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event
from flowrouter.canonical.fold import Fold
from flowrouter.canonical.grammar import Grammar
from flowrouter.canonical.parts import Provenance
from flowrouter.canonical.response import Choice
from flowrouter.dialects.codec import DecodeOptions, EncodeOptions
from flowrouter.dialects.openai_responses.stream_decoder import Decoder
from flowrouter.dialects.openai_responses.stream_encoder import Encoder
from flowrouter.wire.json import dumps, loads
from flowrouter.wire.sse import Frame, SseParser

FROM = Provenance(dialect="openai_responses", family="gpt")
CREATED: dict[str, Any] = {
    "type": "response.created",
    "response": {"id": "resp_1", "model": "m", "created_at": 7},
}

Piece = dict[str, Any] | bytes

_EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def event(kind: str, index: int = 0, **members: Any) -> dict[str, Any]:
    """Return one event of the vendor's about the item `index`."""
    return {"type": f"response.{kind}", "output_index": index, **members}


def added(item: dict[str, Any], index: int = 0) -> dict[str, Any]:
    return event("output_item.added", index, item=item)


def done(item: dict[str, Any], index: int = 0) -> dict[str, Any]:
    return event("output_item.done", index, item=item)


def completed(*output: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return the terminal event of an answer with this output."""
    response = {**CREATED["response"], "status": "completed", "output": list(output), **members}
    return {"type": f"response.{response['status']}", "response": response}


def message(*texts: str, **members: Any) -> dict[str, Any]:
    """Return a message item with these texts."""
    content = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
    return {
        "type": "message",
        "id": "msg_1",
        "status": "completed",
        "role": "assistant",
        "content": content,
        **members,
    }


def decode(*pieces: Piece, **options: Any) -> list[Event]:
    """Return the events of `pieces`, held against the grammar."""
    decoder, grammar = Decoder(DecodeOptions(provenance=FROM, **options)), Grammar()
    events: list[Event] = []
    for piece in pieces:
        events += decoder.feed(Frame(None, piece if isinstance(piece, bytes) else dumps(piece), b""))
    events += decoder.close()
    for told in events:
        grammar.check(told)
    grammar.end()
    return events


def told(*pieces: Piece, **options: Any) -> Choice:
    """Return the choice that `pieces` fold to."""
    fold = Fold()
    for happened in decode(*pieces, **options):
        fold.feed(happened)
    assert fold.problem is None, fold.problem
    return fold.response().choices[0]


def read(data: bytes) -> list[Any]:
    """Return the events in `data`; each frame must be named as its event is."""
    parser = SseParser()
    frames = [frame for frame in parser.feed(data) + parser.close() if frame.data is not None]
    events = [loads(frame.data or b"") for frame in frames]
    assert [frame.event for frame in frames] == [happened["type"] for happened in events]
    return events


def encode(*events: Event, **options: Any) -> tuple[list[Any], Encoder]:
    """Return what the encoder made of `events`, which the vendor's SDK must understand, and the encoder."""
    encoder = Encoder(EncodeOptions(**options))
    frames = read(b"".join(encoder.feed(happened) for happened in events))
    understood(frames)
    return frames, encoder


def understood(frames: Iterable[Any]) -> None:
    """Require that the SDK's types and its accumulating helper take every event, in order."""
    state: ResponseStreamState[Any] = ResponseStreamState(input_tools=omit, text_format=omit)
    for number, frame in enumerate(frames):
        assert frame["sequence_number"] == number
        _EVENTS.validate_python(frame)
        state.handle_event(construct_type_unchecked(value=frame, type_=ResponseStreamEvent))  # type: ignore[arg-type]
        if "response" in frame:
            Response.model_validate(frame["response"])


def kinds(frames: Iterable[Any]) -> list[str]:
    """Return the types of events, without what all of them begin with."""
    return [frame["type"].removeprefix("response.") for frame in frames]


START = e.MessageStart(origin="openai_chat", id="chatcmpl-abc", model="m", created=7)
DONE: tuple[Event, ...] = (e.Finish(reason="stop"), e.MessageEnd())

__all__ = [
    "CREATED", "DONE", "FROM", "START", "Piece", "added", "completed", "decode", "done", "encode", "event",
    "kinds", "message", "read", "told", "understood",
]  # fmt: skip
