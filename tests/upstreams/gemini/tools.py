"""What the Gemini API refuses about tools and the choice among them."""

import re
from typing import Any

from tests.upstreams.dialect import Exchange
from tests.upstreams.gemini.profiles import profile_of
from tests.upstreams.gemini.schemas import check_schema
from tests.upstreams.gemini.shapes import bad, wrong

Body = dict[str, Any]
NAME = re.compile(r"^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$")
NAME_RULE = (
    "Invalid function name. Must start with a letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), "
    "underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 64."
)


def check_tools(exchange: Exchange, body: Body) -> None:
    """Raise Refusal at the first thing wrong with the tools."""
    tools: list[Body] = body.get("tools") or []
    names: list[str] = []
    for index, tool in enumerate(tools):
        if not tool:
            raise wrong(
                f"tools[{index}].tool_type", "required one_of 'tool_type' must have one initialized field"
            )
        for number, function in enumerate(tool.get("functionDeclarations") or ()):
            _check_function(f"tools[{index}].function_declarations[{number}]", function)
            if function["name"] in names:
                raise bad(f"Duplicate function declaration found: {function['name']}")
            names.append(function["name"])
    if not profile_of(exchange.model.base).mixes:
        _check_unmixed(tools, body)
    _check_choice(body, names)


def _check_function(where: str, function: Body) -> None:
    if not NAME.match(function.get("name", "")):
        raise wrong(f"{where}.name", NAME_RULE)
    if "parameters" in function and "parametersJsonSchema" in function:
        raise wrong(where, "parameters and parameters_json_schema are mutually exclusive")
    schema = function.get("parameters")
    if schema is not None:
        if schema.get("type") != "OBJECT":
            raise wrong(f"{where}.parameters", "schema should be of type OBJECT")
        check_schema(f"{where}.parameters", schema)
    raw = function.get("parametersJsonSchema")
    if isinstance(raw, dict) and raw.get("type", "object") != "object":
        raise wrong(f"{where}.parameters_json_schema", "schema should be of type object")


def _check_unmixed(tools: list[Body], body: Body) -> None:
    functions = any(tool.get("functionDeclarations") for tool in tools)
    others = any(name != "functionDeclarations" for tool in tools for name in tool)
    if functions and others:
        raise bad("Tool use with function calling is unsupported")
    mime = (body.get("generationConfig") or {}).get("responseMimeType", "text/plain")
    if functions and mime != "text/plain":
        raise bad(f"Function calling with a response mime type: '{mime}' is unsupported")


def _check_choice(body: Body, names: list[str]) -> None:
    config: Body | None = (body.get("toolConfig") or {}).get("functionCallingConfig")
    if config is None:
        return
    mode, allowed = config.get("mode", "AUTO"), config.get("allowedFunctionNames") or []
    if mode in ("ANY", "VALIDATED") and not names:
        raise bad("Function calling config is set without function_declarations.")
    where = "tool_config.function_calling_config.allowed_function_names"
    if allowed and mode not in ("ANY", "VALIDATED"):
        raise wrong(where, "should be set only when function calling mode is ANY or VALIDATED")
    unknown = [name for name in allowed if name not in names]
    if unknown:
        raise wrong(where, f"'{unknown[0]}' is not in the function declarations")
