"""Tools, tool choice and answer form of a foreign request, in Anthropic's terms.

A custom tool becomes a function with one string field `input`; an answer schema that the model
cannot be held to becomes a forced tool. Both are undone on the reply by `ReplyEdits`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, cast

import msgspec

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.messages import of_kind, parts_of
from flowrouter.canonical.names import fit
from flowrouter.canonical.parts import Part, ToolCall
from flowrouter.canonical.rendered import NO_EDITS, ReplyEdits
from flowrouter.canonical.request import OutputFormat, Request
from flowrouter.canonical.tools import CustomTool, FunctionTool, HostedTool, Tool, ToolChoice
from flowrouter.canonical.web_search import PURPOSE
from flowrouter.dialects.anthropic.render_parts import render_cache
from flowrouter.dialects.anthropic.schemas import closed_schema, tool_schema
from flowrouter.dialects.anthropic.web_search import NAME, web_search
from flowrouter.errors import CallerError
from flowrouter.wire.json import dumps_text

_ANSWER = "structured_answer"
_CUSTOM_SCHEMA = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
_ONLY_JSON = "Answer with one valid JSON object and nothing else: no explanation, no Markdown fence."


def fitted_names(
    request: Request, capabilities: Capabilities, held: AbstractSet[type[Part]]
) -> dict[str, str]:
    """Return client name → target name for all tools offered, forced or called; `held` kinds of parts are in the messages."""
    names = [tool.name for tool in request.tools if tool.name is not None]
    choice = request.tool_choice
    if choice is not None:
        names += [name for name in (choice.name, *choice.names) if name]
    if ToolCall in held:
        names += [call.name for call in of_kind(parts_of(request.messages), ToolCall)]
    return fit(names, limit=capabilities.tool_name_max) if names else {}


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What the model may call and must answer with; `instruction` asks for the form in words, `edits` undo it."""

    tools: Sequence[dict[str, Any]] = ()
    choice: dict[str, Any] | None = None
    format: dict[str, Any] | None = None
    instruction: str | None = None
    edits: ReplyEdits = NO_EDITS

    @property
    def forced(self) -> bool:
        """Return whether the model must call a tool."""
        return _is_forced(self.choice)


NOTHING = Offer()


def _is_forced(choice: dict[str, Any] | None) -> bool:
    return choice is not None and choice["type"] in ("any", "tool")


