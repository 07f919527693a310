"""Reads wire bodies of the four dialects for the audit, with none of the program's own readers.

A body becomes leaves (path and value), a heap of everything it says, and a `Telling`: what its words,
numbers and flags mean, in terms that the four dialects share.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from flowrouter.canonical.dialect import Dialect
from tests.fuzz.gemini_requests import OPAQUE

Leaf = tuple[str, Any]
TOKEN = re.compile(r"k\d+k")
_PLACE = re.compile(r"\[\d+\]")


def leaves(value: Any, path: str = "") -> Iterator[Leaf]:
    """Yield every scalar with its path; members whose names are the client's own are leaves too."""
    if isinstance(value, dict):
        for name, inner in value.items():
            below = f"{path}.{name}" if path else name
            if TOKEN.search(name) and not name.startswith("x_") and not is_nothing(inner):
                yield below, Key(name)
            yield from leaves(inner, below)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{number}]")
    else:
        yield path, value


def is_nothing(value: Any) -> bool:
    """Return whether a value holds nothing that could be lost."""
    if isinstance(value, dict):
        return all(is_nothing(inner) for inner in value.values())
    return value is None or value in ("", [])


class Key(str):
    """The name of a member, where the client chose it."""


def nodes(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of everything in a body."""
    if path:
        yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from nodes(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from nodes(inner, f"{path}[{number}]")


def anywhere(path: str) -> str:
    """Return a path for all places of its kind."""
    return _PLACE.sub("[*]", path)


def camel(value: Any) -> Any:
    """Return a Gemini body in the spelling of its documentation, the client's own members left alone."""
    if isinstance(value, dict):
        return {
            (name if name.startswith("x_") else _camel(name)): inner
            if _camel(name) in OPAQUE or name.startswith("x_")
            else camel(inner)
            for name, inner in value.items()
        }
    return [camel(item) for item in value] if isinstance(value, list) else value


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


class Heap(NamedTuple):
    """All words of a body as one text, its strings one by one, and its numbers; JSON within text read too."""

    words: str
    strings: tuple[str, ...]
    numbers: frozenset[float]


def heap(body: Any) -> Heap:
    """Return what a body says."""
    strings: list[str] = []
    numbers: set[float] = set()
    _gather(body, strings, numbers)
    return Heap("\x01".join(strings), tuple(strings), frozenset(numbers))


def _gather(value: Any, strings: list[str], numbers: set[float]) -> None:
    match value:
        case dict():
            for name, inner in value.items():
                strings.append(name)
                _gather(inner, strings, numbers)
        case list():
            for inner in value:
                _gather(inner, strings, numbers)
        case str():
            strings.append(value)
            if (inner := parsed(value)) is not None:
                _gather(inner, strings, numbers)
        case bool() | None:
            pass
        case _:
            numbers.add(value)


def parsed(text: str) -> Any:
    """Return the object or array that `text` holds, None where it holds none."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


class Telling(NamedTuple):
    """What a body says in terms that all dialects share.

    `settings` are (path, value) by name; `roles` says of each token of the conversation who said it, `order`
    in which the texts of the turns stand; `calls`, `schemas` and `results` (those that are objects) hold path and value; `marks` are the
    places of cache marks.
    """

    settings: dict[str, Leaf]
    roles: dict[str, str]
    order: list[str]
    calls: list[Leaf]
    schemas: list[Leaf]
    results: list[Leaf]
    marks: list[str]


def tell(dialect: Dialect, body: Mapping[str, Any]) -> Telling:
    """Return what a body says; a Gemini one in camel case."""
    settings = {
        name: (path, value)
        for name, path in _SETTINGS[dialect].items()
        if (value := _at(body, path)) is not None
    }
    reader = _READERS[dialect]
    settings |= {name: found for name, found in reader.settings(body) if found[1] is not None}
    roles: dict[str, str] = {}
    order: list[str] = []
    for role, value in reader.turns(body):
        if role in {"user", "assistant"}:
            order += dict.fromkeys(token for text in _texts(value) for token in TOKEN.findall(text)[:1])
        for token in TOKEN.findall(json.dumps(value, ensure_ascii=False)):
            roles.setdefault(token, role)
    if (stop := _at(body, _STOPS[dialect])) is not None:
        settings["stop"] = (_STOPS[dialect], [stop] if isinstance(stop, str) else stop)
    results = list(_gemini_results(body)) if dialect == "gemini" else []
    marks = [path for path in nodes(body) if path.endswith(_MARKS)]
    return Telling(settings, roles, order, list(reader.calls(body)), list(reader.schemas(body)), results, marks)


_MARKS = ("cache_control", "prompt_cache_breakpoint")
_STOPS: dict[Dialect, str] = {
    "openai_chat": "stop", "openai_responses": "stop", "anthropic": "stop_sequences",
    "gemini": "generationConfig.stopSequences",
}  # fmt: skip


def pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every member's name with its value where that is a scalar, else with None."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name, None if isinstance(inner, dict | list) else inner
            yield from pairs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from pairs(inner)


def _gemini_results(body: Any) -> Iterator[Leaf]:
    for number, content in enumerate(body["contents"]):
        for place, part in enumerate(content["parts"]):
            if "response" in part.get("functionResponse", ()):
                yield f"contents[{number}].parts[{place}].functionResponse.response", part["functionResponse"]["response"]


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts of some content, in any dialect's form."""
    if isinstance(value, str):
        yield value
    for item in value if isinstance(value, list) else (value,):
        if isinstance(item, dict) and isinstance(text := item.get("text"), str):
            yield text


def _at(body: Any, path: str) -> Any:
    for name in path.split("."):
        if not isinstance(body, dict):
            return None
        body = body.get(name)
    return body


_OPENAI = {
    "temperature": "temperature", "top_p": "top_p", "stream": "stream", "service tier": "service_tier",
    "parallel": "parallel_tool_calls",
}  # fmt: skip
_SETTINGS: dict[Dialect, dict[str, str]] = {
    "openai_chat": {
        **_OPENAI,
        "top_k": "top_k", "seed": "seed", "n": "n", "presence": "presence_penalty", "frequency": "frequency_penalty",
        "top logprobs": "top_logprobs", "logprobs": "logprobs", "verbosity": "verbosity",
    },
    "openai_responses": {**_OPENAI, "top logprobs": "top_logprobs", "verbosity": "text.verbosity"},
    "anthropic": {
        "temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "stream": "stream",
        "service tier": "service_tier",
    },
    "gemini": {
        "temperature": "generationConfig.temperature", "top_p": "generationConfig.topP",
        "top_k": "generationConfig.topK", "seed": "generationConfig.seed", "n": "generationConfig.candidateCount",
        "presence": "generationConfig.presencePenalty", "frequency": "generationConfig.frequencyPenalty",
        "top logprobs": "generationConfig.logprobs", "logprobs": "generationConfig.responseLogprobs",
        "service tier": "serviceTier",
    },
}  # fmt: skip


class _Chat:
    @staticmethod
    def settings(body: Any) -> Iterator[tuple[str, Leaf]]:
        yield "effort", _chat_effort(body)
        yield "display", ("reasoning.exclude", "omitted" if (body.get("reasoning") or {}).get("exclude") else None)
        form = (body.get("response_format") or {}).get("type")
        yield "output", ("response_format", {"json_object": "json", "json_schema": "schema"}.get(form))
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
        return "thinking", "none" if thinking["type"] == "disabled" else bucket(thinking.get("budget_tokens", -1))
    if "thinking_budget" in body:
        return "enable_thinking", bucket(body["thinking_budget"])
    return "enable_thinking", {True: "auto", False: "none"}.get(body.get("enable_thinking"))


class _Responses:
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


class _Anthropic:
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
        yield "choice", ("tool_choice", None if mode is None else (mode, (choice["name"],) if "name" in choice else ()))
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
        for path, form in (("output_config.format", config.get("format")), ("output_format", body.get("output_format"))):
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
            case ("propertyOrdering" | "nullable"), _:
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


class _Gemini:
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
        form = "schema" if schema else "json" if config.get("responseMimeType") == "application/json" else None
        place = next((name for name in _FORMS if name in config), _FORMS[-1])
        yield "output", (f"generationConfig.{place}", form)
        calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
        names = tuple(calling.get("allowedFunctionNames") or ())
        mode = {"ANY": "required", "AUTO": "auto", "NONE": "none", "VALIDATED": "auto"}.get(calling.get("mode"))
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
                    yield "tool", {k: v for k, v in part["functionResponse"].items() if k in {"response", "parts"}}
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
_READERS: dict[Dialect, Any] = {
    "openai_chat": _Chat, "openai_responses": _Responses, "anthropic": _Anthropic, "gemini": _Gemini,
}  # fmt: skip


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


__all__ = ["TOKEN", "Heap", "Key", "Leaf", "Telling", "anywhere", "bucket", "camel", "heap", "leaves", "nodes", "pairs", "parsed", "tell"]
