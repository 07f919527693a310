"""Any whole answer a vendor may give, in each dialect, and what its way to a client must not lose.

A reply crosses whole and as a stream of the events it replays to; both must say the same, and what neither
says must stand among the losses. Reply losses name kinds of content, not places: `_KINDS` says which
leaves each covers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.fold import Fold, replay
from flowrouter.canonical.loss import Loss, rule_id
from flowrouter.canonical.parts import Provenance
from flowrouter.dialects import codec
from flowrouter.dialects.codec import DecodeOptions, EncodeOptions
from flowrouter.wire.sse import SseParser
from tests.fuzz.audit import Finding
from tests.fuzz.bodies import TOKEN, anywhere, heap, leaves, parsed
from tests.fuzz.making import Json, Maker
from tests.vectors.crossing import differences, tell_response

ENCODE = EncodeOptions(include_usage=True, now=1_700_000_000.0)


def chat_reply(m: Maker) -> Json:
    """Return an answer of OpenAI Chat."""
    message: Json = {"role": "assistant", "content": m.one(m.text(), m.text(), None)}
    m.put(message, 0.25, reasoning_content=m.text)
    if m.chance(0.4) or message["content"] is None:
        calls = [
            {
                "id": f"call_{m.word()}",
                "type": "function",
                "function": {"name": f"fn_{m.word()}", "arguments": json.dumps(m.arguments())},
            }
            for _ in range(m.one(1, 1, 2))
        ]
        message["tool_calls"] = calls
    elif m.chance(0.05):
        message |= {"content": None, "refusal": m.text()}
    finish = "tool_calls" if "tool_calls" in message else m.one("stop", "stop", "length", "content_filter")
    choice: Json = {"index": 0, "message": m.unknown(message, 0.1), "finish_reason": finish}
    if m.chance(0.1) and message["content"]:
        choice["logprobs"] = {
            "content": [{"token": m.word(), "logprob": -m.fraction(0, 9), "bytes": [65], "top_logprobs": []}],
            "refusal": None,
        }
    usage = {"prompt_tokens": m.number(), "completion_tokens": m.number(), "total_tokens": m.number()}
    usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
    body = {
        "id": f"chatcmpl-{m.word()}",
        "object": "chat.completion",
        "created": 1_700_000_001,
        "model": m.word(),
        "choices": [m.unknown(choice)],
        "usage": usage,
    }
    return m.unknown(body, 0.1)


def _anthropic_content(m: Maker) -> list[Json]:
    content: list[Json] = []
    if m.chance(0.3):
        content.append(
            m.one(
                {"type": "thinking", "thinking": m.text(), "signature": m.word()},
                {"type": "redacted_thinking", "data": m.word()},
            )
        )
    if m.chance(0.8):
        content.append({"type": "text", "text": m.text()})
        if m.chance(0.08):
            content[-1]["citations"] = [
                {
                    "type": "web_search_result_location",
                    "url": m.url("html"),
                    "title": m.word(),
                    "cited_text": m.word(),
                    "encrypted_index": m.word(),
                }
            ]
    if m.chance(0.05):
        use = f"srvtoolu_{m.word()}"
        content += [
            {"type": "server_tool_use", "id": use, "name": "web_search", "input": {"query": m.word()}},
            {
                "type": "web_search_tool_result",
                "tool_use_id": use,
                "content": [
                    {
                        "type": "web_search_result",
                        "url": m.url("html"),
                        "title": m.word(),
                        "encrypted_content": m.word(),
                    }
                ],
            },
            {"type": "text", "text": m.text()},
        ]
    return content


def anthropic_reply(m: Maker) -> Json:
    """Return an answer of Anthropic's Messages."""
    content, calls = _anthropic_content(m), []
    for _ in range(m.one(1, 1, 2) if m.chance(0.4) else 0):
        name, given = f"fn_{m.word()}", m.arguments()
        calls.append({"type": "tool_use", "id": f"toolu_{m.word()}", "name": name, "input": given})
    content += calls
    stop = "tool_use" if calls else m.one("end_turn", "end_turn", "max_tokens", "stop_sequence", "refusal")
    usage: Json = {"input_tokens": m.number(), "output_tokens": m.number()}
    m.put(usage, 0.3, cache_read_input_tokens=m.number, cache_creation_input_tokens=m.number)
    return m.unknown(
        {
            "id": f"msg_{m.word()}", "type": "message", "role": "assistant", "model": m.word(), "content": content,
            "stop_reason": stop, "stop_sequence": m.word() if stop == "stop_sequence" else None, "usage": usage,
        },
        0.1,
    )  # fmt: skip


