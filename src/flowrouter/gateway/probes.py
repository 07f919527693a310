"""Tests paused targets with tiny calls of the gateway's own, where the owner pays for that (`routing.probes`).

A probe takes the right to the trial just before a pause ends, so that no user's request is risked. It is an
exchange like any other: booked under the account's owner, with its cost, and judged by the same rules.
Each end of a pause is probed once; switched off, nothing is ever sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from flowrouter import logs
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Text
from flowrouter.canonical.request import Request
from flowrouter.clock import Clock
from flowrouter.config import Timeouts
from flowrouter.dialects import codec
from flowrouter.errors import FlowRouterError
from flowrouter.gateway.blame import Failure
from flowrouter.gateway.client import Client
from flowrouter.gateway.cooldowns import Cooldowns
from flowrouter.gateway.exchange import Exchange, Inbound, skimmed
from flowrouter.gateway.probe import choose_model
from flowrouter.gateway.relay import Relay
from flowrouter.gateway.settle import Books
from flowrouter.gateway.tries import Tries
from flowrouter.gateway.world import World
from flowrouter.httpkit.caller import Caller
from flowrouter.httpkit.visit import AsgiWay
from flowrouter.logs import Logger
from flowrouter.routing import Plan, Target
from flowrouter.routing.cooldown import Pause
from flowrouter.tasks import TaskGroup

ENDPOINT = "probe"
"""What stands in the request log where a client's route would."""

LOOK_SECONDS = 1.0
MAX_TOKENS = 16
"""Output cap of a probe."""

_PROMPT = "Answer with the single word: hello"


class Probes:
    """Watches the pauses of one worker; what it needs is given once."""

    def __init__(
        self,
        cooldowns: Cooldowns,
        *,
        tries: Tries,
        relay: Relay,
        books: Books,
        world: Callable[[], World],
        clock: Clock,
        timeouts: Timeouts,
        tasks: TaskGroup,
        log: Logger,
    ) -> None:
        self._cooldowns = cooldowns
        self._tries = tries
        self._relay = relay
        self._books = books
        self._world = world
        self._clock = clock
        self._timeouts = timeouts
        self._tasks = tasks
        self._log = log
        self._probed: dict[str, float] = {}
        self._made = 0

    async def follow(self) -> None:
        """Watch for ever; costs nothing while `routing.probes` is off."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._world().routing.probes:
                self.look()

    def look(self) -> None:
        """Begin a probe for each pause that ends before the next look."""
        now, pauses = self._clock.now(), self._cooldowns.pauses()
        self._probed = {key: until for key, until in self._probed.items() if key in pauses}
        for key, pause in pauses.items():
            due = pause.level > 0 and pause.until - now <= LOOK_SECONDS
            if due and self._probed.get(key) != pause.until:
                self._probed[key] = pause.until
                target = target_of(pause, self._world())
                if target is not None:
                    self._tasks.start("probe", self._probe(target, pause))

    async def _probe(self, target: Target, pause: Pause) -> None:
        """Ask once, at the pause's end; what comes of it counts as any trial's."""
        trial = await self._cooldowns.begin_trial(target)
        if trial is None:
            return
        try:
            await asyncio.sleep(max(0.0, pause.until - self._clock.now()))
            failure = await self._ask(target)
            self._log.info(
                "probe",
                account=target.account,
                model=target.model,
                outcome="answered" if failure is None else failure.verdict.failure,
            )
        except FlowRouterError as error:  # an account that cannot even be asked stays as it is
            self._log.warning("a probe could not be made", account=target.account, reason=error.message)
        finally:
            await self._cooldowns.end_trial(trial)

    async def _ask(self, target: Target) -> Failure | None:
        world, began = self._world(), self._clock.now()
        exchange = self._exchange(target, world)
        logs.about(exchange.inbound.request_id)
        client = Client(
            AsgiWay(_nobody),
            codec(target.dialect),
            exchange,
            clock=self._clock,
            timeouts=self._timeouts,
            tasks=self._tasks,
        )
        try:
            begun = await self._tries.begin(exchange, world, target)
            if isinstance(begun, Failure):
                failure: Failure | None = begun
            else:
                failure = await self._relay.deliver(begun, exchange, client, settle=self._books.settle)
            if failure is None:
                await self._cooldowns.answered(target, began=began)
            else:
                exchange.problem, exchange.status = failure.problem, failure.problem.status
                await self._cooldowns.failed(failure, began=began)
            return failure
        finally:
            client.disarm()
            self._books.settle(exchange)

    def _exchange(self, target: Target, world: World) -> Exchange:
        self._made += 1
        account, now = world.accounts[target.account_id], self._clock.now()
        inbound = Inbound(
            request_id=f"probe_{int(now * 1000)}_{self._made}",
            dialect=target.dialect,
            operation="generate",
            endpoint=ENDPOINT,
            headers={},
            body=_question(target, world),
            wall=now,
            started=self._clock.monotonic(),
            model=target.model if target.dialect == "gemini" else None,
            stream=False if target.dialect == "gemini" else None,
        )
        exchange = Exchange(inbound)
        exchange.caller = Caller(owner_id=account.owner_id)
        exchange.head = skimmed(inbound)
        exchange.step = ENDPOINT
        exchange.plan = Plan(asked=target.model, step=ENDPOINT, targets=(target,))
        return exchange


def target_of(pause: Pause, world: World) -> Target | None:
    """Return whom to ask about a pause: its own model, else a small one of its account; None where none is known."""
    account, preset = world.accounts.get(pause.account_id), world.presets.get(pause.account_id)
    known = next((facts for facts in world.facts.accounts if facts.id == pause.account_id), None)
    if account is None or preset is None or known is None or not (known.enabled and known.dialects):
        return None
    model = pause.model or choose_model(account, preset, world.listed.get(account.id))
    if model is None:
        return None
    dialect = known.dialects[0]
    return Target(
        account_id=account.id,
        account=account.name,
        preset=account.preset,
        model=model,
        dialect=dialect,
        host=known.hosts.get(dialect, ""),
    )


def _question(target: Target, world: World) -> bytes:
    message = Message(role="user", parts=(Text(text=_PROMPT),))
    asked = Request(origin=target.dialect, model=target.model, messages=(message,), max_tokens=MAX_TOKENS)
    able = world.capabilities(world.presets[target.account_id], target.model, target.dialect)
    return codec(target.dialect).render_request(asked, target.model, able).body


async def _nobody(_message: Any) -> None:
    """Take what a client would read."""


__all__ = ["ENDPOINT", "LOOK_SECONDS", "MAX_TOKENS", "Probes", "target_of"]
