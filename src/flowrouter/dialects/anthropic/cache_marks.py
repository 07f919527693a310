"""Keeps cache marks within the vendor's rules: four at most, one-hour marks before five-minute ones."""

from __future__ import annotations

from typing import Any, cast

from flowrouter.canonical.losses import Losses

MOST_MARKS = 4


def limit_marks(body: dict[str, Any], losses: Losses) -> bool:
    """Take surplus marks off `body`, keeping the last four, and shorten one-hour marks that come late.

    Return whether anything had to be changed. The order is the prompt's: tools, system, messages. A later mark caches all that stands before
    it, so the first ones are the least needed.
    """
    bearers = _bearers(body)
    room = MOST_MARKS - ("cache_control" in body)
    changed = len(bearers) > room
    for bearer in bearers[: max(0, len(bearers) - room)]:
        del bearer["cache_control"]
        for place in losses.marked():
            losses.drop(place, f"at most {MOST_MARKS} cache marks")
    short = False
    for bearer in bearers[max(0, len(bearers) - room) :]:
        mark: dict[str, Any] = bearer["cache_control"]
        if mark.get("ttl") not in (None, "5m", "1h"):
            changed, ttl = True, str(mark.pop("ttl"))
            for place in losses.marked(ttl):
                losses.change(place, f"a mark holds for 5m or 1h, not {ttl}")
        if mark.get("ttl") != "1h":
            short = True
        elif short:
            changed, mark["ttl"] = True, "5m"
            for place in losses.marked("1h"):
                losses.change(place, "a one-hour mark must not follow a five-minute one")
    return changed


def _bearers(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what bears a mark, in the order of the prompt."""
    found = [tool for tool in body.get("tools", ()) if "cache_control" in tool]
    found += [block for block in body.get("system", ()) if "cache_control" in block]
    for message in body["messages"]:
        for block in message["content"]:
            inner = block.get("content")
            if isinstance(inner, list):
                found += [block for block in cast("list[dict[str, Any]]", inner) if "cache_control" in block]
            if "cache_control" in block:
                found.append(block)
    return found


__all__ = ["MOST_MARKS", "limit_marks"]
