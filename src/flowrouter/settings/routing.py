"""The shape of `[routing]`: who is asked, in which order, and what happens when that fails.

Every table here may also be stored and changed while the gateway runs (`/api/settings`).
"""

from __future__ import annotations

from collections.abc import Iterable
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

_HOURS = r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$"


COMBO_NAME_MAX = 200


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
    hours: Annotated[str, msgspec.Meta(pattern=_HOURS)] | None = None


class ComboMember(Section, frozen=True):
    """One member of a combo: a model as a client would write it, or another combo."""

    model: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    weight: Count = 1
    when: Conditions = Conditions()


Members = Annotated[tuple[ComboMember, ...], msgspec.Meta(min_length=1)]
Wait = Annotated[float, msgspec.Meta(ge=0)]
"""Seconds to wait for members that all pause."""


class ComboConfig(Section, frozen=True):
    """A named group of models that answers as one.

    `attempts` is the most tries of one request, `first_token` the seconds a member has to begin,
    `wait` how long to wait for members that all pause; what is left out is the default of `[routing]`.
    """

    members: Members
    strategy: Strategy = "priority"
    attempts: Count | None = None
    first_token: Seconds | None = None
    wait: Wait | None = None
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
    by the last user turn (characters, code) and totals (turns, images, effort, and with
    `strong_min_output` the length the answer may have).
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
    strong_min_output: Count | None = None


