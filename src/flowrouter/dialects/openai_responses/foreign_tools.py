"""Tools, tool choice and output form of other dialects in this one's terms."""

from __future__ import annotations

from flowrouter.canonical.names import fit_one
from flowrouter.canonical.rendered import ReplyEdits
from flowrouter.canonical.request import OutputFormat
from flowrouter.canonical.tools import CustomTool, FunctionTool, HostedTool, Tool, ToolChoice
from flowrouter.canonical.web_search import PURPOSE, said_at, web_search_of
from flowrouter.dialects.openai_responses.tools import write_choice
from flowrouter.dialects.openai_responses.translation import Translation
from flowrouter.wire.json import dumps_text
from flowrouter.wire.members import Json, as_object

_ANSWER_NAME = "response"


def put_tools(body: Json, context: Translation) -> None:
    """Write the offered tools, the choice among them and whether calls may be parallel."""
    items = _tools(context)
    if not items:
        _refuse_forced(context)
        return
    choice = context.request.tool_choice
    if choice is not None and choice.mode == "allowed" and context.losses.rejected("allowed_tools"):
        items, choice = _narrow(items, choice, context)
    body["tools"] = items
    if choice is not None:
        _put_choice(body, choice, context)
    parallel = context.request.parallel_tools
    if parallel is not None and not context.losses.rejected(
        "parallel_tool_calls", path=context.losses.name("parallel_tools")
    ):
        body["parallel_tool_calls"] = parallel


def _tools(context: Translation) -> list[Json]:
    """Return the tools the target takes; of two with one name the last counts, as the vendor refuses both."""
    chosen: dict[str, Json] = {}
    for number, tool in enumerate(context.request.tools):
        path = context.losses.tool(number, tool)
        item = _tool(tool, path, context)
        if item is None:
            continue
        if chosen.pop(_key(item), None) is not None:
            context.losses.change(path, f"a second tool named {tool.name!r}; the last one counts")
        chosen[_key(item)] = item
    asked = as_object(context.request.extra.get("web_search_options"))
    if asked is not None and (item := _asked_search(asked, context)) is not None:
        chosen.setdefault(PURPOSE, item)
    if chosen and context.capabilities.tools is False:
        context.losses.drop("tools", "the target takes no tools")
        return []
    return list(chosen.values())


def _key(item: Json) -> str:
    return str(item.get("name", item["type"]))


def _tool(tool: Tool, path: str, context: Translation) -> Json | None:
    match tool:
        case FunctionTool():
            return _function(tool, path, context)
        case CustomTool():
            return _custom(tool, path, context)
        case HostedTool():
            return _hosted(tool, path, context)


def _function(tool: FunctionTool, path: str, context: Translation) -> Json:
    context.skip_extra(tool.extra, context.losses.whereabouts(tool))
    item: Json = {"type": "function", "name": _rename(tool.name, path, context)}
    if tool.cache is not None:
        context.losses.drop(f"{path}.{tool.cache.field or 'cache_control'}", "tools take no cache marks here")
    if tool.description is not None:
        item["description"] = tool.description
    schema: Json = {"properties": {}} if tool.schema is None else tool.schema
    item["parameters"] = schema if "type" in schema else {"type": "object", **schema}
    # The dialect takes a function for strict unless told otherwise, which would change its schema.
    item["strict"] = tool.strict or False
    return item


def _custom(tool: CustomTool, path: str, context: Translation) -> Json:
    context.skip_extra(tool.extra, context.losses.whereabouts(tool))
    name = _rename(tool.name, path, context)
    described: Json = {} if tool.description is None else {"description": tool.description}
    if context.capabilities.custom_tools:
        form: Json = {} if tool.format is None else {"format": _grammar(tool.format)}
        return {"type": "custom", "name": name, **described, **form}
    context.losses.emulate(path, "a free-text tool is sent as a function with one string")
    schema = {
        "type": "object",
        "properties": {"input": {"type": "string", "description": _grammar_note(tool.format)}},
        "required": ["input"],
    }
    return {"type": "function", "name": name, **described, "parameters": schema, "strict": False}


def _grammar(form: Json) -> Json:
    """Return a custom tool's format in this dialect's flat form, whichever form it came in."""
    inner = as_object(form.get("grammar"))
    return form if inner is None else {"type": "grammar", **inner}


def _grammar_note(form: Json | None) -> str:
    flat = _grammar(form or {})
    definition = flat.get("definition")
    if not isinstance(definition, str):
        return "The input, as free text."
    return f"The input, as text that follows this {flat.get('syntax')} grammar:\n{definition}"


def _rename(name: str, path: str, context: Translation) -> str:
    fitted = context.names[name]
    if fitted != name:
        context.losses.change(f"{path}.{context.losses.name('tool.name')}", f"sent as {fitted!r}")
    return fitted


def _hosted(tool: HostedTool, path: str, context: Translation) -> Json | None:
    if tool.purpose == PURPOSE and PURPOSE in context.capabilities.hosted:
        return _search(tool, path, context)
    choice = context.request.tool_choice
    if choice is not None and choice.mode == "tool" and choice.name in {tool.name, tool.kind}:
        context.losses.refuse("tool_choice", f"{choice.name!r} runs at its own vendor only")
    context.losses.drop(path, f"{tool.kind} runs at its own vendor only")
    return None


