"""How each account and model does, for people: what was learned, what pauses, what is under way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import msgspec

from flowrouter.gateway.admission import Admission
from flowrouter.gateway.cooldowns import Cooldowns
from flowrouter.gateway.health import Health, TargetHealth
from flowrouter.gateway.world import World
from flowrouter.routing.cooldown import Pause
from flowrouter.routing.target import Target

State = Literal["ok", "paused", "half_open", "on_trial"]

EVERY_MODEL = "*"
"""What stands for the model where a pause holds up a whole account and none of its models was used yet."""


class TargetState(msgspec.Struct, frozen=True, kw_only=True):
    """One model of an account; times of answers in milliseconds, None where nothing recent is known.

    `half_open`: its pause is over and one request may find out whether it is back; `on_trial`: that
    request is under way. `level` counts failures in a row. `samples` are recent attempts, each as much as it
    still counts; `in_flight` and `limit` are the account's.
    """

    account_id: str
    account: str
    preset: str
    model: str
    state: State
    reason: str | None = None
    paused_until_ms: int | None = None
    level: int = 0
    samples: float = 0.0
    success: float | None = None
    first_token_p50_ms: float | None = None
    first_token_p95_ms: float | None = None
    tokens_per_second: float | None = None
    mean_cost_pusd: int | None = None
    in_flight: int = 0
    limit: int = 0
    last_error: str | None = None
    last_error_at_ms: int | None = None
    last_used_at_ms: int | None = None


class TargetStates:
    """Puts together what is known of every target; what it needs is given once."""

    def __init__(
        self,
        health: Health,
        cooldowns: Cooldowns,
        admission: Admission,
        *,
        world: Callable[[], World],
    ) -> None:
        self._health = health
        self._cooldowns = cooldowns
        self._admission = admission
        self._world = world

    def list(self) -> tuple[TargetState, ...]:
        """Return the state of every target that was used or pauses, and whose account still exists."""
        world = self._world()
        found = {known.target.key: known for known in self._health.known() if _exists(known.target, world)}
        rows = [self._row(known.target, known, world) for known in found.values()]
        used = {known.target.account_id for known in found.values()}
        for target, wide in _paused(self._cooldowns.pauses().values(), world):
            if target.key not in found and not (wide and target.account_id in used):
                rows.append(self._row(target, None, world))
        return tuple(rows)

    def _row(self, target: Target, known: TargetHealth | None, world: World) -> TargetState:
        obstacle, cause = self._cooldowns.obstacle(target), self._cooldowns.cause(target)
        state: State = "ok"
        if obstacle is not None:
            standing = obstacle.until is not None
            state = "paused" if standing else "half_open" if obstacle.probe else "on_trial"
        until = obstacle.until if obstacle is not None else None
        row = TargetState(
            account_id=target.account_id,
            account=world.accounts[target.account_id].name,
            preset=target.preset,
            model=target.model,
            state=state,
            reason=obstacle.reason if obstacle is not None else None,
            paused_until_ms=None if until is None else round(until * 1000),
            level=cause.level if cause is not None else 0,
            in_flight=self._admission.in_flight(target.account_id),
            limit=world.slots(target.account_id),
        )
        return row if known is None else _with_past(row, known)


def _with_past(row: TargetState, known: TargetHealth) -> TargetState:
    return msgspec.structs.replace(
        row,
        samples=known.samples,
        success=_rounded(known.success, 4),
        first_token_p50_ms=_ms(known.first_token_p50),
        first_token_p95_ms=_ms(known.first_token_p95),
        tokens_per_second=_rounded(known.tokens_per_second, 2),
        mean_cost_pusd=None if known.cost_mean_pusd is None else round(known.cost_mean_pusd),
        last_error=known.last_error,
        last_error_at_ms=None if known.last_error_at is None else round(known.last_error_at * 1000),
        last_used_at_ms=round(known.last_used_at * 1000),
    )


def _paused(pauses: Iterable[Pause], world: World) -> Iterator[tuple[Target, bool]]:
    """Yield a target for each pause, and whether it holds up the whole account."""
    facts = {account.id: account for account in world.facts.accounts}
    for pause in pauses:
        account = facts.get(pause.account_id)
        if account is None or account.id not in world.presets or not account.dialects:
            continue
        dialect = account.dialects[0]
        target = Target(
            account_id=account.id,
            account=account.name,
            preset=account.preset,
            model=pause.model or EVERY_MODEL,
            dialect=dialect,
            host=account.hosts.get(dialect, ""),
        )
        yield target, not pause.model


def _exists(target: Target, world: World) -> bool:
    return target.account_id in world.accounts and target.account_id in world.presets


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


__all__ = ["EVERY_MODEL", "State", "TargetState", "TargetStates"]
