"""Whole replies, both ways."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.parts import (
    Audio,
    Document,
    Image,
    Media,
    Opaque,
    Part,
    Provenance,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from flowrouter.canonical.response import Choice, Response
from flowrouter.dialects.anthropic.citations import citation_block
from flowrouter.dialects.anthropic.errors import is_error
from flowrouter.dialects.anthropic.node import ShapeError, text_in
from flowrouter.dialects.anthropic.parse_parts import parse_blocks
from flowrouter.dialects.anthropic.render_parts import Block, render_block
from flowrouter.dialects.anthropic.stops import STOP_OF_WORDS, finish_of, stop_of
from flowrouter.dialects.anthropic.usage import parse_usage, render_usage
from flowrouter.dialects.codec import EncodeOptions, RenderedReply
from flowrouter.wire.json import JsonError, dumps, loads, typed
from flowrouter.wire.members import Json

_WORDS: frozenset[type] = frozenset({Text})
_NOTHING: frozenset[type] = frozenset({type(None)})

NOTHING_TO_TELL: dict[str, Any] = {"stop_details": None, "container": None}
"""Members that every message must have (published schema, November 2026), for a vendor that has none."""

DIRECT = {"type": "direct"}
"""The `caller` of a tool call that the model itself made."""

AT_THE_END = ("stop_details", "container")
"""Members of a message that a stream gives with the stop reason."""

BESIDE_THE_END = ("context_management",)
"""Members of a message that a stream gives beside the last delta."""

_FOREIGN_IDS = re.compile(r"(?:chatcmpl-)?(?:resp_)?(?:msg_)?(?:gen-)?")
"""What the ids of other vendors begin with."""


class _Said(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["text"]
    text: str


class _Words(msgspec.Struct, forbid_unknown_fields=True):
    """A reply of nothing but words."""

    type: Literal["message"]
    id: str
    model: str
    content: list[_Said]
    usage: dict[str, Any]
    stop_reason: str | None = None
    stop_sequence: str | None = None
    role: Any = None
    stop_details: msgspec.UnsetType | None = msgspec.UNSET
    container: msgspec.UnsetType | None = msgspec.UNSET


_words = typed(_Words)


def parse_response(body: bytes, provenance: Provenance) -> Response:
    """Return the reply a body holds; raises `ValueError` for any other body."""
    try:
        words = _words.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _read(body, provenance)
    finish, nulls = words.stop_reason, {}
    if words.stop_details is None or words.container is None:
        nulls = {name: None for name in AT_THE_END if getattr(words, name) is None}
    choice = Choice(
        parts=tuple([Text(text=said.text) for said in words.content]),
        finish=finish_of(finish),
        raw_finish=finish,
        stop_sequence=words.stop_sequence,
        extra=nulls,
    )
    return Response(
        origin="anthropic", id=words.id, model=words.model, choices=(choice,), usage=parse_usage(words.usage)
    )


def _read(body: bytes, provenance: Provenance) -> Response:
    """Return the reply of any kind that a body holds."""
    try:
        value = loads(body)
    except JsonError:
        raise ValueError("the reply is not JSON") from None
    if not isinstance(value, dict):
        raise ShapeError("", "expected an object")
    reply: Json = value  # pyright: ignore[reportUnknownVariableType]
    known = reply.keys() <= _READ
    if not known or reply.get("type") != "message":
        if is_error(reply):
            raise ValueError("the body is an error, no reply")
        if reply.get("type") != "message":
            raise ValueError("the body is no message")
    finish, stop_sequence, reply_id, model = told = tuple(map(reply.get, _TEXTS))
    sound, blocks = _TEXT.issuperset(map(type, told)), reply.get("content")
    if not sound:
        text_in(reply, "stop_reason")  # raises if it is this one: of two that are wrong the first is named
    if not isinstance(blocks, list):
        raise ShapeError("content", "field required" if blocks is None else "expected a list")
    parts = parse_blocks(blocks, provenance=provenance)  # pyright: ignore[reportUnknownArgumentType]
    if not sound:
        for name in _TEXTS:
            text_in(reply, name)
    extra, end, beside = {}, {}, {}
    if not known or reply_id is None or model is None:
        extra = {
            name: told
            for name, told in reply.items()
            if name not in _READ or (told is None and name in _NAMES)
        }
        end, beside = _taken(extra, AT_THE_END), _taken(extra, BESIDE_THE_END)
    choice = Choice(
        parts=parts,
        finish=finish_of(finish),
        raw_finish=finish,
        stop_sequence=stop_sequence,
        extra=end,
        message_extra=beside,
    )
    return Response(
        origin="anthropic",
        id=reply_id or "",
        model=model or "",
        choices=(choice,),
        usage=parse_usage(reply.get("usage")),
        extra=extra,
    )


_READ = frozenset({"type", "role", "content", "usage", "stop_reason", "stop_sequence", "id", "model"})
_NAMES = ("id", "model")
_TEXTS = ("stop_reason", "stop_sequence", "id", "model")
_TEXT = frozenset({str, type(None)})


def _taken(rest: Json, names: tuple[str, ...]) -> Json:
    return {name: rest.pop(name) for name in names if name in rest}


def render_response(response: Response, options: EncodeOptions) -> RenderedReply:
    """Return the reply for a client; only the first choice can be said."""
    own, choices = response.origin == "anthropic", response.choices
    choice = choices[0] if choices else Choice()
    losses: list[Loss] = []
    if len(choices) > 1 or choice.logprobs is not None:
        losses += _untold(choice, choices[1:])
    if own or not _WORDS.issuperset(map(type, choice.parts)):
        content = [block for part in choice.parts if (block := reply_block(part, response.origin, losses))]
        stop = stop_of(
            choice.finish,
            choice.raw_finish,
            origin=response.origin,
            called="tool_use" in [block["type"] for block in content],
            refused=Refusal in set(map(type, choice.parts)),
        )
    else:
        texts: Sequence[Text] = choice.parts  # pyright: ignore[reportAssignmentType] - as the line above has it
        content: list[Block] = []
        for part in texts:
            if part.text:
                cited = _cited(part, losses) if part.citations else None
                content.append({"type": "text", "text": part.text, "citations": cited})
        stop = STOP_OF_WORDS[choice.finish]
    body: dict[str, Any] = {
        "id": message_id(response.id, response.origin, options),
        "type": "message",
        "role": "assistant",
        "model": options.model or response.model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": choice.stop_sequence,
        "usage": render_usage(response.usage),
    }
    extras = {**response.extra, **choice.extra, **choice.message_extra}
    if own:
        body.update((name, value) for name, value in extras.items() if name not in body)
    else:
        body |= NOTHING_TO_TELL
        if extras:
            losses += unknown_members(extras, response.origin)
    return RenderedReply(body=dumps(body), losses=tuple(dict.fromkeys(losses)) if losses else ())


def _untold(choice: Choice, others: Sequence[Choice]) -> list[Loss]:
    """Return the losses of other choices, and of token probabilities."""
    losses = [
        Loss(path=f"choices[{other.index}]", kind="dropped", reason="one answer per reply")
        for other in others
    ]
    if choice.logprobs is not None:
        losses.append(Loss(path="logprobs", kind="dropped", reason="no place for token probabilities"))
    return losses


def unknown_members(extra: dict[str, Any], origin: Dialect) -> list[Loss]:
    """Return the losses of members only their origin knows; empty ones say nothing.

    `content` is a message's own text in another form, told as parts already.
    """
    if _NOTHING.issuperset(map(type, extra.values())):
        return []
    return [
        Loss(path=name, kind="dropped", reason=f"known to {origin} only")
        for name, value in extra.items()
        if value not in (None, "", [], {}) and name != "content"
    ]


def reply_block(part: Part, origin: Dialect, losses: list[Loss]) -> Block | None:
    """Return the block a client gets for a part, None (and a loss) where there is none."""
    own = origin == "anthropic"
    if isinstance(part, Text) and not own:
        return _foreign_text(part, losses)
    reason: str | None = None
    match part:
        case Image() | Document() | Audio() | Media() | ToolResult():
            reason = "no place for media in an answer"
        case Opaque() if part.origin != "anthropic":
            reason = f"a part only {part.origin} knows"
        case Reasoning():
            return _reasoning_block(part, own, losses)
        case ToolCall() if not own:
            return {**render_block(part, own=False), "caller": DIRECT}
        case _:
            pass
    if reason is not None:
        losses.append(Loss(path=f"content.{part.__struct_config__.tag}", kind="dropped", reason=reason))
        return None
    return render_block(part, own=own)


def _foreign_text(part: Text, losses: list[Loss]) -> Block | None:
    if not part.text:
        return None
    return {"type": "text", "text": part.text, "citations": _cited(part, losses) if part.citations else None}


def _cited(part: Text, losses: list[Loss]) -> list[Block] | None:
    """Return the citations of another vendor's text that can be written, None for none."""
    cited = [block for citation in part.citations if (block := citation_block(citation)) is not None]
    if len(cited) < len(part.citations):
        losses.append(UNCITED)
    return cited or None


