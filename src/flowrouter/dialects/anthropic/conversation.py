"""Puts a screened conversation into the order Anthropic insists on.

The vendor's structural rules (Messages API, November 2026): the first turn is the user's, turns of
one role are one message, `tool_result` blocks come first in the turn right after their `tool_use`,
no text is empty, and the last assistant turn does not end in white space. System messages at the
head become the top-level `system`; a later one stays where it is, or, where the model takes none
there, becomes a marked text in the user's voice at the same place: never hoisted, so that cached
prefixes stay valid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.history import settle
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.messages import SYSTEM, Message, Words, parts_of
from flowrouter.canonical.parts import Part, Reasoning, Text, ToolCall, ToolResult
from flowrouter.dialects.anthropic.render_parts import Block, render_blocks

OPENING = "Begin."
"""The user turn put before a history that starts with the assistant, or has no turn at all."""

_THINKING = ("thinking", "redacted_thinking")
_PREFILL = "Start your reply with exactly the following text and go on from its end:\n"


def as_reminder(text: str) -> str:
    """Return a system message's text marked for a user turn."""
    return f"<system-reminder>\n{text}\n</system-reminder>"


class Conversation(msgspec.Struct, eq=False):
    """Builds `system` and `messages` of one foreign request."""

    _capabilities: Capabilities
    _losses: Losses
    system: list[Block] = []
    messages: list[dict[str, Any]] = []
    mid_system: bool = False

    __repr__ = object.__repr__

    def say(self, messages: Words) -> bool:
        """Take in messages that need neither screening nor repair; return whether these are such, else take in none."""
        if any(map(str.isspace, messages.texts)):
            return False
        system, said, before = self.system, self.messages, ""
        for one in messages.said:
            role = one.role
            block: Block = {"type": "text", "text": one.content}
            if role == before:
                said[-1]["content"].append(block)
            elif role not in SYSTEM:
                said.append({"role": role, "content": [block]})
                before = role
            elif not said:
                system.append(block)
            else:
                break
        else:
            if not said or said[0]["role"] != "user":
                self._open_with_user()
            return True
        system.clear()
        said.clear()
        return False

    def build(
        self,
        system: tuple[Part, ...],
        messages: Sequence[Message],
        leading: int,
        *,
        names: Mapping[str, str],
    ) -> None:
        """Take in the top-level system parts and the screened messages, the first `leading` the system's, in their order.

        `names` maps tool names to the target's.
        """
        self.system = render_blocks([*system, *parts_of(messages[:leading])], own=False)
        history = settle(messages[leading:], told=self._losses, first=leading)
        self._losses.rows += history.losses
        built, before = self.messages, ""
        for message in history.messages:
            parts, role = message.parts, message.role
            if role in SYSTEM:
                self._add_system(message)
                before = built[-1]["role"] if built else ""
                continue
            if role != "assistant":
                role = "user"
            elif len(parts) > 1:
                parts = _in_order(parts)
            blocks = render_blocks(parts, own=False, names=names)
            if not blocks:
                continue
            if role == before:  # as `_add` does: a call for each message less
                built[-1]["content"] += blocks
            else:
                built.append({"role": role, "content": blocks})
                before = role
        if not built or built[0]["role"] != "user":
            self._open_with_user()

    def _open_with_user(self) -> None:
        path = self._losses.name("messages")
        self._losses.emulate(path, f"the first turn must be the user's: {OPENING!r} was put before")
        self.messages.insert(0, {"role": "user", "content": [{"type": "text", "text": OPENING}]})

    def end_with_user(self, *, prefill: bool) -> None:
        """Trim a final assistant turn where it may stay (`prefill`), else turn it into a hint.

        System messages behind a final assistant turn become the user's: the model is to answer them,
        not to continue that turn.
        """
        if self.messages[-1]["role"] == "user":
            return
        self._hand_trailing_system_to_user()
        last = self.messages[-1]
        if last["role"] != "assistant":
            return
        text = "".join(block["text"] for block in last["content"] if block["type"] == "text")
        if prefill and text.strip():
            self._trim(last)
            return
        self.messages.pop()
        if text.strip():
            self._losses.emulate(
                self._losses.name("messages"),
                "the model continues no begun answer; the beginning became an instruction",
            )
            self._add("user", [{"type": "text", "text": as_reminder(_PREFILL + text.rstrip())}])

    def _hand_trailing_system_to_user(self) -> None:
        trailing: list[Block] = []
        end = len(self.messages)
        while end and self.messages[end - 1]["role"] == "system":
            end -= 1
            trailing = [*self.messages[end]["content"], *trailing]
        if not trailing or not end or self.messages[end - 1]["role"] != "assistant":
            return
        del self.messages[end:]
        self.mid_system = any(message["role"] == "system" for message in self.messages)
        self._losses.emulate(
            self._losses.in_messages, "a final system message became a marked text of the user's turn"
        )
        reminders = [
            {**block, "text": as_reminder(block["text"])} for block in trailing if block["type"] == "text"
        ]
        self._add("user", reminders)

    def called_tools(self) -> list[str]:
        """Return the names of the tools the history calls, once each, in order."""
        calls = (
            block["name"]
            for message in self.messages
            for block in message["content"]
            if block["type"] == "tool_use"
        )
        return list(dict.fromkeys(calls))

    def _add_system(self, message: Message) -> None:
        blocks = render_blocks(message.parts, own=False)
        if not blocks:
            return
        if self._capabilities.mid_system:
            self.mid_system = True
            self.messages.append({"role": "system", "content": blocks})
            return
        place = message.place or self._losses.in_messages
        self._losses.emulate(place, "a later system message became a marked text of the user's turn")
        for block in blocks:
            if block["type"] == "text":
                block["text"] = as_reminder(block["text"])
        self._add("user", blocks)

    def _add(self, role: str, blocks: list[Block]) -> None:
        """Append to the last message of the same role, or begin one."""
        if not blocks:
            return
        messages = self.messages
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] += blocks
        else:
            messages.append({"role": role, "content": blocks})

    def _trim(self, last: dict[str, Any]) -> None:
        block = last["content"][-1]
        if block["type"] == "text" and block["text"] != (trimmed := block["text"].rstrip()):
            block["text"] = trimmed
            self._losses.change(
                self._losses.name("messages"), "white space at the end of the begun answer was cut"
            )


