"""Canonical messages back to the items of `input` they came from, member for member."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.leftovers import words_of
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Opaque, Part, Reasoning, ToolCall, ToolResult
from flowrouter.canonical.request import Request
from flowrouter.dialects.openai_responses.content import plain_text, write_content
from flowrouter.dialects.openai_responses.items import DIALECT, SEAL, finish, render_item
from flowrouter.wire.members import Json

Step = TypeVar("Step", ToolCall, ToolResult, Reasoning)


def write_input(request: Request, capabilities: Capabilities, losses: Losses) -> Any:
    """Return `input` as it came, less reasoning state that is not this model's (each a loss)."""
    messages = request.messages
    if request.shapes.get("input") == "string" and len(messages) == 1 and len(messages[0].parts) == 1:
        text = plain_text(messages[0].parts[0])
        if text is not None:
            return text
    writer = _Writer(request, capabilities, losses)
    return [item for message in messages for item in writer.items(message)]


class _Writer:
    def __init__(self, request: Request, capabilities: Capabilities, losses: Losses) -> None:
        self._local: dict[str, Json] = request.shapes.get("items", {})
        self._sealed = frozenset(request.shapes.get("sealed", ()))
        self._capabilities = capabilities
        self._losses = losses

    def items(self, message: Message) -> list[Json]:
        """Return the items of one message: one, unless a stage has put more into it."""
        local = self._local.get(message.place, {})
        content = [part for part in message.parts if not _stands_alone(part, message)]
        items = [
            item
            for part in message.parts
            if _stands_alone(part, message) and (item := self._item(part, message, local)) is not None
        ]
        if content or not message.parts:
            said = _message(message, content, local)
            items.insert(0 if message.role != "assistant" else _thoughts(items), said)
        return items

    def _item(self, part: Part, message: Message, local: Json) -> Json | None:
        match part:
            case Reasoning():
                return self._reasoning(part, message, local)
            case Opaque():
                return self._opaque(part)
            case ToolCall():
                return render_item(_with_local(part, local))
            case ToolResult():
                return render_item(_with_local(part, local))
            case _:
                return None

    def _reasoning(self, part: Reasoning, message: Message, local: Json) -> Json | None:
        if not is_native(part, self._capabilities) or (
            message.place in self._sealed and part.signature is None
        ):
            self._losses.drop(self._losses.path(part), "reasoning that this model's vendor did not issue")
            return None
        return render_item(_with_local(part, local))

    def _opaque(self, part: Opaque) -> Json:
        words = words_of(part)
        if words is not None:
            self._losses.emulate(self._losses.path(part), "a summary of ours is sent as a message")
            return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": words}]}
        state = part.payload.get("encrypted_content")
        if isinstance(state, str) and state.startswith(SEAL):
            self._losses.refuse(
                self._losses.path(part), "a compaction this gateway cannot open", code="invalid_value"
            )
        return part.payload


def is_native(part: Reasoning, capabilities: Capabilities) -> bool:
    """Return whether reasoning may go to this model as it stands: its own client's, or its family's state."""
    if part.sealed is not None or part.redacted is not None:
        return False
    origin = part.provenance
    if origin is None:
        return True
    known = origin.family is not None and capabilities.family is not None
    return origin.dialect == DIALECT and (not known or origin.family == capabilities.family)


def _stands_alone(part: Part, message: Message) -> bool:
    """Return whether a part is an item of its own rather than content of a message."""
    if isinstance(part, Reasoning | ToolCall | ToolResult):
        return True
    return isinstance(part, Opaque) and message.shape == "absent"


def _thoughts(items: list[Json]) -> int:
    """Return how many items at the head are reasoning: what was said comes after them."""
    return next((n for n, item in enumerate(items) if item.get("type") != "reasoning"), len(items))


def _message(message: Message, content: list[Part], local: Json) -> Json:
    item: Json = {"type": "message", "role": message.role}
    if content or message.shape != "absent":
        item["content"] = write_content(content, message.shape, assistant=message.role == "assistant")
    return finish(finish(item, message.extra), local)


def _with_local(part: Step, local: Json) -> Step:
    return msgspec.structs.replace(part, extra={**part.extra, **local}) if local else part


__all__ = ["is_native", "write_input"]
