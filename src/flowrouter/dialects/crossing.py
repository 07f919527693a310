"""A request, a reply or a stream from one dialect to another, with what gets lost: for people to look at.

Nobody is asked and nothing is edited beside the translation itself. The pipeline does not come here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

import msgspec

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.events import Event, FrameError, StreamError
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.parts import Provenance
from flowrouter.dialects import codec
from flowrouter.dialects.codec import DecodeOptions, EncodeOptions
from flowrouter.wire.json import JsonError, loads
from flowrouter.wire.sse import SseParser

Kind = Literal["request", "response", "stream"]


class Crossing(msgspec.Struct, frozen=True, kw_only=True):
    """From where to where, for which model (None: the one in the body), with what it can take.

    `now` is seconds since the epoch, for dialects that stamp their answers.
    """

    source: Dialect
    target: Dialect
    now: float
    model: str | None = None
    capabilities: Capabilities = Capabilities()


class Translated(msgspec.Struct, frozen=True, kw_only=True):
    """A body in its new dialect, and what it could not say.

    `unread` says of each frame of a stream why it could not be read, `broken` why the stream does not
    end as it should.
    """

    body: bytes
    losses: tuple[Loss, ...] = ()
    unread: tuple[str, ...] = ()
    broken: str | None = None


def translate(kind: Kind, body: bytes, crossing: Crossing) -> Translated:
    """Return `body` in the target's dialect.

    Raises `CallerError` for a request that is none or cannot be said there, `ValueError` for a reply
    that is none.
    """
    return _TRANSLATORS[kind](body, crossing)


def kind_of(body: bytes) -> Kind:
    """Return what `body` looks like; raises `JsonError` for what is neither JSON nor a stream."""
    if body.lstrip().startswith((b"data:", b"event:", b":")):
        return "stream"
    read: Any = loads(body)
    if not isinstance(read, dict):
        raise JsonError("not an object")
    return "response" if _is_reply(cast("dict[str, Any]", read)) else "request"


def _is_reply(read: Mapping[str, Any]) -> bool:
    return (
        not {"choices", "candidates", "promptFeedback"}.isdisjoint(read)
        or read.get("type") == "message"
        or read.get("object") == "response"
    )


def _request(body: bytes, crossing: Crossing) -> Translated:
    request = codec(crossing.source).parse_request(body)
    rendered = codec(crossing.target).render_request(
        request, crossing.model or request.model, crossing.capabilities
    )
    return Translated(body=rendered.body, losses=rendered.losses)


def _response(body: bytes, crossing: Crossing) -> Translated:
    response = codec(crossing.source).parse_response(body, Provenance(dialect=crossing.source))
    options = EncodeOptions(model=crossing.model, now=crossing.now)
    rendered = codec(crossing.target).render_response(response, options)
    return Translated(body=rendered.body, losses=rendered.losses)


def _stream(body: bytes, crossing: Crossing) -> Translated:
    options = DecodeOptions(
        provenance=Provenance(dialect=crossing.source),
        think_tags=crossing.capabilities.think_tags,
        lax_finish=crossing.capabilities.lax_finish,
    )
    frames, decoder = SseParser(), codec(crossing.source).decoder(options)
    events: list[Event] = []
    for frame in (*frames.feed(body), *frames.close()):
        events += decoder.feed(frame)
    events += decoder.close()
    encoder = codec(crossing.target).encoder(
        EncodeOptions(include_usage=True, model=crossing.model, now=crossing.now)
    )
    written = b"".join(encoder.feed(event) for event in events)
    return Translated(
        body=written,
        losses=tuple(encoder.losses),
        unread=tuple(event.reason for event in events if isinstance(event, FrameError)),
        broken=next((event.problem.message for event in events if isinstance(event, StreamError)), None),
    )


_TRANSLATORS: dict[Kind, Callable[[bytes, Crossing], Translated]] = {
    "request": _request,
    "response": _response,
    "stream": _stream,
}

__all__ = ["Crossing", "Kind", "Translated", "kind_of", "translate"]
