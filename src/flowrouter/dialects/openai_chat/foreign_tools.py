"""Tools, tool choice and output form of other dialects in Chat's terms."""

from __future__ import annotations

from flowrouter.canonical.parts import Text
from flowrouter.canonical.rendered import NO_EDITS, ReplyEdits
from flowrouter.canonical.request import OutputFormat, Request
from flowrouter.canonical.tools import CustomTool, FunctionTool, HostedTool, ToolChoice
from flowrouter.canonical.web_search import PURPOSE
from flowrouter.dialects.openai_chat.cache_marks import MARK
from flowrouter.dialects.openai_chat.members import write_output
from flowrouter.dialects.openai_chat.tools import write_choice
from flowrouter.dialects.openai_chat.translation import Translation
from flowrouter.dialects.openai_chat.web_search import web_search_options
from flowrouter.wire.json import dumps_text
from flowrouter.wire.members import Json, as_object


def put_tools(body: Json, context: Translation) -> None:
    """Write the offered tools, the choice among them and whether calls may be parallel."""
    items = _tools(body, context)
    choice = context.request.tool_choice
    if not items:
        if choice is not None and not _is_web_search(choice, context):
            _refuse_forced(choice, context)
        return
    if choice is not None and choice.mode == "allowed" and "allowed_tools" in context.capabilities.rejects:
        items, choice = _narrow(items, choice, context)
    body["tools"] = items
    if choice is not None:
        _put_choice(body, choice, context)
    parallel = context.request.parallel_tools
    path = context.losses.name("parallel_tools")
    if parallel is not None and not context.losses.rejected("parallel_tool_calls", path=path):
        body["parallel_tool_calls"] = parallel


def _tools(body: Json, context: Translation) -> list[Json]:
    """Return the tools the target takes; of two with one name the last counts, as the vendors refuse both."""
    chosen: dict[str, Json] = {}
    for number, tool in enumerate(context.request.tools):
        path = context.losses.tool(number, tool)
        if isinstance(tool, HostedTool):
            _put_hosted(body, tool, path, context=context)
            continue
        item = (
            _function(tool, path, context) if isinstance(tool, FunctionTool) else _custom(tool, path, context)
        )
        name = context.names[tool.name]
        if chosen.pop(name, None) is not None:
            context.losses.change(path, f"a second tool named {tool.name!r}; the last one counts")
        chosen[name] = item
    if chosen and context.capabilities.tools is False:
        context.losses.drop("tools", "the target takes no tools")
        return []
    return list(chosen.values())


def _put_hosted(body: Json, tool: HostedTool, path: str, *, context: Translation) -> None:
    """Write a web search as the option Chat has for it; refuse or drop every other hosted tool."""
    if tool.purpose == PURPOSE and PURPOSE in context.capabilities.hosted:
        body["web_search_options"] = web_search_options(tool, path, context.losses)
        return
    choice = context.request.tool_choice
    if choice is not None and choice.mode == "tool" and choice.name in {tool.name, tool.kind}:
        name = context.losses.name("tool_choice")
        context.losses.refuse(name, f"it forces {choice.name!r}, which runs at its own vendor only")
    context.losses.drop(path, f"{tool.kind} runs at its own vendor only")


def _function(tool: FunctionTool, path: str, context: Translation) -> Json:
    if tool.extra:
        context.losses.unknown(tool.extra, context.losses.whereabouts(tool))
    name = _rename(tool.name, path, context)
    if tool.cache is not None:
        context.losses.drop(f"{path}.{tool.cache.field or MARK}", "Chat's tools take no cache marks")
    body: Json = {"name": name}
    if tool.description is not None:
        body["description"] = tool.description
    schema: Json = {"properties": {}} if tool.schema is None else tool.schema
    body["parameters"] = schema if "type" in schema else {"type": "object", **schema}
    if tool.strict is not None and not context.losses.rejected(
        "strict", path=f"{path}.{context.losses.name('tool.strict')}"
    ):
        body["strict"] = tool.strict
    return {"type": "function", "function": body}


def _custom(tool: CustomTool, path: str, context: Translation) -> Json:
    context.losses.unknown(tool.extra, context.losses.whereabouts(tool))
    body: Json = {"name": _rename(tool.name, path, context)}
    if tool.description is not None:
        body["description"] = tool.description
    if context.capabilities.custom_tools:
        if tool.format is not None:
            body["format"] = _grammar(tool.format)
        return {"type": "custom", "custom": body}
    context.losses.emulate(path, "a free-text tool is sent as a function with one string")
    body["parameters"] = {
        "type": "object",
        "properties": {"input": {"type": "string", "description": _grammar_note(tool.format)}},
        "required": ["input"],
    }
    return {"type": "function", "function": body}


def _grammar(form: Json) -> Json:
    """Return a custom tool's format in Chat's nested form, whichever form it came in."""
    if form.get("type") != "grammar" or isinstance(form.get("grammar"), dict):
        return form
    return {"type": "grammar", "grammar": {name: value for name, value in form.items() if name != "type"}}


