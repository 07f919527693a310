"""The web search that Chat has as an option of the request: read as a hosted tool, written from any."""

from __future__ import annotations

from flowrouter.canonical.losses import Losses
from flowrouter.canonical.tools import HostedTool, Tool
from flowrouter.canonical.web_search import said_at, web_search_of
from flowrouter.wire.members import Json, take_object

FIELD = "web_search_options"


def take_web_search(rest: Json) -> tuple[Tool, ...]:
    """Take the option out of a body, as the hosted tool other dialects have for it."""
    options = take_object(rest, FIELD)
    if options is None:
        return ()
    return (HostedTool(kind=FIELD, config=options, origin="openai_chat", place=FIELD),)


def is_web_search(tool: Tool) -> bool:
    """Return whether `tool` came as the option."""
    return tool.place == FIELD


def web_search_options(tool: HostedTool, path: str, losses: Losses) -> Json:
    """Return the option that does what `tool` was to do, with what it cannot be told as losses."""
    asked = web_search_of(tool)
    options: Json = {}
    if asked.context_size is not None:
        options["search_context_size"] = asked.context_size
    if asked.location:
        options["user_location"] = {"type": "approximate", "approximate": dict(asked.location)}
    named = {
        "allowed_domains": asked.allowed_domains,
        "blocked_domains": asked.blocked_domains,
        "max_uses": asked.max_uses,
    }
    for name in (*(name for name, value in named.items() if value), *asked.others):
        losses.drop(f"{path}.{said_at(tool, name)}", "no such setting of Chat's web search")
    losses.change(path, f"sent as {FIELD}")
    return options


__all__ = ["FIELD", "is_web_search", "take_web_search", "web_search_options"]
