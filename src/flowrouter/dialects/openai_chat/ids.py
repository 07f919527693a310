"""Ids this dialect requires and its counterpart did not give: derived, the same every time."""

from __future__ import annotations

import hashlib
import re

_PREFIX = re.compile(r"^[a-zA-Z]{1,12}[_-]")


def reply_id(origin: str, vendor_id: str) -> str:
    """Return the answer's id in Chat's form: its own, or one derived from another dialect's."""
    if origin == "openai_chat" and vendor_id:
        return vendor_id
    return "chatcmpl-" + (_PREFIX.sub("", vendor_id) or "0")


def made_call_id(reply: str, choice: int, place: int) -> str:
    """Return an id for a call whose host gave none; differs from reply to reply."""
    digest = hashlib.sha256(f"{reply}\n{choice}\n{place}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"call_{digest[:24]}"


__all__ = ["made_call_id", "reply_id"]