def _grammar_note(form: Json | None) -> str:
    form = form or {}
    grammar = as_object(form.get("grammar")) or form
    definition = grammar.get("definition")
    if not isinstance(definition, str):
        return "The input, as free text."
    return f"The input, as text that follows this {grammar.get('syntax')} grammar:\n{definition}"


def _rename(name: str, path: str, context: Translation) -> str:
    fitted = context.names[name]
    if fitted != name:
        context.losses.change(f"{path}.{context.losses.name('tool.name')}", f"sent as {fitted!r}")
    return fitted


def _is_web_search(choice: ToolChoice, context: Translation) -> bool:
    """Return whether a choice forces the web search that went out as an option, and note that it does not."""
    hosted = (tool for tool in context.request.tools if isinstance(tool, HostedTool))
    found = any(tool.purpose == PURPOSE and choice.name in {tool.name, tool.kind} for tool in hosted)
    if not found or PURPOSE not in context.capabilities.hosted:
        return False
    context.losses.change(context.losses.name("tool_choice"), "a web search can be offered, not forced")
    return True


def _refuse_forced(choice: ToolChoice, context: Translation) -> None:
    if choice.mode in {"required", "tool"} or choice.required:
        reason = "it forces a call, but the target takes none of the tools offered"
        context.losses.refuse(context.losses.name("tool_choice"), reason)


def _narrow(items: list[Json], choice: ToolChoice, context: Translation) -> tuple[list[Json], ToolChoice]:
    names = {context.names.get(name, name) for name in choice.names}
    items = [item for item in items if item[item["type"]]["name"] in names] or items
    context.losses.emulate(context.losses.name("tool_choice"), "only the allowed tools are offered")
    return items, ToolChoice(mode="required" if choice.required else "auto")


def _put_choice(body: Json, choice: ToolChoice, context: Translation) -> None:
    path = context.losses.name("tool_choice")
    if context.losses.rejected("tool_choice", path=path):
        return
    if choice.mode == "tool" and context.names.get(choice.name or "") is None:
        if _is_web_search(choice, context):
            return
        # A forced hosted tool was refused before, or dropped by policy.
        context.losses.drop(path, "the tool it forces is not offered")
        return
    context.losses.unknown(choice.extra, path)
    custom = choice.name in _customs(context) and context.capabilities.custom_tools
    name = None if choice.name is None else context.names.get(choice.name, choice.name)
    names = tuple(context.names.get(allowed, allowed) for allowed in choice.names)
    fitted = ToolChoice(mode=choice.mode, name=name, names=names, required=choice.required, custom=custom)
    body["tool_choice"] = write_choice(fitted)


def _customs(context: Translation) -> set[str | None]:
    return {tool.name for tool in context.request.tools if isinstance(tool, CustomTool)}


def reply_edits(context: Translation, *, bare: bool) -> ReplyEdits:
    """Return what the reply must undo: names that were fitted, custom tools sent as functions, fences."""
    if not (context.names or bare):
        return NO_EDITS
    names = {fitted: name for name, fitted in context.names.items() if fitted != name}
    emulated = not context.capabilities.custom_tools
    customs = (name for name in _customs(context) if name is not None) if emulated else ()
    return ReplyEdits(names=names, custom=frozenset(context.names[name] for name in customs), bare=bare)


def put_output(body: Json, output: OutputFormat | None, context: Translation) -> str | None:
    """Write the form the answer must have; returns system text where the target must be told in words."""
    if output is None or output.kind == "text":
        return None
    context.losses.unknown(output.extra, context.losses.name("output"))
    capabilities = context.capabilities
    if output.kind == "schema" and capabilities.json_schema:
        plain = OutputFormat(
            kind="schema",
            name=output.name or "response",
            description=output.description,
            schema=output.schema,
            strict=output.strict,
        )
        body["response_format"] = write_output(plain)
        return None
    if capabilities.json_object:
        body["response_format"] = {"type": "json_object"}
        if output.kind == "json":
            return None if _speaks_of_json(context.request) else _hint(context, "Answer with JSON.")
    if output.schema is None:
        return _hint(context, "Answer with one JSON object and nothing else.")
    schema = dumps_text(output.schema)
    return _hint(context, f"Answer with JSON and nothing else. It must match this schema:\n{schema}")


def _hint(context: Translation, words: str) -> str:
    context.losses.emulate(context.losses.name("output"), "the target is asked in words for this form")
    return words


def _speaks_of_json(request: Request) -> bool:
    """Return whether any text names JSON: without it the vendor refuses the JSON mode."""
    parts = [*request.system, *(part for message in request.messages for part in message.parts)]
    return any(isinstance(part, Text) and "json" in part.text.lower() for part in parts)


__all__ = ["put_output", "put_tools", "reply_edits"]
