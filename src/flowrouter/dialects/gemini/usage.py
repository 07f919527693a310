"""Token counts: Gemini's prompt includes what was cached, its candidates leave the thoughts out."""

from __future__ import annotations

from typing import Any

from flowrouter.canonical.metered import Metered, count, special_tier, stated_cost
from flowrouter.canonical.usage import TOKENS_MAX, Usage
from flowrouter.wire.members import Json, as_list, as_object


def parse_usage(raw: Json) -> Usage:
    """Return the counts of a `usageMetadata` object.

    What tools put into the prompt is counted beside it. A missing candidates count is what the total
    leaves over.
    """
    prompt, tools = _count(raw, "promptTokenCount"), _count(raw, "toolUsePromptTokenCount")
    cached, thoughts = _count(raw, "cachedContentTokenCount"), _count(raw, "thoughtsTokenCount")
    output, total = _count(raw, "candidatesTokenCount"), _count(raw, "totalTokenCount")
    if output is None and total is not None and prompt is not None:
        output = max(0, total - prompt - (tools or 0) - (thoughts or 0))
    return Usage(
        input=None if prompt is None else max(0, prompt - (cached or 0)) + (tools or 0),
        cache_read=cached,
        output=output,
        reasoning=thoughts,
        origin="gemini",
        raw=raw,
    )


def metered(usage: Usage) -> Metered:
    """Return what else `usage` is billed by: Google counts each modality in lists of its own."""
    raw = usage.raw or {}
    given, cached, made = (
        _by_modality(raw.get(name))
        for name in ("promptTokensDetails", "cacheTokensDetails", "candidatesTokensDetails")
    )
    return Metered(
        audio_input=given.get("AUDIO", 0),
        audio_cached=cached.get("AUDIO", 0),
        audio_output=made.get("AUDIO", 0),
        image_input=given.get("IMAGE", 0),
        image_cached=cached.get("IMAGE", 0),
        image_output=made.get("IMAGE", 0),
        video_input=given.get("VIDEO", 0),
        tier=special_tier(raw.get("serviceTier")),
        cost=stated_cost(raw),
    )


def _by_modality(details: object) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in as_list(details) or ():
        detail = as_object(each) or {}
        modality = str(detail.get("modality"))
        found[modality] = found.get(modality, 0) + count(detail.get("tokenCount"))
    return found


def write_usage(usage: Usage) -> Json:
    """Return the `usageMetadata` of this dialect: the vendor's own where Gemini reported it.

    Google's SDKs take each count as optional, but clients add them up: an unknown one is 0 in the three
    main members. What was written to a cache is part of the prompt, since there is no other place.
    """
    if usage.origin == "gemini" and usage.raw is not None:
        return usage.raw
    prompt = usage.total_input
    written: Json = {"promptTokenCount": prompt, "candidatesTokenCount": usage.output or 0}
    if usage.cache_read is not None:
        written["cachedContentTokenCount"] = usage.cache_read
    if usage.reasoning is not None:
        written["thoughtsTokenCount"] = usage.reasoning
    return {**written, "totalTokenCount": prompt + usage.total_output}


def _count(raw: Json, name: str) -> int | None:
    value: Any = raw.get(name)
    # On every chunk's path: JSON's integers are of this very type, true and false are not.
    return max(0, value) if type(value) is int and value <= TOKENS_MAX else None


__all__ = ["metered", "parse_usage", "write_usage"]
