"""Agents as a gateway sees them: they keep what they are answered and send all of it with the next turn.

Nothing here is clever. The bodies are built as the programs build theirs, member by member, so that the
bytes of a turn begin with the bytes of the one before it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.agents.recordings import Recording, Turn
from tests.upstreams import Answer, Call, Received, Thought

Json = dict[str, Any]
MARK = {"cache_control": {"type": "ephemeral"}}
REMINDER = "<system-reminder>\nThe task list has not been used lately ({}).\n</system-reminder>"


def scripted(turn: Turn, number: int) -> Callable[[Received], Answer]:
    """Return what the model says in the turn of that number: other words each time, the tools as they are offered."""

    def answer(received: Received) -> Answer:
        calls = tuple(_call(call, received) for call in turn.calls)
        text = f"{turn.text} ({number})" if turn.text else ""
        return Answer(text=text, thoughts=(Thought(text=f"Thought of turn {number}."),), calls=calls)

    return answer


def _call(call: Json, received: Received) -> Call:
    if "input" not in call:
        return Call(name=call["name"], arguments=json.dumps(call["arguments"]))
    free = any(tool.get("type") == "custom" for tool in received.json.get("tools", ()))
    if free:
        return Call(name=call["name"], arguments=call["input"], kind="custom")
    return Call(name=call["name"], arguments=json.dumps({"input": call["input"]}))


def events(stream: bytes) -> list[Json]:
    """Return the events of a stream, `[DONE]` and comments left out."""
    lines = (line for line in stream.decode().split("\n") if line.startswith("data:"))
    return [json.loads(line[5:]) for line in lines if line[5:].strip() not in ("", "[DONE]")]


class ClaudeSession:
    """Claude Code: the newest user turn bears the mark of the cache, the older ones lose theirs."""

    path = "/v1/messages?beta=true"

    def __init__(self, recorded: Recording, *, model: str) -> None:
        self._recorded = recorded
        self._model = model
        self.messages: list[Json] = copy.deepcopy(recorded.opening)

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of each request."""
        return dict(self._recorded.headers)

    def body(self) -> bytes:
        """Return the next request."""
        members = {**self._recorded.body, "model": self._model}
        rest = {name: value for name, value in members.items() if name != "model"}
        return dumps({"model": self._model, "messages": self._marked(), **rest})

    def _marked(self) -> list[Json]:
        messages = copy.deepcopy(self.messages)
        last = next(message for message in reversed(messages) if message["role"] == "user")
        last["content"][-1] |= MARK
        return messages

    def take(self, stream: bytes, turn: Turn, number: int) -> None:
        """Keep an answer, and go on as the recorded program did."""
        content = blocks(stream)
        self.messages.append({"role": "assistant", "content": content})
        replies = turn.replies([block["id"] for block in content if block["type"] == "tool_use"])
        if number % 7 == 0:
            replies[-1]["content"].append({"type": "text", "text": REMINDER.format(number)})
        if number % 10 == 0:
            replies.append({"role": "system", "content": REMINDER.format(number)})
        self.messages += replies


class CodexSession:
    """Codex: the items of each answer go back as they came, reasoning with `content: null`."""

    path = "/v1/responses"

    def __init__(self, recorded: Recording, *, model: str) -> None:
        self._recorded = recorded
        self._model = model
        self.input: list[Json] = copy.deepcopy(recorded.opening)

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of each request."""
        return dict(self._recorded.headers)

    def body(self) -> bytes:
        """Return the next request."""
        rest = {name: value for name, value in self._recorded.body.items() if name not in ("model", "stream")}
        return dumps({"model": self._model, "stream": True, "input": self.input, **rest})

    def take(self, stream: bytes, turn: Turn, number: int) -> None:
        """Keep an answer, and go on as the recorded program did."""
        items = [event["item"] for event in events(stream) if event["type"] == "response.output_item.done"]
        for item in items:
            if item["type"] == "reasoning":
                item = {
                    name: item.get(name) for name in ("type", "id", "summary", "content", "encrypted_content")
                }
            self.input.append(item)
        replies = turn.replies([item["call_id"] for item in items if "call_id" in item])
        for reply in replies:
            reply["id"] = reply["id"].replace("00000000", f"{number:08d}", 1)
        if number % 10 == 0:
            text = {"type": "input_text", "text": REMINDER.format(number)}
            replies.append({"type": "message", "id": f"msg_{number}", "role": "developer", "content": [text]})
        self.input += replies


def blocks(stream: bytes) -> list[Json]:
    """Return the content blocks of a Messages stream, put together as every client does."""
    found: list[Json] = []
    for event in events(stream):
        if event["type"] == "content_block_start":
            found.append(event["content_block"])
        elif event["type"] == "content_block_delta":
            _grow(found[event["index"]], event["delta"])
    for block in found:
        written = block.pop("partial", None)
        if block["type"] == "tool_use" and written is not None:
            block["input"] = json.loads(written or "{}")
    return found


def _grow(block: Json, delta: Json) -> None:
    match delta:
        case {"type": "text_delta", "text": text}:
            block["text"] += text
        case {"type": "thinking_delta", "thinking": text}:
            block["thinking"] += text
        case {"type": "signature_delta", "signature": signature}:
            block["signature"] = signature
        case {"type": "input_json_delta", "partial_json": text}:
            block["partial"] = block.get("partial", "") + text
        case _:
            raise AssertionError(f"an unknown delta: {delta}")


def dumps(value: Any) -> bytes:
    """Return compact JSON, as both programs write it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def turns(recorded: Recording, count: int) -> Iterator[tuple[int, Turn]]:
    """Yield the recorded turns over and over, numbered from 1."""
    for number in range(1, count + 1):
        yield number, recorded.turns[(number - 1) % len(recorded.turns)]


__all__ = ["MARK", "ClaudeSession", "CodexSession", "blocks", "dumps", "events", "scripted", "turns"]
