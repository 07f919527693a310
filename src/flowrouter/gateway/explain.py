"""Says who would be asked for a model, in which order and why, before anybody is asked.

Given a request's body, it also says how large the request is, what it would cost at each target, and
whether it fits there. Turns, pins and pauses are looked at, never taken.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.head import Head
from flowrouter.clock import Clock
from flowrouter.errors import CallerError
from flowrouter.gateway.exchange import Exchange, Inbound, skimmed
from flowrouter.gateway.planner import Planner
from flowrouter.gateway.signals import Moment
from flowrouter.gateway.world import World
from flowrouter.httpkit.caller import Caller
from flowrouter.routing import Target
from flowrouter.routing.plan import Plan
from flowrouter.routing.tree import Note


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What would be asked: a body as a client of `dialect` sends it, or just a model.

    `model` wins over the body's, `headers` (names in lower case) tell session and client.
    """

    dialect: Dialect
    model: str | None = None
    body: bytes | None = None
    headers: Mapping[str, str] = {}


class ExplainedTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A target, why it is there, and what is known of it at this moment.

    `lane` is `passthrough` where it speaks the client's dialect. `pause` says what stands in its way,
    `on_trial` that one request may be risked all the same. `bill_pusd` and `fits` need a body; None is
    unknown.
    """

    account_id: str
    account: str
    preset: str
    model: str
    dialect: Dialect
    lane: str
    reason: str = ""
    pause: str | None = None
    paused_until_ms: int | None = None
    on_trial: bool = False
    in_flight_share: float = 0.0
    first_token_ms: float | None = None
    context_window: int | None = None
    fits: bool | None = None
    bill_pusd: int | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Targets in the order they are tried; `step` is the rule that found them, `notes` who is in or out, and why.

    `reasons` are sentences about the choice, `strategy` decided who is first, `chosen` says that the reply will
    name who answered. `input_tokens` and `output_tokens` are estimates, None without a body. No target: nobody
    answers this name; `suggestions` are close to it.
    """

    asked: str
    dialect: Dialect
    step: str
    strategy: str = ""
    chosen: bool = False
    reasons: tuple[str, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    targets: tuple[ExplainedTarget, ...] = ()
    notes: tuple[Note, ...] = ()
    suggestions: tuple[str, ...] = ()


async def explain(
    planner: Planner, question: Question, *, world: World, caller: Caller, clock: Clock
) -> Explanation:
    """Return what would become of `question`; raises `CallerError` where its body cannot be read."""
    exchange = _exchange(question, caller, clock)
    plan, moment = await planner.preview(exchange, world)
    measured = question.body is not None
    first = plan.targets[0] if plan.targets else None
    return Explanation(
        asked=plan.asked,
        dialect=question.dialect,
        step=plan.step,
        strategy=plan.strategy,
        chosen=plan.chosen,
        reasons=plan.reasons,
        input_tokens=moment.input_tokens if measured else None,
        output_tokens=moment.output_tokens(first) if measured and first is not None else None,
        targets=tuple(
            _explained(target, plan, moment, world=world, question=question) for target in plan.targets
        ),
        notes=plan.notes,
        suggestions=plan.suggestions,
    )


def _exchange(question: Question, caller: Caller, clock: Clock) -> Exchange:
    inbound = Inbound(
        request_id="explain",
        dialect=question.dialect,
        operation="generate",
        endpoint="",
        headers=question.headers,
        body=question.body or b"",
        wall=clock.now(),
        started=clock.monotonic(),
        model=question.model,
    )
    exchange = Exchange(inbound)
    exchange.caller = caller
    if question.body is not None:
        exchange.head = skimmed(inbound)
    elif question.model:
        exchange.head = Head(model=question.model, stream=False, length=0)
    if exchange.head is None or not exchange.head.model:
        raise CallerError("name a model, or give a body that does", param="model")
    return exchange


def _explained(
    target: Target, plan: Plan, moment: Moment, *, world: World, question: Question
) -> ExplainedTarget:
    obstacle = plan.obstacles.get(target.key)
    preset = world.presets[target.account_id]
    window = _window(target, world) or world.capabilities(preset, target.model, target.dialect).context_window
    measured, seconds = question.body is not None, moment.latency(target)
    needs = moment.input_tokens + moment.output_tokens(target) if measured else 0
    until = None if obstacle is None else obstacle.until
    return ExplainedTarget(
        account_id=target.account_id,
        account=target.account,
        preset=target.preset,
        model=target.model,
        dialect=target.dialect,
        lane="passthrough" if target.dialect == question.dialect and target.effort is None else "translate",
        reason=_reason(target, plan),
        pause=None if obstacle is None else obstacle.reason,
        paused_until_ms=None if until is None else round(until * 1000),
        on_trial=obstacle is not None and obstacle.probe,
        in_flight_share=round(moment.busy(target), 3),
        first_token_ms=None if seconds is None else round(seconds * 1000, 1),
        context_window=window,
        fits=needs <= window if measured and window is not None else None,
        bill_pusd=moment.bill(target) if measured else None,
    )


def _reason(target: Target, plan: Plan) -> str:
    notes = [note for note in plan.notes if note.taken and note.account == target.account]
    return next((note.reason for note in notes if note.model in ("", target.model)), "")


def _window(target: Target, world: World) -> int | None:
    """Return the context window that the host's own list tells."""
    listed = world.listed.get(target.account_id, ())
    return next((model.context_window for model in listed if model.id == target.model), None)


__all__ = ["ExplainedTarget", "Explanation", "Question", "explain"]
