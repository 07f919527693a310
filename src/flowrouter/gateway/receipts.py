"""What the receipt of one exchange tells beyond its row: what was chosen, what became of each field, exact times."""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.fates import Fate, fates, member_names
from flowrouter.canonical.leftovers import NESTED
from flowrouter.canonical.receipt import LeftOut, Route
from flowrouter.canonical.receipt_rest import NO_ROUTE, ReceiptRest, TryRest, Unusual
from flowrouter.gateway.exchange import Exchange
from flowrouter.routing import Plan, Target
from flowrouter.routing.tree import Note
from flowrouter.wire import json

_members: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, msgspec.Raw])


def rest_of(exchange: Exchange, ended: float, tries: tuple[TryRest, ...]) -> ReceiptRest:
    """Return what the receipt of an exchange that ended at `ended` (seconds, monotonic) tells beyond its row."""
    first, started, plan = exchange.first_content_at, exchange.inbound.started, exchange.plan
    kept = _routes.get(id(plan))
    # By place and with times rounded as in `tried`, and for the same reasons.
    return ReceiptRest(
        ((ended - started) * 100_000 + 0.5) // 1,
        ((first - started) * 100_000 + 0.5) // 1 if first else None,
        exchange.answered_model,
        _route(plan) if kept is None else kept[1],
        tries,
        None if exchange.lane == "passthrough" and _is_usual(exchange) else _beyond(exchange),
    )


def _is_usual(exchange: Exchange) -> bool:
    """Return whether there is nothing more to tell than what became of the fields of a body that was translated."""
    return (
        exchange.problem is None
        and exchange.hold is None
        and not exchange.request_losses
        and not exchange.seams
        and not exchange.waited
        and not exchange.bypass
        and exchange.not_completed is None
    )


def _beyond(exchange: Exchange) -> Unusual:
    """Return what the row does not tell; it is the same for all usual exchanges whose bodies have the same fields."""
    request = exchange.request
    names = exchange.members if request is None else request.members
    kept = exchange.lane == "translate" and names and exchange.continuation is None and _is_usual(exchange)
    if not kept:
        return _unusual(exchange)
    form = (names, exchange.inbound.dialect, _spoken(exchange))
    told = _translated.get(form)
    if told is None:
        told = _unusual(exchange)
        if len(names) <= _NAMES_MAX and sum(map(len, names)) <= _LETTERS_MAX:
            if len(_translated) >= _FORMS_MAX:
                _translated.clear()
            _translated[form] = told
    return told


_NAMES_MAX, _LETTERS_MAX = 50, 1_000
"""What a client may have the process keep of the names it chose."""

_FORMS_MAX = 256
_translated: dict[tuple[tuple[str, ...], Dialect, Dialect], Unusual] = {}


def _unusual(exchange: Exchange) -> Unusual:
    return Unusual(
        fields=_fields(exchange),
        lost=len(exchange.request_losses),
        seams=tuple(exchange.seams),
        not_completed=exchange.not_completed,
        waited_ms=round(exchange.waited * 1000, 2),
        bypass=exchange.bypass,
        budget=None if exchange.hold is None else exchange.hold.note(),
    )


def _route(plan: Plan | None) -> json.Raw:
    """Return, written, how the targets were chosen; of many, the first are told, and how many there are."""
    if plan is None:
        return NO_ROUTE
    told = Route(
        step=plan.step[:_TEXT_MAX],
        strategy=plan.strategy,
        reasons=_first([reason[:_TEXT_MAX] for reason in plan.reasons]),
        order=_first([f"{target.account}/{target.model}"[:_TEXT_MAX] for target in plan.targets]),
        left_out=_left_out(plan),
    )
    route = json.Raw(json.dumps(told))
    if not plan.kept:
        return route
    if len(_routes) >= _ROUTES_MAX:
        _routes.clear()
    _routes[id(plan)] = (plan, route)
    return route


_ROUTES_MAX = 256
_routes: dict[int, tuple[Plan, json.Raw]] = {}
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


__all__ = ["rest_of"]