class Toolbox:
    """Makes the offer of one request; `build` first, then `answer`.

    What most requests leave as it is stands here and not in each of them.
    """

    tools: Sequence[dict[str, Any]] = ()
    choice: dict[str, Any] | None = None
    format: dict[str, Any] | None = None
    instruction: str | None = None
    _custom: set[str] | None = None
    _answer_tool: str | None = None
    _searches = False

    def __init__(
        self, request: Request, capabilities: Capabilities, *, names: dict[str, str], losses: Losses
    ) -> None:
        self._request = request
        self._capabilities = capabilities
        self._names = names
        self._losses = losses

    def offer(self) -> Offer:
        """Return what came of it."""
        return Offer(
            tools=self.tools,
            choice=self.choice,
            format=self.format,
            instruction=self.instruction,
            edits=self._edits(),
        )

    def _edits(self) -> ReplyEdits:
        """Return what the reply must change back."""
        if not (self._names or self._answer_tool or self.instruction):
            return NO_EDITS
        back = {target: name for name, target in self._names.items() if target != name}
        return ReplyEdits(
            names=back,
            custom=frozenset(self._custom or ()),
            answer_tool=self._answer_tool,
            bare=self.instruction is not None,
        )

    def build(self, called_tools: Callable[[], list[str]]) -> None:
        """Render tools and choice; `called_tools` tells the target names of tools the history calls."""
        request = self._request
        functions = (tool for tool in request.tools if not isinstance(tool, HostedTool))
        self._searches = any(self._names.get(tool.name) == NAME for tool in functions)
        offered = self._unique(self._allowed(request.tools))
        if offered and self._capabilities.tools is False:
            self._losses.refuse("tools", "the model calls no tools", code="unsupported_tools")
            offered = []
        self.tools = [wire for place, tool in offered if (wire := self._tool(place, tool)) is not None]
        if not self.tools and (called := called_tools()):
            reason = "the history calls tools that are not declared; declared without schema"
            self._losses.emulate("tools", reason)
            self.tools = [{"name": name, "input_schema": tool_schema(None)[0]} for name in called]
            self.choice = {"type": "none"}
            return
        if self.tools:
            self.choice = self._choice(request.tool_choice)
        elif request.tools and request.tool_choice is not None:
            self._refuse_forced(request.tool_choice)

    def answer(self, output: OutputFormat | None) -> None:
        """Hold the answer to the form the client asked for."""
        if output is None or output.kind == "text":
            return
        path = self._losses.name("output")
        self._losses.unknown(output.extra, path)
        if output.description and self._capabilities.json_schema:
            self._losses.drop(
                self._losses.name("output.description"), "no place for a description of the answer"
            )
        if output.kind == "json":
            self._losses.emulate(path, "asked for by a system instruction")
            self.instruction = _ONLY_JSON
            return
        schema = output.schema or {"type": "object"}
        if self._capabilities.json_schema:
            closed, changes = closed_schema(schema)
            if changes:
                self._losses.change(self._losses.name("output.schema"), "; ".join(changes))
            self.format = {"type": "json_schema", "schema": closed}
        elif schema.get("type", "object") != "object" or _is_forced(self.choice):
            self._losses.emulate(path, "asked for by a system instruction")
            self.instruction = (
                f"Answer with JSON that fits this schema and nothing else:\n{dumps_text(schema)}"
            )
        else:
            self._answer_by_tool(output, path)

    def _answer_by_tool(self, output: OutputFormat, path: str) -> None:
        taken = {tool.get("name") for tool in self.tools}
        name = next(name for name in (_ANSWER, *(f"{_ANSWER}_{n}" for n in range(1000))) if name not in taken)
        self._losses.emulate(path, "the answer is the input of a forced tool")
        schema, bent = tool_schema(output.schema)
        if bent is not None:
            self._losses.change(self._losses.name("output.schema"), bent)
        told = output.description or "Give the answer."
        self.tools = [*self.tools, {"name": name, "description": told, "input_schema": schema}]
        choice = self.choice or {}
        callable_too = len(self.tools) > 1 and choice.get("type") != "none"
        once = {"disable_parallel_tool_use": True} if self._request.parallel_tools is False else {}
        self.choice = {**({"type": "any"} if callable_too else {"type": "tool", "name": name}), **once}
        self._answer_tool = name

    def _allowed(self, tools: tuple[Tool, ...]) -> list[tuple[int, Tool]]:
        numbered = list(enumerate(tools))
        choice = self._request.tool_choice
        if choice is None or choice.mode != "allowed":
            return numbered
        self._losses.emulate(self._losses.name("tool_choice"), "only the allowed tools are offered")
        return [(place, tool) for place, tool in numbered if _called_as(tool) & set(choice.names)]

    def _unique(self, tools: list[tuple[int, Tool]]) -> list[tuple[int, Tool]]:
        last = {tool.name: place for place, tool in tools if tool.name is not None}
        kept: list[tuple[int, Tool]] = []
        for place, tool in tools:
            if tool.name is not None and last[tool.name] != place:
                self._losses.drop(
                    self._losses.tool(place, tool), f"a later tool has the name {tool.name!r} too"
                )
            else:
                kept.append((place, tool))
        return kept

    def _tool(self, place: int, tool: Tool) -> dict[str, Any] | None:
        path = self._losses.tool(place, tool)
        match tool:
            case FunctionTool():
                return self._function(tool, path)
            case CustomTool():
                return self._custom_tool(tool, path)
            case HostedTool():
                return self._hosted(tool, path)

    def _function(self, tool: FunctionTool, path: str) -> dict[str, Any]:
        if tool.extra:
            self._losses.unknown(tool.extra, self._losses.whereabouts(tool))
        schema, bent = tool_schema(tool.schema)
        if bent is not None:
            self._losses.change(f"{path}.{self._losses.name('tool.schema')}", bent)
        wire: dict[str, Any] = {"name": self._name(tool.name, path)}
        if tool.description is not None:
            wire["description"] = tool.description
        if tool.strict and self._capabilities.json_schema:
            schema, changes = closed_schema(schema)
            if changes and tool.schema is not None:
                self._losses.change(f"{path}.{self._losses.name('tool.schema')}", "; ".join(changes))
            wire["strict"] = True
        elif tool.strict:
            self._losses.drop(
                f"{path}.{self._losses.name('tool.strict')}", "the model cannot be held to a schema"
            )
        wire["input_schema"] = schema
        if tool.cache is not None:
            wire["cache_control"] = render_cache(tool.cache, own=False)
        return wire

    def _custom_tool(self, tool: CustomTool, path: str) -> dict[str, Any]:
        self._losses.unknown(tool.extra, self._losses.whereabouts(tool))
        self._losses.emulate(path, "a custom tool went out as a function with one field, input")
        description = f"{tool.description or ''}{_format_note(tool.format)}"
        name = self._name(tool.name, path)
        if self._custom is None:
            self._custom = set()
        self._custom.add(name)  # never a copy: a request may bring thousands
        return {"name": name, "description": description.strip(), "input_schema": _CUSTOM_SCHEMA}

    def _hosted(self, tool: HostedTool, path: str) -> dict[str, Any] | None:
        if tool.origin == "anthropic":
            return tool.config
        if tool.purpose == PURPOSE and PURPOSE in self._capabilities.hosted:
            if self._searches:
                self._losses.drop(path, f"another tool has the name {NAME!r} already")
                return None
            self._searches = True
            return web_search(tool, path, self._losses)
        choice = self._request.tool_choice
        if choice is not None and choice.mode == "tool" and choice.name in _called_as(tool):
            self._losses.refuse(path, f"only {tool.origin} runs the tool {tool.kind!r}, and it was forced")
        else:
            self._losses.drop(path, f"only {tool.origin} runs the tool {tool.kind!r}")
        return None

    def _refuse_forced(self, choice: ToolChoice) -> None:
        """Refuse a forced call of tools none of which the model can be offered."""
        if choice.mode in ("required", "tool") or choice.required:
            self._losses.refuse(self._losses.name("tool_choice"), "it forces a call of no tool that is left")

    def _name(self, name: str, path: str) -> str:
        fitted = self._names.get(name, name)
        if fitted != name:
            self._losses.change(
                f"{path}.{self._losses.name('tool.name')}", f"renamed to {fitted!r} on the way"
            )
        return fitted

    def _forced(self, choice: ToolChoice) -> dict[str, Any]:
        """Return the choice of one tool; one that could not be offered was refused, or dropped by policy."""
        path, name = self._losses.name("tool_choice"), choice.name or ""
        offered = (tool for tool in self._request.tools if isinstance(tool, HostedTool))
        hosted = next((tool for tool in offered if name in _called_as(tool)), None)
        searches = hosted is not None and hosted.purpose == PURPOSE and PURPOSE in self._capabilities.hosted
        fitted = NAME if searches else self._names.get(name, name)
        if fitted in {tool.get("name") for tool in self.tools}:
            return {"type": "tool", "name": fitted}
        if hosted is None:
            raise CallerError(f"{path}: no tool has the name {name!r}", param=path)
        self._losses.drop(path, "the tool it forces was dropped")
        return {"type": "auto"}

    def _choice(self, choice: ToolChoice | None) -> dict[str, Any] | None:
        wire: dict[str, Any] | None = None
        if choice is not None:
            self._losses.unknown(choice.extra, self._losses.name("tool_choice"))
            match choice.mode:
                case "auto":
                    wire = {"type": "auto"}
                case "none":
                    return {"type": "none"}
                case "required":
                    wire = {"type": "any"}
                case "tool":
                    wire = self._forced(choice)
                case "allowed":
                    wire = {"type": "any" if choice.required else "auto"}
        if self._request.parallel_tools is False:
            wire = {**(wire or {"type": "auto"}), "disable_parallel_tool_use": True}
        return wire


def _called_as(tool: Tool) -> set[str | None]:
    """Return the names by which a choice may mean `tool`."""
    return {tool.name, tool.kind} if isinstance(tool, HostedTool) else {tool.name}


def _format_note(form: dict[str, Any] | None) -> str:
    """Return what the model is told of a custom tool's format, in whichever dialect's form it came."""
    if form is None or form.get("type") in (None, "text"):
        return ""
    grammar = form.get("grammar")
    held = cast("dict[str, Any]", grammar) if isinstance(grammar, dict) else form
    definition = held.get("definition")
    if not isinstance(definition, str):
        return f"\nThe input must follow this format: {dumps_text(form)}"
    return f"\nThe input must be text that follows this {held.get('syntax', '')} grammar:\n{definition}"


__all__ = ["NOTHING", "Offer", "Toolbox", "fitted_names"]
