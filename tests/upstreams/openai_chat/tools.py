"""What OpenAI refuses about tools and output formats, the strict schemas among them."""

from typing import Any, cast

from tests.upstreams.dialect import Exchange
from tests.upstreams.openai_chat.shapes import bad, check_name


def check_tools(exchange: Exchange) -> None:
    """Raise Refusal at the first thing wrong with the tools and the choice among them."""
    body = exchange.body
    tools: list[dict[str, Any]] | None = body.get("tools")
    if tools is None:
        for name in ("tool_choice", "parallel_tool_calls"):
            if name in body and body[name] != "none":
                message = f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified."
                raise bad(message, param=name)
        return
    if not tools:
        message = "Invalid 'tools': empty array. Expected an array with minimum length 1."
        raise bad(message, param="tools", code="empty_array")
    names: list[str] = []
    for index, tool in enumerate(tools):
        inner: dict[str, Any] = tool[tool["type"]]
        check_name(f"tools[{index}].{tool['type']}.name", inner["name"])
        names.append(inner["name"])
        if tool["type"] == "function":
            _check_function(index, inner)
    _check_choice(body.get("tool_choice"), names)


def _check_function(index: int, function: dict[str, Any]) -> None:
    schema = function.get("parameters")
    if schema is None:
        return
    where = f"tools[{index}].function.parameters"
    label = f"Invalid schema for function '{function['name']}'"
    if schema.get("type") != "object":
        given = schema.get("type")
        message = f"{label}: schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{given}\"'."
        raise bad(message, param=where, code="invalid_function_parameters")
    if function.get("strict"):
        check_strict(schema, label, where, "invalid_function_parameters")


def check_strict(schema: Any, label: str, where: str, code: str, context: tuple[str, ...] = ()) -> None:
    """Refuse a schema that cannot be held strictly; `label` begins the message."""
    if not isinstance(schema, dict):
        return
    node = cast(dict[str, Any], schema)
    properties: dict[str, Any] = node.get("properties") or {}
    if node.get("type") == "object" or properties:
        if node.get("additionalProperties") is not False:
            raise bad(
                f"{label}: In context={context}, 'additionalProperties' is required to be supplied and to be false.",
                param=where,
                code=code,
            )
        missing = [name for name in properties if name not in node.get("required", ())]
        if missing:
            raise bad(
                f"{label}: In context={context}, 'required' is required to be supplied and to be an array including "
                f"every key in properties. Missing '{missing[0]}'.",
                param=where,
                code=code,
            )
    for name, inner in properties.items():
        check_strict(inner, label, where, code, (*context, "properties", name))
    for keyword in ("$defs", "definitions"):
        for name, inner in (node.get(keyword) or {}).items():
            check_strict(inner, label, where, code, (*context, keyword, name))
    check_strict(node.get("items"), label, where, code, (*context, "items"))
    for inner in node.get("anyOf") or ():
        check_strict(inner, label, where, code, (*context, "anyOf"))


def _check_choice(choice: Any, names: list[str]) -> None:
    if not isinstance(choice, dict):
        return
    kind = choice["type"]
    if kind == "allowed_tools":
        allowed: list[dict[str, Any]] = choice["allowed_tools"]["tools"]
        wanted = [str(tool.get(str(tool.get("type")), {}).get("name")) for tool in allowed]
    else:
        wanted = [choice[kind]["name"]]
    for name in wanted:
        if name not in names:
            message = f"Invalid value for 'tool_choice': tool '{name}' not found in 'tools'."
            raise bad(message, param="tool_choice")


def check_format(exchange: Exchange) -> None:
    """Raise Refusal when `response_format` cannot be held."""
    chosen = exchange.body.get("response_format")
    if not chosen:
        return
    if chosen["type"] == "json_object" and "json" not in str(exchange.body["messages"]).lower():
        raise bad(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            param="messages",
        )
    if chosen["type"] == "json_schema":
        inner = chosen["json_schema"]
        check_name("response_format.json_schema.name", inner["name"])
        if "schema" not in inner:
            where = "response_format.json_schema.schema"
            raise bad(
                f"Missing required parameter: '{where}'.", param=where, code="missing_required_parameter"
            )
        if inner.get("strict"):
            label = f"Invalid schema for response_format '{inner['name']}'"
            check_strict(inner["schema"], label, "response_format", "invalid_json_schema")