def thinks_in_open_loop(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether every assistant turn that is being answered with tool results begins with thinking.

    The open loop is what follows the last ordinary user turn; manual thinking is refused without it.
    Messages of the user in a row are one turn, whatever system message stands between them.
    """
    ordinary = False
    for message in reversed(messages):
        content = message.get("content")
        blocks = cast("list[Block]", content) if isinstance(content, list) else []
        kinds = [block["type"] for block in blocks]
        if message["role"] == "user":
            ordinary = "tool_result" not in kinds
        if message["role"] == "assistant" and ordinary:
            return True
        if message["role"] == "assistant" and "tool_use" in kinds and kinds[0] not in _THINKING:
            return False
    return True


def _in_order(parts: tuple[Part, ...]) -> list[Part]:
    """Return reasoning first, then what is visible, then the calls (their order among themselves kept)."""
    return sorted(parts, key=lambda part: _RANKS.get(type(part), 1))


_RANKS: dict[type, int] = {Reasoning: 0, ToolCall: 2}


def place_reminders(messages: list[Message]) -> list[Message]:
    """Return an Anthropic history without system messages, for a model that takes none there.

    A reminder joins the user turn behind it, after the tool results that must stay first.
    """
    placed: list[Message] = []
    waiting: list[Part] = []
    for message in messages:
        if message.role == "system":
            waiting += [
                Text(text=as_reminder(part.text), cache=part.cache)
                for part in message.parts
                if isinstance(part, Text)
            ]
            continue
        if waiting and message.role == "user":
            results = tuple(part for part in message.parts if isinstance(part, ToolResult))
            others = tuple(part for part in message.parts if not isinstance(part, ToolResult))
            message = Message(role="user", parts=(*results, *waiting, *others), extra=message.extra)
        elif waiting:
            placed.append(Message(role="user", parts=tuple(waiting)))
        waiting = []
        placed.append(message)
    if waiting:
        placed.append(Message(role="user", parts=tuple(waiting)))
    return placed


__all__ = ["OPENING", "Conversation", "as_reminder", "place_reminders", "thinks_in_open_loop"]
