"""Compacts a conversation: its user messages stay, the rest becomes one item that only this vendor can open."""

from typing import Any

from tests.upstreams.dialect import Exchange
from tests.upstreams.openai_chat.answers import CREATED
from tests.upstreams.openai_responses.kept import Thread
from tests.upstreams.openai_responses.reading import read_prompt, text_of
from tests.upstreams.openai_responses.sealing import encrypt
from tests.upstreams.openai_responses.shapes import Item, kind_of
from tests.upstreams.prompts import Prompt, derived_id, pieces


def compaction(exchange: Exchange, thread: Thread) -> dict[str, Any]:
    """Write the `response.compaction` object of a conversation."""
    prompt = read_prompt(exchange, thread)
    spoken = [item for item in thread.all if kind_of(item) == "message" and item["role"] == "user"]
    summary = _summary(thread.all)
    sealed = {
        "id": derived_id(prompt, "cmp_", length=48),
        "type": "compaction",
        "encrypted_content": encrypt(summary, exchange, kind="compaction"),
    }
    output = len(pieces(summary))
    return {
        "id": derived_id(prompt, "resp_", length=48),
        "object": "response.compaction",
        "created_at": CREATED,
        "output": [*(_user_message(prompt, item, index) for index, item in enumerate(spoken)), sealed],
        "usage": {
            "input_tokens": prompt.input_tokens,
            "input_tokens_details": {"cached_tokens": prompt.cache_read, "cache_write_tokens": 0},
            "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": prompt.input_tokens + output,
        },
    }


def _summary(items: list[Item]) -> str:
    """Name what is left out, so that a later answer can prove that it is known."""
    said = [text_of(item.get("content")) for item in items if item.get("role") == "assistant"]
    called = [item["name"] for item in items if kind_of(item) in ("function_call", "custom_tool_call")]
    return f"Compacted {len(items)} items; said: {said[-1:]}; called: {called}"


def _user_message(prompt: Prompt, item: Item, index: int) -> Item:
    content = item["content"]
    return {
        "id": item.get("id") or derived_id(prompt, "msg_", index=index, length=48),
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_text", "text": content}] if isinstance(content, str) else content,
    }
