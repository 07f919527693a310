"""A settled conversation of another dialect as the items of `input`.

Every part that is an item here becomes one, in order: reasoning, what was said, calls, then their
results. System messages keep their place; what came in another dialect's own slot for them becomes
`instructions`, unless it carries cache marks the target can take, which only items can hold.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

from flowrouter.canonical.history import NO_RESULT, settle
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Part, Reasoning, Text, ToolCall, ToolResult
from flowrouter.dialects.openai_responses.content import BREAKPOINT
from flowrouter.dialects.openai_responses.foreign_parts import input_parts, output_part, text_of
from flowrouter.dialects.openai_responses.translation import Translation
from flowrouter.dialects.openai_responses.write_input import is_native
from flowrouter.wire.json import dumps_text
from flowrouter.wire.members import Json

ID_MAX = 64
"""The longest call id the vendor takes."""

REMINDER = "<system-reminder>\n{}\n</system-reminder>"
"""How system text is marked where it must stand in a user turn."""


class Conversation:
    """Builds `instructions` and `input` of one foreign request."""

    def __init__(self, context: Translation) -> None:
        self._context = context
        self._instructions: list[str] = []
        self._customs: set[str] = set()
        self.items: list[Json] = []

    @property
    def instructions(self) -> str | None:
        """Return the text for the top-level slot."""
        return "\n\n".join(self._instructions) or None

    def build(self, *, hint: str | None) -> None:
        """Take in the request; `hint` is system text of our own, put behind the client's."""
        request, losses = self._context.request, self._context.losses
        self._slot(request.system)
        if hint:
            self._instructions.append(hint)
        for number, message in enumerate(request.messages):
            self._context.skip_extra(message.extra, losses.in_messages)
            if message.name and message.role != "tool":
                place = message.place or f"{losses.name('messages')}[{number}]"
                losses.drop(f"{place}.name", "no place for a participant's name")
        history = settle(request.messages, id_max=ID_MAX, told=losses)
        losses.rows += history.losses
        for message in history.messages:
            self._message(message)
        self._end()

    def name_json(self) -> None:
        """See that the word JSON stands among the messages, without which the vendor gives no such form."""
        if self.items and "json" not in dumps_text(self.items).lower():
            self._context.losses.emulate(self._context.losses.name("output"), "a message asks for JSON too")
            words = text_of("Answer with one JSON object and nothing else.")
            self.items.insert(0, {"type": "message", "role": self._role(), "content": [words]})

    def _slot(self, parts: Sequence[Part]) -> None:
        items = input_parts(parts, self._context)
        if any(BREAKPOINT in item or item["type"] != "input_text" for item in items):
            self._add(self._role(), items)
        else:
            self._instructions += [item["text"] for item in items]

    def _role(self) -> str:
        role = self._context.capabilities.system_role
        return "system" if role == "user" else role

    def _message(self, message: Message) -> None:
        context = self._context
        match message.role:
            case "system" | "developer":
                self._system(message)
            case "assistant":
                self._assistant(message)
            case "tool":
                self.items += [self._result(part) for part in message.parts if isinstance(part, ToolResult)]
            case "user":
                self._add("user", input_parts(message.parts, context))

    def _add(self, role: str, content: list[Json]) -> None:
        if content:
            self.items.append({"type": "message", "role": role, "content": content})

    def _system(self, message: Message) -> None:
        content = input_parts(message.parts, self._context)
        if not content:
            return
        capabilities = self._context.capabilities
        leads = all(item.get("role") == self._role() for item in self.items)
        if capabilities.system_role != "user" and (leads or capabilities.mid_system is not False):
            self._add(self._role(), content)
        elif leads:
            self._instructions += [item["text"] for item in content if item["type"] == "input_text"]
        else:
            path = self._context.losses.path(message.parts[0])
            self._context.losses.emulate(path, "system text the target takes only in a user turn")
            text = "\n\n".join(item["text"] for item in content if item["type"] == "input_text")
            self._add("user", [text_of(REMINDER.format(text))])

    def _assistant(self, message: Message) -> None:
        said: list[Json] = []
        start = len(self.items)
        for part in message.parts:
            match part:
                case Reasoning() | ToolCall():
                    self._say(said)
                    said = []
                    self._step(part)
                case _:
                    item = output_part(part, self._context)
                    said += [] if item is None else [item]
        self._say(said)
        self._drop_lonely_reasoning(message, start)

    def _say(self, content: list[Json]) -> None:
        """Write what the assistant said: one text as a string, since only that form needs no item id."""
        if len(content) == 1 and content[0]["type"] == "output_text":
            self.items.append({"type": "message", "role": "assistant", "content": content[0]["text"]})
        elif content:
            item: Json = {"type": "message", "role": "assistant", "status": "completed", "content": content}
            self.items.append(item)

    def _step(self, part: Reasoning | ToolCall) -> None:
        if isinstance(part, ToolCall):
            self.items.append(self._call(part))
            return
        path = self._context.losses.path(part)
        if part.signature and part.provenance is not None and is_native(part, self._context.capabilities):
            summary = [{"type": "summary_text", "text": part.text}] if part.text else []
            self.items.append({"type": "reasoning", "summary": summary, "encrypted_content": part.signature})
        else:
            self._context.losses.drop(path, "reasoning that this model's vendor did not issue")

    def _drop_lonely_reasoning(self, message: Message, start: int) -> None:
        """Take out reasoning at the end of a turn: the vendor refuses it without what it led to."""
        native = [part for part in message.parts if isinstance(part, Reasoning)]
        while len(self.items) > start and self.items[-1]["type"] == "reasoning":
            self.items.pop()
            self._context.losses.drop(self._context.losses.path(native[-1]), "what it led to is not sent")

    def _call(self, call: ToolCall) -> Json:
        context = self._context
        path = context.losses.path(call)
        context.losses.members(call)
        name = context.names.get(call.name, call.name)
        if name != call.name:
            context.losses.change(f"{path}.{context.losses.name('call.name')}", f"sent as {name!r}")
        context.mark({}, call.cache, path=path)
        call_id = self._fit_id(call.id)
        if call_id != call.id and "id" not in call.shape:
            context.losses.change(f"{path}.{context.losses.name('call.id')}", f"sent as {call_id!r}")
        if call.kind == "custom" and context.capabilities.custom_tools:
            self._customs.add(call.id)
            return {"type": "custom_tool_call", "call_id": call_id, "name": name, "input": call.arguments}
        custom = call.kind == "custom"
        arguments = dumps_text({"input": call.arguments}) if custom else call.arguments.strip() or "{}"
        return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}

    def _result(self, result: ToolResult) -> Json:
        context = self._context
        path = context.losses.path(result)
        context.losses.members(result)
        content = input_parts(result.content, context)
        if result.is_error:
            # The stub of a result that the client never sent was told when it was made.
            if result.content != (Text(text=NO_RESULT),):
                failed = context.losses.name("result.is_error")
                context.losses.emulate(f"{path}.{failed}", 'told by the prefix "Error: "')
            content = _with_error(content)
        if result.cache is not None and content:
            content[-1] = context.mark(content[-1], result.cache, path=path)
        elif result.cache is not None:
            context.losses.drop(f"{path}.{result.cache.field or 'cache_control'}", "nothing is left to mark")
        kind = "custom_tool_call_output" if result.call_id in self._customs else "function_call_output"
        return {"type": kind, "call_id": self._fit_id(result.call_id), "output": _output(content)}

    def _fit_id(self, call_id: str) -> str:
        """Return a call id that meets the host's own stricter pattern, the same one every time."""
        pattern = self._context.capabilities.tool_id
        if pattern is None or re.fullmatch(pattern, call_id):
            return call_id
        digest = hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()
        fitting = (digest[:size] for size in (9, 12, 16, 24, 32, 40) if re.fullmatch(pattern, digest[:size]))
        return next(fitting, call_id)

    def _end(self) -> None:
        """See to a begun answer at the end: this dialect's models answer anew, most of them."""
        capabilities, losses = self._context.capabilities, self._context.losses
        if not self.items or self.items[-1].get("role") != "assistant":
            return
        if capabilities.needs_user_last:
            losses.emulate(losses.name("messages"), "the target wants a user turn last; one was added")
            self._add("user", [text_of("Continue.")])
        elif capabilities.prefill is not True:
            losses.change(losses.name("messages"), "the model may answer anew instead of going on")


def _with_error(content: list[Json]) -> list[Json]:
    for number, item in enumerate(content):
        if item["type"] == "input_text":
            return [*content[:number], {**item, "text": f"Error: {item['text']}"}, *content[number + 1 :]]
    return [text_of("Error: "), *content]


def _output(content: Sequence[Json]) -> str | list[Json]:
    """Return one plain text as a string, which every host takes; else the list."""
    if not content:
        return ""
    if len(content) == 1 and _is_plain(content):
        text: str = content[0]["text"]
        return text
    return list(content)


def _is_plain(content: Iterable[Json]) -> bool:
    return all(len(item) == 2 and item["type"] == "input_text" for item in content)


__all__ = ["ID_MAX", "REMINDER", "Conversation"]
