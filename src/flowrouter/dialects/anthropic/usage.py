"""Token counts: this dialect's `input_tokens` excludes cached ones, as the hub's `input` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from flowrouter.canonical.metered import PLAIN, Metered, count, special_tier, stated_cost
from flowrouter.canonical.usage import Usage, token_count

_UNTOLD = {"server_tool_use": None, "service_tier": None, "inference_geo": None}
"""Members that must be there (published schema, November 2026), about which only the vendor itself could tell."""

_ONLY_AT_START = frozenset({"cache_creation", "service_tier", "inference_geo", "speed"})


_TELLING = frozenset({"service_tier", "speed", "server_tool_use", "cost", "cost_in_usd_ticks"})
"""Members that tell of more than the five kinds."""


_DETAILS = frozenset(
    {"cache_creation_input_tokens", "cache_creation", "cache_read_input_tokens", "output_tokens_details"}
)  # fmt: skip
"""Members that tell what of the tokens was cached, or thought."""


def parse_usage(value: object) -> Usage | None:
    """Return the counts of a `usage` object, None if it is not one."""
    if not isinstance(value, dict):
        return None
    raw: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
    output = token_count(raw.get("output_tokens"))
    if _DETAILS.isdisjoint(raw):
        return Usage(input=token_count(raw.get("input_tokens")), output=output, origin="anthropic", raw=raw)
    given, long, reasoning = raw.get("cache_creation_input_tokens"), None, None
    write = None if given is None else token_count(given)
    if "cache_creation" in raw and (split := _mapping(raw, "cache_creation")):
        short, long = (
            token_count(split.get("ephemeral_5m_input_tokens")),
            token_count(split.get("ephemeral_1h_input_tokens")),
        )
        if write is None and (short is not None or long is not None):
            write = (short or 0) + (long or 0)
    if "output_tokens_details" in raw and (details := _mapping(raw, "output_tokens_details")):
        reasoning = token_count(details.get("thinking_tokens"))
        if output is not None and reasoning is not None:
            output = max(0, output - reasoning)
    read = raw.get("cache_read_input_tokens")
    return Usage(
        input=token_count(raw.get("input_tokens")),
        cache_read=None if read is None else token_count(read),
        cache_write=write,
        cache_write_1h=long,
        output=output,
        reasoning=reasoning,
        origin="anthropic",
        raw=raw,
    )


def metered(usage: Usage) -> Metered:
    """Return what else `usage` is billed by. Capacity that was bought ahead (`priority`) has no price a token."""
    raw = usage.raw or {}
    if _TELLING.isdisjoint(raw):
        return PLAIN
    batch = raw.get("service_tier") == "batch"
    return Metered(
        searches=count(_mapping(raw, "server_tool_use").get("web_search_requests")),
        tier="batch" if batch else special_tier(raw.get("speed")),
        cost=stated_cost(raw),
    )


def render_usage(usage: Usage | None) -> dict[str, Any]:
    """Return a reply's `usage`: the vendor's own object where it is ours to give back.

    Input and output counts must be there and be numbers; what nobody counted is 0. The other members
    must be there too, and are null where nothing is known.
    """
    if usage is not None and usage.origin == "anthropic" and usage.raw is not None and not usage.estimated:
        return {"input_tokens": 0, "output_tokens": 0, **usage.raw}
    usage = usage or Usage()
    reasoning = usage.reasoning
    return {
        "input_tokens": usage.input or 0,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": None if usage.cache_write_1h is None else _by_lifetime(usage),
        "output_tokens": (usage.output or 0) + (reasoning or 0),
        "output_tokens_details": None if reasoning is None else {"thinking_tokens": reasoning},
        **_UNTOLD,
    }


def _by_lifetime(usage: Usage) -> dict[str, int]:
    long = usage.cache_write_1h or 0
    return {
        "ephemeral_5m_input_tokens": max(0, (usage.cache_write or 0) - long),
        "ephemeral_1h_input_tokens": long,
    }


def render_delta_usage(usage: Usage | None) -> dict[str, Any]:
    """Return the `usage` of a `message_delta`: the same without what only a start tells."""
    own = usage is not None and usage.origin == "anthropic"
    return {
        name: value
        for name, value in render_usage(usage).items()
        if name not in _ONLY_AT_START and (own or value is not None)
    }


def _mapping(raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = raw.get(name)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


__all__ = ["metered", "parse_usage", "render_delta_usage", "render_usage"]
