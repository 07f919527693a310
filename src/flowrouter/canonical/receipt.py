"""What became of one exchange, told to the caller: choices made, attempts, losses, usage."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.fates import Fate, Lane
from flowrouter.canonical.loss import Loss, LossKind, rule_id


class AttemptNote(msgspec.Struct, frozen=True, kw_only=True):
    """One try at a target; times in milliseconds from the exchange's start."""

    account: str
    preset: str
    model: str
    dialect: Dialect
    started_ms: float
    duration_ms: float | None = None
    status: int | None = None
    verdict: str = ""
    reason: str | None = None


class ToldLoss(msgspec.Struct, frozen=True, kw_only=True):
    """A loss with the rule it fell under (`openai_chat>anthropic:logit_bias:dropped`)."""

    path: str
    kind: LossKind
    reason: str
    rule: str


def told(losses: Iterable[Loss], origin: Dialect, target: Dialect) -> tuple[ToldLoss, ...]:
    """Return `losses` of what travelled from `origin` to `target`, each with its rule."""
    return tuple(
        ToldLoss(path=loss.path, kind=loss.kind, reason=loss.reason, rule=rule_id(loss, origin, target))
        for loss in losses
    )


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The whole account of one exchange; `summary` is the one line a hurried reader needs.

    `fields` tells the fate of each field of a translated request; on the passthrough lane all passed.
    """

    request_id: str
    created: float
    dialect: Dialect
    endpoint: str
    asked_model: str
    stream: bool
    summary: str
    lane: Lane | None = None
    attempts: tuple[AttemptNote, ...] = ()
    fields: tuple[Fate, ...] = ()
    request_losses: tuple[ToldLoss, ...] = ()
    reply_losses: tuple[ToldLoss, ...] = ()
    answered_model: str | None = None
    finish: str | None = None
    outcome: str = "open"
    usage: dict[str, int | None] = {}
    usage_estimated: bool = False
    overhead_ms: float | None = None
    first_content_ms: float | None = None
    duration_ms: float | None = None
    complete: bool = False


__all__ = ["AttemptNote", "Lane", "Receipt", "ToldLoss", "told"]
