"""The forms in which the four dialects say settings, turns, calls and schemas, read from raw bodies.

Each reader yields settings by name with their path and value, turns by who speaks, and the objects that
are compared as a whole with their path.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.fuzz.bodies import Leaf


class ChatReader:
    """OpenAI Chat."""

    @staticmethod
    def settings(body: Any) -> Iterator[tuple[str, Leaf]]:
        yield "effort", _chat_effort(body)
        yield (
            "display",
            ("reasoning.exclude", "omitted" if (body.get("reasoning") or {}).get("exclude") else None),
        )
        form = (body.get("response_format") or {}).get("type")
        yield "output", ("response_format", {"json_object": "json", "json_schema": "schema"}.get(form))
        if (called := body.get("function_call")) is not None and not body.get("tool_choice"):
            yield (
                "choice",
                ("function_call", ("tool", (called["name"],)) if isinstance(called, dict) else (called, ())),
            )
        else:
            yield "choice", ("tool_choice", _openai_choice(body.get("tool_choice")))

    @staticmethod
    def turns(body: Any) -> Iterator[tuple[str, Any]]:
        for message in body["messages"]:
            role = _ROLES.get(message["role"], message["role"])
            for name, value in message.items():
                if name in {"reasoning_content", "reasoning", "reasoning_details"}:
                    yield "thought", value
                elif name in {"content", "refusal"}:
                    yield role, value
                elif name == "tool_calls":
                    yield "call", [call.get("function", call.get("custom")) for call in value]
                elif name == "function_call":
                    yield "call", value

    @staticmethod
    def calls(body: Any) -> Iterator[Leaf]:
        for number, message in enumerate(body["messages"]):
            for place, call in enumerate(message.get("tool_calls") or ()):
                path = f"messages[{number}].tool_calls[{place}]"
                if call["type"] == "custom":
                    yield path, {"input": call["custom"]["input"]}
                elif (value := _object(call["function"]["arguments"])) is not None:
                    yield f"{path}.function.arguments", value
            if (call := message.get("function_call")) and (value := _object(call["arguments"])) is not None:
                yield f"messages[{number}].function_call.arguments", value

    @staticmethod
    def schemas(body: Any) -> Iterator[Leaf]:
        for number, tool in enumerate(body.get("tools") or ()):
            if tool["type"] == "function" and "parameters" in tool["function"]:
                yield f"tools[{number}].function.parameters", tool["function"]["parameters"]
        for number, function in enumerate(body.get("functions") or ()):
            yield f"functions[{number}].parameters", function.get("parameters")
        if (held := (body.get("response_format") or {}).get("json_schema")) is not None:
            yield "response_format.json_schema.schema", held["schema"]


def _chat_effort(body: Any) -> Leaf:
    """Return the effort asked for in any of the words that hosts of this dialect know."""
    asked, thinking = body.get("reasoning") or {}, body.get("thinking") or {}
    if body.get("reasoning_effort") is not None:
        return "reasoning_effort", body["reasoning_effort"]
    if "effort" in asked or "max_tokens" in asked:
        return "reasoning", asked.get("effort") or bucket(asked["max_tokens"])
    if "enabled" in asked:
        return "reasoning", "auto" if asked["enabled"] else "none"
    if thinking:
        return "thinking", "none" if thinking["type"] == "disabled" else bucket(
            thinking.get("budget_tokens", -1)
        )
    if "thinking_budget" in body:
        return "enable_thinking", bucket(body["thinking_budget"])
    return "enable_thinking", {True: "auto", False: "none"}.get(body.get("enable_thinking"))


class ResponsesReader:
    """OpenAI Responses."""

    @staticmethod
    def settings(body: Any) -> Iterator[tuple[str, Leaf]]:
        yield "effort", ("reasoning.effort", (body.get("reasoning") or {}).get("effort"))
        form = ((body.get("text") or {}).get("format") or {}).get("type")
        yield "output", ("text.format", {"json_object": "json", "json_schema": "schema"}.get(form))
        yield "choice", ("tool_choice", _openai_choice(body.get("tool_choice")))
        if "message.output_text.logprobs" in (body.get("include") or ()):
            yield "logprobs", ("include" if body.get("top_logprobs") is None else "top_logprobs", True)
        yield "summary", ("reasoning.summary", (body.get("reasoning") or {}).get("summary"))

    @staticmethod
    def turns(body: Any) -> Iterator[tuple[str, Any]]:
        yield "system", body.get("instructions") or ""
        if isinstance(body["input"], str):
            yield "user", body["input"]
            return
        for item in body["input"]:
            kind = item.get("type", "message")
            if kind == "message":
                yield _ROLES.get(item["role"], item["role"]), item["content"]
            elif kind == "reasoning":
                yield "thought", [item.get("summary"), item.get("content")]
            elif kind.endswith("call_output"):
                yield "tool", item.get("output")
            elif kind in {"function_call", "custom_tool_call"}:
                yield "call", [item.get("arguments"), item.get("input")]

    @staticmethod
    def calls(body: Any) -> Iterator[Leaf]:
        for number, item in enumerate(body["input"] if isinstance(body["input"], list) else ()):
            if item.get("type") == "custom_tool_call":
                yield f"input[{number}]", {"input": item["input"]}
            elif item.get("type") == "function_call" and (value := _object(item["arguments"])) is not None:
                yield f"input[{number}].arguments", value

    @staticmethod
    def schemas(body: Any) -> Iterator[Leaf]:
        for number, tool in enumerate(body.get("tools") or ()):
            if tool["type"] == "function":
                yield f"tools[{number}].parameters", tool.get("parameters")
            for place, inner in enumerate(tool.get("tools") or () if tool["type"] == "namespace" else ()):
                yield f"tools[{number}].tools[{place}].parameters", inner.get("parameters")
        if (form := (body.get("text") or {}).get("format") or {}).get("schema") is not None:
            yield "text.format.schema", form["schema"]


class AnthropicReader:
    """Anthropic Messages."""

    @staticmethod
    def settings(body: Any) -> Iterator[tuple[str, Leaf]]:
        thinking = body.get("thinking") or {}
        effort = (body.get("output_config") or {}).get("effort")
        yield "display", ("thinking.display", "omitted" if thinking.get("display") == "omitted" else None)
        match thinking.get("type"):
            case "disabled":
                yield "effort", ("thinking", "none")
            case "enabled":
                yield "effort", ("thinking", bucket(thinking["budget_tokens"]))
            case "adaptive" if effort is None:
                yield "effort", ("thinking", "auto")
            case _:
                yield "effort", ("output_config.effort", effort)
        config = body.get("output_config") or {}
        form = config.get("format") or body.get("output_format")
        place = "output_config.format" if config.get("format") else "output_format"
        yield "output", (place, form and ("json" if form["schema"] == {"type": "object"} else "schema"))
        choice = body.get("tool_choice") or {}
        mode = {"any": "required"}.get(choice.get("type"), choice.get("type"))
        yield (
            "choice",
            ("tool_choice", None if mode is None else (mode, (choice["name"],) if "name" in choice else ())),
        )
        alone = choice.get("disable_parallel_tool_use")
        yield "parallel", ("tool_choice.disable_parallel_tool_use", None if alone is None else not alone)

    @staticmethod
    def turns(body: Any) -> Iterator[tuple[str, Any]]:
        yield "system", body.get("system") or ""
        for message in body["messages"]:
            content = message["content"]
            for block in content if isinstance(content, list) else ({"type": "text", "text": content},):
                match block["type"]:
                    case "thinking" | "redacted_thinking":
                        yield "thought", block.get("thinking", "")
                    case "tool_use":
                        yield "call", block["input"]
                    case "tool_result":
                        yield "tool", block.get("content")
                    case _:
                        yield message["role"], {k: v for k, v in block.items() if k != "citations"}

    @staticmethod
    def calls(body: Any) -> Iterator[Leaf]:
        for number, message in enumerate(body["messages"]):
            for place, block in enumerate(message["content"] if isinstance(message["content"], list) else ()):
                if block["type"] == "tool_use":
                    yield f"messages[{number}].content[{place}].input", block["input"]

    @staticmethod
    def schemas(body: Any) -> Iterator[Leaf]:
        for number, tool in enumerate(body.get("tools") or ()):
            if "input_schema" in tool:
                yield f"tools[{number}].input_schema", tool["input_schema"]
        config = body.get("output_config") or {}
        for path, form in (
            ("output_config.format", config.get("format")),
            ("output_format", body.get("output_format")),
        ):
            if form is not None:
                yield f"{path}.schema", form["schema"]


_FORMS = ("responseJsonSchema", "responseSchema", "responseMimeType")


def unclassic(schema: Any) -> Any:
    """Return a Gemini schema as JSON Schema would have it."""
    if isinstance(schema, list):
        return [unclassic(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain: dict[str, Any] = {}
    for name, value in schema.items():
        match name, value:
            case (("propertyOrdering" | "nullable"), _):
                pass
            case "type", str():
                plain[name] = [value.lower(), "null"] if schema.get("nullable") is True else value.lower()
            case "properties", dict():
                plain[name] = {key: unclassic(inner) for key, inner in value.items()}
            case "minItems", str():
                plain[name] = int(value)
            case "items", _:
                plain[name] = unclassic(value)
            case _:
                plain[name] = value
    return plain


class GeminiReader:
    """Gemini, in camel case."""

    @staticmethod
    def settings(body: Any) -> Iterator[tuple[str, Leaf]]:
        config = body.get("generationConfig") or {}
        thinking = config.get("thinkingConfig") or {}
        hidden = "omitted" if thinking.get("includeThoughts") is False else None
        yield "display", ("generationConfig.thinkingConfig.includeThoughts", hidden)
        effort = (thinking.get("thinkingLevel") or "").lower() or None
        if (budget := thinking.get("thinkingBudget")) is not None:
            effort = bucket(budget)
        yield "effort", ("generationConfig.thinkingConfig", effort)
        schema = config.get("responseSchema") or config.get("responseJsonSchema")
        form = (
            "schema" if schema else "json" if config.get("responseMimeType") == "application/json" else None
        )
        place = next((name for name in _FORMS if name in config), _FORMS[-1])
        yield "output", (f"generationConfig.{place}", form)
        calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
        names = tuple(calling.get("allowedFunctionNames") or ())
        mode = {"ANY": "required", "AUTO": "auto", "NONE": "none", "VALIDATED": "auto"}.get(
            calling.get("mode")
        )
        if names:
            mode = "tool" if mode == "required" and len(names) == 1 else f"allowed {mode}"
        yield "choice", ("toolConfig", mode and (mode, names))

    @staticmethod
    def turns(body: Any) -> Iterator[tuple[str, Any]]:
        system = body.get("systemInstruction") or {}
        yield "system", system.get("parts") or ""
        for content in body["contents"]:
            role = {"model": "assistant"}.get(content.get("role", "user"), "user")
            for part in content["parts"]:
                if part.get("thought"):
                    yield "thought", part.get("text")
                elif "functionCall" in part:
                    yield "call", part["functionCall"].get("args")
                elif "functionResponse" in part:
                    yield (
                        "tool",
                        {k: v for k, v in part["functionResponse"].items() if k in {"response", "parts"}},
                    )
                else:
                    yield role, {k: v for k, v in part.items() if k != "thoughtSignature"}

    @staticmethod
    def calls(body: Any) -> Iterator[Leaf]:
        for number, content in enumerate(body["contents"]):
            for place, part in enumerate(content["parts"]):
                if "args" in part.get("functionCall", ()):
                    yield f"contents[{number}].parts[{place}].functionCall.args", part["functionCall"]["args"]

    @staticmethod
    def schemas(body: Any) -> Iterator[Leaf]:
        for number, tool in enumerate(body.get("tools") or ()):
            for place, declared in enumerate(tool.get("functionDeclarations") or ()):
                for name in ("parameters", "parametersJsonSchema"):
                    if name in declared:
                        path = f"tools[{number}].functionDeclarations[{place}].{name}"
                        yield path, unclassic(declared[name]) if name == "parameters" else declared[name]
        config = body.get("generationConfig") or {}
        for name in ("responseSchema", "responseJsonSchema"):
            if name in config:
                value = config[name]
                yield f"generationConfig.{name}", unclassic(value) if name == "responseSchema" else value


_ROLES = {"developer": "system", "function": "tool"}


def _openai_choice(choice: Any) -> Any:
    """Return (mode, names) of a choice in either of OpenAI's forms."""
    if isinstance(choice, str):
        return choice, ()
    if not isinstance(choice, dict):
        return None
    if choice["type"] == "allowed_tools":
        held = choice.get("allowed_tools", choice)
        names = tuple(_called(tool) for tool in held["tools"])
        return f"allowed {held['mode']}", names
    return ("tool", (_called(choice),))


def _called(tool: Any) -> str:
    name = tool.get(tool["type"], tool)["name"]
    return f"{tool['namespace']}__{name}" if "namespace" in tool else name


def _object(text: str) -> Any:
    """Return the object a call's arguments are; None for text that is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def bucket(budget: int) -> str:
    """Return the effort that so many tokens of reasoning stand for (the table of facts all dialects share)."""
    if budget <= 0:
        return "auto" if budget < 0 else "none"
    steps = (("minimal", 512), ("low", 1024), ("medium", 8192), ("high", 24_576))
    return next((word for word, most in steps if budget <= most), "xhigh")


__all__ = ["AnthropicReader", "ChatReader", "GeminiReader", "ResponsesReader", "bucket", "unclassic"]
