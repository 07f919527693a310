"""A settled conversation of another dialect as Chat messages.

System messages keep their place. Where the target takes none there (or none at all), their text
waits, marked as a reminder, for the head of the next user turn. Media that came with tool results
follow in a user message, since Chat's tool messages hold text only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import attrgetter

import msgspec

from flowrouter.canonical.history import NO_RESULT, settle
from flowrouter.canonical.messages import Message, Words
from flowrouter.canonical.parts import Part, Reasoning, Text, ToolCall, ToolResult
from flowrouter.dialects.openai_chat.foreign_parts import plain_text, translate_parts
from flowrouter.dialects.openai_chat.foreign_words import words_of
from flowrouter.dialects.openai_chat.translation import Translation
from flowrouter.wire.json import dumps_text
from flowrouter.wire.members import Json

ID_MAX = 40
"""The longest call id the vendor takes."""

REMINDER = "<system-reminder>\n{}\n</system-reminder>"
"""How system text is marked where it must stand in a user turn."""


def translate_messages(context: Translation, *, hint: str | None = None) -> list[Json]:
    """Return the Chat messages of the request; `hint` is system text of our own, put last."""
    request = context.request
    if not hint and (words := words_of(request, context.capabilities)) is not None:
        return words
    writer = _Writer(context)
    leading = (*request.system, Text(text=hint)) if hint else request.system
    if leading:
        writer.system(leading, leads=True)
    if type(request.messages) is Words:
        writer.write(request.messages)
        return writer.finish()
    for extra in filter(None, map(_extra_of, request.messages)):
        context.losses.unknown(extra, context.losses.in_messages)
    history = settle(request.messages, id_max=ID_MAX, told=context.losses)
    context.losses.rows += history.losses
    writer.write(history.messages)
    return writer.finish()


_extra_of = attrgetter("extra")


class _Writer(msgspec.Struct, eq=False):
    """Writes messages one by one; `_waiting` holds reminders for the next user turn."""

    _context: Translation
    _out: list[Json] = []
    _waiting: list[Json] = []
    _media_last: bool = False

    __repr__ = object.__repr__

    def write(self, messages: Iterable[Message]) -> None:
        """Write messages of a settled history."""
        for message in messages:
            role = message.role
            if role == "assistant":
                self._assistant(message)
            elif role == "tool":
                self._tool(message)
            elif role == "user":
                self._user(translate_parts(message.parts, self._context), name=message.name)
            else:
                leads = all(item["role"] in {"system", "developer"} for item in self._out)
                self.system(message.parts, leads=leads and not self._waiting)

    def system(self, parts: Sequence[Part], *, leads: bool) -> None:
        """Write system text where it stands, or keep it for the next user turn."""
        words = plain_text(parts)
        items = [] if words else translate_parts(parts, self._context)
        if not (words or items):
            return
        capabilities = self._context.capabilities
        if capabilities.system_role != "user" and (leads or capabilities.mid_system is not False):
            self._out.append({"role": capabilities.system_role, "content": words or self._content(items)})
            self._media_last = False
            return
        path = self._context.losses.path(parts[0])
        self._context.losses.emulate(path, "system text the target takes only in a user turn")
        text = words or "\n\n".join(item["text"] for item in items if item["type"] == "text")
        self._waiting.append({"type": "text", "text": REMINDER.format(text)})

    def finish(self) -> list[Json]:
        """Return all messages; what still waits goes last, as a user turn of its own."""
        if self._waiting:
            self._user([])
        context = self._context
        if context.capabilities.needs_user_last and self._out and self._out[-1]["role"] == "assistant":
            context.losses.emulate(
                context.losses.name("messages"), "the target wants a user turn last; one was added"
            )
            self._out.append({"role": "user", "content": "Continue."})
        return self._out

    def _user(self, items: list[Json], *, name: str | None = None) -> None:
        if self._waiting:
            items = [*self._waiting, *items]
            self._waiting = []
        if not items:
            return
        if self._media_last:
            # The media of tool results and the user's words are one turn.
            items = [*self._out.pop()["content"], *items]
            self._media_last = False
        item: Json = {"role": "user", "content": self._content(items)}
        if name:
            item["name"] = name
        self._out.append(item)

    def _assistant(self, message: Message) -> None:
        self._media_last = False
        calls: list[ToolCall] = []
        thoughts: list[Reasoning] = []
        said: list[Part] = []
        context = self._context
        for part in message.parts:
            kind = type(part)
            if kind is ToolCall:
                calls.append(part)  # pyright: ignore[reportArgumentType]
            elif kind is Reasoning:
                thoughts.append(part)  # pyright: ignore[reportArgumentType]
            else:
                said.append(part)
        content: str | list[Json] | None = plain_text(said)
        if not content:
            items = translate_parts(said, context) if said else []
            content = self._content(items) if items else None
        item: Json = {"role": "assistant", "content": content}
        if thoughts or context.capabilities.reasoning_echo != "never":
            self._put_reasoning(item, thoughts, with_calls=bool(calls))
        if calls:
            item["tool_calls"] = list(map(_call, calls, repeat(context)))
        elif content is None:
            if "reasoning_content" in item and thoughts:
                path = context.losses.path(thoughts[0])
                context.losses.drop(path, "Chat has no turn of reasoning alone")
            return
        if message.name:
            item["name"] = message.name
        self._out.append(item)

    def _put_reasoning(self, item: Json, thoughts: list[Reasoning], *, with_calls: bool) -> None:
        echo = self._context.capabilities.reasoning_echo
        wanted = echo == "always" or (echo == "with_tools" and with_calls)
        if not wanted:
            for thought in thoughts:
                self._context.losses.drop(
                    self._context.losses.path(thought), "the target takes no reasoning back"
                )
            return
        for thought in thoughts:
            self._context.losses.members(thought)
            if thought.redacted or thought.signature:
                path = self._context.losses.path(thought)
                name = self._context.losses.name(
                    "thought.redacted" if thought.redacted else "thought.signature"
                )
                self._context.losses.drop(f"{path}.{name}", "a signature of another vendor")
        # These hosts answer 400 to a turn without the member; a blank is the least that passes.
        item["reasoning_content"] = "\n\n".join(thought.text for thought in thoughts if thought.text) or " "

    def _tool(self, message: Message) -> None:
        media: list[Json] = []
        for result in message.parts:
            if type(result) is ToolResult:
                self._out.append(self._result(result, media))
        if media:
            self._out.append({"role": "user", "content": media})
            self._media_last = True

    def _result(self, result: ToolResult, media: list[Json]) -> Json:
        context = self._context
        if result.extra:
            context.losses.members(result)
        words = "" if result.is_error else plain_text(result.content)
        content = words or self._result_content(result, media)
        if result.cache is not None:
            path = context.losses.path(result)
            context.losses.drop(f"{path}.cache_control", "Chat's tool messages take no cache marks")
        call_id = result.call_id
        if context.capabilities.tool_id is not None:
            call_id = fit_id(call_id, context)
        return {"role": "tool", "tool_call_id": call_id, "content": content}

    def _result_content(self, result: ToolResult, media: list[Json]) -> str | list[Json]:
        """Return what a result says, but for its `media`; that it failed is told in words."""
        context = self._context
        texts = translate_parts(result.content, context)
        several = len(texts) > 1 or (texts and texts[0]["type"] != "text")
        if several and (pictures := [item for item in texts if item["type"] != "text"]):
            texts = [item for item in texts if item["type"] == "text"]
            path = context.losses.path(result)
            context.losses.emulate(path, "media of a tool result follow in a user message")
            media += [{"type": "text", "text": f"From the result of {result.call_id}:"}, *pictures]
            texts = texts or [{"type": "text", "text": "[see the next message]"}]
        if result.is_error:
            # The stub of a result that the client never sent was told when it was made.
            if result.content != (Text(text=NO_RESULT),):
                failed = f"{context.losses.path(result)}.{context.losses.name('result.is_error')}"
                context.losses.emulate(failed, 'told by the prefix "Error: "')
            texts = texts or [{"type": "text", "text": ""}]
            texts[0] = {**texts[0], "text": f"Error: {texts[0]['text']}"}
        return self._content(texts) if texts else ""

    def _content(self, items: list[Json]) -> str | list[Json]:
        """Return one plain text as a string, which every host takes; else the list."""
        if len(items) == 1:
            item = items[0]
            return item["text"] if len(item) == 2 and item["type"] == "text" else items
        for item in items:
            if len(item) != 2 or item["type"] != "text":
                return items
        if not self._context.capabilities.content_lists:
            return "\n\n".join(item["text"] for item in items)
        return items


def _call(call: ToolCall, context: Translation) -> Json:
    if call.extra:
        context.losses.members(call)
    name = context.names.get(call.name, call.name)
    call_id = call.id if context.capabilities.tool_id is None else fit_id(call.id, context)
    if call_id != call.id and "id" not in call.shape:
        context.losses.change(
            f"{context.losses.path(call)}.{context.losses.name('call.id')}", f"sent as {call_id!r}"
        )
    if call.cache is not None:
        path = context.losses.path(call)
        context.losses.drop(f"{path}.cache_control", "Chat's tool calls take no cache marks")
    if call.kind == "custom" and context.capabilities.custom_tools:
        return {"id": call_id, "type": "custom", "custom": {"name": name, "input": call.arguments}}
    arguments = dumps_text({"input": call.arguments}) if call.kind == "custom" else call.arguments or "{}"
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def fit_id(call_id: str, context: Translation) -> str:
    """Return a call id that meets the host's own stricter pattern, the same one every time."""
    pattern = context.capabilities.tool_id
    if pattern is None or re.fullmatch(pattern, call_id):
        return call_id
    digest = hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()
    fitting = (digest[:size] for size in (9, 12, 16, 24, 32, 40) if re.fullmatch(pattern, digest[:size]))
    return next(fitting, call_id)


__all__ = ["ID_MAX", "REMINDER", "fit_id", "translate_messages"]
