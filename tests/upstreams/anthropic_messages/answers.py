"""Writes an answer as a Message or as its events, reasoning signed."""

import json
from collections.abc import Iterator
from typing import Any

from tests.upstreams.dialect import Exchange
from tests.upstreams.frames import Frame
from tests.upstreams.prompts import Answer, Call, Finish, Prompt, derived_id, pieces, usage_of
from tests.upstreams.signing import conceal, seal

STOP: dict[Finish, str] = {
    "end": "end_turn",
    "stop_sequence": "stop_sequence",
    "tools": "tool_use",
    "length": "max_tokens",
    "refusal": "refusal",
    "filter": "refusal",
    "pause": "pause_turn",
    "context": "model_context_window_exceeded",
}
ARGUMENT_PIECE = 9
DELTA_USAGE = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "output_tokens_details",
    "server_tool_use",
)


def message(exchange: Exchange, prompt: Prompt, answer: Answer) -> dict[str, Any]:
    """The whole answer."""
    return {
        **_opening(exchange, prompt),
        "content": list(_blocks(exchange, prompt, answer)),
        **_closing(answer),
        "usage": usage(prompt, answer),
    }


def _opening(exchange: Exchange, prompt: Prompt) -> dict[str, Any]:
    return {
        "id": derived_id(prompt, "msg_01"),
        "type": "message",
        "role": "assistant",
        "model": exchange.model.written,
    }


def _closing(answer: Answer) -> dict[str, Any]:
    closing: dict[str, Any] = {
        "stop_reason": STOP[answer.ending],
        "stop_sequence": answer.stop_sequence,
        "stop_details": None,
        "container": None,
    }
    if answer.ending in ("refusal", "filter"):
        category = "general_harms" if answer.ending == "refusal" else "cyber"
        closing["stop_details"] = {
            "type": "refusal",
            "category": category,
            "explanation": answer.refusal or "This request was declined.",
        }
    return closing


def _blocks(exchange: Exchange, prompt: Prompt, answer: Answer) -> Iterator[dict[str, Any]]:
    yield from _reasoning(exchange, answer)
    if answer.text:
        yield {"type": "text", "text": answer.text, "citations": _citations(answer) or None}
    for index, call in enumerate(answer.calls):
        yield {
            "type": "tool_use",
            "id": _call_id(prompt, call, index),
            "name": call.name,
            "input": json.loads(call.arguments or "{}"),
            "caller": {"type": "direct"},
        }


def _reasoning(exchange: Exchange, answer: Answer) -> Iterator[dict[str, Any]]:
    omitted = (exchange.body.get("thinking") or {}).get("display") == "omitted"
    family, account, previous = exchange.model.family, exchange.account, ""
    for thought in answer.thoughts:
        if thought.hidden:
            previous = conceal(thought.text, family=family, account=account, previous=previous)
            yield {"type": "redacted_thinking", "data": previous}
            continue
        sign = conceal if omitted else seal
        previous = sign(thought.text, family=family, account=account, previous=previous)
        yield {"type": "thinking", "thinking": "" if omitted else thought.text, "signature": previous}


def _citations(answer: Answer) -> list[dict[str, Any]]:
    return [
        {
            "type": "web_search_result_location",
            "cited_text": answer.text[:40],
            "encrypted_index": f"index-{number}",
            "title": title,
            "url": url,
        }
        for number, (url, title) in enumerate(answer.citations)
    ]


def _call_id(prompt: Prompt, call: Call, index: int) -> str:
    return (
        f"toolu_01{call.id}" if call.id.isalnum() else call.id or derived_id(prompt, "toolu_01", index=index)
    )


def usage(prompt: Prompt, answer: Answer) -> dict[str, Any]:
    """The usage object; `input_tokens` excludes the cache."""
    counted = usage_of(prompt, answer)
    return {
        **_input_usage(prompt, answer),
        "output_tokens": counted.output,
        "output_tokens_details": {"thinking_tokens": counted.reasoning},
        "server_tool_use": None,
        "service_tier": "standard",
        "inference_geo": "not_available",
    }


def _input_usage(prompt: Prompt, answer: Answer) -> dict[str, Any]:
    counted = usage_of(prompt, answer)
    return {
        "input_tokens": counted.input,
        "cache_creation_input_tokens": counted.cache_write,
        "cache_read_input_tokens": counted.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": counted.cache_write - counted.cache_write_long,
            "ephemeral_1h_input_tokens": counted.cache_write_long,
        },
    }


def events(exchange: Exchange, prompt: Prompt, answer: Answer) -> list[Frame]:
    """The same answer as events, `message_stop` last."""
    frames = list(_events(exchange, prompt, answer))
    if exchange.model.has("quirk-unknown-event"):
        frames.insert(-2, _frame("host_progress", {"percent": 99}))
    if exchange.model.has("quirk-pings"):
        return [frame for each in frames for frame in ([each] if each.last else [each, _frame("ping", {})])]
    return frames


def _frame(kind: str, data: dict[str, Any], *, content: bool = False) -> Frame:
    return Frame(event=kind, data={"type": kind, **data}, content=content, last=kind == "message_stop")


def _events(exchange: Exchange, prompt: Prompt, answer: Answer) -> Iterator[Frame]:
    opening = {
        **_opening(exchange, prompt),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
    }
    first_usage = {**usage(prompt, answer), "output_tokens": 1, "output_tokens_details": None}
    yield _frame("message_start", {"message": {**opening, "usage": first_usage}})
    texts = [call.arguments for call in answer.calls]
    calls = 0
    for index, block in enumerate(_blocks(exchange, prompt, answer)):
        arguments = ""
        if block["type"] == "tool_use":
            arguments, calls = texts[calls], calls + 1
        start, deltas = _block_events(block, arguments)
        yield _frame("content_block_start", {"index": index, "content_block": start}, content=index > 0)
        if index == 0:
            yield _frame("ping", {})
        for delta in deltas:
            yield _frame("content_block_delta", {"index": index, "delta": delta}, content=True)
        yield _frame("content_block_stop", {"index": index})
    yield _frame(
        "message_delta", {"delta": _closing(answer), "usage": _delta_usage(exchange, prompt, answer)}
    )
    yield _frame("message_stop", {})


def _delta_usage(exchange: Exchange, prompt: Prompt, answer: Answer) -> dict[str, Any]:
    counted = usage(prompt, answer)
    if exchange.model.has("quirk-no-delta-usage"):
        return {"output_tokens": counted["output_tokens"]}
    return {key: item for key, item in counted.items() if key in DELTA_USAGE}


def _block_events(block: dict[str, Any], arguments: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a block's opening and its deltas."""
    match block["type"]:
        case "thinking":
            deltas = [{"type": "thinking_delta", "thinking": token} for token in pieces(block["thinking"])]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
            return {"type": "thinking", "thinking": "", "signature": ""}, deltas
        case "text":
            cited = block.get("citations") or []
            deltas = [{"type": "text_delta", "text": token} for token in pieces(block["text"])]
            deltas += [{"type": "citations_delta", "citation": citation} for citation in cited]
            return {"type": "text", "text": "", **({"citations": []} if cited else {})}, deltas
        case "tool_use":
            parts = [arguments[i : i + ARGUMENT_PIECE] for i in range(0, len(arguments), ARGUMENT_PIECE)]
            parts = [] if arguments in ("", "{}") else parts
            return {**block, "input": {}}, [
                {"type": "input_json_delta", "partial_json": p} for p in ["", *parts]
            ]
        case _:
            return block, []
