"""Token counts of Responses, to and from the five disjoint counts of the hub."""

from __future__ import annotations

from flowrouter.canonical.metered import PLAIN, Metered, count, special_tier, stated_cost
from flowrouter.canonical.usage import Usage, token_count
from flowrouter.wire.members import Json, as_list, as_object

_TELLING = frozenset(
    {"input_tokens_details", "output_tokens_details", "cost", "cost_in_usd_ticks"}
)  # fmt: skip
"""Members that tell of more than the five kinds."""


def parse_usage(raw: Json, *, response: Json | None = None) -> Usage:
    """Return the counts in `raw`: input tokens include cached ones, output tokens include reasoning.

    `response` is the answer that it belongs to, which names the tier and holds the searches that were made.
    """
    given, made = token_count(raw.get("input_tokens")), token_count(raw.get("output_tokens"))
    read = write = reasoning = None
    if details := as_object(raw.get("input_tokens_details")):
        read, write = (
            token_count(details.get("cached_tokens")),
            token_count(details.get("cache_write_tokens")),
        )
    if details := as_object(raw.get("output_tokens_details")):
        reasoning = token_count(details.get("reasoning_tokens"))
    return Usage(
        input=None if given is None else max(0, given - (read or 0) - (write or 0)),
        cache_read=read,
        cache_write=write,
        output=None if made is None else max(0, made - (reasoning or 0)),
        reasoning=reasoning,
        origin="openai_responses",
        raw=raw,
        tier=special_tier((response or {}).get("service_tier")),
        searches=_searches((response or {}).get("output")),
    )


def metered(usage: Usage) -> Metered:
    """Return what else `usage` is billed by."""
    raw = usage.raw or {}
    if usage.tier is None and not usage.searches and _TELLING.isdisjoint(raw):
        return PLAIN
    given = as_object(raw.get("input_tokens_details")) or {}
    made = as_object(raw.get("output_tokens_details")) or {}
    return Metered(
        audio_input=count(given.get("audio_tokens")),
        image_input=count(given.get("image_tokens")),
        audio_output=count(made.get("audio_tokens")),
        image_output=count(made.get("image_tokens")),
        searches=usage.searches or 0,
        tier=usage.tier,
        cost=stated_cost(raw),
    )


def _searches(output: object) -> int | None:
    """Return the billed web searches among output items: to open or to look through a page is none."""
    found = 0
    for item in as_list(output) or ():
        call = as_object(item) or {}
        if call.get("type") == "web_search_call":
            found += (as_object(call.get("action")) or {}).get("type") in (None, "search")
    return found or None


def write_usage(usage: Usage) -> Json:
    """Return the usage object: the vendor's own where this dialect reported it.

    All its members must be there as integers (openai 3.54, `ResponseUsage`), so an unknown count is 0.
    """
    if usage.origin == "openai_responses" and usage.raw is not None and not usage.estimated:
        return usage.raw
    given, made = usage.total_input, usage.total_output
    return {
        "input_tokens": given,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read or 0,
            "cache_write_tokens": usage.cache_write or 0,
        },
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning or 0},
        "total_tokens": given + made,
    }


__all__ = ["metered", "parse_usage", "write_usage"]
