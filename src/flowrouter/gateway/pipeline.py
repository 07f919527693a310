"""The journey of every request, streaming or not, in every dialect.

inbound → caller → skim → plan → attempts → commits → relay → settle, exactly once. The steps are
told in ARCHITECTURE.md; each line here is one of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import msgspec

from flowrouter.canonical.problem import Problem
from flowrouter.clock import Clock
from flowrouter.errors import CallerError
from flowrouter.gateway import blame
from flowrouter.gateway.admission import AccountBusyError, Admission
from flowrouter.gateway.attempts import Attempts
from flowrouter.gateway.blame import Failure
from flowrouter.gateway.client import Client
from flowrouter.gateway.embeddings import embedders
from flowrouter.gateway.exchange import Exchange, skimmed
from flowrouter.gateway.relay import Relay
from flowrouter.gateway.settle import Books
from flowrouter.gateway.stored_responses import StoredResponses
from flowrouter.gateway.world import World
from flowrouter.httpkit.auth import authenticate
from flowrouter.logs import Logger
from flowrouter.plugins import Hooks
from flowrouter.routing import Plan, Target, build_plan


class Pipeline:
    """Serves exchanges; everything it needs is given once, the world is asked for each time."""

    def __init__(
        self,
        *,
        world: Callable[[], World],
        admission: Admission,
        attempts: Attempts,
        relay: Relay,
        stored: StoredResponses,
        books: Books,
        hooks: Hooks,
        clock: Clock,
        wait: float,
        log: Logger,
    ) -> None:
        self._world = world
        self._admission = admission
        self._attempts = attempts
        self._relay = relay
        self._stored = stored
        self._books = books
        self._hooks = hooks
        self._clock = clock
        self._wait = wait
        self._log = log

    async def run(self, exchange: Exchange, client: Client) -> None:
        """Answer one request and settle it, whatever happens."""
        try:
            await self._serve(exchange, client)
        except CallerError as error:
            await self._refuse(exchange, client, problem=blame.from_caller_error(error))
        except asyncio.CancelledError:
            exchange.outcome = "cancelled"
            exchange.status = exchange.status or 499
            raise
        except Exception as error:  # noqa: BLE001 - a defect of ours must still answer in the dialect
            self._log.error("an exchange failed", error=error, request_id=exchange.inbound.request_id)
            problem = Problem(status=500, message="the gateway failed on this request", code="internal_error")
            await self._refuse(exchange, client, problem=problem)
        finally:
            client.disarm()
            self._books.settle(exchange)

    async def _serve(self, exchange: Exchange, client: Client) -> None:
        world, inbound = self._world(), exchange.inbound
        exchange.caller = authenticate(
            inbound.headers, world.ring, now_ms=int(inbound.wall * 1000), protected=world.protected
        )
        head = exchange.head = skimmed(inbound)
        plan = self._plan(exchange, world)
        if inbound.dialect == "openai_responses":
            plan = await self._follow(exchange, plan)
        if head.stream:
            client.expect_stream()
        failures: list[Failure] = []
        for target in _tries(plan, failures):
            wait = self._wait if target is plan.targets[-1] else 0.0
            try:
                async with self._admission.slot(target.account_id, _slots(world, target), wait=wait):
                    failure = await self._attempt(exchange, client, world=world, target=target)
            except AccountBusyError as busy:
                failure = blame.from_busy(busy, target)
            if failure is None:
                return
            failures.append(failure)
        await self._give_up(exchange, client, failures=failures, world=world)

    async def _attempt(
        self, exchange: Exchange, client: Client, *, world: World, target: Target
    ) -> Failure | None:
        follows = exchange.continuation
        if follows is not None:
            exchange.carry(follows.body_for(target))
        opened = await self._attempts.open(exchange, world, target)
        if isinstance(opened, Failure):
            exchange.continuation = follows and follows.without_vendor(opened.problem)
            if exchange.continuation is follows:
                return opened
            return await self._attempt(exchange, client, world=world, target=target)
        return await self._relay.deliver(opened, exchange, client, settle=self._books.settle)

    def _plan(self, exchange: Exchange, world: World) -> Plan:
        head = exchange.head
        assert head is not None
        plan = build_plan(world.facts, head.model, dialect=exchange.inbound.dialect)
        if exchange.inbound.operation == "compact":
            able = tuple(target for target in plan.targets if target.dialect == "openai_responses")
            plan = msgspec.structs.replace(plan, targets=able)
        elif exchange.inbound.operation != "generate":
            plan = embedders(plan, world)
        for edit in self._hooks.plan_edits:
            plan = edit(plan, head, exchange.caller)
        if not plan.targets:
            raise no_such_model(plan, world)
        exchange.step = plan.step
        return plan

    async def _follow(self, exchange: Exchange, plan: Plan) -> Plan:
        """Return `plan` with the targets that know what the request goes on from; raises `CallerError`."""
        owner_id = exchange.caller.owner_id
        exchange.carry(await self._stored.resolve(exchange.inbound.body, owner_id=owner_id))
        exchange.continuation = await self._stored.follow(exchange.inbound.body, owner_id=owner_id)
        return plan if exchange.continuation is None else exchange.continuation.lead(plan)

    async def _give_up(
        self, exchange: Exchange, client: Client, *, failures: list[Failure], world: World
    ) -> None:
        target = blame.deciding(failures).target
        account = world.accounts.get(target.account_id)
        problem, raw = blame.for_caller(
            failures, exchange.caller, account_owner=account.owner_id if account is not None else None
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


def _tries(plan: Plan, failures: list[Failure]) -> Iterator[Target]:
    """Yield the targets to try, judged by what the failures so far mean.

    A failure that says so is tried once more at the same target; one that blames the request ends
    the search at once.
    """
    for target in plan.targets:
        yield target
        if failures and failures[-1].verdict.same_target:
            yield target
        if failures and not failures[-1].verdict.failover:
            return


def _slots(world: World, target: Target) -> int:
    """Return how many requests may be in flight at the target's account."""
    account = world.accounts[target.account_id]
    return account.max_concurrency or world.presets[target.account_id].max_concurrency


def no_such_model(plan: Plan, world: World) -> CallerError:
    """Return the 404 for a model nobody answers, with what to do about it."""
    found = [account.name for account in world.accounts.values() if account.source == "found"]
    if len(found) == len(world.accounts):
        how = f"adopt {found[0]}" if found else "add"
        cure = f"no account is set up yet; get one with `flow-router providers {how}`"
    elif plan.suggestions:
        cure = f"did you mean {', '.join(repr(name) for name in plan.suggestions)}?"
    else:
        cure = "`flow-router models` lists what is there"
    return CallerError(
        f"no account answers for the model {plan.asked!r}; {cure}",
        status=404,
        param="model",
        code="model_not_found",
    )


__all__ = ["Pipeline", "no_such_model"]
