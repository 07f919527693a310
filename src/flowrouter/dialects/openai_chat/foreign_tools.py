"""Tools, tool choice and output form of other dialects in Chat's terms."""

from __future__ import annotations

from flowrouter.canonical.rendered import ReplyEdits
from flowrouter.canonical.request import OutputFormat
from flowrouter.canonical.tools import CustomTool, FunctionTool, HostedTool, Tool, ToolChoice
from flowrouter.dialects.openai_chat.members import write_output
from flowrouter.dialects.openai_chat.reading import MARK, Json, as_object
from flowrouter.dialects.openai_chat.tools import write_choice
from flowrouter.dialects.openai_chat.translation import Translation
from flowrouter.errors import CallerError
from flowrouter.wire.json import dumps_text


def put_tools(body: Json, context: Translation) -> None:
    """Write the offered tools, the choice among them and whether calls may be parallel."""
    items = _tools(context)
    if not items:
        _refuse_forced(context)
        return
    choice = context.request.tool_choice
    if choice is not None and choice.mode == "allowed" and context.rejected("allowed_tools"):
        items, choice = _narrow(items, choice, context)
    body["tools"] = items
    if choice is not None:
        _put_choice(body, choice, context)
    parallel = context.request.parallel_tools
    if parallel is not None and not context.rejected("parallel_tool_calls"):
        body["parallel_tool_calls"] = parallel


def _tools(context: Translation) -> list[Json]:
    """Return the tools the target takes; of two with one name the last counts, as the vendors refuse both."""
    chosen: dict[str, Json] = {}
    for number, tool in enumerate(context.request.tools):
        item = _tool(tool, f"tools[{number}]", context)
        if item is None:
            continue
        name = context.names[tool.name or ""]
        if chosen.pop(name, None) is not None:
            context.lose(
                f"tools[{number}]", "changed", f"a second tool named {tool.name!r}; the last one counts"
            )
        chosen[name] = item
    if chosen and context.capabilities.tools is False:
        context.lose("tools", "dropped", "the target takes no tools")
        return []
    return list(chosen.values())


def _tool(tool: Tool, path: str, context: Translation) -> Json | None:
    match tool:
        case FunctionTool():
            return _function(tool, path, context)
        case CustomTool():
            return _custom(tool, path, context)
        case HostedTool(kind=kind):
            _refuse_hosted(tool, context)
            context.lose(path, "dropped", f"{kind} runs at its own vendor only")
            return None


def _function(tool: FunctionTool, path: str, context: Translation) -> Json:
    context.skip_extra(tool.extra)
    name = _rename(tool.name, path, context)
    if tool.cache is not None:
        context.lose(f"{path}.{tool.cache.field or MARK}", "dropped", "Chat's tools take no cache marks")
    body: Json = {"name": name}
    if tool.description is not None:
        body["description"] = tool.description
    schema: Json = {"properties": {}} if tool.schema is None else tool.schema
    body["parameters"] = schema if "type" in schema else {"type": "object", **schema}
    if tool.strict is not None and not context.rejected("strict", path=f"{path}.strict"):
        body["strict"] = tool.strict
    return {"type": "function", "function": body}


def _custom(tool: CustomTool, path: str, context: Translation) -> Json:
    context.skip_extra(tool.extra)
    body: Json = {"name": _rename(tool.name, path, context)}
    if tool.description is not None:
        body["description"] = tool.description
    if context.capabilities.custom_tools:
        if tool.format is not None:
            body["format"] = _grammar(tool.format)
        return {"type": "custom", "custom": body}
    context.lose(path, "emulated", "a free-text tool is sent as a function with one string")
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
        context.lose(f"{path}.name", "changed", f"sent as {fitted!r}")
    return fitted


def _refuse_hosted(tool: HostedTool, context: Translation) -> None:
    choice = context.request.tool_choice
    if choice is not None and choice.mode == "tool" and choice.name in {tool.name, tool.kind}:
        message = f"tool_choice forces {choice.name!r}, which runs at its own vendor only."
        raise CallerError(message, param="tool_choice", code="unsupported_value")


def _refuse_forced(context: Translation) -> None:
    choice = context.request.tool_choice
    if choice is not None and (choice.mode in {"required", "tool"} or choice.required):
        message = "tool_choice forces a call, but the target takes none of the tools offered."
        raise CallerError(message, param="tool_choice", code="unsupported_value")


def _narrow(items: list[Json], choice: ToolChoice, context: Translation) -> tuple[list[Json], ToolChoice]:
    names = {context.names.get(name, name) for name in choice.names}
    items = [item for item in items if item[item["type"]]["name"] in names] or items
    return items, ToolChoice(mode="required" if choice.required else "auto")


def _put_choice(body: Json, choice: ToolChoice, context: Translation) -> None:
    if context.rejected("tool_choice"):
        return
    context.skip_extra(choice.extra)
    custom = choice.name in _customs(context) and context.capabilities.custom_tools
    name = None if choice.name is None else context.names.get(choice.name, choice.name)
    names = tuple(context.names.get(allowed, allowed) for allowed in choice.names)
    fitted = ToolChoice(mode=choice.mode, name=name, names=names, required=choice.required, custom=custom)
    body["tool_choice"] = write_choice(fitted)


def _customs(context: Translation) -> set[str | None]:
    return {tool.name for tool in context.request.tools if isinstance(tool, CustomTool)}


def reply_edits(context: Translation) -> ReplyEdits:
    """Return what the reply must undo: names that were fitted, and custom tools sent as functions."""
    names = {fitted: name for name, fitted in context.names.items() if fitted != name}
    emulated = not context.capabilities.custom_tools
    customs = (name for name in _customs(context) if name is not None) if emulated else ()
    return ReplyEdits(names=names, custom=frozenset(context.names[name] for name in customs))


def put_output(body: Json, output: OutputFormat | None, context: Translation) -> str | None:
    """Write the form the answer must have; returns system text where the target must be told in words."""
    if output is None or output.kind == "text":
        return None
    context.skip_extra(output.extra)
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
            return None
    context.lose(context.name("output"), "emulated", "the target is asked in words for this form")
    if output.schema is None:
        return "Answer with one JSON object and nothing else."
    return f"Answer with JSON and nothing else. It must match this schema:\n{dumps_text(output.schema)}"


__all__ = ["put_output", "put_tools", "reply_edits"]