class IntentRule(Section, frozen=True):
    """Prompts that may go only to accounts with a tag: a regular expression over the request's text.

    Case does not count, `^` and `$` stand at lines, `pattern` knows what the library `regex` knows.
    `tool` is what tools are, were asked and gave. `model` answers where the name asked for leads to
    no account with the tag; empty refuses the request.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    pattern: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]
    tag: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] = "local"
    where: Annotated[
        tuple[Literal["user", "system", "tool", "assistant"], ...], msgspec.Meta(min_length=1)
    ] = ("user", "system", "tool")
    model: Annotated[str, msgspec.Meta(max_length=200)] = ""

    def __post_init__(self) -> None:
        check_pattern(self.pattern, called="pattern")


class Bypass(Section, frozen=True):
    """Requests of coding agents that need no model: answered here, at no cost. Off by default.

    `warmup` is a first message `Warmup`, `count` one that is `count`, `title_prefill` an answer that is to
    begin with `{`, `topic` the question whether a message begins a new topic; `patterns` are regular
    expressions over the last turn of the user. `answer` is what the first two and the last are told.
    """

    enabled: bool = False
    warmup: bool = True
    count: bool = True
    title_prefill: bool = True
    topic: bool = False
    patterns: tuple[str, ...] = ()
    answer: Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)] = "OK"

    def __post_init__(self) -> None:
        for place, pattern in enumerate(self.patterns):
            check_pattern(pattern, called=f"patterns[{place}]")


def check_pattern(pattern: str, *, called: str) -> None:
    """Raise `ValueError` for what is no regular expression, with the place in it."""
    import regex  # loaded only where somebody wrote one

    try:
        regex.compile(pattern)
    except regex.error as error:
        raise ValueError(f"{called} is no regular expression: {error}") from None


class Hedging(Section, frozen=True):
    """A second attempt at another account when the first is slow to begin. Off by default.

    It starts when the first token is later than `quantile` of those before, at least `min_wait` seconds;
    hedges may cost at most `spend_share` of what all requests of the last hour cost.
    """

    enabled: bool = False
    quantile: Annotated[float, msgspec.Meta(ge=0.5, le=0.999)] = 0.95
    min_wait: Seconds = 2.0
    spend_share: Share = 0.05


FailureName = Literal[
    "request_fault",
    "param_unsupported",
    "context_overflow",
    "content_filter",
    "auth",
    "billing",
    "model_missing",
    "rate_limit",
    "overloaded",
    "server",
    "network",
    "timeout",
    "cancelled",
    "bad_reply",
]
"""The classes of failure; what each leads to is a table in `routing.verdict`."""

Status = Annotated[int, msgspec.Meta(ge=400, le=599)] | Annotated[str, msgspec.Meta(pattern=r"^[45]xx$")]


class FailureRule(Section, frozen=True):
    """One row of the table that tells what a provider's refusal means; the first that fits decides.

    Every condition that is given must hold, of several values in one of them any. `status` takes numbers
    and `4xx`, `5xx`; `code` and `kind` are those of the error object; `text` are phrases of the message,
    whatever their case, `pattern` a regular expression over it in lower case; `dialect` is the provider's,
    `preset` a glob. A row that reads the message never pauses anybody for a status that blames the
    request (400, 413, 422): the message may quote the request.
    """

    failure: FailureName
    reason: Annotated[str, msgspec.Meta(max_length=300)] = ""
    status: tuple[Status, ...] = ()
    code: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    pattern: Annotated[str, msgspec.Meta(max_length=1_000)] = ""
    dialect: tuple[Literal["openai_chat", "openai_responses", "anthropic", "gemini"], ...] = ()
    preset: str = ""

    def __post_init__(self) -> None:
        if not (self.status or self.code or self.kind or self.text or self.pattern):
            raise ValueError("a rule needs one of status, code, kind, text and pattern")
        if not all(phrase.strip() for phrase in self.text):
            raise ValueError("an empty text would fit everything")
        if self.pattern:
            check_pattern(self.pattern, called="pattern")


class Affinity(Section, frozen=True):
    """Whether a session keeps the account that holds its prompt cache, and for how long it does."""

    enabled: bool = True
    minutes: Seconds = 60.0


def check_combo_names(names: Iterable[str]) -> None:
    """Raise `ValueError` for a name that is none, and for two that differ in case only."""
    seen: set[str] = set()
    for name in names:
        if not name or name != name.strip() or len(name) > COMBO_NAME_MAX or not name.isprintable():
            raise ValueError(
                f"combos: {name[:COMBO_NAME_MAX]!r} is no name; it may hold no blanks at its ends"
            )
        if name.lower() in seen:
            raise ValueError(f"combos: there are two called {name!r}; case does not tell them apart")
        seen.add(name.lower())


class Routing(Section, frozen=True):
    """Who is asked, in which order.

    `rotation` is how the accounts of one priority take turns, `rotations` the same per preset.
    `default_model` answers names that nobody does, `disabled_models` are globs of models that are never
    asked. `attempts` is the most tries of one request, `wait` the seconds it may wait for targets
    that all pause, `completion` what becomes of a stream that breaks. A stream slower than `slow_tokens`
    tokens a second at its beginning gives way to another target before any of it has left; 0 switches
    that off. `failover_on_content_filter` asks elsewhere what one provider's filter refused; `probes`
    lets the gateway test paused accounts with calls of its own, which cost money. `pause_max` is the most
    seconds a target pauses because its provider named a time; `rules` go before our own table of what a
    failure means.
    """

    rotation: Rotation = "fill_first"
    rotations: dict[str, Rotation] = {}
    default_model: str = ""
    disabled_models: tuple[str, ...] = ()
    attempts: Count = 8
    wait: Wait = 5.0
    completion: Completion = "complete"
    slow_tokens: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    failover_on_content_filter: bool = False
    probes: bool = False
    pause_max: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 1_800.0
    rules: tuple[FailureRule, ...] = ()
    combos: dict[str, ComboConfig] = {}
    mapping: tuple[MappingRule, ...] = ()
    tiers: Tiers = Tiers()
    intents: tuple[IntentRule, ...] = ()
    bypass: Bypass = Bypass()
    hedging: Hedging = Hedging()
    affinity: Affinity = Affinity()

    def __post_init__(self) -> None:
        check_combo_names(self.combos)


__all__ = [
    "COMBO_NAME_MAX",
    "Affinity",
    "Bypass",
    "ComboConfig",
    "ComboMember",
    "Completion",
    "Conditions",
    "FailureName",
    "FailureRule",
    "Hedging",
    "IntentRule",
    "MappingRule",
    "Members",
    "Rotation",
    "Routing",
    "Status",
    "Strategy",
    "Tiers",
    "Wait",
    "check_combo_names",
    "check_pattern",
]