UNCITED = Loss(path="content.citations", kind="dropped", reason="a citation without a web address")
"""What is lost of a citation that leads nowhere a client could look."""


def _reasoning_block(part: Reasoning, own: bool, losses: list[Loss]) -> Block | None:
    """Return a thinking block; a foreign signature would pass for the vendor's, so it stays away."""
    if own:
        block = render_block(part, own=True)
        return block if part.redacted is not None else {"signature": "", **block}
    if part.signature or part.redacted:
        losses.append(Loss(path="content.reasoning", kind="dropped", reason="state of another vendor"))
    if not part.text and not part.sealed:
        return None
    if trails(part):
        losses.append(TRAILING)
        return None
    return {"type": "thinking", "thinking": part.text, "signature": part.sealed or ""}


TRAILING = Loss(
    path="content.reasoning", kind="dropped", reason="a signature behind the text, which no vendor insists on"
)
"""What is lost of a signature that comes after the answer's words.

A thinking block there would be the last one, and Claude Code prints the last block of an answer.
"""


def trails(part: Reasoning) -> bool:
    """Return whether a part is only the signature of the text before it."""
    return not part.text and part.field == "empty" and part.call_id is None


def message_id(origin_id: str, origin: Dialect, options: EncodeOptions) -> str:
    """Return the id a client sees: the vendor's own, else one derived from the origin's."""
    if origin == "anthropic" and origin_id:
        return origin_id
    origin_id = _FOREIGN_IDS.sub("", origin_id, count=1)
    if not origin_id:
        seed = f"{options.model}:{options.now}".encode()
        origin_id = hashlib.sha256(seed).hexdigest()[:24]
    return f"msg_{origin_id}"


__all__ = [
    "AT_THE_END", "BESIDE_THE_END", "NOTHING_TO_TELL", "TRAILING", "UNCITED", "message_id", "parse_response", "render_response",
    "reply_block", "trails", "unknown_members",
]  # fmt: skip
