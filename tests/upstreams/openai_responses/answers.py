"""Writes an answer as output items and as a `response` object that echoes the request's settings."""

from collections.abc import Iterator
from typing import Any

from tests.upstreams.dialect import Exchange
from tests.upstreams.openai_chat.answers import CREATED
from tests.upstreams.openai_responses.sealing import encrypt
from tests.upstreams.openai_responses.shapes import Item
from tests.upstreams.openai_responses.tools import own_tools
from tests.upstreams.prompts import Answer, Call, Finish, Prompt, derived_id, pieces, usage_of

INCOMPLETE: dict[Finish, str] = {
    "length": "max_output_tokens",
    "context": "max_output_tokens",
    "filter": "content_filter",
}
SEARCHES = ("web_search", "web_search_preview", "web_search_2025_08_26", "web_search_preview_2025_03_11")


def response_of(exchange: Exchange, prompt: Prompt, answer: Answer) -> dict[str, Any]:
    """The whole answer."""
    reason = INCOMPLETE.get(answer.ending)
    return {
        **opening(exchange, prompt),
        "status": "incomplete" if reason else "completed",
        "completed_at": None if reason else CREATED + 1,
        "incomplete_details": {"reason": reason} if reason else None,
        "output": output_items(exchange, prompt, answer),
        "usage": usage(prompt, answer),
    }


def opening(exchange: Exchange, prompt: Prompt) -> dict[str, Any]:
    """The response before anything was said: the settings it runs with."""
    body = exchange.body
    reasoning: dict[str, Any] = body.get("reasoning") or {}
    text: dict[str, Any] = body.get("text") or {}
    given = {name: body.get(name) for name in ECHOED}
    return {
        "id": derived_id(prompt, "resp_", length=48),
        "object": "response",
        "created_at": CREATED,
        "status": "in_progress",
        "background": body.get("background") or False,
        "completed_at": None,
        "error": None,
        "frequency_penalty": 0.0,
        "incomplete_details": None,
        "model": exchange.model.written,
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "presence_penalty": 0.0,
        **given,
        "metadata": body.get("metadata") or {},
        "reasoning": {"effort": _effort(exchange), "summary": None, **reasoning},
        "service_tier": "default",
        "store": body.get("store") is not False,
        "temperature": _or(body.get("temperature"), 1.0),
        "text": {"format": {"type": "text"}, "verbosity": "medium", **text},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": [_echoed_tool(tool) for tool in body.get("tools") or []],
        "top_logprobs": body.get("top_logprobs") or 0,
        "top_p": _or(body.get("top_p"), 1.0),
        "truncation": body.get("truncation") or "disabled",
        "usage": None,
    }


ECHOED = (
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "user",
)


def _or(value: Any, usual: Any) -> Any:
    return usual if value is None else value


def _effort(exchange: Exchange) -> str | None:
    return "medium" if exchange.model.reasons_by_effort else None


def _echoed_tool(tool: Item) -> Item:
    match tool["type"]:
        case "function":
            return {"description": None, "parameters": {}, "strict": True, **tool}
        case "custom":
            return {"format": {"type": "text"}, **tool}
        case _:
            return tool


# items


def output_items(exchange: Exchange, prompt: Prompt, answer: Answer) -> list[Item]:
    """The answer as items: reasoning, hosted search, message, calls; the last one says whether it was cut."""
    items = list(_items(exchange, prompt, answer))
    if answer.ending in INCOMPLETE and items and "status" in items[-1]:
        items[-1]["status"] = "incomplete"
    return items