def gemini_reply(m: Maker) -> Json:
    """Return an answer of Gemini."""
    parts: list[Json] = []
    if m.chance(0.3):
        parts.append({"text": m.text(), "thought": True})
    if m.chance(0.8):
        parts.append({"text": m.text()})
        m.put(parts[-1], 0.15, thoughtSignature=lambda: m.data("EpwC"))
    calls = (
        [{"functionCall": {"name": f"fn_{m.word()}", "args": m.arguments()}} for _ in range(m.one(1, 2))]
        if m.chance(0.4)
        else []
    )
    for call in calls:
        m.put(call["functionCall"], 0.4, id=lambda: f"fc-{m.word()}")
    if calls:
        m.put(calls[0], 0.5, thoughtSignature=lambda: m.data("EpwC"))
    if m.chance(0.03):
        parts.append({"executableCode": {"language": "PYTHON", "code": m.text()}})
    parts += calls
    candidate: Json = {
        "content": {"role": "model", "parts": parts},
        "finishReason": m.one("STOP", "STOP", "MAX_TOKENS", "SAFETY"),
        "index": 0,
    }
    if calls:
        candidate["finishReason"] = "STOP"
    usage = {"promptTokenCount": m.number(), "candidatesTokenCount": m.number(), "totalTokenCount": 0}
    m.put(usage, 0.3, thoughtsTokenCount=m.number)
    usage["totalTokenCount"] = sum(usage.values())
    return m.unknown(
        {
            "candidates": [m.unknown(candidate)],
            "usageMetadata": usage,
            "modelVersion": m.word(),
            "responseId": m.word(),
        },
        0.1,
    )


def _responses_output(m: Maker) -> list[Json]:
    output: list[Json] = []
    if m.chance(0.3):
        item: Json = {
            "id": f"rs_{m.word()}",
            "type": "reasoning",
            "summary": m.some(lambda: {"type": "summary_text", "text": m.text()}, 2),
        }
        m.put(item, 0.5, encrypted_content=m.word)
        output.append(item)
    calls = []
    for _ in range(m.one(1, 2) if m.chance(0.4) else 0):
        call: Json = {
            "id": f"fc_{m.word()}",
            "type": "function_call",
            "call_id": f"call_{m.word()}",
            "name": f"fn_{m.word()}",
            "arguments": json.dumps(m.arguments()),
            "status": "completed",
        }
        calls.append(call)
    if m.chance(0.8) or not calls:
        text: Json = {"type": "output_text", "text": m.text(), "annotations": [], "logprobs": []}
        if m.chance(0.05):
            text["annotations"] = [
                {
                    "type": "url_citation",
                    "url": m.url("html"),
                    "title": m.word(),
                    "start_index": 0,
                    "end_index": 3,
                }
            ]
        parts = [text] if m.chance(0.95) else [{"type": "refusal", "refusal": m.text()}]
        output.append(
            {
                "id": f"msg_{m.word()}",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": parts,
            }
        )
    if m.chance(0.04):
        output.append(
            {
                "id": f"ws_{m.word()}",
                "type": "web_search_call",
                "status": "completed",
                "action": {"type": "search", "query": m.word()},
            }
        )
    return [*output, *calls]


def responses_reply(m: Maker) -> Json:
    """Return an answer of OpenAI Responses."""
    output, cut = _responses_output(m), m.chance(0.06)
    usage = {
        "input_tokens": m.number(),
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": m.number(),
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 0,
    }
    usage["total_tokens"] = usage["input_tokens"] + usage["output_tokens"]
    return m.unknown(
        {
            "id": f"resp_{m.word()}", "object": "response", "created_at": 1_700_000_001, "error": None,
            "status": "incomplete" if cut else "completed",
            "incomplete_details": {"reason": m.one("max_output_tokens", "content_filter")} if cut else None, "model": m.word(), "output": output, "usage": usage,
        },
        0.1,
    )  # fmt: skip


REPLIES: Mapping[Dialect, Callable[[Maker], Json]] = {
    "openai_chat": chat_reply,
    "openai_responses": responses_reply,
    "anthropic": anthropic_reply,
    "gemini": gemini_reply,
}

_KINDS = (
    (r".*(signature|encrypted_content|thoughtSignature|\.data)$", r"(?i)signature|sealed|reasoning|thinking|encrypted|redacted|state"),
    (r".*(citations|annotations).*", r"citation|annotation"),
    (r".*logprobs.*", r"logprobs"),
    (r".*(executableCode|server_tool_use|web_search|action\.|content\[\*\]\.(id|input|tool_use_id|content)).*", r"opaque|content|part|item|output"),
    (r".*(reasoning_content|\.summary|\.thinking)(\[.*|\..*)?$", r"reasoning|thinking"),
    (r"stop_sequence", r"stop_sequence"),
)  # fmt: skip
"""Leaves → the losses that cover them, both by pattern."""

