"""Writes the receipt of one exchange: what was chosen, what became of each field, what it took."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.fates import Fate, fates, member_names
from flowrouter.canonical.receipt import AttemptNote, LeftOut, Receipt, Route, told
from flowrouter.canonical.usage import Usage
from flowrouter.gateway.amounts import AttemptCost, Costs
from flowrouter.gateway.attempt_log import AttemptLog
from flowrouter.gateway.exchange import Exchange
from flowrouter.routing import Plan
from flowrouter.routing.tree import Note
from flowrouter.usage.pricing import usd

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def receipt_of(exchange: Exchange, ended: float, *, costs: Costs) -> Receipt:
    """Return the receipt of an exchange that ended at `ended` (seconds, monotonic)."""
    inbound, head = exchange.inbound, exchange.head
    started = inbound.started
    return Receipt(
        request_id=inbound.request_id,
        created=inbound.wall,
        dialect=inbound.dialect,
        endpoint=inbound.endpoint,
        asked_model=head.model if head is not None else "",
        stream=head.stream if head is not None else False,
        summary=_summary(exchange),
        lane=exchange.lane,
        route=_route(exchange.plan),
        attempts=tuple(
            _note(attempt, started, cost)
            for attempt, cost in zip(exchange.attempts, costs.attempts, strict=True)
        ),
        fields=_fields(exchange),
        request_losses=told(exchange.request_losses, inbound.dialect, _target_dialect(exchange)),
        reply_losses=told(exchange.reply_losses, _target_dialect(exchange), inbound.dialect),
        answered_model=exchange.answered_model,
        finish=exchange.finish,
        seams=tuple(exchange.seams),
        not_completed=exchange.not_completed,
        outcome=exchange.outcome,
        usage=_counts(exchange.usage),
        usage_estimated=exchange.usage.estimated if exchange.usage is not None else False,
        cost_usd=usd(costs.cost),
        charge_usd=usd(costs.charge),
        overhead_ms=_ms(max(0.0, (exchange.first_content_at or ended) - started - exchange.upstream_wait)),
        first_content_ms=_ms(exchange.first_content_at - started) if exchange.first_content_at else None,
        duration_ms=_ms(ended - started),
        waited_ms=_ms(exchange.waited),
        budget=exchange.hold.note() if exchange.hold is not None else None,
        complete=True,
    )


def _summary(exchange: Exchange) -> str:
    if exchange.outcome == "cancelled":
        return "the client went away before the answer ended"
    if exchange.outcome == "partial":
        return "the answer was cut off by the provider and ended with an error"
    if exchange.outcome == "error":
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


def _route(plan: Plan | None) -> Route | None:
    """Return how the targets were chosen; of many, the first are told, and how many there are."""
    if plan is None:
        return None
    left = [LeftOut(account=note.account, model=note.model, reason=note.reason) for note in _left_out(plan)]
    return Route(
        step=plan.step[:_TEXT_MAX],
        strategy=plan.strategy,
        reasons=_first(tuple(reason[:_TEXT_MAX] for reason in plan.reasons)),
        order=_first(tuple(f"{target.account}/{target.model}"[:_TEXT_MAX] for target in plan.targets)),
        left_out=tuple(left[:_TOLD_MAX]),
    )


def _left_out(plan: Plan) -> Iterator[Note]:
    """Yield who was not asked, or only after all others."""
    yield from (note for note in plan.notes if not note.taken)
    for target in plan.targets:
        obstacle = plan.obstacles.get(target.key)
        if obstacle is not None and not obstacle.probe:
            yield Note(account=target.account, model=target.model, taken=False, reason=obstacle.reason)


def _first(told: tuple[str, ...]) -> tuple[str, ...]:
    left = len(told) - _TOLD_MAX
    return told if left <= 0 else (*told[:_TOLD_MAX], f"+{left}")


_TOLD_MAX = 12
_TEXT_MAX = 300


def _note(attempt: AttemptLog, started: float, cost: AttemptCost) -> AttemptNote:
    target = attempt.target
    return AttemptNote(
        account=target.account,
        preset=target.preset,
        model=target.model,
        dialect=target.dialect,
        started_ms=_ms(attempt.started - started),
        head_ms=_ms(attempt.head_at - started) if attempt.status is not None and attempt.head_at else None,
        duration_ms=_ms(attempt.ended - attempt.started) if attempt.ended is not None else None,
        status=attempt.status,
        verdict=attempt.verdict,
        reason=attempt.error,
        usage=_counts(cost.usage),
        estimated=cost.estimated,
        cost_usd=usd(cost.cost),
        charge_usd=usd(cost.charge),
        trial=attempt.trial,
        paused_ms=_ms(attempt.paused) if attempt.paused is not None else None,
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


def _fields(exchange: Exchange) -> tuple[Fate, ...]:
    """Return the fates of a translated request's fields; a body that passed as it was needs no list."""
    problem, inbound = exchange.problem, exchange.inbound
    refused = problem.param if problem is not None and problem.status in (400, 422) else None
    if exchange.lane != "translate" and refused is None and not exchange.request_losses:
        return ()
    follows = exchange.continuation
    try:
        body = _members.decode(inbound.body if follows is None else follows.body)
    except (msgspec.DecodeError, UnicodeError):
        return ()
    members = {name: _opened(value) for name, value in body.items()}
    target = _target_dialect(exchange)
    return fates(
        member_names(members),
        exchange.request_losses,
        lane=exchange.lane or "translate",
        origin=inbound.dialect,
        target=target,
        refused=refused,
    )


def _opened(value: msgspec.Raw) -> object:
    """Return the members of a small object, None for all else: only names are needed."""
    raw = bytes(value)
    if not raw.startswith(b"{") or len(raw) > _SETTINGS_MAX:
        return None
    try:
        return _members.decode(raw)
    except (msgspec.DecodeError, UnicodeError):
        return None


_SETTINGS_MAX = 64 * 1024


def _target_dialect(exchange: Exchange) -> Dialect:
    return exchange.attempts[-1].target.dialect if exchange.attempts else exchange.inbound.dialect


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)


__all__ = ["receipt_of"]
