"""Reads a valid generateContent request into a prompt."""

import json
from typing import Any, Literal

from tests.upstreams.dialect import Exchange
from tests.upstreams.gemini.profiles import profile_of
from tests.upstreams.gemini.proto import decode_bytes
from tests.upstreams.gemini.schemas import as_json_schema
from tests.upstreams.gemini.shapes import COUNT, spelled
from tests.upstreams.gemini.turns import Part, Turn, turns_of
from tests.upstreams.prompts import Media, Prompt, Tool, ToolResult
from tests.upstreams.reading import fingerprint, weigh

Body = dict[str, Any]
CACHE_FLOOR = 1024
CHOICES: dict[str, Literal["auto", "none", "required"]] = {"NONE": "none", "ANY": "required"}


def read_prompt(exchange: Exchange) -> Prompt:
    """Read the request, or the one inside a token count; see `Prompt` for what is kept.

    The exchange's body is from now on that request in its one spelling.
    """
    body = exchange.body = _asked(exchange)
    config = configured(body)
    turns = turns_of(body.get("contents") or [])
    anchor = _anchor(turns)
    tail = turns[-1] if turns and turns[-1].role == "user" else Turn("user", 0)
    results = tuple(_result(response) for response in tail.of_kind("functionResponse"))
    calling: Body = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    total = sum(weigh(body.get(name)) for name in ("contents", "systemInstruction", "tools")) + 3
    return Prompt(
        model=exchange.model,
        user_text=turns[anchor].text if anchor >= 0 else "",
        aside=tail.text if results else "",
        system_text=_system_text(body),
        prefill=turns[-1].text if turns and turns[-1].role == "model" else "",
        turn=sum(turn.role == "model" for turn in turns),
        rounds=sum(bool(turn.of_kind("functionCall")) for turn in turns[anchor + 1 :]),
        results=results,
        media=tuple(_media(tail)),
        tools=_tools(body),
        choice=CHOICES.get(calling.get("mode", ""), "auto"),
        allowed=tuple(calling.get("allowedFunctionNames") or ()),
        schema=_schema(config),
        json_mode=config.get("responseMimeType") == "application/json",
        stop=tuple(config.get("stopSequences") or ()),
        max_tokens=config.get("maxOutputTokens"),
        think=thinks(exchange, config),
        input_tokens=total,
        cache_read=_cached(turns, total),
        fingerprint=fingerprint({**body, "model": exchange.model.written}),
    )


def _asked(exchange: Exchange) -> Body:
    counting = exchange.received.path.endswith(":countTokens")
    body = spelled(exchange, COUNT) if counting else spelled(exchange)
    return body.get("generateContentRequest") or body


def configured(body: Body) -> Body:
    """Return the generation config."""
    return body.get("generationConfig") or {}


def thinks(exchange: Exchange, config: Body) -> bool:
    """Say whether the model thinks about this request."""
    profile = profile_of(exchange.model.base)
    thinking: Body = config.get("thinkingConfig") or {}
    budget = thinking.get("thinkingBudget")
    if profile.budget is None or budget == 0:
        return False
    return (
        profile.thinks
        or budget is not None
        or "thinkingLevel" in thinking
        or bool(thinking.get("includeThoughts"))
    )


def _system_text(body: Body) -> str:
    parts: list[Part] = (body.get("systemInstruction") or {}).get("parts") or []
    return " | ".join(part["text"] for part in parts if part.get("text"))


def _anchor(turns: list[Turn]) -> int:
    """Find the last user turn without function responses."""
    plain = [
        i for i, turn in enumerate(turns) if turn.role == "user" and not turn.of_kind("functionResponse")
    ]
    return plain[-1] if plain else -1


def _result(response: Body) -> ToolResult:
    content: Any = response.get("response") or {}
    failed = "error" in content
    if len(content) == 1 and set(content) <= {"result", "output", "error"}:
        (content,) = content.values()
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return ToolResult(call_id=response.get("id", ""), name=response["name"], text=text, is_error=failed)


def _media(turn: Turn) -> list[Media]:
    parts = turn.parts + [
        inner for each in turn.of_kind("functionResponse") for inner in each.get("parts") or ()
    ]
    return [_one_medium(part) for part in parts if "inlineData" in part or "fileData" in part]


def _one_medium(part: Part) -> Media:
    if "fileData" in part:
        file = part["fileData"]
        return Media(mime=file.get("mimeType") or "file", reference=file.get("fileUri", ""))
    blob = part["inlineData"]
    return Media(mime=blob.get("mimeType", ""), data=decode_bytes(blob.get("data", "")))


def _tools(body: Body) -> tuple[Tool, ...]:
    found: list[Tool] = []
    for tool in body.get("tools") or ():
        for function in tool.get("functionDeclarations") or ():
            schema = function.get("parametersJsonSchema") or as_json_schema(function.get("parameters"))
            found.append(Tool(name=function["name"], schema=schema))
    return tuple(found)


def _schema(config: Body) -> Any:
    if "responseJsonSchema" in config:
        return config["responseJsonSchema"]
    return as_json_schema(config.get("responseSchema"))


def _cached(turns: list[Turn], total: int) -> int:
    """The vendor caches long prompts by itself; the second turn finds them."""
    spoken = any(turn.role == "model" for turn in turns)
    return total // 128 * 128 if spoken and total >= CACHE_FLOOR else 0
