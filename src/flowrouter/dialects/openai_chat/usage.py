"""Usage objects of Chat and its many hosts, to and from the five disjoint counts."""

from __future__ import annotations

from flowrouter.canonical.metered import PLAIN, Metered, count, special_tier, stated_cost
from flowrouter.canonical.usage import Usage, token_count
from flowrouter.wire.members import Json, as_object

_TELLING = frozenset(
    {"prompt_tokens_details", "completion_tokens_details", "cost", "cost_in_usd_ticks"}
)  # fmt: skip
"""Members that tell of more than the five kinds."""

_DETAILS = frozenset(
    {"prompt_tokens_details", "completion_tokens_details", "prompt_cache_hit_tokens", "cached_tokens", "reasoning_tokens"}
)  # fmt: skip
"""Members that tell what of the tokens was cached, or thought."""


def parse_usage(raw: Json, *, tier: object = None) -> Usage:
    """Return the counts in `raw`; `tier` is the service tier that the answer names beside it.

    Chat's prompt tokens include cached ones and its completion tokens include reasoning. Hosts name
    cached tokens differently: `prompt_tokens_details.cached_tokens` (OpenAI),
    `prompt_cache_hit_tokens` (DeepSeek), a top-level `cached_tokens` (Moonshot).
    """
    prompt, completion = token_count(raw.get("prompt_tokens")), token_count(raw.get("completion_tokens"))
    tier = None if tier is None else special_tier(tier)
    if _DETAILS.isdisjoint(raw):
        return Usage(input=prompt, output=completion, origin="openai_chat", raw=raw, tier=tier)
    read = write = reasoning = None
    given = as_object(raw.get("prompt_tokens_details"))
    made = as_object(raw.get("completion_tokens_details"))
    if given:
        read, write = token_count(given.get("cached_tokens")), token_count(given.get("cache_write_tokens"))
    if read is None:
        read = _first(raw, "prompt_cache_hit_tokens", "cached_tokens")
    if made:
        reasoning = token_count(made.get("reasoning_tokens"))
    if reasoning is None:
        reasoning = _first(raw, "reasoning_tokens")
    return Usage(
        input=None if prompt is None else max(0, prompt - (read or 0) - (write or 0)),
        cache_read=read,
        cache_write=write,
        output=_visible(raw, completion, reasoning) if completion and reasoning else completion,
        reasoning=reasoning,
        origin="openai_chat",
        raw=raw,
        tier=tier,
    )


def metered(usage: Usage) -> Metered:
    """Return what else `usage` is billed by; a picture's tokens are those of the image models."""
    raw = usage.raw or {}
    if usage.tier is None and _TELLING.isdisjoint(raw):
        return PLAIN
    prompt = as_object(raw.get("prompt_tokens_details")) or {}
    made = as_object(raw.get("completion_tokens_details")) or {}
    return Metered(
        audio_input=count(prompt.get("audio_tokens")),
        image_input=count(prompt.get("image_tokens")),
        audio_output=count(made.get("audio_tokens")),
        image_output=count(made.get("image_tokens")),
        tier=usage.tier,
        cost=stated_cost(raw),
    )


def _visible(raw: Json, completion: int, reasoning: int) -> int:
    total, prompt = token_count(raw.get("total_tokens")), token_count(raw.get("prompt_tokens"))
    if total is not None and prompt is not None and total == prompt + completion + reasoning:
        # xAI counts reasoning beside the completion, not inside it.
        return completion
    return max(0, completion - reasoning)


def _first(raw: Json, *names: str) -> int | None:
    for name in names:
        if name in raw and (value := token_count(raw[name])) is not None:
            return value
    return None


def write_usage(usage: Usage) -> Json:
    """Return the usage object of this dialect: the vendor's own where Chat reported it.

    SDK models need integers in the three main members, so an unknown count is 0 there.
    """
    if usage.origin == "openai_chat" and usage.raw is not None:
        return usage.raw
    prompt, completion = usage.total_input, usage.total_output
    written: Json = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    if usage.cache_read is not None or usage.cache_write is not None:
        details = {"cached_tokens": usage.cache_read or 0}
        if usage.cache_write is not None:
            details["cache_write_tokens"] = usage.cache_write
        written["prompt_tokens_details"] = details
    if usage.reasoning is not None:
        written["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
    return written


__all__ = ["metered", "parse_usage", "write_usage"]
