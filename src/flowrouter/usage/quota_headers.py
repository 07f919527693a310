"""What answers say of limits in their headers: one table of shapes, and its reader.

Most hosts write `x-ratelimit-{limit,remaining,reset}-{what}[-{span}]`; Anthropic puts the words the other
way round and, for plans, tells shares; Codex tells percents. An unknown window of a known family is shown
under the name it came with. Sources, read in 2026-11: platform.openai.com/docs/guides/rate-limits,
docs.anthropic.com/en/api/rate-limits, console.groq.com/docs/rate-limits, inference-docs.cerebras.ai/support/rate-limits,
learn.microsoft.com/azure/ai-foundry/openai/how-to/quota, docs.digitalocean.com (quota-specific response headers);
Mistral's, Anthropic's plan and Codex's headers as recorded from their answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from flowrouter.usage.quota import Unit, Window, filled, span_named
from flowrouter.wire.moments import moment, number


class Counts(NamedTuple):
    """A limit that is told in numbers: the headers, and what they mean. `whole`: of the account, not of a model."""

    left: str
    limit: str
    reset: str
    name: str
    unit: Unit
    span: str
    whole: bool


_UNITS: dict[str, Unit] = {
    "requests": "requests", "req": "requests", "tokens": "tokens", "input-tokens": "input_tokens",
    "output-tokens": "output_tokens", "tokens-prompt": "input_tokens", "tokens-generated": "output_tokens",
}  # fmt: skip
_SPANS = ("", "second", "minute", "hour", "day", "month")


def _spoken(what: str, span: str, per: str) -> Counts:
    unit, tail = _UNITS[what], f"{what}{per}{span}" if span else what
    return Counts(
        left=f"x-ratelimit-remaining-{tail}",
        limit=f"x-ratelimit-limit-{tail}",
        reset=f"x-ratelimit-reset-{tail}",
        name=unit,
        unit=unit,
        # Without a word for it a limit is one of a minute: OpenAI's, Azure's, Fireworks'.
        span=span or "minute",
        whole=False,
    )


def _plain(prefix: str, unit: Unit) -> Counts:
    return Counts(f"{prefix}-remaining", f"{prefix}-limit", f"{prefix}-reset", unit, unit, "", whole=True)


def _anthropic(what: str) -> Counts:
    prefix, unit = f"anthropic-ratelimit-{what}", _UNITS[what]
    return Counts(
        f"{prefix}-remaining", f"{prefix}-limit", f"{prefix}-reset", unit, unit, "minute", whole=False
    )


COUNTS: tuple[Counts, ...] = (
    *(
        _spoken(what, span, per)
        for what in _UNITS
        for span in _SPANS
        for per in (("-", "-per-") if span else ("-",))
    ),
    *(_anthropic(what) for what in ("requests", "tokens", "input-tokens", "output-tokens")),
    # Together, GitHub Models and many gateways; OpenRouter where it refuses; the IETF's draft.
    *(_plain(prefix, "requests") for prefix in ("x-ratelimit", "ratelimit")),
    *(_plain(prefix, "tokens") for prefix in ("x-tokenlimit", "ratelimitbysize", "x-ratelimitbysize")),
)
"""The shapes that tell numbers."""

ELSEWHERE: dict[tuple[str, str], str] = {("groq", "x-ratelimit-remaining-requests"): "day"}
"""Where a preset means another span than the others by the same header."""

_UNIFIED = "anthropic-ratelimit-unified-"
_CODEX = "x-codex-"
_CODEX_SPANS = ("primary", "secondary")

_BY_LEFT = {row.left: row for row in COUNTS} | {row.limit: row for row in COUNTS}
_MARKS = (f"{_UNIFIED}status", f"{_UNIFIED}5h-utilization", f"{_UNIFIED}7d-utilization", f"{_CODEX}primary-used-percent",
          f"{_CODEX}secondary-used-percent", f"{_CODEX}credits-has-credits")  # fmt: skip

TELLING = frozenset((*_BY_LEFT, *_MARKS))
"""Headers of which at least one stands in every answer that says anything of limits."""


def read(headers: Mapping[str, str], *, preset: str, model: str, now: float) -> tuple[Window, ...]:
    """Return what the headers of an answer of `model` say; names are in lower case."""
    found = dict[str, Window]()
    for name in headers:
        row = _BY_LEFT.get(name)
        if row is not None and (window := _counted(row, headers, preset, model=model, now=now)) is not None:
            found[window.key] = window
    for mark, reader in ((_UNIFIED, _unified), (_CODEX, _codex)):
        if any(name.startswith(mark) for name in headers):
            found |= {window.key: window for window in reader(headers, now)}
    return tuple(found.values())


def _counted(
    row: Counts, headers: Mapping[str, str], preset: str, *, model: str, now: float
) -> Window | None:
    left, limit = number(headers.get(row.left, "")), number(headers.get(row.limit, ""))
    if left is None or left < 0 or limit == 0:
        return None
    seconds = moment(headers.get(row.reset, ""), now)
    span = ELSEWHERE.get((preset, row.left), row.span)
    if span == "minute" and seconds is not None and seconds > 3600:
        span = "day"  # requests a day, of a free tier, under the header of requests a minute
    return filled(
        Window(
            name=f"{row.name}/{span}" if span else row.name,
            unit=row.unit,
            source="header",
            as_of=now,
            span=span,
            limit=limit,
            remaining=left,
            resets_at=None if seconds is None else now + max(0.0, seconds),
            models="" if row.whole else model,
        )
    )


def _unified(headers: Mapping[str, str], now: float) -> Iterator[Window]:
    """Yield the windows of an Anthropic plan: shares of 1, for the account or for a family of models.

    Beyond a window's end extra usage may be allowed; then the status, not the share, decides.
    """
    whole = headers.get(f"{_UNIFIED}status", "")
    for name, value in headers.items():
        if not (name.startswith(_UNIFIED) and name.endswith("-utilization")):
            continue
        label, share = name[len(_UNIFIED) : -len("-utilization")], number(value)
        if share is None or label == "overage":
            continue
        said = headers.get(f"{_UNIFIED}{label}-status", "")
        length, _, family = label.partition("_")
        yield _share(
            f"plan/{label}",
            share * 100,
            span={"7d": "week", "1d": "day", "30d": "month"}.get(length, length),
            reset=headers.get(f"{_UNIFIED}{label}-reset", ""),
            refused=_refused(said or whole) if share >= 1 or said else None,
            models=f"*{family}*" if family else "",
            now=now,
        )
    if _refused(whole):
        reset = headers.get(f"{_UNIFIED}reset", "")
        yield _share("plan", 100.0, span="", reset=reset, refused=True, models="", now=now)


def _codex(headers: Mapping[str, str], now: float) -> Iterator[Window]:
    """Yield the windows of a Codex plan and of its further limits, and its credits."""
    paid = any(
        headers.get(f"{_CODEX}credits-{what}", "").lower() == "true" for what in ("has-credits", "unlimited")
    )
    for name, value in headers.items():
        if not name.endswith("-used-percent") or (used := number(value)) is None:
            continue
        stem = name.removesuffix("-used-percent")
        limit, _, which = stem.removeprefix("x-").rpartition("-")
        if which not in _CODEX_SPANS:
            continue
        minutes = number(headers.get(f"{stem}-window-minutes", ""))
        label = which if limit == "codex" else f"{limit}-{which}"
        yield _share(
            f"plan/{label}",
            used,
            span=span_named(minutes * 60) if minutes else "",
            reset=headers.get(f"{stem}-reset-at", "") or headers.get(f"{stem}-reset-after-seconds", ""),
            # Credits carry on where the plan's own window ends.
            refused=False if paid else None,
            models="" if limit == "codex" else f"*{limit}*",
            now=now,
        )
    if (balance := number(headers.get(f"{_CODEX}credits-balance", ""))) is not None:
        yield Window(
            name="credits", unit="credits", source="header", as_of=now, span="balance", remaining=balance, refused=False
        )  # fmt: skip


def _share(
    name: str, percent: float, *, span: str, reset: str, refused: bool | None, models: str, now: float
) -> Window:
    seconds = moment(reset, now)
    return Window(
        name=name,
        unit="percent",
        source="header",
        as_of=now,
        span=span,
        limit=100.0,
        used=percent,
        remaining=max(0.0, 100.0 - percent),
        resets_at=None if seconds is None else now + max(0.0, seconds),
        refused=refused,
        models=models,
    )


def _refused(status: str) -> bool:
    return status == "rejected"


__all__ = ["COUNTS", "ELSEWHERE", "TELLING", "Counts", "read"]
