"""Writes the receipt of one exchange: what was chosen, what became of each field, what it took."""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.fates import Fate, fates, member_names
from flowrouter.canonical.leftovers import NESTED
from flowrouter.canonical.receipt import AttemptNote, LeftOut, Receipt, Route, told
from flowrouter.canonical.usage import Usage
from flowrouter.gateway.amounts import AttemptCost, Costs
from flowrouter.gateway.attempt_log import AttemptLog
from flowrouter.gateway.exchange import Exchange
from flowrouter.routing import Plan, Target
from flowrouter.routing.facts import NAME_MAX
from flowrouter.routing.tree import Note
from flowrouter.usage.pricing import usd

_members: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, msgspec.Raw])


def receipt_of(exchange: Exchange, ended: float, *, costs: Costs) -> Receipt:
    """Return the receipt of an exchange that ended at `ended` (seconds, monotonic)."""
    inbound, head, attempts, usage = exchange.inbound, exchange.head, exchange.attempts, exchange.usage
    started, first = inbound.started, exchange.first_content_at
    asked, counts = inbound.dialect, _counts(usage)
    target = attempts[-1].target.dialect if attempts else asked
    # By place, as `settle` makes the row, and for the same reason.
    return Receipt(
        inbound.request_id,
        inbound.wall,
        asked,
        inbound.endpoint,
        "" if head is None else head.model,
        False if head is None else head.stream,
        _summary(exchange),
        exchange.lane,
        None if exchange.plan is None else _route(exchange.plan),
        tuple(
            [
                _note(attempt, cost, started, counts=counts if cost.usage is usage else _counts(cost.usage))
                for attempt, cost in zip(attempts, costs.attempts, strict=True)
            ]
        ),
        _fields(exchange, target),
        told(exchange.request_losses, asked, target) if exchange.request_losses else (),
        told(exchange.reply_losses, target, asked) if exchange.reply_losses else (),
        exchange.answered_model,
        exchange.finish,
        tuple(exchange.seams),
        exchange.not_completed,
        exchange.outcome,
        counts,
        usage is not None and usage.estimated,
        usd(costs.cost),
        usd(costs.charge),
        round(max(0.0, (first or ended) - started - exchange.upstream_wait) * 1000, 2),
        round((first - started) * 1000, 2) if first else None,
        round((ended - started) * 1000, 2),
        round(exchange.waited * 1000, 2) if exchange.waited else 0.0,
        None if exchange.hold is None else exchange.hold.note(),
        True,
    )


def _summary(exchange: Exchange) -> str:
    match exchange.outcome:
        case "ok":
            pass
        case "cancelled":
            return "the client went away before the answer ended"
        case "partial":
            return "the answer was cut off by the provider and ended with an error"
        case "error":
            said = exchange.problem.message if exchange.problem is not None else "no answer"
            return f"no answer: {said[:200]}"
    if exchange.bypass:
        return f"answered here without a model, by the bypass rule {exchange.bypass}"
    if exchange.lane == "passthrough" and not exchange.request_losses:
        return "all fields passed, bytes unchanged, except the owned fields (see ARCHITECTURE.md)"
    if exchange.lane == "passthrough":
        named = ", ".join(loss.path[:100] for loss in exchange.request_losses[:8])
        return f"all other fields passed, bytes unchanged, except the owned fields and {named}"
    losses = len(exchange.request_losses) + len(exchange.reply_losses)
    return (
        f"translated with {losses} loss{'' if losses == 1 else 'es'}" if losses else "translated without loss"
    )


def _route(plan: Plan) -> Route:
    """Return how the targets were chosen; of many, the first are told, and how many there are."""
    kept = _routes.get(id(plan))
    if kept is not None:
        return kept[1]
    route = Route(
        step=plan.step[:_TEXT_MAX],
        strategy=plan.strategy,
        reasons=_first([reason[:_TEXT_MAX] for reason in plan.reasons]),
        order=_first([f"{target.account}/{target.model}"[:_TEXT_MAX] for target in plan.targets]),
        left_out=_left_out(plan),
    )
    if len(plan.asked) > NAME_MAX:
        return route
    if len(_routes) >= _ROUTES_MAX:
        _routes.clear()
    _routes[id(plan)] = (plan, route)
    return route


