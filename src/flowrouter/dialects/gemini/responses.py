"""Whole replies, both ways.

What Google leaves out of an answer (a candidate's index, an empty content) is remembered in `form`, so
that its own clients get the same answer. A refused prompt has no candidate: here it is a choice without
parts. Token probabilities are told in the hub's form and kept as they came, since token ids have no place
in it. An array of stream chunks, which a host may send where one object was asked for, is folded.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.fold import Fold
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.parts import Part, Provenance, Reasoning, Text, ToolCall
from flowrouter.canonical.response import Choice, Response
from flowrouter.dialects.codec import DecodeOptions, EncodeOptions, RenderedReply
from flowrouter.dialects.gemini.citations import read_citations
from flowrouter.dialects.gemini.finishes import meaning, word
from flowrouter.dialects.gemini.logprobs import read_logprobs, write_logprobs
from flowrouter.dialects.gemini.parse_parts import Parts
from flowrouter.dialects.gemini.reply_parts import (
    EMPTY,
    ForeignParts,
    read_parts,
    wants_thoughts,
    write_own,
)
from flowrouter.dialects.gemini.stream_decoder import Decoder, blocked_by, created_at, take_name, turn_of
from flowrouter.dialects.gemini.usage import parse_usage, write_usage
from flowrouter.wire.json import dumps, loads
from flowrouter.wire.members import (
    Json,
    as_list,
    as_object,
    is_integer,
    take_list,
    take_object,
    take_text,
)
from flowrouter.wire.sse import Frame

ABSENT = "absent"
LOGPROBS = "logprobsResult"
"""The members of `Choice.form`: the names that were left out, the probabilities as they came."""


def parse_response(body: bytes, provenance: Provenance) -> Response:
    """Return the answer in `body`; raises `ValueError` for anything that is not one."""
    value = loads(body)
    chunks = as_list(value)
    if chunks is not None:
        return _gathered(chunks, provenance)
    whole = as_object(value)
    if whole is None or whole.get("error"):
        raise ValueError("not an answer of generateContent")
    rest = dict(whole)
    reply, model = take_name(rest, "responseId"), take_name(rest, "modelVersion")
    usage = take_object(rest, "usageMetadata")
    created = created_at(rest)
    return Response(
        origin="gemini",
        id=reply,
        model=model,
        created=created,
        choices=_choices(rest, reply, provenance),
        usage=None if usage is None else parse_usage(usage),
        extra=rest,
    )


def _gathered(chunks: list[Any], provenance: Provenance) -> Response:
    decoder, gathered = Decoder(DecodeOptions(provenance=provenance)), Fold()
    pieces = [decoder.feed(Frame(None, dumps(chunk), b"")) for chunk in chunks]
    for event in [event for events in [*pieces, decoder.close()] for event in events]:
        gathered.feed(event)
    if gathered.problem is not None:
        raise ValueError(gathered.problem.message)
    return gathered.response()


def _choices(rest: Json, reply: str, provenance: Provenance) -> tuple[Choice, ...]:
    candidates = take_list(rest, "candidates")
    if candidates:
        return tuple(
            _choice(item, place, reply=reply, provenance=provenance) for place, item in enumerate(candidates)
        )
    reason = blocked_by(rest)
    if reason is None:
        raise ValueError("an answer without candidates")
    form: Json = {ABSENT: ["candidates"]} if candidates is None and "candidates" not in rest else {}
    if candidates is not None:
        rest["candidates"] = candidates
    return (Choice(finish="content_filter", raw_finish=reason, form=form),)


def _choice(item: Any, place: int, *, reply: str, provenance: Provenance) -> Choice:
    whole = as_object(item)
    if whole is None:
        raise ValueError(f"candidates[{place}] is not an object")
    rest, absent = dict(whole), [name for name in ("index", "content") if name not in whole]
    content = take_object(rest, "content")
    index = rest.pop("index") if is_integer(rest.get("index")) else place
    parts = _content(content, absent, Parts(turn_of(reply, index), provenance=provenance))
    raw = take_text(rest, "finishReason") if rest.get("finishReason") else None
    logprobs = take_object(rest, LOGPROBS)
    form: Json = {ABSENT: absent} if absent else {}
    if logprobs is not None:
        form[LOGPROBS] = logprobs
    return Choice(
        index=index,
        parts=_cited(parts, rest),
        finish=meaning(raw, called=any(isinstance(part, ToolCall) for part in parts)),
        raw_finish=raw,
        logprobs=None if logprobs is None else read_logprobs(logprobs),
        extra=rest,
        message_extra=content or {},
        form=form,
    )


def _content(content: Json | None, absent: list[str], parts: Parts) -> tuple[Part, ...]:
    """Take role and parts out of a content; what is not there is noted in `absent`."""
    if content is None:
        return ()
    absent += [name for name in ("role", "parts") if name not in content]
    if content.get("role") == "model":
        del content["role"]
    return read_parts(take_list(content, "parts") or [], parts)


def _cited(parts: tuple[Part, ...], candidate: Json) -> tuple[Part, ...]:
    """Return the parts with a candidate's citations at the text that ends it, if a text does."""
    last = len(parts) - 1
    while last >= 0 and isinstance(part := parts[last], Reasoning) and part.field == EMPTY:
        last -= 1
    text = parts[last] if last >= 0 else None
    if not isinstance(text, Text) or not (found := read_citations(candidate, text.text)):
        return parts
    return (*parts[:last], Text(text=text.text, citations=found, extra=text.extra), *parts[last + 1 :])


