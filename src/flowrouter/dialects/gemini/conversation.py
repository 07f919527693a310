"""Puts a screened conversation into the order Gemini insists on.

The vendor's structural rules (Gemini API, November 2026): the first turn is the user's, turns of one
role are one content, a content has parts, the results of a turn's calls stand first in the next. System
messages at the head become `systemInstruction`; a later one becomes a marked text of the user's turn it
follows or precedes: never hoisted, and in the same place when the conversation goes on, so that cached
prefixes stay valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.history import settle
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Part, Text, ToolCall, ToolResult
from flowrouter.dialects.gemini.media import MEDIA_INSIDE, MediaPart
from flowrouter.dialects.gemini.render_parts import TurnWriter, Wire
from flowrouter.dialects.gemini.signing import sign_steps

OPENING = "Begin."
"""The user turn put before a history that starts with the model, or has no turn at all."""

_ANY_ID = r"(?s:.)"
_LONGEST_ID = 512
_PREFILL = "Start your reply with exactly the following text and go on from its end:\n"


def as_reminder(text: str) -> str:
    """Return a system message's text marked for a user turn."""
    return f"<system-reminder>\n{text}\n</system-reminder>"


class Conversation:
    """Builds `system` (parts) and `contents` of one foreign request."""

    def __init__(self, capabilities: Capabilities, names: Mapping[str, str], losses: Losses) -> None:
        self._capabilities = capabilities
        self._names = names
        self._losses = losses
        # The models that take media inside a function's response are those that take thinking levels.
        self._media_inside = MEDIA_INSIDE in capabilities.extensions or capabilities.thinking_style == "level"
        self._called: dict[str, str] = {}
        self._waiting: list[Wire] = []
        self.system: list[Wire] = []
        self.contents: list[dict[str, Any]] = []

    def build(self, system: tuple[Part, ...], messages: tuple[Message, ...]) -> None:
        """Take in the top-level system parts and the screened messages, in their order."""
        leading = 0
        while leading < len(messages) and _is_system(messages[leading]):
            leading += 1
        heads = [part for message in messages[:leading] for part in message.parts]
        self.system = TurnWriter(own=False).write([*system, *heads])
        history = settle(messages[leading:], id_pattern=_ANY_ID, id_max=_LONGEST_ID, told=self._losses)
        self._losses.rows += history.losses
        for message in history.messages:
            self._add_message(message)
        if self._waiting:
            self._add_user([])
        if not self.contents or self.contents[0]["role"] != "user":
            path = self._losses.name("messages")
            self._losses.emulate(path, f"the first turn must be the user's: {OPENING!r} was put before")
            self.contents.insert(0, {"role": "user", "parts": [{"text": OPENING}]})
        sign_steps(self.contents, self._capabilities, self._losses)

    def end_with_user(self) -> None:
        """Turn a final model turn into a hint where the model does not go on from one."""
        capabilities = self._capabilities
        last = self.contents[-1]
        if last["role"] != "model" or (
            capabilities.prefill is not False and not capabilities.needs_user_last
        ):
            return
        text = "".join(part.get("text", "") for part in last["parts"] if not part.get("thought")).rstrip()
        path = self._losses.name("messages")
        self.contents.pop()
        if not text:
            self._losses.drop(path, "the model continues no begun answer, and this one says nothing")
            return
        self._losses.emulate(path, "the model continues no begun answer; the beginning became an instruction")
        self._add("user", [{"text": as_reminder(_PREFILL + text)}])

    def _add_message(self, message: Message) -> None:
        match message.role:
            case "assistant":
                if self._waiting and self.contents and self.contents[-1]["role"] == "user":
                    self._add_user([])
                self._called |= {part.id: part.name for part in message.parts if isinstance(part, ToolCall)}
                self._add("model", self._written(_calls_last(message.parts)))
            case "system" | "developer":
                self._wait(message)
            case "tool":
                self._note_media(message)
                self._add("user", self._written(message.parts))
            case "user":
                self._add_user(self._written(message.parts))

    def _wait(self, message: Message) -> None:
        texts = [part.text for part in message.parts if isinstance(part, Text)]
        if not texts:
            return
        reason = "a later system message became a marked text of the user's turn"
        self._losses.emulate(message.place or self._losses.in_messages, reason)
        self._waiting.append({"text": as_reminder("\n\n".join(texts))})

    def _add_user(self, parts: list[Wire]) -> None:
        parts, self._waiting = [*self._waiting, *parts], []
        self._add("user", parts)

    def _add(self, role: str, parts: list[Wire]) -> None:
        """Append to the last content of the same role, or begin one."""
        if not parts:
            return
        if self.contents and self.contents[-1]["role"] == role:
            self.contents[-1]["parts"] += parts
        else:
            self.contents.append({"role": role, "parts": parts})

    def _written(self, parts: tuple[Part, ...]) -> list[Wire]:
        inside = self._media_inside
        writer = TurnWriter(own=False, names=self._names, called=self._called, media_inside=inside)
        return writer.write(parts)

    def _note_media(self, message: Message) -> None:
        if self._media_inside:
            return
        for result in message.parts:
            if isinstance(result, ToolResult) and any(isinstance(item, MediaPart) for item in result.content):
                path = self._losses.path(result)
                self._losses.emulate(path, "media of a tool result follow behind the results")


def _is_system(message: Message) -> bool:
    return message.role in ("system", "developer")


def _calls_last(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Return what is said first, then the calls (their order among themselves kept)."""
    calls = tuple(part for part in parts if isinstance(part, ToolCall))
    return (*(part for part in parts if not isinstance(part, ToolCall)), *calls)


__all__ = ["OPENING", "Conversation", "as_reminder"]
