"""Reads a valid Chat Completions request into a prompt."""

from typing import Any, Literal, cast

from tests.upstreams.dialect import Exchange
from tests.upstreams.prompts import Media, Prompt, Tool, ToolResult
from tests.upstreams.reading import decode_base64, fingerprint, media_of_url, weigh

Message = dict[str, Any]
CACHE_FLOOR = 1024


def read_prompt(exchange: Exchange) -> Prompt:
    """Read the request; see `Prompt` for what is kept."""
    body = exchange.body
    messages: list[Message] = body["messages"]
    last_assistant = max((i for i, m in enumerate(messages) if m["role"] == "assistant"), default=-1)
    tail = messages[last_assistant + 1 :]
    anchor = _anchor(messages)
    beside = anchor >= 0 and any(m["role"] in ("tool", "function") for m in tail)
    choice, allowed = _choice(body)
    chosen = body.get("response_format") or {}
    total = weigh(messages) + weigh(body.get("tools")) + 3 * len(messages)
    read, write = _cached(body, messages, total)
    return Prompt(
        model=exchange.model,
        user_text=text_of(messages[anchor].get("content")) if anchor >= 0 else "",
        aside=" ".join(text_of(m.get("content")) for m in tail if beside and m["role"] == "user"),
        system_text=" | ".join(
            text_of(m.get("content")) for m in messages if m["role"] in ("system", "developer")
        ),
        prefill=text_of(messages[-1].get("content")) if messages[-1]["role"] == "assistant" else "",
        turn=sum(m["role"] == "assistant" for m in messages),
        rounds=sum(bool(m.get("tool_calls") or m.get("function_call")) for m in messages[anchor + 1 :]),
        results=_results(tail, messages),
        media=tuple(media for m in tail for media in _media(m.get("content"))),
        tools=_tools(body),
        choice=choice,
        allowed=allowed,
        parallel=body.get("parallel_tool_calls") is not False,
        schema=(chosen.get("json_schema") or {}).get("schema"),
        json_mode=chosen.get("type") == "json_object",
        stop=_stop(body.get("stop")),
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        think=_thinks(exchange),
        input_tokens=total,
        cache_read=read,
        cache_write=write,
        fingerprint=fingerprint(body),
    )


def text_of(content: Any) -> str:
    """Join the text of a message's content."""
    if isinstance(content, str):
        return content
    parts = cast(list[dict[str, Any]], content or [])
    return "\n".join(part["text"] for part in parts if part["type"] == "text")


def _anchor(messages: list[Message]) -> int:
    """Find the last user message that does not merely accompany tool results."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index]["role"] != "user":
            continue
        before = index - 1
        while before >= 0 and messages[before]["role"] == "user":
            before -= 1
        if before < 0 or messages[before]["role"] not in ("tool", "function"):
            return index
    return -1


def _results(tail: list[Message], messages: list[Message]) -> tuple[ToolResult, ...]:
    names: dict[str, str] = {}
    for message in messages:
        for call in message.get("tool_calls") or ():
            names[call["id"]] = call[call["type"]]["name"]
    results: list[ToolResult] = []
    for message in tail:
        if message["role"] == "tool":
            call_id = message["tool_call_id"]
            text = text_of(message["content"])
            results.append(ToolResult(call_id=call_id, name=names.get(call_id, "?"), text=text))
        elif message["role"] == "function":
            results.append(ToolResult(call_id="", name=message["name"], text=message["content"] or ""))
    return tuple(results)


def _media(content: Any) -> list[Media]:
    found: list[Media | None] = []
    for part in cast(list[dict[str, Any]], content if isinstance(content, list) else []):
        match part["type"]:
            case "image_url":
                found.append(media_of_url(part["image_url"]["url"]))
            case "file" if part["file"].get("file_data"):
                found.append(media_of_url(part["file"]["file_data"]))
            case "file":
                found.append(Media(mime="file", reference=part["file"].get("file_id", "")))
            case "input_audio":
                audio = part["input_audio"]
                found.append(Media(mime=f"audio/{audio['format']}", data=decode_base64(audio["data"])))
            case _:
                pass
    return [media for media in found if media is not None]


def _tools(body: dict[str, Any]) -> tuple[Tool, ...]:
    tools: list[Tool] = []
    for tool in body.get("tools") or ():
        inner = tool[tool["type"]]
        tools.append(Tool(name=inner["name"], schema=inner.get("parameters"), kind=tool["type"]))
    tools += [Tool(name=f["name"], schema=f.get("parameters")) for f in body.get("functions") or ()]
    return tuple(tools)


def _choice(body: dict[str, Any]) -> tuple[Literal["auto", "none", "required"], tuple[str, ...]]:
    choice = body.get("tool_choice", body.get("function_call"))
    if choice is None:
        return "auto", ()
    if isinstance(choice, str):
        return cast(Literal["auto", "none", "required"], choice), ()
    if "type" not in choice:
        return "required", (choice["name"],)
    if choice["type"] == "allowed_tools":
        inner = choice["allowed_tools"]
        return inner["mode"], tuple(tool[tool["type"]]["name"] for tool in inner["tools"])
    return "required", (choice[choice["type"]]["name"],)


def _stop(stop: Any) -> tuple[str, ...]:
    return (stop,) if isinstance(stop, str) else tuple(stop or ())


def _thinks(exchange: Exchange) -> bool:
    body = exchange.body
    if (body.get("thinking") or {}).get("type") == "disabled" or body.get("reasoning_effort") == "none":
        return False
    return exchange.model.shows_reasoning or exchange.model.reasons_by_effort


def _cached(body: dict[str, Any], messages: list[Message], total: int) -> tuple[int, int]:
    """Return (read, write): the second turn of a cached conversation finds a prefix, the first writes one."""
    marked = "prompt_cache_breakpoint" in str(body["messages"])
    if any(message["role"] == "assistant" for message in messages):
        if total >= CACHE_FLOOR:
            return total // 128 * 128, 0
        return (total // 2, 0) if marked or body.get("prompt_cache_key") else (0, 0)
    return (0, total // 2) if marked else (0, 0)
