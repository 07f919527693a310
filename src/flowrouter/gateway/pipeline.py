"""The journey of every request, streaming or not, in every dialect.

inbound → caller → skim → plan → attempts → commits → relay → settle, exactly once. The steps are
told in ARCHITECTURE.md; each line here is one of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from flowrouter.canonical.head import Head
from flowrouter.canonical.problem import Problem
from flowrouter.errors import CallerError
from flowrouter.gateway import blame, bypass
from flowrouter.gateway.budgets import Budgets
from flowrouter.gateway.client import Client
from flowrouter.gateway.embeddings import embedders
from flowrouter.gateway.exchange import Exchange, Operation, skimmed
from flowrouter.gateway.key_scope import admit_dialect, gated
from flowrouter.gateway.limits import Limits, used_tokens
from flowrouter.gateway.no_answer import no_such_model
from flowrouter.gateway.one_reading import settle_body
from flowrouter.gateway.planner import Planner
from flowrouter.gateway.privacy import guarded
from flowrouter.gateway.recording import Recorder
from flowrouter.gateway.search import Lost, Search
from flowrouter.gateway.settle import Books
from flowrouter.gateway.stored_responses import StoredResponses
from flowrouter.gateway.world import World
from flowrouter.httpkit.auth import authenticate
from flowrouter.httpkit.key_policy import NO_LIMITS
from flowrouter.logs import Logger
from flowrouter.plugins import Hooks
from flowrouter.routing import Plan


class Pipeline:
    """Serves exchanges; everything it needs is given once, the world is asked for each time."""

    def __init__(
        self,
        *,
        world: Callable[[], World],
        planner: Planner,
        search: Search,
        stored: StoredResponses,
        limits: Limits,
        budgets: Budgets,
        books: Books,
        recorder: Recorder,
        hooks: Hooks,
        log: Logger,
    ) -> None:
        self._world = world
        self._planner = planner
        self._search = search
        self._stored = stored
        self._limits = limits
        self._budgets = budgets
        self._books = books
        self._recorder = recorder
        self._hooks = hooks
        self._log = log

    async def run(self, exchange: Exchange, client: Client) -> None:
        """Answer one request and settle it, whatever happens; one function, since each coroutine within costs."""
        try:
            world, inbound = self._world(), exchange.inbound
            caller = exchange.caller = inbound.caller or authenticate(
                inbound.headers, world.ring, now_ms=int(inbound.wall * 1000), protected=world.protected
            )
            watched = caller.watched or world.watched
            if not watched and inbound.dialect != "openai_responses":
                head = exchange.head = skimmed(inbound)
            elif (head := await self._looked_at(exchange, client, world)) is None:
                return
            kept = self._planner.settled(exchange, world)
            plan = self._allowed(kept or await self._planner.plan(exchange, world), exchange, world)
            if watched and (caller.policy.budgets or world.budgets):
                self._books.enter()  # what waits there may hold what is asked for here
                plan, kept = await self._budgets.admit(exchange, plan, world=world, replan=self._replan), None
            if head.stream:
                client.expect_stream()
            lost = await self._search.run(
                exchange, client, plan, world=world, settle=self._settle, clear=plan is kept
            )
            if lost is not None:
                await self._give_up(exchange, client, lost=lost, world=world)
        except CallerError as error:
            await self._refuse(exchange, client, problem=blame.from_caller_error(error))
        except asyncio.CancelledError:
            _cancelled(exchange)
            raise
        except Exception as error:  # noqa: BLE001 - a defect of ours must still answer in the dialect
            self._log.error("an exchange failed", error=error, request_id=exchange.inbound.request_id)
            problem = Problem(status=500, message="the gateway failed on this request", code="internal_error")
            await self._refuse(exchange, client, problem=problem)
        finally:
            if not client.disarmed:
                client.disarm()
            self._settle(exchange)
            if exchange.tape is not None:
                self._recorder.end(exchange)

    async def _looked_at(self, exchange: Exchange, client: Client, world: World) -> Head | None:
        """Do what goes before a plan: record, admit, limit, find what is gone on from; None where that answered.

        Raises `CallerError`.
        """
        caller, dialect = exchange.caller, exchange.inbound.dialect
        if world.recording.mode != "off":
            self._recorder.begin(exchange, client, world.recording)
        if caller.policy.dialects:
            admit_dialect(caller, dialect)
        if caller.held or world.decided:
            await settle_body(exchange, world)
        head = exchange.head = skimmed(exchange.inbound)
        if caller.policy.limits is not NO_LIMITS:
            await self._limits.admit(exchange)
        if world.routing.bypass.enabled and await bypass.answered(exchange, world, client):
            return None
        if dialect == "openai_responses":
            await self._follow(exchange)
        return head

    async def _replan(self, exchange: Exchange, world: World) -> Plan:
        plan = self._planner.settled(exchange, world) or await self._planner.plan(exchange, world)
        return self._allowed(plan, exchange, world)

    def _allowed(self, plan: Plan, exchange: Exchange, world: World) -> Plan:
        """Return what is left of `plan`, and edited by features; raises `CallerError` where that is nothing."""
        if exchange.inbound.operation != "generate":
            plan = _able(plan, exchange.inbound.operation, world)
        for edit in self._hooks.plan_edits:
            plan = edit(plan, exchange.head, exchange.caller)
        if exchange.confined is not None:
            plan = guarded(plan, exchange, world)
        if exchange.caller.bounded:
            plan = gated(plan, exchange.caller)
        if not plan.targets:
            raise no_such_model(plan, world)
        if exchange.continuation is not None:
            plan = exchange.continuation.lead(plan)
        exchange.step, exchange.plan = plan.step, plan
        return plan

    async def _follow(self, exchange: Exchange) -> None:
        """Look up what the request goes on from; raises `CallerError` for what is not kept."""
        owner_id = exchange.caller.owner_id
        exchange.carry(await self._stored.resolve(exchange.inbound.body, owner_id=owner_id))
        exchange.continuation = await self._stored.follow(exchange.inbound.body, owner_id=owner_id)

    def _settle(self, exchange: Exchange) -> None:
        """Close the books and let go of what the exchange holds of its key's limits; again is no change."""
        try:
            self._books.settle(exchange)
        finally:
            if exchange.admitted is not None:
                exchange.admitted.settle(used_tokens(exchange))

    async def _give_up(self, exchange: Exchange, client: Client, *, lost: Lost, world: World) -> None:
        head, plan = exchange.head, exchange.plan
        assert head is not None
        if not lost.failures:
            problem = blame.from_pauses(
                lost.pauses,
                exchange.caller,
                asked=head.model,
                targets=len(plan.targets) if plan is not None else 1,
                soonest=lost.soonest,
            )
            await self._refuse(exchange, client, problem=problem)
            return
        target = blame.deciding(lost.failures).target
        account = world.accounts.get(target.account_id)
        problem, raw = blame.for_caller(
            lost.failures,
            exchange.caller,
            account_owner=account.owner_id if account is not None else None,
            soonest=lost.soonest,
        )
        same = target.dialect == exchange.inbound.dialect
        await self._refuse(exchange, client, problem=problem, raw=raw if same else None)

    async def _refuse(
        self, exchange: Exchange, client: Client, *, problem: Problem, raw: bytes | None = None
    ) -> None:
        if client.ended:
            return
        exchange.problem, exchange.outcome = problem, "partial" if client.content_sent else "error"
        await client.refuse(problem, raw=raw)


def _able(plan: Plan, operation: Operation, world: World) -> Plan:
    """Return `plan` with those who can do what is no conversation."""
    if operation != "compact":
        return embedders(plan, world)
    able = tuple(target for target in plan.targets if target.dialect == "openai_responses")
    return msgspec.structs.replace(plan, targets=able)


def _cancelled(exchange: Exchange) -> None:
    """Note that the client left before all of it was done."""
    exchange.outcome = "cancelled"
    for log in exchange.attempts:
        log.verdict = "cancelled" if log.verdict == "open" else log.verdict
    exchange.status = exchange.status or 499


__all__ = ["Pipeline"]
