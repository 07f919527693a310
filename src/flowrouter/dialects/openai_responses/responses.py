"""A whole answer, from the vendor and for a client.

Foreign answers are told to the stream encoder, so that a whole answer is what a stream's last event
holds. An answer of this dialect gets its own items back through their moulds.
"""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.canonical.fold import replay
from flowrouter.canonical.parts import Part, Provenance, Refusal, ToolCall
from flowrouter.canonical.response import Choice, FinishReason, Response
from flowrouter.dialects.codec import EncodeOptions, RenderedReply
from flowrouter.dialects.openai_responses.echo import REPEATED
from flowrouter.dialects.openai_responses.finishes import is_malformed_call, meaning, raw_finish
from flowrouter.dialects.openai_responses.items import DIALECT
from flowrouter.dialects.openai_responses.output_items import objects, read_output
from flowrouter.dialects.openai_responses.stream_encoder import Encoder
from flowrouter.dialects.openai_responses.usage import parse_usage
from flowrouter.wire.json import dumps, loads
from flowrouter.wire.members import Json, as_list, as_object, is_integer

_TOLD = frozenset({"id", "model", "created_at", "output", "usage"})


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """What the members of an answer besides its output say: how it ended, `form` and `extra` as in `Choice`."""

    reason: FinishReason
    raw: str
    form: Json
    extra: Json


def read_ending(response: Json, moulds: list[Json | None], *, called: bool, refused: bool) -> Ending:
    """Return how `response` ended; `called` and `refused` say what its parts hold."""
    form = {name: value for name, value in response.items() if name in REPEATED}
    extra = {name: value for name, value in response.items() if name not in REPEATED and name not in _TOLD}
    if "created_at" in response and not is_integer(response["created_at"]):
        form["created_at"] = response["created_at"]
    form |= {
        name: response[name] for name in ("id", "model") if name in response and not _text(response[name])
    }
    if "usage" in response and as_object(response["usage"]) is None:
        form["usage"] = response["usage"]
    return Ending(
        reason=meaning(response, called=called, refused=refused),
        raw=raw_finish(response),
        form={**form, "output": moulds},
        extra=extra,
    )


def parse_response(body: bytes, provenance: Provenance) -> Response:
    """Return the answer in `body`; raises `ValueError` for anything that is not one, or is one that failed."""
    whole = as_object(loads(body))
    output = None if whole is None else as_list(whole.get("output"))
    if whole is None or output is None:
        raise ValueError("not a response with output")
    if (whole.get("error") or whole.get("status") == "failed") and not is_malformed_call(whole):
        raise ValueError("a response that failed")
    parts, moulds = read_output(output, provenance)
    called, refused = (any(isinstance(part, kind) for part in parts) for kind in (ToolCall, Refusal))
    ending = read_ending(whole, moulds, called=called, refused=refused)
    usage = as_object(whole.get("usage"))
    created = whole.get("created_at")
    choice = Choice(
        parts=tuple(parts),
        finish=ending.reason,
        raw_finish=ending.raw,
        logprobs=_logprobs(output),
        extra=ending.extra,
        form=ending.form,
    )
    return Response(
        origin=DIALECT,
        id=_text(whole.get("id")),
        model=_text(whole.get("model")),
        created=created if is_integer(created) else None,
        choices=(choice,),
        usage=None if usage is None else parse_usage(usage, response=whole),
    )


def _logprobs(output: list[Any]) -> Json | None:
    """Return the token probabilities of all texts, as Chat keeps them."""
    found: list[Any] = []
    for item in output:
        for piece in objects((as_object(item) or {}).get("content")) or ():
            found += as_list(piece.get("logprobs")) or ()
    return {"content": found, "refusal": None} if found else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def render_response(response: Response, options: EncodeOptions) -> RenderedReply:
    """Return the body for a client of this dialect, and what of the answer it could not hold."""
    encoder = Encoder(options)
    for event in replay(response):
        encoder.feed(event)
    parts: tuple[Part, ...] = response.choices[0].parts if response.choices else ()
    return RenderedReply(body=dumps(encoder.answer(parts)), losses=tuple(dict.fromkeys(encoder.losses)))


__all__ = ["Ending", "parse_response", "read_ending", "render_response"]
