"""What an answer repeats of its request, and the names of tools that stand in namespaces.

Every answer of this dialect carries the settings it was made with. They are read from the client's own
body; what it left out has the vendor's default (openai 3.54, `Response`; Open Responses requires all of
these members to be there).
"""

from __future__ import annotations

from collections.abc import Iterable

from flowrouter.dialects.openai_responses.items import full_name, offered
from flowrouter.wire.json import JsonError, loads
from flowrouter.wire.members import Json, as_list, as_object

DEFAULTS: Json = {
    "previous_response_id": None,
    "instructions": None,
    "tools": [],
    "tool_choice": "auto",
    "truncation": "disabled",
    "parallel_tool_calls": True,
    "text": {"format": {"type": "text"}},
    "top_p": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "top_logprobs": 0,
    "temperature": 1.0,
    "reasoning": {"effort": None, "summary": None},
    "max_output_tokens": None,
    "max_tool_calls": None,
    "store": True,
    "background": False,
    "service_tier": "default",
    "metadata": {},
    "safety_identifier": None,
    "prompt_cache_key": None,
    "user": None,
}
"""The members every answer repeats, with the value of one that the request left out."""

_IF_ASKED = ("conversation", "prompt", "prompt_cache_retention", "prompt_cache_options")
"""Members repeated only where the request had them."""

REPEATED = frozenset(
    {*DEFAULTS, *_IF_ASKED, "billing", "object", "status", "error", "incomplete_details", "completed_at"}
)
"""Members of an answer that tell nothing which is not in the request or in its finish."""

_OBJECTS = ("text", "reasoning")


class Echo:
    """What answers to one request repeat; `members` are theirs, `namespaces` those of tools.

    `namespaces` maps a tool's one name (`ns__tool`), which other dialects know, to its namespace and its
    name there.
    """

    __slots__ = ("members", "namespaces")

    def __init__(self, asked: bytes) -> None:
        body = _body(asked)
        self.members: Json = {**DEFAULTS, **_repeated(body)}
        tools = [*(as_list(body.get("tools")) or ()), *_later(body)]
        self.namespaces: dict[str, tuple[str, str]] = _namespaced(tools)


def _later(body: Json) -> list[object]:
    return [tool for _, tools in offered(body.get("input")) for tool in tools]


def _body(asked: bytes) -> Json:
    try:
        return (as_object(loads(asked)) or {}) if asked else {}
    except JsonError:
        return {}


def _repeated(body: Json) -> Json:
    said = {name: value for name in (*DEFAULTS, *_IF_ASKED) if (value := body.get(name)) is not None}
    for name in _OBJECTS:
        given = as_object(said.pop(name, None))
        if given is not None:
            said[name] = {**DEFAULTS[name], **given}
    if (tools := as_list(said.get("tools"))) is not None:
        said["tools"] = [_tool(tool) for tool in tools]
    if said.get("service_tier") == "auto":
        del said["service_tier"]
    if isinstance(conversation := said.get("conversation"), str):
        said["conversation"] = {"id": conversation}
    return said


def _tool(tool: object) -> object:
    """Return a tool with all members an answer's has to have."""
    members = as_object(tool)
    if members is None:
        return tool
    match members.get("type"):
        case "function":
            return {"description": None, "parameters": None, "strict": None, **members}
        case "namespace":
            return {"description": "", **members}
        case _:
            return members


def _namespaced(tools: Iterable[object]) -> dict[str, tuple[str, str]]:
    """Return the tools of namespaces by their one name, but for names that a tool itself has."""
    found: dict[str, tuple[str, str]] = {}
    plain: set[str] = set()
    for item in tools:
        space = as_object(item) or {}
        name = space.get("name")
        if not isinstance(name, str) or not name:
            continue
        if space.get("type") != "namespace":
            plain.add(name)
            continue
        for inner in as_list(space.get("tools")) or ():
            tool = (as_object(inner) or {}).get("name")
            if isinstance(tool, str) and tool:
                found.setdefault(full_name(name, tool), (name, tool))
    return {full: place for full, place in found.items() if full not in plain}


__all__ = ["DEFAULTS", "REPEATED", "Echo"]
