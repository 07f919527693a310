"""A stage for playbooks: virtual time, a scripted upstream, a client that writes down what it got.

A playbook gives a plan and what each attempt does, runs one exchange through the real pipeline, and
reads the attempts, the bytes and the settlement: `play`. One that needs several exchanges, at once or one
after another, is a story told to a `House`: `live(story, accounts=…, scripts=…)`. Time moves only when
everybody waits, so ninety seconds of silence cost no time and no assertion depends on the machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any, TypeVar

import msgspec

from flowrouter import logs
from flowrouter.accounts.account import Account
from flowrouter.accounts.refresh import Refresher
from flowrouter.canonical.dialect import Dialect
from flowrouter.config import Timeouts
from flowrouter.dialects import codec
from flowrouter.gateway import recording
from flowrouter.gateway.admission import Admission
from flowrouter.gateway.affinity import Pins
from flowrouter.gateway.attempts import Attempts
from flowrouter.gateway.beside import Beside
from flowrouter.gateway.bills import Bills
from flowrouter.gateway.budgets import Budgets
from flowrouter.gateway.client import Client
from flowrouter.gateway.compaction import Compaction
from flowrouter.gateway.completion import Completion
from flowrouter.gateway.cooldowns import Cooldowns
from flowrouter.gateway.exchange import Exchange, Inbound, Operation
from flowrouter.gateway.first_token import FirstTokenLimits
from flowrouter.gateway.health import Health
from flowrouter.gateway.hedging import Hedges
from flowrouter.gateway.limits import Limits
from flowrouter.gateway.pause_book import marker
from flowrouter.gateway.pipeline import Pipeline
from flowrouter.gateway.planner import Planner
from flowrouter.gateway.privacy import Privacy
from flowrouter.gateway.probes import Probes
from flowrouter.gateway.purses import Purses
from flowrouter.gateway.quotas import Quotas
from flowrouter.gateway.reasoning import ReasoningState
from flowrouter.gateway.recall import Recall
from flowrouter.gateway.relay import Relay
from flowrouter.gateway.search import Search
from flowrouter.gateway.settle import Books
from flowrouter.gateway.signals import Sources
from flowrouter.gateway.stored_responses import StoredResponses
from flowrouter.gateway.tries import Tries
from flowrouter.httpkit.visit import AsgiWay
from flowrouter.plugins import Hooks
from flowrouter.storage import MemoryStateStore
from flowrouter.tasks import TaskGroup
from tests.playbooks.performance import Performance, writer
from tests.playbooks.scripts import JSON, SSE, Script, ScriptedTransport, Scripts, account_of, reset
from tests.playbooks.virtual import EPOCH, VirtualClock, VirtualLoop
from tests.playbooks.worlds import account, world
from tests.support.budgets import MemoryBudgetBook
from tests.support.doubles import MemoryPauses, MemoryShelf, NoBlobs, OpenSeals, Recorder


class House:
    """A gateway on the stage: one pipeline with its state, asked as often as a story wants.

    Only inside a running virtual loop (`live`). `present` is the world and may be replaced between requests.
    """

    def __init__(
        self,
        accounts: Sequence[Account],
        scripts: Scripts,
        *,
        timeouts: Timeouts | None = None,
        hooks: Hooks | None = None,
        state: MemoryStateStore | None = None,
        kept: MemoryPauses | None = None,
        credentials: Refresher | None = None,
        **options: Any,
    ) -> None:
        self.credentials = credentials
        self.present = world(*accounts, **options)
        self.clock = VirtualClock()
        self.timeouts = timeouts or Timeouts()
        self.hooks = hooks or Hooks()
        self.log = Recorder()
        self.shelf = MemoryShelf()
        self.room = recording.Room()
        self.failures: list[tuple[str, BaseException]] = []
        self.tasks = TaskGroup(lambda name, error: self.failures.append((name, error)))
        self.state = state if state is not None else MemoryStateStore(self.clock)
        self.admission = Admission()
        self.limits = Limits(
            self.state, alone=MemoryStateStore(self.clock), clock=self.clock, tasks=self.tasks
        )
        self.health = Health(self.clock)
        self.bills = Bills(lambda: self.present, clock=self.clock)
        self.book = MemoryBudgetBook()
        self.budgets = Budgets(
            Purses(self.book, clock=self.clock, tasks=self.tasks),
            bills=self.bills,
            state=self.state,
            clock=self.clock,
            tasks=self.tasks,
        )
        self.pins = Pins(self.state, clock=self.clock, tasks=self.tasks)
        self.hedges = Hedges(tasks=self.tasks, clock=self.clock, quantile=self.health.first_token_quantile)
        self.quotas = Quotas(world=lambda: self.present, mark=marker(b"stage"), clock=self.clock)
        self.cooldowns = Cooldowns(
            self.state,
            kept=kept or MemoryPauses(),
            world=lambda: self.present,
            mark=marker(b"stage"),
            quotas=self.quotas,
            clock=self.clock,
            tasks=self.tasks,
            log=logs.get("playbook"),
            draw=lambda: 0.5,
        )
        self.chance = Random(11)
        self.planner = self._planner()
        self.transport = ScriptedTransport(scripts)
        self._asked = 0
        self.pipeline = self._build()

    def _planner(self) -> Planner:
        sources = Sources(
            health=self.health,
            admission=self.admission,
            obstacle=self.cooldowns.obstacle,
            bills=self.bills,
        )
        return Planner(
            self.state,
            self.pins,
            sources=sources,
            privacy=Privacy(Compaction(OpenSeals())),
            clock=self.clock,
            chance=self.chance,
        )

    def _books(self) -> Books:
        return Books(
            self.log,
            clock=self.clock,
            hooks=self.hooks,
            bills=self.bills,
            observers=(self.health.settled, self.pins.settled, self.hedges.settled, self.quotas.settled),
        )

    def _tries(self, recall: Recall) -> tuple[Attempts, Tries]:
        attempts = Attempts(
            self.transport,
            clock=self.clock,
            timeouts=self.timeouts,
            hooks=self.hooks,
            reasoning=ReasoningState(OpenSeals()),
            state=self.state,
            recall=recall,
            beside=Beside(),
            credentials=self.credentials,
            quotas=self.quotas,
        )
        return attempts, Tries(
            attempts,
            self.admission,
            limits=FirstTokenLimits(self.health.first_token_quantile),
            hedges=self.hedges,
            clock=self.clock,
            timeouts=self.timeouts,
        )

    def _build(self) -> Pipeline:
        clock, timeouts, hooks, tasks = self.clock, self.timeouts, self.hooks, self.tasks
        recall = Recall(self.state, NoBlobs(), secret=b"stage", clock=clock, tasks=tasks)
        stored = StoredResponses(self.state, NoBlobs(), clock=clock, tasks=tasks)
        attempts, tries = self._tries(recall)
        relay = Relay(
            attempts,
            recall=recall,
            stored=stored,
            clock=clock,
            completion=Completion(
                tries,
                clock=clock,
                world=lambda: self.present,
                failed=self.cooldowns.heard,
                pauses=self.cooldowns.obstacle,
            ),
        )
        books = self._books()
        self.probes = Probes(
            self.cooldowns,
            tries=tries,
            relay=relay,
            books=books,
            world=lambda: self.present,
            clock=clock,
            timeouts=timeouts,
            tasks=tasks,
            log=logs.get("playbook"),
        )
        return Pipeline(
            stored=stored,
            world=lambda: self.present,
            planner=self.planner,
            search=Search(
                tries=tries,
                relay=relay,
                cooldowns=self.cooldowns,
                clock=clock,
                wait=timeouts.wait,
                draw=lambda: 0.5,
            ),
            limits=self.limits,
            budgets=self.budgets,
            books=books,
            recorder=recording.Recorder(self.shelf, clock=clock, room=self.room),
            hooks=hooks,
            log=logs.get("playbook"),
        )

    async def ask(
        self,
        dialect: Dialect,
        body: bytes,
        *,
        cancel_after: float | None = None,
        operation: Operation = "generate",
        slow_client: float = 0.0,
        headers: dict[str, str] | None = None,
        **address: Any,
    ) -> Performance:
        """Run one exchange to its end; several may run at once.

        `slow_client` is how long each send to it takes, `address` the members of `Inbound` that path and
        headers tell. `requests` and `replies` are what was asked since this exchange began, by anybody.
        """
        self._asked += 1
        request_id = "req_playbook" if self._asked == 1 else f"req_playbook_{self._asked}"
        inbound = _inbound(
            dialect, body, operation, clock=self.clock, headers=headers, request_id=request_id, **address
        )
        exchange, before = Exchange(inbound), len(self.transport.requests)
        send, written = writer(self.clock, slow_client)
        client = Client(
            AsgiWay(send),
            codec(dialect),
            exchange,
            clock=self.clock,
            timeouts=self.timeouts,
            tasks=self.tasks,
        )
        work = asyncio.create_task(self.pipeline.run(exchange, client))
        client.work = work
        if cancel_after is not None:
            leaving = asyncio.get_running_loop().call_later(cancel_after, work.cancel)
            work.add_done_callback(lambda _: leaving.cancel())
        await asyncio.wait([work])
        if not work.cancelled() and (error := work.exception()) is not None:
            raise error
        return Performance(
            rows=[row for row in self.log.rows if row.id == request_id],
            requests=self.transport.requests[before:],
            replies=self.transport.replies,
            exchange=exchange,
            **written,
        )

    @property
    def asked(self) -> list[str]:
        """Return the accounts that were asked, in order."""
        return [account_of(request) for request in self.transport.requests]

    @property
    def left(self) -> dict[str, int]:
        """Return what is still held: tasks, timers, slots."""
        scheduled: list[Any] = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
        return {
            "tasks_left": len(self.tasks),
            "timers_left": sum(not handle.cancelled() for handle in scheduled),
            "slots_left": sum(self.admission.in_flight(account_id) for account_id in self.present.accounts),
        }


Told = TypeVar("Told")


def live(
    story: Callable[[House], Awaitable[Told]],
    *,
    accounts: Sequence[Account],
    scripts: Scripts,
    tidy: bool = True,
    **options: Any,
) -> Told:
    """Tell `story` to a house in virtual time and return what came of it.

    A minute after its end nothing may be held any more (`tidy`) and every reply must be closed. `options` are
    those of `House` and `world`.
    """
    loop = VirtualLoop()

    async def perform() -> Told:
        house = House(accounts, scripts, **options)
        told = await story(house)
        await asyncio.sleep(60)
        assert not house.failures, house.failures
        assert not tidy or not any(house.left.values()), house.left
        assert all(reply.closed for reply in house.transport.replies)
        return told

    try:
        return loop.run_until_complete(perform())
    finally:
        loop.close()


def play(
    dialect: Dialect,
    body: bytes,
    *,
    accounts: Sequence[Account],
    scripts: Scripts,
    timeouts: Timeouts | None = None,
    hooks: Hooks | None = None,
    cancel_after: float | None = None,
    operation: Operation = "generate",
    slow_client: float = 0.0,
    state: MemoryStateStore | None = None,
    address: dict[str, Any] | None = None,
    **options: Any,
) -> Performance:
    """Run one exchange to its end in virtual time, and a minute longer for what it may have left behind.

    The arguments are those of `House`, `House.ask` and `world` (`routing`, `aliases`, …).
    """
    loop = VirtualLoop()

    async def perform() -> Performance:
        house = House(accounts, scripts, timeouts=timeouts, hooks=hooks, state=state, **options)
        result = await house.ask(
            dialect,
            body,
            cancel_after=cancel_after,
            operation=operation,
            slow_client=slow_client,
            **(address or {}),
        )
        await asyncio.sleep(60)
        assert not house.failures, house.failures
        return msgspec.structs.replace(
            result, rows=house.log.rows, requests=house.transport.requests, **house.left
        )

    try:
        return loop.run_until_complete(perform())
    finally:
        loop.close()


def _inbound(
    dialect: Dialect,
    body: bytes,
    operation: Operation,
    *,
    clock: VirtualClock,
    request_id: str,
    headers: dict[str, str] | None = None,
    **address: Any,
) -> Inbound:
    return Inbound(
        request_id=request_id,
        dialect=dialect,
        operation=operation,
        endpoint="/v1/playbook",
        headers={"user-agent": "playbook", "x-api-key": "canary-of-the-caller", **(headers or {})},
        body=body,
        wall=clock.now(),
        started=clock.monotonic(),
        **address,
    )


__all__ = [
    "EPOCH", "JSON", "SSE", "House", "OpenSeals", "Performance", "Script", "Scripts", "VirtualClock", "VirtualLoop", "account",
    "account_of", "live", "play", "reset", "world",
]  # fmt: skip
