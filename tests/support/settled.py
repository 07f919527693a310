"""Settled exchanges made by hand, for what is told of them once they are over."""

from __future__ import annotations

from typing import Any

from flowrouter.canonical.head import Head
from flowrouter.canonical.usage import Usage
from flowrouter.clock import SystemClock
from flowrouter.gateway.attempt_log import AttemptLog
from flowrouter.gateway.bills import Bills
from flowrouter.gateway.exchange import Exchange, Inbound
from flowrouter.gateway.settle import Books, Settlement
from flowrouter.gateway.world import World
from flowrouter.plugins import Hooks
from flowrouter.routing import Target
from tests.support.doubles import Recorder

START = 1_000_000.0


def settlement(
    world: World,
    *targets: tuple[Target, str],
    asked: str = "m",
    stream: bool = True,
    outcome: Any = "ok",
    status: int = 200,
    usage: Usage | None = None,
    headers: dict[str, str] | None = None,
    **members: Any,
) -> Settlement:
    """Return what listeners hear of an exchange with these attempts: each a target and its verdict."""
    inbound = Inbound(
        request_id="req_" + "a" * 24,
        dialect="openai_chat",
        operation="generate",
        endpoint="/v1/chat/completions",
        headers=headers or {},
        body=b"the prompt",
        wall=1_800_000_000.0,
        started=START,
    )
    exchange = Exchange(inbound)
    exchange.head = Head(model=asked, stream=stream, length=2)
    for number, (target, verdict) in enumerate(targets, 1):
        log = AttemptLog(target, START + number, number=number)
        log.verdict, log.ended, log.status = verdict, START + number + 0.5, 200
        log.delivered = verdict == "answered"
        exchange.attempts.append(log)
    exchange.outcome, exchange.status, exchange.usage = outcome, status, usage
    exchange.first_content_at = START + 0.3 if outcome == "ok" else None
    for name, value in members.items():
        setattr(exchange, name, value)
    told: list[Settlement] = []
    clock, hooks = SystemClock(), Hooks(listeners=(told.append,))
    Books(Recorder(), clock=clock, hooks=hooks, bills=Bills(lambda: world, clock=clock)).settle(exchange)
    return told[0]


__all__ = ["START", "settlement"]
