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

from tests.upstreams import Answer, Call, Received, Thought

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


def tool_names(received: Received) -> list[str]:
    """Return the names of the tools offered, in either dialect."""
    tools = received.json.get("tools") or []
    return [tool.get("name") or tool["function"]["name"] for tool in tools]


def tool_results(received: Received) -> list[str]:
    """Return the text of every tool result in the conversation, in either dialect."""
    results: list[str] = []
    for message in received.json["messages"]:
        content = message.get("content")
        if message["role"] == "tool":
            results.append(_text(content))
        elif isinstance(content, list):
            results += [
                _text(block.get("content")) for block in content if block.get("type") == "tool_result"
            ]
    return results


def _text(content: Any) -> str:
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def tool_user(files: Files, *, source: str, target: str) -> Callable[[Received], Answer]:
    """Return a model that reads `source` and writes `target` by the client's tools."""

    def answer(received: Received) -> Answer:
        if files.write not in tool_names(received):
            return Answer(text="A short title")  # a side call: clients name their sessions
        results = tool_results(received)
        thoughts = (Thought(text=f"Step {len(results) + 1}."),) if _thinks(received) else ()
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


def _thinks(received: Received) -> bool:
    """Return whether thinking is on; a vendor then wants its thinking blocks back with the calls."""
    thinking = received.json.get("thinking") or {}
    return thinking.get("type") in {"enabled", "adaptive"}


def text_editor(*, target: str) -> Callable[[Received], Answer]:
    """Return a model for clients without tools: the file stands in the prompt, the edit in the answer."""

    def answer(received: Received) -> Answer:
        found = SECRET.search(json.dumps(received.json))
        text = turned(found[1]) if found else "nothing was read"
        return Answer(text=f"Here it is.\n\n{target}\n```\n{text}\n```\n")

    return answer