def render_response(response: Response, options: EncodeOptions) -> RenderedReply:
    """Return the body for a Gemini client, and what of the answer it could not hold."""
    own = response.origin == "gemini"
    losses: list[Loss] = []
    body: Json = {
        "candidates": [_candidate(choice, options, own=own, losses=losses) for choice in response.choices]
    }
    if own and any("candidates" in absences(choice.form) for choice in response.choices):
        del body["candidates"]
    if response.usage is not None:
        body["usageMetadata"] = write_usage(response.usage)
    body |= identity(response.id, options.model or response.model)
    if own:
        body |= stamp(response.created, response.extra) | response.extra
    else:
        losses += unknown_members(response.extra, response.origin)
        for choice in response.choices:
            losses += unknown_members({**choice.extra, **choice.message_extra}, response.origin)
    return RenderedReply(body=dumps(body), losses=tuple(dict.fromkeys(losses)))


def _candidate(choice: Choice, options: EncodeOptions, *, own: bool, losses: list[Loss]) -> Json:
    if own:
        return _own_candidate(choice)
    thoughts = wants_thoughts(options.asked)
    writer = ForeignParts(choice.index, losses, thoughts=thoughts)
    candidate: Json = {"content": {"role": "model", "parts": writer.write(choice.parts)}}
    if choice.stop_sequence is not None:
        losses.append(Loss(path=f"candidates[{choice.index}].stop_sequence", kind="dropped", reason=NO_STOP))
    called = any(isinstance(part, ToolCall) for part in choice.parts)
    candidate["finishReason"] = word(choice.finish or "stop", called=called)
    candidate["index"] = choice.index
    if choice.logprobs is not None:
        candidate[LOGPROBS] = write_logprobs(choice.logprobs)
    return candidate | writer.grounding.metadata()


def _own_candidate(choice: Choice) -> Json:
    absent = absences(choice.form)
    content: Json = {"role": "model", "parts": write_own(choice.parts), **choice.message_extra}
    for name in absent & {"role", "parts"}:
        if name == "role" or not choice.parts:
            del content[name]
    candidate: Json = {"content": content, "index": choice.index}
    if "index" in absent:
        del candidate["index"]
    if "content" in absent and not choice.parts:
        del candidate["content"]
    if choice.raw_finish is not None:
        candidate["finishReason"] = choice.raw_finish
    if LOGPROBS in choice.form:
        candidate[LOGPROBS] = choice.form[LOGPROBS]
    return candidate | choice.extra


def absences(form: Json) -> set[str]:
    """Return the names of members that the origin left out."""
    return set(as_list(form.get(ABSENT)) or ())


def identity(reply: str, model: str) -> Json:
    """Return the members that say which answer this is and who gave it, as far as that is known."""
    named = {"modelVersion": model, "responseId": reply}
    return {name: value for name, value in named.items() if value}


def stamp(created: int | None, extra: Json) -> Json:
    """Return the member that says when an answer began, unless `extra` says it more finely."""
    if created is None or "createTime" in extra:
        return {}
    return {"createTime": datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}


NO_STOP = "no place for the stop sequence that was met"


def unknown_members(extra: Json, origin: Dialect) -> list[Loss]:
    """Return the losses of members only their origin knows; one that holds nothing is none.

    `content` is a message's own text in another form, told as parts already.
    """
    return [
        Loss(path=name, kind="dropped", reason=f"known to {origin} only")
        for name, value in extra.items()
        if value not in (None, "", [], {}) and name != "content"
    ]


__all__ = [
    "ABSENT",
    "LOGPROBS",
    "NO_STOP",
    "absences",
    "identity",
    "parse_response",
    "render_response",
    "stamp",
    "unknown_members",
]
