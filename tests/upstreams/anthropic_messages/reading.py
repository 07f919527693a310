"""Reads a valid Messages request into a prompt."""

from typing import Any, Literal, cast

from tests.upstreams.anthropic_messages.turns import Block, Turn, blocks_of, turns_of
from tests.upstreams.dialect import Exchange
from tests.upstreams.prompts import Media, Prompt, Tool, ToolResult
from tests.upstreams.reading import decode_base64, fingerprint, weigh


def read_prompt(exchange: Exchange) -> Prompt:
    """Read the request; see `Prompt` for what is kept."""
    body = exchange.body
    turns = turns_of(body["messages"])
    anchor = _anchor(turns)
    tail = turns[-1] if turns and turns[-1].role == "user" else Turn("user")
    results = _results(tail, turns)
    choice, allowed = _choice(body)
    output = body.get("output_config") or {}
    chosen = output.get("format") or body.get("output_format") or {}
    total = weigh(body["messages"]) + weigh(body.get("system")) + weigh(body.get("tools")) + 3
    read, write, long = _cached(body, turns, total)
    return Prompt(
        model=exchange.model,
        user_text=_text(turns[anchor]) if anchor >= 0 else "",
        aside=_text(tail) if results else "",
        system_text=_system_text(body),
        prefill=_text(turns[-1]) if turns and turns[-1].role == "assistant" else "",
        turn=sum(turn.role == "assistant" for turn in turns),
        rounds=sum(bool(turn.of_type("tool_use")) for turn in turns[anchor + 1 :]),
        results=results,
        media=tuple(_media(tail)),
        tools=_tools(body),
        choice=choice,
        allowed=allowed,
        parallel=not (body.get("tool_choice") or {}).get("disable_parallel_tool_use"),
        schema=chosen.get("schema"),
        stop=tuple(body.get("stop_sequences") or ()),
        max_tokens=body.get("max_tokens"),
        think=_thinks(body, bool(results)),
        input_tokens=total,
        cache_read=read,
        cache_write=write,
        cache_write_long=long,
        fingerprint=fingerprint(body),
    )


def _text(turn: Turn) -> str:
    return "\n".join(block["text"] for _, block in turn.of_type("text"))


def _system_text(body: dict[str, Any]) -> str:
    found = [block["text"] for block in blocks_of(body.get("system") or "")]
    for message in body["messages"]:
        if message["role"] == "system":
            found += [block["text"] for block in blocks_of(message["content"])]
    return " | ".join(found)


def _anchor(turns: list[Turn]) -> int:
    """Find the last user turn without tool results."""
    plain = [i for i, turn in enumerate(turns) if turn.role == "user" and not turn.of_type("tool_result")]
    return plain[-1] if plain else -1


def _results(tail: Turn, turns: list[Turn]) -> tuple[ToolResult, ...]:
    names = {block["id"]: block["name"] for turn in turns for _, block in turn.of_type("tool_use")}
    return tuple(
        ToolResult(
            call_id=block["tool_use_id"],
            name=names.get(block["tool_use_id"], "?"),
            text="\n".join(_inner_text(inner) for inner in blocks_of(block.get("content") or "")).strip(),
            is_error=bool(block.get("is_error")),
        )
        for _, block in tail.of_type("tool_result")
    )


def _inner_text(block: Block) -> str:
    match block["type"]:
        case "text":
            return block["text"]
        case "search_result":
            inner = "\n".join(part["text"] for part in block["content"])
            return f"{block['title']} ({block['source']}): {inner}"
        case _:
            return ""


def _media(turn: Turn) -> list[Media]:
    found: list[Media] = []
    for _, block in turn.blocks:
        content = block.get("content") if block["type"] == "tool_result" else None
        for inner in [block, *cast(list[Block], content if isinstance(content, list) else [])]:
            if inner["type"] in ("image", "document"):
                found.append(_one_medium(inner))
            elif inner["type"] == "search_result":
                found.append(Media(mime="search_result", reference=inner["source"]))
    return found


def _one_medium(block: Block) -> Media:
    source = block["source"]
    match source["type"]:
        case "base64":
            return Media(mime=source["media_type"], data=decode_base64(source["data"]))
        case "text":
            return Media(mime="text/plain", data=source["data"].encode())
        case "url":
            return Media(mime="url", reference=source["url"])
        case "file":
            return Media(mime="file", reference=source["file_id"])
        case _:
            return Media(mime="blocks", reference=f"{len(source['content'])} pieces")


def _tools(body: dict[str, Any]) -> tuple[Tool, ...]:
    """Keep the tools that the client runs by a schema it gave."""
    own = [tool for tool in body.get("tools") or () if tool.get("type") in (None, "custom")]
    return tuple(Tool(name=tool["name"], schema=tool["input_schema"]) for tool in own)


def _choice(body: dict[str, Any]) -> tuple[Literal["auto", "none", "required"], tuple[str, ...]]:
    choice = body.get("tool_choice") or {}
    match choice.get("type"):
        case "none":
            return "none", ()
        case "any":
            return "required", ()
        case "tool":
            return "required", (choice["name"],)
        case _:
            return "auto", ()


def _thinks(body: dict[str, Any], after_tools: bool) -> bool:
    kind = (body.get("thinking") or {}).get("type")
    return kind in ("enabled", "adaptive") or (kind == "between_tools" and after_tools)


def _cached(body: dict[str, Any], turns: list[Turn], total: int) -> tuple[int, int, int]:
    """Return (read, write, of it for 1 h): the first turn of a marked conversation writes, later ones read."""
    text = str(body)
    if "'cache_control': {" not in text:
        return 0, 0, 0
    share = total * 3 // 4
    if any(turn.role == "assistant" for turn in turns):
        return share, 0, 0
    return 0, share, share if "'ttl': '1h'" in text else 0