_LABELS = re.compile(
    r"id|model|modelVersion|responseId|created(_at)?|object|type|role|status|incomplete_details.*|output\[\*\]\.(id|status|type)"
    r"|.*\.(type|role|index|object|bytes.*|finish_reason|status|start_index|end_index|total_tokens|name|thought|language)"
    r"|.*citations\[\*\]\.(cited_text|encrypted_index)|stop_reason|candidates\[\*\]\.(finishReason|index)|usage.*|.*\.functionCall\.id"
)  # fmt: skip
"""What each dialect says in words of its own: ids and structure. Names of tools are looked at with the calls.

A citation keeps its address and title; what it cites stands in the source, its index is the vendor's own state.
"""


class ReplyCase(NamedTuple):
    """An answer of a vendor of `origin` on its way to a client that speaks `target`."""

    origin: Dialect
    target: Dialect
    body: Json


def audit_reply(case: ReplyCase) -> list[Finding]:
    """Return all that is wrong with one answer's crossing, whole and streamed."""
    wire = json.dumps(case.body, ensure_ascii=False).encode()
    response = codec(case.origin).parse_response(wire, Provenance(dialect=case.origin))
    whole = codec(case.target).render_response(response, ENCODE)
    if case.origin == case.target:
        told = json.loads(whole.body)
        return [] if told == case.body else [Finding("own reply changed", "", json.dumps(told)[:200])]
    encoder = codec(case.target).encoder(ENCODE)
    streamed = b"".join(encoder.feed(event) for event in replay(response))
    folded = _folded(case.target, streamed)
    reread = codec(case.target).parse_response(whole.body, Provenance(dialect=case.target))
    findings = [
        Finding(
            "stream and whole differ", aspect, _both(tell_response(reread), tell_response(folded), aspect)
        )
        for aspect in differences(tell_response(reread), tell_response(folded))
    ]
    for form, body, losses in (
        ("whole", json.loads(whole.body), whole.losses),
        (
            "stream",
            json.loads(codec(case.target).render_response(folded, ENCODE).body),
            tuple(encoder.losses),
        ),
    ):
        findings += _undeclared(case, form, body, losses)
    return findings


def _both(before: Mapping[str, Any], after: Mapping[str, Any], aspect: str) -> str:
    return f"{before[aspect]!r:.100} / {after[aspect]!r:.100}"


def _folded(dialect: Dialect, data: bytes) -> Any:
    parser, decoder, fold = (
        SseParser(),
        codec(dialect).decoder(DecodeOptions(provenance=Provenance(dialect=dialect))),
        Fold(),
    )
    for frame in (*parser.feed(data), *parser.close()):
        for event in decoder.feed(frame):
            fold.feed(event)
    for event in decoder.close():
        fold.feed(event)
    return fold.response()


def _undeclared(case: ReplyCase, form: str, body: Any, losses: tuple[Loss, ...]) -> Iterator[Finding]:
    said = heap(body)
    for loss in losses:
        if not re.fullmatch(
            r"[a-z_]+>[a-z_]+:.+:(dropped|changed|emulated)",
            rule_id(loss, case.origin, case.target),
            re.DOTALL,
        ):
            yield Finding("rule id", loss.path, loss.reason)
    paths = [loss.path for loss in losses]
    for path, value in leaves(case.body):
        place = TOKEN.sub("k", anywhere(path))
        if value is None or value == "" or isinstance(value, bool) or _LABELS.fullmatch(place):
            continue
        if _is_said(value, said) or _covered(path, place, paths):
            continue
        yield Finding(f"undeclared loss in a {form} reply", path, f"{value!r:.100} losses: {paths}")
    if case.origin != "gemini":
        for path, value in leaves(case.body):
            if (
                path.endswith("name")
                and isinstance(value, str)
                and value.startswith("fn_")
                and value not in said.words
            ):
                yield Finding("tool name changed", path, value)


def _is_said(value: Any, said: Any) -> bool:
    if isinstance(value, str):
        if (inner := parsed(value)) is not None:
            return all(str(item) in said.words for _, item in leaves(inner) if TOKEN.search(str(item)))
        return value in said.words or value.strip() in said.words
    return value in said.numbers or abs(value) < 100


def _covered(path: str, place: str, losses: list[str]) -> bool:
    if "x_k" in place:
        name = re.search(r"x_k\d+k", path)
        return name is not None and any(name[0] in loss for loss in losses)
    return any(
        re.fullmatch(leaf, place) and any(re.search(loss, told) for told in losses) for leaf, loss in _KINDS
    )


__all__ = ["REPLIES", "ReplyCase", "audit_reply"]
