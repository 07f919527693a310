"""What OpenAI refuses about the tools and the output format of a Responses request."""

from typing import Any, cast

from tests.upstreams.dialect import Exchange
from tests.upstreams.openai_chat.shapes import bad, check_name
from tests.upstreams.openai_chat.tools import check_strict

Tool = dict[str, Any]
JOINT = "__"
"""Between namespace and name, where the scripted model must tell tools apart by one name."""


def own_tools(body: dict[str, Any]) -> dict[str, tuple[Tool, str | None]]:
    """Return the tools that the client runs, by the scripted model's names, each with its namespace."""
    found: dict[str, tuple[Tool, str | None]] = {}
    for tool in cast(list[Tool], body.get("tools") or []):
        if tool["type"] in ("function", "custom"):
            found[tool["name"]] = (tool, None)
        elif tool["type"] == "namespace":
            for inner in tool["tools"]:
                found[f"{tool['name']}{JOINT}{inner['name']}"] = (inner, tool["name"])
    return found


def check_tools(exchange: Exchange) -> None:
    """Raise Refusal at the first thing wrong with the tools and the choice among them."""
    for index, tool in enumerate(cast(list[Tool], exchange.body.get("tools") or [])):
        _check_tool(f"tools[{index}]", tool)
        if tool["type"] == "namespace":
            for number, inner in enumerate(tool["tools"]):
                _check_tool(f"tools[{index}].tools[{number}]", inner)
    _check_choice(exchange.body)


def _check_tool(where: str, tool: Tool) -> None:
    if tool["type"] in ("function", "custom", "namespace"):
        check_name(f"{where}.name", tool["name"])
    if tool["type"] != "function":
        return
    schema = tool.get("parameters")
    label = f"Invalid schema for function '{tool['name']}'"
    code = "invalid_function_parameters"
    if schema is None:
        return
    if schema.get("type") != "object":
        given = schema.get("type")
        message = f"{label}: schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{given}\"'."
        raise bad(message, param=f"{where}.parameters", code=code)
    if tool.get("strict"):
        check_strict(schema, label, f"{where}.parameters", code)


def _check_choice(body: dict[str, Any]) -> None:
    choice: Any = body.get("tool_choice")
    tools = cast(list[Tool], body.get("tools") or [])
    if choice == "required" and not tools:
        raise bad("Tool choice 'required' must be specified with 'tools' parameter.", param="tool_choice")
    if not isinstance(choice, dict):
        return
    asked = cast(dict[str, Any], choice)
    for wanted in asked["tools"] if asked["type"] == "allowed_tools" else [asked]:
        if not any(_is_meant(wanted, tool) for tool in tools):
            shown = wanted.get("name") or wanted.get("server_label") or wanted.get("type")
            raise bad(f"Tool choice '{shown}' not found in 'tools' parameter.", param="tool_choice")


def _is_meant(wanted: dict[str, Any], tool: Tool) -> bool:
    if tool["type"] == "namespace" and wanted.get("type") in ("function", "custom"):
        return any(_is_meant(wanted, inner) for inner in tool["tools"])
    same = all(wanted.get(key) == tool.get(key) for key in ("name", "server_label") if key in wanted)
    return wanted.get("type") == tool["type"] and (same or tool["type"] == "mcp")


def check_format(exchange: Exchange) -> None:
    """Raise Refusal when `text.format` cannot be held."""
    chosen = (exchange.body.get("text") or {}).get("format") or {}
    if chosen.get("type") == "json_object" and "json" not in str(exchange.body.get("input")).lower():
        raise bad(
            "Response input messages must contain the word 'json' in some form to use 'text.format' of type "
            "'json_object'.",
            param="input",
        )
    if chosen.get("type") == "json_schema":
        check_name("text.format.name", chosen["name"])
        if chosen.get("strict"):
            label = f"Invalid schema for response_format '{chosen['name']}'"
            check_strict(chosen["schema"], label, "text.format.schema", "invalid_json_schema")
