"""Tools, tool choice and the form of the answer of a foreign request, in Gemini's terms.

A custom tool becomes a function with one string field `input`, undone on the reply by `ReplyEdits`; a
web search becomes Google's. Functions stand in one entry, in the client's order.
"""

from __future__ import annotations

from typing import Any

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.rendered import ReplyEdits
from flowrouter.canonical.request import OutputFormat, Request
from flowrouter.canonical.tools import CustomTool, FunctionTool, HostedTool, Tool, ToolChoice
from flowrouter.canonical.web_search import PURPOSE, said_at, web_search_of
from flowrouter.dialects.gemini.schema import Schema, clean_schema
from flowrouter.dialects.gemini.schema_shape import one_object
from flowrouter.errors import CallerError
from flowrouter.wire.json import dumps_text

_CUSTOM_SCHEMA: Schema = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
}
_ONLY_JSON = "Answer with one valid JSON object and nothing else: no explanation, no Markdown fence."


class Toolbox:
    """What the model may call and must answer with; `build` first, then `answer`.

    `entries` is the wire's `tools`, `config` its `functionCallingConfig`, `format` the members of
    `generationConfig` that hold the answer to a form, `instruction` system text where none can.
    """

    def __init__(
        self, request: Request, capabilities: Capabilities, *, names: dict[str, str], losses: Losses
    ) -> None:
        self._request = request
        self._capabilities = capabilities
        self._names = names
        self._losses = losses
        self._custom: set[str] = set()
        self._functions: list[dict[str, Any]] = []
        self._hosted: list[dict[str, Any]] = []
        self.config: dict[str, Any] | None = None
        self.format: dict[str, Any] = {}
        self.instruction: str | None = None

    @property
    def entries(self) -> list[dict[str, Any]]:
        """Return the entries of `tools`."""
        declared = [{"functionDeclarations": self._functions}] if self._functions else []
        return [*declared, *self._hosted]

    @property
    def edits(self) -> ReplyEdits:
        """Return what the reply must change back."""
        back = {target: name for name, target in self._names.items() if target != name}
        return ReplyEdits(names=back, custom=frozenset(self._custom), bare=self.instruction is not None)

    def build(self) -> None:
        """Render tools and choice."""
        request = self._request
        offered = self._unique(list(enumerate(request.tools)))
        if offered and self._capabilities.tools is False:
            self._losses.refuse("tools", "the model calls no tools", code="unsupported_tools")
            offered = []
        functions = [(number, tool) for number, tool in offered if not isinstance(tool, HostedTool)]
        self._functions = [self._declaration(tool, self._losses.tool(n, tool)) for n, tool in functions]
        for number, tool in offered:
            if isinstance(tool, HostedTool):
                self._search(tool, self._losses.tool(number, tool))
        if request.tool_choice is not None:
            self._choose(request.tool_choice)
        if request.parallel_tools is not None and request.tools:
            path = self._losses.name("parallel_tools")
            self._losses.drop(path, "Gemini has no switch for parallel calls")

    def answer(self, output: OutputFormat | None) -> None:
        """Hold the answer to the form the client asked for."""
        if output is None or output.kind == "text":
            return
        path, capabilities = self._losses.name("output"), self._capabilities
        self._losses.unknown(output.extra, path)
        if output.description:
            self._losses.drop(
                self._losses.name("output.description"), "no place for a description of the answer"
            )
        beside_tools = self.entries and not capabilities.json_with_tools
        if beside_tools or not capabilities.json_object:
            reason = "the model takes no answer format beside tools" if beside_tools else "no such format"
            self._losses.emulate(path, f"{reason}; asked for by a system instruction")
            self.instruction = _instruction(output)
            return
        self.format = {"responseMimeType": "application/json"}
        if output.kind == "schema" and capabilities.json_schema:
            name, schema = self._schema(
                output.schema or {"type": "object"}, self._losses.name("output.schema"), "response"
            )
            self.format[name] = schema
        elif output.kind == "schema":
            self._losses.emulate(path, "the schema is asked for by a system instruction")
            self.instruction = _instruction(output)

    def _unique(self, tools: list[tuple[int, Tool]]) -> list[tuple[int, Tool]]:
        last = {tool.name: number for number, tool in tools if tool.name is not None}
        kept: list[tuple[int, Tool]] = []
        for number, tool in tools:
            if tool.name is not None and last[tool.name] != number:
                path = self._losses.tool(number, tool)
                self._losses.drop(path, f"a later tool has the name {tool.name!r} too")
            else:
                kept.append((number, tool))
        return kept

    def _declaration(self, tool: FunctionTool | CustomTool, path: str) -> dict[str, Any]:
        self._losses.unknown(tool.extra, self._losses.whereabouts(tool))
        name = self._names.get(tool.name, tool.name)
        if name != tool.name:
            self._losses.change(f"{path}.{self._losses.name('tool.name')}", f"sent as {name!r}")
        wire: dict[str, Any] = {"name": name}
        if isinstance(tool, CustomTool):
            self._losses.emulate(path, "a custom tool went out as a function with one field, input")
            self._custom.add(name)
            wire["description"] = f"{tool.description or ''}{_format_note(tool.format)}".strip()
            schema: Schema | None = _CUSTOM_SCHEMA
        else:
            if tool.description is not None:
                wire["description"] = tool.description
            schema = tool.schema
            self._lose_members(tool, path)
        if schema:
            field, cleaned = self._schema(schema, f"{path}.{self._losses.name('tool.schema')}", "parameters")
            self._take_parameters(wire, field, cleaned, path=path)
        return wire

    def _take_parameters(self, wire: dict[str, Any], field: str, schema: Schema, *, path: str) -> None:
        """Put a function's parameters in; the classic form has none for an object whose names are open."""
        if field != "parameters" or schema.get("properties"):
            wire[field] = schema
        elif schema.get("type") != "OBJECT":
            self._losses.drop(f"{path}.{self._losses.name('tool.schema')}", "parameters must be an object")
        elif words := schema.get("description"):
            wire["description"] = f"{wire.get('description', '')}\n{words}".strip()

    def _lose_members(self, tool: FunctionTool, path: str) -> None:
        if tool.cache is not None:
            self._losses.unknown({tool.cache.field or "cache_control": True}, self._losses.whereabouts(tool))
        if tool.strict:
            self._losses.drop(f"{path}.{self._losses.name('tool.strict')}", "no tool is held to its schema")

    def _schema(self, schema: Schema, path: str, stem: str) -> tuple[str, Schema]:
        """Return the field a schema goes in and the schema as the model takes it."""
        mode = self._capabilities.schema_mode
        if mode == "raw":
            raw_field = "parametersJsonSchema" if stem == "parameters" else "responseJsonSchema"
            rooted = schema if stem != "parameters" or "type" in schema else {"type": "object", **schema}
            return raw_field, rooted
        cleaned = clean_schema(schema, strict=mode == "strict")
        if cleaned.told:
            self._losses.change(path, f"told in descriptions: {', '.join(cleaned.told)}")
        if stem != "parameters":
            return "responseSchema", cleaned.schema
        if "anyOf" not in cleaned.schema:
            return stem, cleaned.schema
        self._losses.change(path, "parameters to choose from became those of one object")
        return stem, one_object(cleaned.schema)

    def _search(self, tool: HostedTool, path: str) -> None:
        """Offer Google's search for another vendor's, or lose a tool only its vendor runs."""
        if tool.origin == "gemini":
            self._hosted.append(tool.config)
            return
        can = tool.purpose == PURPOSE and PURPOSE in self._capabilities.hosted
        # The models that take no answer format beside functions take no search beside them either.
        alone = self._capabilities.json_with_tools or not self._functions
        if can and alone:
            self._hosted = [entry for entry in self._hosted if "googleSearch" not in entry]
            self._hosted.append({"googleSearch": _search_options(tool, path, self._losses)})
            self._losses.change(path, "searched by Google")
            return
        reason = f"only {tool.origin} runs the tool {tool.kind!r}"
        if can:
            reason = "the model takes no search beside functions"
        choice = self._request.tool_choice
        if choice is not None and choice.mode == "tool" and choice.name in (tool.name, tool.kind):
            self._losses.refuse(path, f"{reason}, and it was forced")
        else:
            self._losses.drop(path, reason)

    def _choose(self, choice: ToolChoice) -> None:
        path = self._losses.name("tool_choice")
        self._losses.unknown(choice.extra, path)
        if choice.mode == "none" and self._hosted:
            # The mode speaks of functions only: offered, a search would run against the client's wish.
            self._hosted = []
            self._losses.change(path, "Google's own tools are left out: nothing else keeps them from running")
        if not self._functions:
            if choice.mode not in ("none", "auto") and not self._hosted:
                self._losses.drop(path, "no function is offered")
            elif choice.mode not in ("none", "auto"):
                self._losses.change(path, "Google's tools cannot be forced; the model decides")
            return
        match choice.mode:
            case "auto":
                self.config = {"mode": "AUTO"}
            case "none":
                self.config = {"mode": "NONE"}
            case "required":
                self.config = {"mode": "ANY"}
            case "tool":
                self._force(choice.name or "", path)
            case "allowed":
                allowed = [name for name in map(self._target, choice.names) if name in self._declared()]
                if len(allowed) < len(choice.names):
                    self._losses.change(path, "only declared functions can be allowed")
                mode = "ANY" if choice.required else "VALIDATED"
                self.config = {"mode": mode, "allowedFunctionNames": allowed} if allowed else {"mode": "NONE"}

    def _force(self, name: str, path: str) -> None:
        target = self._target(name)
        if target in self._declared():
            self.config = {"mode": "ANY", "allowedFunctionNames": [target]}
        elif any(
            name in (tool.name, tool.kind) for tool in self._request.tools if isinstance(tool, HostedTool)
        ):
            self._losses.change(path, "Google's tools cannot be forced; the model decides")
        else:
            raise CallerError(f"{path}: no tool has the name {name!r}", param=path)

    def _target(self, name: str) -> str:
        return self._names.get(name, name)

    def _declared(self) -> set[str]:
        return {declared["name"] for declared in self._functions}


def _search_options(tool: HostedTool, path: str, losses: Losses) -> dict[str, Any]:
    """Return the settings Google's search takes, the others lost by name."""
    asked = web_search_of(tool)
    for name in ("allowed_domains", "blocked_domains", "max_uses", "context_size", "location"):
        if getattr(asked, name):
            member = said_at(tool, _THEIR_NAMES.get(name, name))
            losses.drop(f"{path}.{member}", "Google's search has no such setting")
    for name in asked.others:
        losses.drop(f"{path}.{said_at(tool, name)}", f"only {tool.origin} knows it")
    return {}


_THEIR_NAMES = {"context_size": "search_context_size", "location": "user_location"}


def _format_note(form: dict[str, Any] | None) -> str:
    if form is None or form.get("type") == "text":
        return ""
    return f"\nThe input must follow this format: {dumps_text(form)}"


def _instruction(output: OutputFormat) -> str:
    if output.kind == "json" or output.schema is None:
        return _ONLY_JSON
    return f"Answer with JSON that fits this schema and nothing else:\n{dumps_text(output.schema)}"


__all__ = ["Toolbox"]
