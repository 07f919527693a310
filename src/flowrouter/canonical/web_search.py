"""A web search that the vendor runs: the one hosted tool that several vendors have."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from flowrouter.canonical.tools import HostedTool

PURPOSE = "web_search"
"""Its name among the capabilities (`hosted`) and as a tool's `purpose`."""

_ADDRESS = ("city", "region", "country", "timezone")


class WebSearch(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asked of a web search, whatever its dialect; empty and None where it did not say.

    `location` holds any of city, region, country, timezone. `others` are the members only its own
    vendor knows, by the name they have there.
    """

    allowed_domains: tuple[str, ...] = ()
    blocked_domains: tuple[str, ...] = ()
    max_uses: int | None = None
    context_size: str | None = None
    location: dict[str, str] = {}
    others: tuple[str, ...] = ()


def web_search_of(tool: HostedTool) -> WebSearch:
    """Return what the configuration of a web search says."""
    left = dict(tool.config)
    for name in ("type", "name", "cache_control"):
        left.pop(name, None)
    inner = left.pop("googleSearch", None) or left.pop("google_search", None)
    left |= _mapping(inner)
    filters = _mapping(left.pop("filters", None))
    return WebSearch(
        allowed_domains=_texts(left.pop("allowed_domains", None) or filters.get("allowed_domains")),
        blocked_domains=_texts(
            left.pop("blocked_domains", None)
            or left.pop("excludeDomains", None)
            or filters.get("blocked_domains")
        ),
        max_uses=_integer(left.pop("max_uses", None)),
        context_size=_text(left.pop("search_context_size", None)),
        location=_location(left.pop("user_location", None)),
        others=tuple(name for name, value in left.items() if value not in (None, [], {}, "")),
    )


def said_at(tool: HostedTool, name: str) -> str:
    """Return where in its configuration a tool says `name`: some dialects keep settings a level deeper."""
    told = {name, "excludeDomains"} if name == "blocked_domains" else {name}
    for holder in ("", "filters", "googleSearch", "google_search"):
        members = _mapping(tool.config.get(holder)) if holder else tool.config
        for member in members.keys() & told:
            return f"{holder}.{member}" if holder else member
    return name


def _location(value: object) -> dict[str, str]:
    """Return an address, which Chat keeps one level deeper than others do."""
    whole = _mapping(value)
    address = _mapping(whole.get("approximate")) or whole
    return {name: text for name in _ADDRESS if isinstance(text := address.get(name), str) and text}


def _mapping(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(item for item in cast("list[object]", value) if isinstance(item, str))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


__all__ = ["PURPOSE", "WebSearch", "said_at", "web_search_of"]
