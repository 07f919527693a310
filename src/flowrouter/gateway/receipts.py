"""Writes the receipt of one exchange: what was chosen, what became of each field, what it took."""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.fates import Fate, fates, member_names
from flowrouter.canonical.leftovers import NESTED
from flowrouter.canonical.receipt import AttemptNote, LeftOut, Receipt, Route, told
from flowrouter.gateway.amounts import Costs
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.tried import Counts
from flowrouter.routing import Plan, Target
from flowrouter.routing.tree import Note
from flowrouter.usage.pricing import usd

_members: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, msgspec.Raw])


def receipt_of(
    exchange: Exchange,
    ended: float,
    *,
    own: float,
    costs: Costs,
    counts: Counts,
    attempts: tuple[AttemptNote, ...],
) -> Receipt:
    """Return the receipt of an exchange that ended at `ended` (seconds, monotonic), `own` of it our own time."""
    inbound, head, first = exchange.inbound, exchange.head, exchange.first_content_at
    asked, lost, lane, started = inbound.dialect, exchange.request_losses, exchange.lane, inbound.started
    kept = _routes.get(id(exchange.plan))
    plain = lane == "passthrough" and not lost and exchange.problem is None
    # By place and with times rounded as in `tried`, and for the same reasons.
    return Receipt(
        inbound.request_id,
        inbound.wall,
        asked,
        inbound.endpoint,
        "" if head is None else head.model,
        False if head is None else head.stream,
        _UNCHANGED if plain and exchange.outcome == "ok" and not exchange.bypass else _summary(exchange),
        lane,
        _route(exchange.plan) if kept is None else kept[1],
        attempts,
        () if plain else _fields(exchange),  # a body that passed as it was needs no list
        told(lost, asked, _spoken(exchange)) if lost else (),
        told(exchange.reply_losses, _spoken(exchange), asked) if exchange.reply_losses else (),
        exchange.answered_model,
        exchange.finish,
        tuple(exchange.seams) if exchange.seams else (),
        exchange.not_completed,
        exchange.outcome,
        counts,
        False if exchange.usage is None else exchange.usage.estimated,
        usd(costs.cost),
        usd(costs.charge),
        (own * 100_000 + 0.5) // 1 / 100,
        ((first - started) * 100_000 + 0.5) // 1 / 100 if first else None,
        ((ended - started) * 100_000 + 0.5) // 1 / 100,
        round(exchange.waited * 1000, 2) if exchange.waited else 0.0,
        None if exchange.hold is None else exchange.hold.note(),
        True,
    )


_UNCHANGED = "all fields passed, bytes unchanged, except the owned fields (see ARCHITECTURE.md)"


def _summary(exchange: Exchange) -> str:
    if exchange.outcome != "ok":
        return _without_end(exchange)
    if exchange.bypass:
        return f"answered here without a model, by the bypass rule {exchange.bypass}"
    lost = exchange.request_losses
    if exchange.lane != "passthrough":
        losses = len(lost) + len(exchange.reply_losses)
        some = f"with {losses} loss{'' if losses == 1 else 'es'}" if losses else "without loss"
        return f"translated {some}"
    if not lost:
        return _UNCHANGED
    named = ", ".join(loss.path[:100] for loss in lost[:8])
    return f"all other fields passed, bytes unchanged, except the owned fields and {named}"


def _without_end(exchange: Exchange) -> str:
    """Return what became of an exchange whose answer did not come to its end."""
    if exchange.outcome == "cancelled":
        return "the client went away before the answer ended"
    if exchange.outcome == "partial":
        return "the answer was cut off by the provider and ended with an error"
    said = exchange.problem.message if exchange.problem is not None else "no answer"
    return f"no answer: {said[:200]}"


def _route(plan: Plan | None) -> Route | None:
    """Return how the targets were chosen; of many, the first are told, and how many there are."""
    if plan is None:
        return None
    route = Route(
        step=plan.step[:_TEXT_MAX],
        strategy=plan.strategy,
        reasons=_first([reason[:_TEXT_MAX] for reason in plan.reasons]),
        order=_first([f"{target.account}/{target.model}"[:_TEXT_MAX] for target in plan.targets]),
        left_out=_left_out(plan),
    )
    if not plan.kept:
        return route
    if len(_routes) >= _ROUTES_MAX:
        _routes.clear()
    _routes[id(plan)] = (plan, route)
    return route


_ROUTES_MAX = 256
_routes: dict[int, tuple[Plan, Route]] = {}
"""What was told of plans that are kept, by their `id`, which is theirs as long as they stand here."""


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


def _spoken(exchange: Exchange) -> Dialect:
    """Return the dialect of who was asked last, the client's where nobody was."""
    attempts = exchange.attempts
    return attempts[-1].target.dialect if attempts else exchange.inbound.dialect


def _fields(exchange: Exchange) -> tuple[Fate, ...]:
    """Return the fates of a request's fields, where it was translated, lost one or was refused for one."""
    problem, inbound = exchange.problem, exchange.inbound
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
        target=_spoken(exchange),
        refused=refused,
    )


def _asked(exchange: Exchange) -> tuple[str, ...] | None:
    """Return the fields of the client's body; one that was read to be translated is not read once more."""
    follows, request = exchange.continuation, exchange.request
    names = exchange.members if request is None else request.members
    if follows is None and names:
        return names
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