_ROUTES_MAX = 256
_routes: dict[int, tuple[Plan, Route]] = {}
"""What was told of plans, by their `id`, which is theirs as long as they stand here: the planner keeps most of them."""


def _left_out(plan: Plan) -> tuple[LeftOut, ...]:
    """Return who was not asked, or only after all others."""
    left = [_left(note, note.reason) for note in plan.notes if not note.taken]
    if plan.obstacles:
        for target in plan.targets:
            obstacle = plan.obstacles.get(target.key)
            if obstacle is not None and not obstacle.probe:
                left.append(_left(target, obstacle.reason))
    return tuple(left[:_TOLD_MAX]) if left else ()


def _left(whom: Note | Target, reason: str) -> LeftOut:
    return LeftOut(account=whom.account, model=whom.model, reason=reason)


def _first(told: list[str]) -> tuple[str, ...]:
    left = len(told) - _TOLD_MAX
    return tuple(told) if left <= 0 else (*told[:_TOLD_MAX], f"+{left}")


_TOLD_MAX = 12
_TEXT_MAX = 300


def _note(
    attempt: AttemptLog, cost: AttemptCost, started: float, *, counts: dict[str, int | None]
) -> AttemptNote:
    target, began, head_at, ended = attempt.target, attempt.started, attempt.head_at, attempt.ended
    return AttemptNote(
        target.account,
        target.preset,
        target.model,
        target.dialect,
        started_ms=round((began - started) * 1000, 2),
        head_ms=round((head_at - started) * 1000, 2) if attempt.status is not None and head_at else None,
        duration_ms=round((ended - began) * 1000, 2) if ended is not None else None,
        status=attempt.status,
        verdict=attempt.verdict,
        reason=attempt.error,
        usage=counts,
        estimated=cost.estimated,
        cost_usd=usd(cost.cost),
        charge_usd=usd(cost.charge),
        trial=attempt.trial,
        paused_ms=round(attempt.paused * 1000, 2) if attempt.paused is not None else None,
    )


def _counts(usage: Usage | None) -> dict[str, int | None]:
    if usage is None:
        return {}
    return {
        "input": usage.input,
        "cache_read": usage.cache_read,
        "cache_write": usage.cache_write,
        "output": usage.output,
        "reasoning": usage.reasoning,
    }


def _fields(exchange: Exchange, target: Dialect) -> tuple[Fate, ...]:
    """Return the fates of a translated request's fields; a body that passed as it was needs no list."""
    problem, inbound = exchange.problem, exchange.inbound
    if exchange.lane != "translate" and problem is None and not exchange.request_losses:
        return ()
    refused = problem.param if problem is not None and problem.status in (400, 422) else None
    if exchange.lane != "translate" and refused is None and not exchange.request_losses:
        return ()
    names = _asked(exchange)
    if names is None:
        return ()
    return fates(
        names,
        exchange.request_losses,
        lane=exchange.lane or "translate",
        origin=inbound.dialect,
        target=target,
        refused=refused,
    )


def _asked(exchange: Exchange) -> tuple[str, ...] | None:
    """Return the fields of the client's body; one that was read to be translated is not read once more."""
    follows, request = exchange.continuation, exchange.request
    if follows is None and request is not None and request.members:
        return request.members
    try:
        members = _members.decode(exchange.inbound.body if follows is None else follows.body)
    except (msgspec.DecodeError, UnicodeError):
        return None
    for name in NESTED.intersection(members):
        members[name] = _opened(members[name])
    return member_names(members)


def _opened(value: Any) -> object:
    """Return the members of a small object, None for all else: only names are needed."""
    raw = bytes(value)
    if not raw.startswith(b"{") or len(raw) > _SETTINGS_MAX:
        return None
    try:
        return _members.decode(raw)
    except (msgspec.DecodeError, UnicodeError):
        return None


_SETTINGS_MAX = 64 * 1024


__all__ = ["receipt_of"]
