"""Ids for calls that came without one: derived, so that the same call always has the same id.

Gemini's `functionCall.id` is optional and its pairing goes by order and name; every other dialect needs
an id. Ours are recognisable, and are taken away again before a request leaves for Google, who never
issued them.
"""

from __future__ import annotations

import hashlib
import re

_MADE = re.compile(r"fcall_[0-9a-f]{24}")


def made_call_id(turn: str, position: int, name: str) -> str:
    """Return the id of the call at `position` among the calls of a turn.

    `turn` tells turns apart: a reply's own id, or the place of the turn in a conversation.
    """
    seed = f"{turn}\n{position}\n{name}".encode("utf-8", "surrogatepass")
    return f"fcall_{hashlib.sha256(seed).hexdigest()[:24]}"


def is_made(call_id: str) -> bool:
    """Return whether `call_id` is one of ours."""
    return _MADE.fullmatch(call_id) is not None


__all__ = ["is_made", "made_call_id"]
