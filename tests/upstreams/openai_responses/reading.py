"""Reads a valid Responses request and the conversation it continues into a prompt."""

from typing import Any, Literal, cast

from tests.upstreams.dialect import Exchange
from tests.upstreams.openai_responses.conversation import OUTPUTS, is_produced
from tests.upstreams.openai_responses.kept import Thread
from tests.upstreams.openai_responses.sealing import decrypt
from tests.upstreams.openai_responses.shapes import Item, kind_of
from tests.upstreams.openai_responses.tools import JOINT, own_tools
from tests.upstreams.prompts import Media, Prompt, Tool, ToolResult
from tests.upstreams.reading import fingerprint, media_of_url, weigh

CACHE_FLOOR = 1024
Group = tuple[str, list[Item]]


def read_prompt(exchange: Exchange, thread: Thread) -> Prompt:
    """Read the request; see `Prompt` for what is kept."""
    body, items = exchange.body, thread.all
    groups = _groups(items)
    anchor = _anchor(groups)
    last_answer = max((i for i, (side, _) in enumerate(groups) if side == "assistant"), default=-1)
    tail = groups[last_answer + 1 :]
    beside = anchor >= 0 and any(side == "tool" for side, _ in tail)
    choice, allowed = _choice(body)
    chosen = (body.get("text") or {}).get("format") or {}
    total = weigh(items) + weigh(body.get("instructions")) + weigh(body.get("tools")) + 3 * len(items)
    read, write = _cached(body, items, total)
    return Prompt(
        model=exchange.model,
        user_text=_joined(groups[anchor][1][-1:]) if anchor >= 0 else "",
        aside=" ".join(_joined(each) for side, each in tail if beside and side == "user"),
        system_text=" | ".join(_system_texts(exchange, items)),
        prefill=_joined(groups[-1][1]) if groups and groups[-1][0] == "assistant" else "",
        turn=sum(side == "assistant" for side, _ in groups),
        rounds=sum(
            side == "assistant" and any(kind_of(item).endswith("_call") for item in each)
            for side, each in groups[anchor + 1 :]
        ),
        results=_results(tail, items),
        media=tuple(medium for _, each in tail for item in each for medium in _media(item)),
        tools=_tools(body),
        choice=choice,
        allowed=allowed,
        parallel=body.get("parallel_tool_calls") is not False,
        schema=chosen.get("schema"),
        json_mode=chosen.get("type") == "json_object",
        max_tokens=body.get("max_output_tokens"),
        think=_thinks(exchange),
        input_tokens=total,
        cache_read=read,
        cache_write=write,
        fingerprint=fingerprint(body),
    )


def _side(item: Item) -> str:
    kind = kind_of(item)
    if kind in OUTPUTS:
        return "tool"
    if kind == "reasoning" or is_produced(item):
        return "assistant"
    return item["role"] if kind == "message" else "other"


def _groups(items: list[Item]) -> list[Group]:
    """Group neighbours of one side; what is said by nobody (system text, marks) joins no side."""
    groups: list[Group] = []
    for item in items:
        side = _side(item)
        if side in ("system", "developer", "other"):
            continue
        if not groups or groups[-1][0] != side:
            groups.append((side, []))
        groups[-1][1].append(item)
    return groups


def _anchor(groups: list[Group]) -> int:
    """Find the last user turn that does not merely accompany tool outputs."""
    for index in range(len(groups) - 1, -1, -1):
        if groups[index][0] == "user" and (index == 0 or groups[index - 1][0] != "tool"):
            return index
    return -1


def text_of(content: Any) -> str:
    """Join the text of a message's content or of a tool's output."""
    if isinstance(content, str):
        return content
    parts = cast(list[Item], content or [])
    return "\n".join(part["text"] for part in parts if part["type"] in ("input_text", "output_text"))


def _joined(items: list[Item]) -> str:
    return "\n".join(text_of(item.get("content")) for item in items if kind_of(item) == "message")


def _system_texts(exchange: Exchange, items: list[Item]) -> list[str]:
    found: list[str] = [exchange.body["instructions"]] if exchange.body.get("instructions") else []
    for item in items:
        if kind_of(item) == "compaction" and not exchange.model.has("unchecked"):
            found.append(decrypt(item["encrypted_content"], exchange, kind="compaction"))
        elif item.get("role") in ("system", "developer"):
            found.append(text_of(item.get("content")))
    return found


def _results(tail: list[Group], items: list[Item]) -> tuple[ToolResult, ...]:
    names: dict[str, str] = {}
    for item in items:
        if kind_of(item) in ("function_call", "custom_tool_call"):
            namespace = item.get("namespace")
            names[item["call_id"]] = f"{namespace}{JOINT}{item['name']}" if namespace else item["name"]
    return tuple(
        ToolResult(
            call_id=item.get("call_id") or item["id"],
            name=names.get(item.get("call_id") or "", kind_of(item).removesuffix("_call_output")),
            text=text_of(item["output"]) if isinstance(item.get("output"), str | list) else "",
        )
        for side, each in tail
        if side == "tool"
        for item in each
    )


def _media(item: Item) -> list[Media]:
    found: list[Media | None] = []
    for contents in (item.get("content"), item.get("output")):
        for part in cast(list[Item], contents if isinstance(contents, list) else []):
            match part.get("type"):
                case "input_image" | "input_file":
                    found.append(_medium(part))
                case _:
                    pass
    return [medium for medium in found if medium is not None]


def _medium(part: Item) -> Media | None:
    url = part.get("image_url") or part.get("file_data") or part.get("file_url")
    return media_of_url(url) if url else Media(mime="file", reference=part.get("file_id") or "")


def _tools(body: dict[str, Any]) -> tuple[Tool, ...]:
    return tuple(
        Tool(name=name, schema=tool.get("parameters"), kind=tool["type"])
        for name, (tool, _) in own_tools(body).items()
    )


def _choice(body: dict[str, Any]) -> tuple[Literal["auto", "none", "required"], tuple[str, ...]]:
    choice: Any = body.get("tool_choice") or "auto"
    if isinstance(choice, str):
        return cast(Literal["auto", "none", "required"], choice), ()
    if choice["type"] == "allowed_tools":
        return choice["mode"], _names(body, choice["tools"])
    if choice["type"] in ("function", "custom"):
        return "required", _names(body, [choice])
    return "auto", ()


def _names(body: dict[str, Any], wanted: list[Item]) -> tuple[str, ...]:
    names = {each.get("name") for each in wanted}
    return tuple(key for key, (tool, _) in own_tools(body).items() if tool["name"] in names)


def _thinks(exchange: Exchange) -> bool:
    reasoning: dict[str, Any] = exchange.body.get("reasoning") or {}
    if reasoning.get("effort") == "none":
        return False
    model = exchange.model
    return model.shows_reasoning or model.reasons_by_effort or any(reasoning.values())


def _cached(body: dict[str, Any], items: list[Item], total: int) -> tuple[int, int]:
    """Return (read, write): a later turn of a cached conversation finds a prefix, the first writes one."""
    marked = "prompt_cache_breakpoint" in str(items)
    if any(_side(item) == "assistant" for item in items):
        if total >= CACHE_FLOOR:
            return total // 128 * 128, 0
        return (total // 2, 0) if marked or body.get("prompt_cache_key") else (0, 0)
    return (0, total // 2) if marked else (0, 0)
