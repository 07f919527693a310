"""Ids that answers of this dialect require, derived where the answer came from another."""

from __future__ import annotations

import hashlib
import re

_PREFIX = re.compile(r"^[a-zA-Z]{1,12}[_-]")
_STEM_MAX = 44
"""Longest stem of an item's id: items' ids have at most 64 characters."""

PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "image_generation_call": "ig",
}
"""How ids of items begin, by type."""


def reply_id(origin: str, vendor_id: str, *, seed: str) -> str:
    """Return the answer's id: its own, or one derived from another dialect's; `seed` stands in for none."""
    if origin == "openai_responses" and vendor_id:
        return vendor_id
    stem = _PREFIX.sub("", vendor_id) or _digest(seed)
    return f"resp_{stem}"


def item_id(reply: str, kind: str, index: int) -> str:
    """Return an id for an item, the same for the same place in the same answer."""
    stem = _PREFIX.sub("", reply)
    if len(stem) > _STEM_MAX:
        stem = _digest(stem)
    return f"{PREFIXES.get(kind, 'item')}_{stem}_{index}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


__all__ = ["PREFIXES", "item_id", "reply_id"]
