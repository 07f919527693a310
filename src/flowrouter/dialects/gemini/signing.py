"""The documented bypass for steps that lack the signature newer models insist on.

Gemini 3 and later answer 400 where the first call of a step of the current turn is unsigned (thought
signatures page, November 2026). Histories from elsewhere have no signatures; for them Google documents a
value that skips the check. It is put on every such step, not only those of the current turn: what was
sent once must stay the same on later turns, or prompt caches miss.
"""

from __future__ import annotations

from typing import Any, cast

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.losses import Losses
from flowrouter.dialects.gemini.node import snake
from flowrouter.dialects.gemini.render_parts import SIGNATURE, has_signature

BYPASS = "skip_thought_signature_validator"

_CALLS = ("functionCall", snake("functionCall"))


def wants_signatures(capabilities: Capabilities) -> bool:
    """Return whether the model refuses unsigned steps: those that take thinking levels do."""
    return capabilities.thinking_style == "level" or capabilities.reasoning_echo != "never"


def sign_steps(contents: list[dict[str, Any]], capabilities: Capabilities, losses: Losses) -> None:
    """Put the bypass on the first call of every unsigned step, and note it."""
    if not wants_signatures(capabilities):
        return
    for place, content in enumerate(contents):
        parts = content.get("parts")
        if content.get("role") != "model" or not isinstance(parts, list):
            continue
        signed = [*cast("list[Any]", parts)]
        number = _first_call(signed)
        if number is None or has_signature(signed[number]):
            continue
        signed[number] = {**signed[number], SIGNATURE: BYPASS}
        contents[place] = {**content, "parts": signed}
        losses.emulate(losses.in_messages, "calls without a thought signature skip the vendor's check")


def _first_call(parts: list[Any]) -> int | None:
    for number, part in enumerate(parts):
        if isinstance(part, dict) and any(name in part for name in _CALLS):
            return number
    return None


__all__ = ["BYPASS", "sign_steps", "wants_signatures"]
