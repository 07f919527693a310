"""The shape of `[routing]`: who is asked, in which order, and what happens when that fails.

Every table here may also be stored and changed while the gateway runs (`/api/settings`).
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from flowrouter.settings.section import Count, Seconds, Section, Share

Rotation = Literal["fill_first", "round_robin", "weighted"]
Strategy = Literal[
    "priority",
    "round_robin",
    "random",
    "weighted",
    "cost_optimal",
    "least_latency",
    "least_busy",
    "sticky",
]
Completion = Literal["complete", "best_effort", "error"]


class Conditions(Section, frozen=True):
    """What a request must be like; each condition that is given must hold.

    Sizes are estimated input tokens. `user_agent` is a glob. `hours` are local times of day, `from-to`
    (`"22:00-06:00"`), `tags` those of the gateway key.
    """

    min_tokens: Count | None = None
    max_tokens: Count | None = None
    images: bool | None = None
    tools: bool | None = None
    thinking: bool | None = None
    web_search: bool | None = None
    user_agent: str | None = None
    tags: tuple[str, ...] = ()
    hours: Annotated[str, msgspec.Meta(pattern=r"^\d\d:\d\d-\d\d:\d\d$")] | None = None


class ComboMember(Section, frozen=True):
    """One member of a combo: a model as a client would write it, or another combo."""

    model: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    weight: Count = 1
    when: Conditions = Conditions()


class ComboConfig(Section, frozen=True):
    """A named group of models that answers as one.

    `attempts` is the most tries of one request, `first_token` the seconds a member has to begin,
    `wait` how long to wait for members that all pause; what is left out is the default of `[routing]`.
    """

    members: Annotated[tuple[ComboMember, ...], msgspec.Meta(min_length=1)]
    strategy: Strategy = "priority"
    attempts: Count | None = None
    first_token: Seconds | None = None
    wait: Annotated[float, msgspec.Meta(ge=0)] | None = None
    completion: Completion | None = None


class MappingRule(Section, frozen=True):
    """One row of the table for names that coding agents send: a glob, and what it means under conditions."""

    model: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    to: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    when: Conditions = Conditions()


class Tiers(Section, frozen=True):
    """What `auto`, `auto:cheap`, `auto:standard` and `auto:strong` choose from.

    `cheap`, `standard` and `strong` name models or combos in order; an empty list means the accounts tagged
    `tier:cheap` (…), and where there are none all accounts. With `enabled`, plain `auto` is classified
    by the last user turn (characters, code) and totals (turns, images, effort).
    """

    enabled: bool = False
    cheap: tuple[str, ...] = ()
    standard: tuple[str, ...] = ()
    strong: tuple[str, ...] = ()
    cheap_max_chars: Count = 2_000
    standard_max_chars: Count = 10_000
    strong_on_code: bool = True
    strong_on_images: bool = False
    strong_on_effort: bool = True
    strong_min_turns: Count = 24


class IntentRule(Section, frozen=True):
    """Prompts that may go only to accounts with a tag: a regular expression over the request's text."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    pattern: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]
    tag: str = "local"
    where: tuple[Literal["user", "system", "tool"], ...] = ("user", "system", "tool")


class Bypass(Section, frozen=True):
    """Requests of coding agents that need no model: answered here, at no cost. Off by default."""

    enabled: bool = False
    warmup: bool = True
    count: bool = True
    title_prefill: bool = True
    topic: bool = False
    patterns: tuple[str, ...] = ()
    answer: str = "OK"


class Hedging(Section, frozen=True):
    """A second attempt at another account when the first is slow to begin. Off by default.

    It starts when the first token is later than `quantile` of those before, at least `min_wait` seconds;
    hedges may cost at most `spend_share` of what all requests of the last hour cost.
    """

    enabled: bool = False
    quantile: Annotated[float, msgspec.Meta(ge=0.5, le=0.999)] = 0.95
    min_wait: Seconds = 2.0
    spend_share: Share = 0.05


class Affinity(Section, frozen=True):
    """Whether a session keeps the account that holds its prompt cache, and for how long it does."""

    enabled: bool = True
    minutes: Seconds = 60.0


class Routing(Section, frozen=True):
    """Who is asked, in which order.

    `rotation` is how the accounts of one priority take turns, `rotations` the same per preset.
    `default_model` answers names that nobody does, `disabled_models` are globs of models that are never
    asked. `attempts` is the most tries of one request, `wait` the seconds it may wait for targets
    that all pause, `completion` what becomes of a stream that breaks. A stream slower than `slow_tokens`
    tokens a second at its beginning gives way to another target before any of it has left; 0 switches
    that off. `failover_on_content_filter` asks elsewhere what one provider's filter refused; `probes`
    lets the gateway test paused accounts with calls of its own, which cost money.
    """

    rotation: Rotation = "fill_first"
    rotations: dict[str, Rotation] = {}
    default_model: str = ""
    disabled_models: tuple[str, ...] = ()
    attempts: Count = 8
    wait: Annotated[float, msgspec.Meta(ge=0)] = 5.0
    completion: Completion = "complete"
    slow_tokens: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    failover_on_content_filter: bool = False
    probes: bool = False
    combos: dict[str, ComboConfig] = {}
    mapping: tuple[MappingRule, ...] = ()
    tiers: Tiers = Tiers()
    intents: tuple[IntentRule, ...] = ()
    bypass: Bypass = Bypass()
    hedging: Hedging = Hedging()
    affinity: Affinity = Affinity()


__all__ = [
    "Affinity",
    "Bypass",
    "ComboConfig",
    "ComboMember",
    "Completion",
    "Conditions",
    "Hedging",
    "IntentRule",
    "MappingRule",
    "Rotation",
    "Routing",
    "Strategy",
    "Tiers",
]
