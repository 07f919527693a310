"""What became of one exchange, told to the caller: choices made, attempts, losses, usage.

What is kept of it is in `receipt_rest`. Older stores hold the values of all its fields without their names, which
`with_names` gives back: so their order is part of those, new ones stand at the end, and none goes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.fates import Fate, Lane
from flowrouter.canonical.loss import Loss, LossKind, rule_id
from flowrouter.wire import json


class AttemptNote(msgspec.Struct, frozen=True, array_like=True):
    """One try at a target; times in milliseconds from the exchange's start.

    `cost_usd` is what it is believed to have cost, `charge_usd` what of it counts against the caller, both as
    decimal text; None is unknown. `estimated` marks a usage, and so a cost, that the gateway estimated. `trial`:
    the target had paused, and this attempt was to find out whether it is back. `head_ms` is when the head of its
    reply was there, `paused_ms` for how long its target pauses for what came of it.
    """

    account: str
    preset: str
    model: str
    dialect: Dialect
    started_ms: float
    head_ms: float | None = None
    duration_ms: float | None = None
    status: int | None = None
    verdict: str = ""
    reason: str | None = None
    usage: dict[str, int | None] = {}
    estimated: bool = False
    cost_usd: str | None = None
    charge_usd: str | None = None
    trial: bool = False
    paused_ms: float | None = None


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """An account, or one model of it, that was not asked, or last of all, and why."""

    account: str
    reason: str
    model: str = ""


class Route(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """How the targets were chosen: the rule that found them, the strategy, and sentences about the choice.

    `order` is the plan (`account/model`), `left_out` who was not in it or had to pause; both bounded.
    """

    step: str
    strategy: str = ""
    reasons: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


class Seam(msgspec.Struct, frozen=True, kw_only=True):
    """Where another target went on with an answer that broke off.

    `at` is the number of characters of text that had left, `way` how the join was found (`restart`, `prefill`,
    `instruction`), `reason` what had broken.
    """

    at: int
    way: str
    account: str
    model: str
    reason: str


class ToldLoss(msgspec.Struct, frozen=True, kw_only=True):
    """A loss with the rule it fell under (`openai_chat>anthropic:logit_bias:dropped`)."""

    path: str
    kind: LossKind
    reason: str
    rule: str


def told(losses: Iterable[Loss], origin: Dialect, target: Dialect) -> tuple[ToldLoss, ...]:
    """Return `losses` of what travelled from `origin` to `target`, each with its rule."""
    return tuple(
        [
            ToldLoss(path=loss.path, kind=loss.kind, reason=loss.reason, rule=rule_id(loss, origin, target))
            for loss in losses
        ]
    )


class BudgetNote(msgspec.Struct, frozen=True, kw_only=True):
    """What a budget did to an exchange: the output limit it was sent with, and whether it ended the answer.

    `held` is what was reserved, by the name of the budget, in its own units (pico-USD, tokens, requests).
    """

    output_cap: int | None = None
    stopped: bool = False
    held: dict[str, int] = {}


class Receipt(msgspec.Struct, frozen=True, array_like=True):
    """The whole account of one exchange; `summary` is the one line a hurried reader needs.

    `fields` tells the fate of each field of a translated request; on the passthrough lane all passed.
    `route` is None where the request was refused before anybody was chosen; `waited_ms` is the time spent
    waiting for targets that paused. `seams` are the places where
    another target went on with the answer, `not_completed` says why nobody did.
    """

    request_id: str
    created: float
    dialect: Dialect
    endpoint: str
    asked_model: str
    stream: bool
    summary: str
    lane: Lane | None = None
    route: Route | None = None
    attempts: tuple[AttemptNote, ...] = ()
    fields: tuple[Fate, ...] = ()
    request_losses: tuple[ToldLoss, ...] = ()
    reply_losses: tuple[ToldLoss, ...] = ()
    answered_model: str | None = None
    finish: str | None = None
    seams: tuple[Seam, ...] = ()
    not_completed: str | None = None
    outcome: str = "open"
    usage: dict[str, int | None] = {}
    usage_estimated: bool = False
    cost_usd: str | None = None
    charge_usd: str | None = None
    overhead_ms: float | None = None
    first_content_ms: float | None = None
    duration_ms: float | None = None
    waited_ms: float = 0.0
    budget: BudgetNote | None = None
    complete: bool = False


def named(receipt: Receipt) -> bytes:
    """Return a receipt's JSON."""
    return with_names(json.dumps(receipt))


def with_names(kept: bytes) -> bytes:
    """Return a receipt's JSON with its names; what the oldest versions kept has them already."""
    if not kept.startswith(b"["):
        return kept
    receipt = _fields(Receipt, json.loads(kept))
    if receipt["route"] is not None:
        receipt["route"] = _fields(Route, receipt["route"])
    receipt["attempts"] = [_fields(AttemptNote, note) for note in receipt["attempts"]]
    return json.dumps(receipt)


def _fields(kind: type[msgspec.Struct], values: list[Any]) -> dict[str, Any]:
    return dict(zip(kind.__struct_fields__, values, strict=False))


__all__ = [
    "AttemptNote",
    "BudgetNote",
    "Lane",
    "LeftOut",
    "Receipt",
    "Route",
    "Seam",
    "ToldLoss",
    "named",
    "told",
    "with_names",
]
