"""A web search of another vendor as Anthropic's own server tool."""

from __future__ import annotations

from typing import Any

from flowrouter.canonical.losses import Losses
from flowrouter.canonical.tools import HostedTool
from flowrouter.canonical.web_search import said_at, web_search_of

NAME = "web_search"
"""The name the vendor insists on."""

_VERSION = "web_search_20250305"


def web_search(tool: HostedTool, path: str, losses: Losses) -> dict[str, Any]:
    """Return the server tool that does what `tool` was to do, with what it cannot be told as losses."""
    asked = web_search_of(tool)
    wire: dict[str, Any] = {"type": _VERSION, "name": NAME}
    if asked.max_uses is not None:
        wire["max_uses"] = asked.max_uses
    if asked.allowed_domains:
        wire["allowed_domains"] = list(asked.allowed_domains)
    elif asked.blocked_domains:
        wire["blocked_domains"] = list(asked.blocked_domains)
    if asked.allowed_domains and asked.blocked_domains:
        losses.drop(
            f"{path}.{said_at(tool, 'blocked_domains')}",
            "Anthropic takes allowed or blocked domains, not both",
        )
    if asked.location:
        wire["user_location"] = {"type": "approximate", **asked.location}
    if asked.context_size is not None:
        losses.drop(f"{path}.search_context_size", "no choice of how much is read")
    for name in asked.others:
        losses.drop(f"{path}.{said_at(tool, name)}", f"only {tool.origin} knows it")
    losses.change(path, f"searched by Anthropic's {_VERSION}")
    return wire


__all__ = ["NAME", "web_search"]