def _items(exchange: Exchange, prompt: Prompt, answer: Answer) -> Iterator[Item]:
    if answer.thoughts:
        yield _reasoning(exchange, prompt, answer)
    hosted = [tool["type"] for tool in exchange.body.get("tools") or [] if tool["type"] in SEARCHES]
    if exchange.model.has("web-search") and hosted:
        action = {"type": "search", "query": prompt.user_text, "queries": [prompt.user_text]}
        item_id = derived_id(prompt, "ws_", length=48)
        yield {"id": item_id, "type": "web_search_call", "status": "completed", "action": action}
    if answer.text or answer.refusal:
        yield {
            "id": derived_id(prompt, "msg_", length=48),
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": list(_contents(exchange, answer)),
        }
    for index, call in enumerate(answer.calls):
        yield _call(exchange, prompt, call, index)


def _reasoning(exchange: Exchange, prompt: Prompt, answer: Answer) -> Item:
    asked: dict[str, Any] = exchange.body.get("reasoning") or {}
    shown = [thought.text for thought in answer.thoughts if not thought.hidden]
    open_text = exchange.model.shows_reasoning
    summarised = not open_text and (asked.get("summary") or asked.get("generate_summary"))
    item: Item = {"id": derived_id(prompt, "rs_", length=48), "type": "reasoning", "summary": []}
    if summarised:
        item["summary"] = [{"type": "summary_text", "text": text} for text in shown]
    if open_text:
        item["content"] = [{"type": "reasoning_text", "text": text} for text in shown]
    if "reasoning.encrypted_content" in (exchange.body.get("include") or ()):
        everything = "\n\n".join(thought.text for thought in answer.thoughts)
        item["encrypted_content"] = encrypt(everything, exchange, kind="reasoning")
    return item


def _contents(exchange: Exchange, answer: Answer) -> Iterator[Item]:
    if answer.text:
        yield {
            "type": "output_text",
            "text": answer.text,
            "annotations": annotations(answer),
            "logprobs": [entry for token in pieces(answer.text) for entry in logprobs(exchange, token)],
        }
    if answer.refusal:
        yield {"type": "refusal", "refusal": answer.refusal}


def annotations(answer: Answer) -> list[Item]:
    """The citations of a text."""
    span = {"start_index": 0, "end_index": len(answer.text)}
    return [{"type": "url_citation", **span, "url": url, "title": title} for url, title in answer.citations]


def logprobs(exchange: Exchange, token: str) -> list[Item]:
    """The entry of one token, none unless asked for."""
    if "message.output_text.logprobs" not in (exchange.body.get("include") or ()):
        return []
    width = exchange.body.get("top_logprobs") or 0
    entry: Item = {
        "token": token,
        "logprob": -0.125,
        "bytes": list(token.encode("utf-8", "surrogatepass")),
    }
    return [{**entry, "top_logprobs": [{**entry, "logprob": -0.125 * (n + 1)} for n in range(width)]}]


def _call(exchange: Exchange, prompt: Prompt, call: Call, index: int) -> Item:
    known, namespace = own_tools(exchange.body).get(call.name, ({"name": call.name}, None))
    call_id = f"call_{call.id}" if call.id.isalnum() else call.id or derived_id(prompt, "call_", index=index)
    custom = call.kind == "custom"
    item: Item = {
        "id": derived_id(prompt, "ctc_" if custom else "fc_", index=index, length=48),
        "type": "custom_tool_call" if custom else "function_call",
        "status": "completed",
        "call_id": call_id,
        "name": known["name"],
        "input" if custom else "arguments": call.arguments,
    }
    return {**item, "namespace": namespace} if namespace else item


def usage(prompt: Prompt, answer: Answer) -> dict[str, Any]:
    """The usage object; `input_tokens` includes the cache."""
    counted = usage_of(prompt, answer)
    given = counted.input + counted.cache_read + counted.cache_write
    return {
        "input_tokens": given,
        "input_tokens_details": {
            "cached_tokens": counted.cache_read,
            "cache_write_tokens": counted.cache_write,
        },
        "output_tokens": counted.output,
        "output_tokens_details": {"reasoning_tokens": counted.reasoning},
        "total_tokens": given + counted.output,
    }