def _asked_search(options: Json, context: Translation) -> Json | None:
    """Return the tool for Chat's switch that asks for a web search."""
    path = context.losses.name("web_search")
    tool = HostedTool(kind=PURPOSE, config=options, origin=context.request.origin)
    if PURPOSE not in context.capabilities.hosted:
        context.losses.drop(path, "the target searches no web")
        return None
    return _search(tool, path, context)


def _search(tool: HostedTool, path: str, context: Translation) -> Json:
    asked = web_search_of(tool)
    item: Json = {"type": PURPOSE}
    filters = {
        "allowed_domains": list(asked.allowed_domains),
        "blocked_domains": list(asked.blocked_domains),
    }
    if held := {name: domains for name, domains in filters.items() if domains}:
        item["filters"] = held
    if asked.location:
        item["user_location"] = {"type": "approximate", **asked.location}
    if asked.context_size is not None:
        item["search_context_size"] = asked.context_size
    lost = [*asked.others, *(["max_uses"] if asked.max_uses is not None else [])]
    for name in lost:
        context.losses.drop(f"{path}.{said_at(tool, name)}", "the target's web search has no such setting")
    return item


def _refuse_forced(context: Translation) -> None:
    choice = context.request.tool_choice
    if choice is not None and (choice.mode in {"required", "tool"} or choice.required):
        context.losses.refuse(
            "tool_choice", "it forces a call, but the target takes none of the tools offered"
        )


def _narrow(items: list[Json], choice: ToolChoice, context: Translation) -> tuple[list[Json], ToolChoice]:
    names = {context.names.get(name, name) for name in choice.names}
    items = [item for item in items if _key(item) in names] or items
    return items, ToolChoice(mode="required" if choice.required else "auto")


def _put_choice(body: Json, choice: ToolChoice, context: Translation) -> None:
    if context.losses.rejected("tool_choice"):
        return
    context.skip_extra(choice.extra, context.losses.name("tool_choice"))
    kinds = {_key(item): str(item["type"]) for item in body["tools"]}
    searches = _searches(context)
    fitted = {
        name: PURPOSE if name in searches else context.names.get(name, name) for name in _chosen(choice)
    }
    names = tuple(fitted[name] for name in choice.names)
    name = fitted.get(choice.name or "")
    wanted = ToolChoice(mode=choice.mode, name=name, names=names, required=choice.required)
    if choice.mode == "tool" and kinds.get(name or "") == PURPOSE:
        # A hosted tool is forced as the only one allowed: the vendor's named form knows older searches only.
        wanted = ToolChoice(mode="allowed", names=(PURPOSE,), required=True)
    body["tool_choice"] = write_choice(wanted, kinds)


def _chosen(choice: ToolChoice) -> tuple[str, ...]:
    return choice.names if choice.name is None else (choice.name, *choice.names)


def _searches(context: Translation) -> set[str]:
    hosted = (tool for tool in context.request.tools if isinstance(tool, HostedTool))
    return {tool.name or tool.kind for tool in hosted if tool.purpose == PURPOSE}


def reply_edits(context: Translation, *, bare: bool) -> ReplyEdits:
    """Return what the reply must undo: names that were fitted, custom tools sent as functions, fences."""
    names = {fitted: name for name, fitted in context.names.items() if fitted != name}
    if context.capabilities.custom_tools:
        return ReplyEdits(names=names, bare=bare)
    customs = (tool.name for tool in context.request.tools if isinstance(tool, CustomTool))
    return ReplyEdits(names=names, custom=frozenset(context.names[name] for name in customs), bare=bare)


class AnswerForm:
    """The form the answer must have: a `text.format`, and words where the target takes none."""

    __slots__ = ("format", "hint")

    def __init__(self, output: OutputFormat | None, context: Translation) -> None:
        self.format: Json | None = None
        self.hint: str | None = None
        if output is None or output.kind == "text":
            return
        path = context.losses.name("output")
        context.skip_extra(output.extra, path)
        if output.kind == "schema" and context.capabilities.json_schema:
            self.format = _schema_format(output, context)
            return
        if context.capabilities.json_object:
            self.format = {"type": "json_object"}
            if output.kind == "json":
                return
        context.losses.emulate(path, "the target is asked in words for this form")
        self.hint = "Answer with one JSON object and nothing else."
        if output.schema is not None:
            schema = dumps_text(output.schema)
            self.hint = f"Answer with JSON and nothing else. It must match this schema:\n{schema}"


def _schema_format(output: OutputFormat, context: Translation) -> Json:
    name = fit_one(output.name) if output.name else _ANSWER_NAME
    if output.name and name != output.name:
        context.losses.change(f"{context.losses.name('output')}.name", f"sent as {name!r}")
    form: Json = {"type": "json_schema", "name": name, "schema": output.schema or {}}
    members = {"description": output.description, "strict": output.strict}
    return form | {key: value for key, value in members.items() if value is not None}


__all__ = ["AnswerForm", "put_tools", "reply_edits"]
