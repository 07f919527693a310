"""A scripted model that works with whatever file tools a client offers: read, then write what it read, then done.

What it writes is made from what the client's own tool gave back, so a task succeeds only if the file's
words travelled from the disk through the client, the gateway and the dialect, and back again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.upstreams import Answer, Call, Received, ScriptedUpstream, Thought
from tests.upstreams.dialect import Exchange
from tests.upstreams.prompts import Prompt
from tests.upstreams.scenarios import ModelName

SECRET = re.compile(r"SECRET-(\w+)")
DONE = "The task is done."


@dataclass(frozen=True)
class Files:
    """How one client's tools are called; the arguments are made from the path and the text."""

    read: str
    read_arguments: Callable[[str], dict[str, Any]]
    write: str
    write_arguments: Callable[[str, str], dict[str, Any]]


def turned(secret: str) -> str:
    """Return what the model makes of the secret: something it could not have guessed."""
    return f"TURNED-{secret[::-1]}"


def read_prompt(up: ScriptedUpstream, received: Received) -> Prompt:
    """Return what a request asks, whatever the dialect it is written in."""
    (dialect,) = up.dialects
    exchange = Exchange(received, ModelName(received.model), received.account, "", received.json)
    return dialect.read(exchange)


def tool_results(received: Received) -> list[str]:
    """Return the text of every tool result in the conversation, in any dialect."""
    body = received.json
    if received.dialect == "gemini":
        parts = [part for content in body["contents"] for part in content["parts"]]
        return [_text(part["functionResponse"]["response"]) for part in parts if "functionResponse" in part]
    if received.dialect == "openai_responses":
        items = body["input"] if isinstance(body["input"], list) else []
        return [_text(item["output"]) for item in items if item.get("type", "").endswith("_call_output")]
    if received.dialect == "openai_chat":
        return [_text(message["content"]) for message in body["messages"] if message["role"] == "tool"]
    contents = [message["content"] for message in body["messages"]]
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    return [_text(block.get("content")) for block in blocks if block["type"] == "tool_result"]


def _text(content: Any) -> str:
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def tool_user(
    up: ScriptedUpstream, files: Files, *, source: str, target: str
) -> Callable[[Received], Answer]:
    """Return a model that reads `source` and writes `target` by the client's tools."""

    def answer(received: Received) -> Answer:
        prompt = read_prompt(up, received)
        if files.write not in {tool.name for tool in prompt.tools}:
            return Answer(text="A short title")  # a side call: clients name their sessions
        results = tool_results(received)
        # Where thinking is on, a vendor wants its thinking blocks back with the calls.
        thoughts = (Thought(text=f"Step {len(results) + 1}."),) if prompt.think else ()
        if not results:
            call = _call("call_read", files.read, files.read_arguments(source))
        elif len(results) == 1:
            found = SECRET.search(results[0])
            text = turned(found[1]) if found else f"nothing was read: {results[0][:200]}"
            call = _call("call_write", files.write, files.write_arguments(target, text))
        else:
            return Answer(text=DONE, thoughts=thoughts)
        return Answer(calls=(call,), thoughts=thoughts)

    return answer


def _call(identity: str, name: str, arguments: dict[str, Any]) -> Call:
    return Call(id=identity, name=name, arguments=json.dumps(arguments))


def text_editor(*, target: str) -> Callable[[Received], Answer]:
    """Return a model for clients without tools: the file stands in the prompt, the edit in the answer."""

    def answer(received: Received) -> Answer:
        found = SECRET.search(json.dumps(received.json))
        text = turned(found[1]) if found else "nothing was read"
        return Answer(text=f"Here it is.\n\n{target}\n```\n{text}\n```\n")

    return answer
