"""Whether a broken answer may go on elsewhere, in which ways, and what the next target is asked.

Only plain text goes on: what a client acts on (calls), checks (signatures, schemas, probabilities) or
counts on by position (citations, several choices) ends with the failure it had.
"""

from __future__ import annotations

import msgspec

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.cursor import Cursor, PartState
from flowrouter.canonical.estimate import part_tokens
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Reasoning, Text
from flowrouter.canonical.request import Request
from flowrouter.gateway.joins import Way, last_words
from flowrouter.settings.routing import Completion

_NOTE = (
    "[Note of the gateway: the answer above was cut off by a failure of the connection. Begin by repeating "
    "exactly these last words of it, without quotes or any introduction, then go on from there as if "
    "nothing had happened:]\n{tail}"
)


_LONE_HALF = "\ufffd"
"""What half a character is read as, where a host cuts one that takes two escapes: the client has the halves."""


def obstacle(request: Request, cursor: Cursor) -> str | None:
    """Return why an answer that has come as far as `cursor` cannot go on elsewhere, None where it may."""
    return _in_request(request) or _in_answer(cursor)


def _in_request(request: Request) -> str | None:
    sampling = request.sampling
    if sampling.n not in (None, 1):
        return "several choices were asked for"
    if sampling.logprobs or sampling.top_logprobs:
        return "token probabilities were asked for"
    if request.output is not None and request.output.kind != "text":
        return "the answer must have a form"
    return None


def _in_answer(cursor: Cursor) -> str | None:
    """Return what has left that nobody else can go on with."""
    if not cursor.started or cursor.finishes or cursor.ended:
        return "the answer had finished" if cursor.finishes else "no answer had begun"
    texts = [part for part in cursor.parts if part.kind == "text"]
    for part in cursor.parts:
        reason = _in_part(part)
        if reason is not None:
            return reason
    if not texts or not texts[-1].text:
        return "no text had been sent"
    if _LONE_HALF in cursor.text:
        return "a character of the text came in halves"
    if len(texts) > 1 or cursor.parts[-1] is not texts[-1]:
        return "the text consists of several parts"
    return None


def _in_part(part: PartState) -> str | None:
    if part.choice != 0:
        return "several choices had begun"
    header = part.header
    match header:
        case Text():
            cited = bool(header.citations or part.attributes)
            return "the text has citations" if cited else None
        case Reasoning():
            signed = bool(part.signed or header.signature or header.sealed or header.redacted)
            if signed:
                return "signed reasoning had begun"
            return "reasoning had not ended" if part.is_open else None
        case _:
            return f"a part that is no text had begun ({part.kind})"


def ways(
    request: Request, cursor: Cursor, capabilities: Capabilities, *, policy: Completion
) -> tuple[Way, ...]:
    """Return the ways to go on at a target of `capabilities`, the surest first to succeed first."""
    sent = cursor.text
    plain = (
        bool(sent.strip())
        and not cursor.may_have_hole
        and _room(request, sent)
        and not _stops_inside(request, sent)
    )
    answered = bool(request.messages) and request.messages[-1].role == "assistant"
    thought = _reasons(request) or any(part.kind == "reasoning" for part in cursor.parts)
    found: list[Way] = []
    if capabilities.prefill and not capabilities.needs_user_last and plain and not answered and not thought:
        found.append("prefill")
    found.append("restart")
    if policy == "best_effort" and plain and not answered and last_words(sent.rstrip()) is not None:
        found.append("instruction")
    return tuple(found)


def _reasons(request: Request) -> bool:
    control = request.reasoning
    return control is not None and control.mode != "off" and control.effort != "none"


def _room(request: Request, sent: str) -> bool:
    return request.max_tokens is None or request.max_tokens > _tokens(sent)


def _tokens(sent: str) -> int:
    return round(part_tokens(Text(text=sent)))


def _stops_inside(request: Request, sent: str) -> bool:
    """Return whether a stop sequence may have begun in the sent text: nobody else would meet it."""
    return any(
        sent.endswith(stop[:size]) or sent.rstrip().endswith(stop[:size])
        for stop in request.stop
        for size in range(1, len(stop))
    )


def asked(way: Way, request: Request, sent: str) -> Request:
    """Return what the next target is asked: `request` again, or with what was sent and what is left to say."""
    if way == "restart":
        return request
    said = Message(role="assistant", parts=(Text(text=sent.rstrip()),), shape="string")
    messages = (*request.messages, said)
    if way == "instruction":
        note = _NOTE.format(tail=last_words(sent.rstrip()))
        messages = (*messages, Message(role="user", parts=(Text(text=note),), shape="string"))
    cap = request.max_tokens
    return msgspec.structs.replace(
        request, messages=messages, max_tokens=None if cap is None else max(1, cap - _tokens(sent))
    )


__all__ = ["asked", "obstacle", "ways"]
