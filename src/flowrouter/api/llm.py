"""The data plane: from a visit the server takes to the pipeline, no framework between.

Every request passes the guard first. What is not a data-plane route goes to the management app.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec

from flowrouter import __version__, logs
from flowrouter.api import models
from flowrouter.api.admin.envelope import error_reply
from flowrouter.api.call import LISTS, Call, Entry, call_of, may_be_keyed
from flowrouter.api.compact import Compactor
from flowrouter.api.responses import ResponseRoutes
from flowrouter.api.routes import find, knows
from flowrouter.api.turned_away import no_keys, no_route, out_of_date, preflight, refuse_upgrade, with_cors
from flowrouter.api.watch import watched
from flowrouter.canonical.problem import Problem
from flowrouter.clock import Clock
from flowrouter.config import Timeouts
from flowrouter.dialects import codec
from flowrouter.errors import CallerError, StorageError
from flowrouter.gateway.blame import from_caller_error
from flowrouter.gateway.client import Client
from flowrouter.gateway.counting import Counter
from flowrouter.gateway.exchange import Exchange, Inbound, Operation, skimmed
from flowrouter.gateway.key_scope import admit_dialect, gated
from flowrouter.gateway.limits import Limits
from flowrouter.gateway.no_answer import no_such_model
from flowrouter.gateway.one_reading import settle_body
from flowrouter.gateway.pipeline import Pipeline
from flowrouter.gateway.planner import Planner
from flowrouter.gateway.ports import ReceiptStore
from flowrouter.gateway.privacy import PRIVATE
from flowrouter.gateway.standing import limit_headers
from flowrouter.gateway.world import World
from flowrouter.httpkit.auth import recognised
from flowrouter.httpkit.bodies import ClientGoneError, Receive, read_body
from flowrouter.httpkit.caller import Caller
from flowrouter.httpkit.guard import Guard
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.httpkit.memory import MemoryGate
from flowrouter.httpkit.replies import Send
from flowrouter.httpkit.visit import AsgiVisit, Scope, Visit, Way
from flowrouter.tasks import TaskGroup
from flowrouter.wire import json

App = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logs.get("gateway")


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What the routes are made of."""

    world: Callable[[], World]
    pipeline: Pipeline
    planner: Planner
    counter: Counter
    limits: Limits
    receipts: ReceiptStore
    responses: ResponseRoutes
    compactor: Compactor
    guard: Guard
    memory: MemoryGate
    tasks: TaskGroup
    clock: Clock
    timeouts: Timeouts
    body_limit: int
    readiness: Callable[[], tuple[bool, dict[str, Any]]]
    too_old: Callable[[], bool] | None
    management: App


class DataPlane:
    """Answers visits."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._answers: dict[str, Callable[[Call], Awaitable[None]]] = {
            "generate": partial(self._exchange, "generate"),
            "embeddings": partial(self._exchange, "embeddings"),
            "embed_content": partial(self._exchange, "embed_content"),
            "batch_embed": partial(self._exchange, "batch_embed"),
            "count_tokens": self._count_tokens,
            "list_models": self._list_models,
            "get_model": self._get_model,
            "describe_models": self._describe_models,
            "upgrade": refuse_upgrade,
            "get_receipt": self._get_receipt,
            "alive": self._alive,
            "ready": self._ready,
            "compact": self._compact,
            **{name: partial(self._kept, answer) for name, answer in parts.responses.answers.items()},
        }

    async def serve(self, visit: Visit) -> None:
        """Answer one HTTP request."""
        parts, head = self._parts, visit.head
        entry: Entry | None = head.entry
        if entry is None:
            entry = head.entry = self._look(visit)
        if entry.admitted is not None:
            send = with_cors(visit.send, entry.admitted)
            visit = AsgiVisit(visit.scope(), visit.receive, send, tasks=parts.tasks)
        call = call_of(visit, entry, clock=parts.clock)
        try:
            if entry.objection is not None:
                raise CallerError(entry.objection[1], status=entry.objection[0], code="refused")
            if entry.admitted is not None and not len(parts.world().ring):
                raise no_keys()
            if entry.answer is None:
                await self._elsewhere(call)
                return
            if parts.too_old is not None and parts.too_old() and not _is_always(entry):
                raise out_of_date()
            logs.about(call.request_id)
            await entry.answer(call)
        except ClientGoneError:
            return
        except CallerError as error:
            if entry.path == "/api" or entry.path.startswith("/api/"):
                body = json.dumps(error_reply(error, call.request_id))
                await call.answer(error.status, body)
            else:
                await call.refuse(from_caller_error(error))
        except Exception as error:  # noqa: BLE001 - a defect of ours must still answer in the dialect
            await _failed(call, error)
        finally:
            if call.share is not None:
                call.share.release()

    def _look(self, visit: Visit) -> Entry:
        """Return what a request's head tells, whatever its body and whoever its caller are."""
        headers, method = visit.headers, visit.method
        path, found = find(method, visit.path)
        entry = Entry(path)
        origin = headers.get("origin")
        if origin is not None and origin.lower() in self._parts.guard.origins:
            entry.admitted = origin  # a page of another site calls that is allow-listed
        entry.objection = self._parts.guard.objection(method, headers, path=path)
        preflight = origin is not None and method == "OPTIONS"
        if found is not None and entry.objection is None and not preflight:
            route, entry.rest = found
            entry.route, entry.answer = route, self._answers[route.purpose]
            entry.keyed = may_be_keyed(route, visit.query)
        return entry

    async def _elsewhere(self, call: Call) -> None:
        """Answer what is no route of the data plane's; raises `CallerError` for what is nobody's."""
        visit, path = call.visit, call.path
        if "origin" in call.headers and visit.method == "OPTIONS":
            await preflight(call)
        elif path.startswith(("/v1/", "/v1beta/")) or knows(path):
            raise no_route(visit.method, path)
        else:
            await self._parts.management(visit.scope(), visit.receive, visit.send)

    async def converse(self, call: Call) -> None:
        """Run what a caller asks whom another door has let in (`call.caller`), as if it had come here."""
        try:
            if self._parts.too_old is not None and self._parts.too_old():
                raise out_of_date()
            logs.about(call.request_id)
            await self._exchange("generate", call)
        except ClientGoneError:
            return
        except CallerError as error:
            await call.refuse(from_caller_error(error))
        except Exception as error:  # noqa: BLE001 - as above
            await _failed(call, error)
        finally:
            if call.share is not None:
                call.share.release()

    def _exchange(self, operation: Operation, call: Call) -> Awaitable[None]:
        """Run what a provider is asked for through the pipeline, once awaited."""
        parts, visit = self._parts, call.visit
        world, wall = parts.world(), parts.clock.now()
        call.share = parts.memory.hold(visit.declared)
        try:
            caller = self._known(call, world, wall)
        except CallerError:
            # A stranger's body is not worth reading; the pipeline refuses and books the request.
            caller, body = None, b""
        else:
            body = visit.whole(parts.body_limit)
            if body is None:
                return self._read_first(operation, call, caller, world=world, wall=wall)
        return self._run(_inbound(call, operation, body, wall=wall, caller=caller), call, visit)

    async def _read_first(
        self, operation: Operation, call: Call, caller: Caller | None, *, world: World, wall: float
    ) -> None:
        body = await self._body(call)
        if world is not self._parts.world():
            caller = call.caller  # keys may have changed while the body came
        await self._run(_inbound(call, operation, body, wall=wall, caller=caller), call, call.visit)

    def _run(self, inbound: Inbound, call: Call, way: Way) -> Awaitable[None]:
        """Run one exchange, once awaited, whose answer goes that way."""
        parts, exchange = self._parts, Exchange(inbound)
        client = Client(way, codec(inbound.dialect), exchange, parts.clock, parts.timeouts, parts.tasks)
        return watched(parts.pipeline.run(exchange, client), call.visit, client)

    async def _kept(self, answer: Callable[[Call, Caller], Awaitable[None]], call: Call) -> None:
        """Answer what is asked about an answer that was kept."""
        await answer(call, self._caller(call))

    async def _compact(self, call: Call) -> None:
        caller, wall = self._caller(call), self._parts.clock.now()
        body = await self._body(call)
        inbound = _inbound(call, "compact", body, wall=wall, caller=call.caller)
        await self._parts.compactor.answer(inbound, call, caller=caller, run=self._run)

    async def _count_tokens(self, call: Call) -> None:
        caller = self._caller(call)
        await self._count(call, await self._body(call), caller)

    async def _count(self, call: Call, body: bytes, caller: Caller) -> None:
        world, wall = self._parts.world(), self._parts.clock.now()
        inbound = _inbound(call, "generate", body, wall=wall, caller=call.caller)
        exchange = Exchange(inbound)
        exchange.caller = caller
        await settle_body(exchange, world)
        exchange.head = skimmed(exchange.inbound)
        try:
            await self._parts.limits.admit(exchange, tokens=False)
        finally:
            call.told = limit_headers(exchange.standings, inbound.dialect)
        try:
            await self._counted(call, exchange, world)
        finally:
            if exchange.admitted is not None:
                exchange.admitted.settle(None)

    async def _counted(self, call: Call, exchange: Exchange, world: World) -> None:
        plan, _ = await self._parts.planner.preview(exchange, world)
        plan, inbound = gated(plan, exchange.caller), exchange.inbound
        # Nobody may be asked to count a private prompt; our own estimate tells nobody.
        if not plan.targets and plan.step != PRIVATE:
            raise no_such_model(plan, world)
        count = await self._parts.counter.count(inbound, plan, world, away=call.away)
        if count.problem is not None:
            await call.refuse(count.problem, count.body or None)
            return
        source = count.target.account if count.target is not None else "estimate"
        await call.answer(200, count.body, [(b"x-flowrouter-counted-by", source.encode("ascii", "replace"))])

    async def _list_models(self, call: Call) -> None:
        world, agent = self._seen(call), call.headers.get("user-agent", "")
        policy = self._caller(call).policy
        answer = models.answer(world, call.dialect, call.query, agent=agent, policy=policy)
        await call.answer(200, *answer)

    async def _describe_models(self, call: Call) -> None:
        await call.answer(200, json.dumps(models.described(self._seen(call), self._caller(call).policy)))

    async def _get_model(self, call: Call) -> None:
        policy = self._caller(call).policy
        found = models.single(self._seen(call), call.dialect, call.rest, policy=policy)
        await call.answer(200, json.dumps(found))

    def _seen(self, call: Call) -> World:
        """Return the world without what other owners have and named; raises `CallerError` for a wrong credential."""
        caller, world = self._caller(call), self._parts.world()
        facts = world.facts.seen_by((caller.owner_id, LOCAL_OWNER))
        return world if facts is world.facts else msgspec.structs.replace(world, facts=facts)

    async def _get_receipt(self, call: Call) -> None:
        caller = self._caller(call)
        try:
            found = await self._parts.receipts.get(call.rest, owner_id=caller.owner_id)
        except StorageError as error:
            raise CallerError("receipts cannot be read at the moment", status=503) from error
        if found is None:
            raise CallerError("there is no receipt with this id", status=404, code="receipt_not_found")
        await call.answer(200, found)

    async def _alive(self, call: Call) -> None:
        body = {"service": "flow-router", "status": "ok", "version": __version__}
        await call.answer(200, json.dumps(body))

    async def _ready(self, call: Call) -> None:
        ready, detail = self._parts.readiness()
        await call.answer(200 if ready else 503, json.dumps({"ready": ready, **detail}))

    def _body(self, call: Call) -> Awaitable[bytes]:
        """Return the body, once awaited, for which a share of the memory is held until the call is answered."""
        share = call.share
        if share is None:
            share = call.share = self._parts.memory.hold(call.visit.declared)
        return read_body(call.visit.receive, call.headers, limit=self._parts.body_limit, cover=share.cover)

    def _caller(self, call: Call) -> Caller:
        """Return who calls; raises `CallerError`."""
        return self._known(call, self._parts.world(), self._parts.clock.now())

    def _known(self, call: Call, world: World, wall: float) -> Caller:
        """Return who calls at `wall`, as `_caller` does.

        What was found of the same headers before holds while the keys do.
        """
        known = call.entry.known
        if (
            known is None
            or known.mark is not world.ring.mark
            or known.protected is not world.protected
            or known.until_ms <= wall * 1000
        ):
            return _met(call, world, wall)
        return known.caller


_ALWAYS = frozenset({"alive", "ready"})


def _met(call: Call, world: World, wall: float) -> Caller:
    """Return who calls, and keep that where the headers tell it; raises `CallerError`.

    Lists of models every key may ask for: the shape of a list is no dialect spoken.
    """
    entry, caller, found = call.entry, call.caller, None
    if caller is None:
        found = recognised(call.headers, world.ring, now_ms=int(wall * 1000), protected=world.protected)
        caller = found.caller
    if caller.policy.dialects and entry.route is not None and entry.route.purpose not in LISTS:
        admit_dialect(caller, entry.route.dialect)
    entry.known = found
    return caller


def _inbound(call: Call, operation: Operation, body: bytes, *, wall: float, caller: Caller | None) -> Inbound:
    """Return what arrived; Gemini's clients say in the address what others say in the body."""
    route = call.entry.route
    assert route is not None
    assert route.dialect is not None
    inbound = Inbound(
        request_id=call.request_id,
        dialect=route.dialect,
        operation=operation,
        endpoint=route.path,
        headers=call.headers,
        body=body,
        wall=wall,
        started=call.started,
        caller=caller,
    )
    if route.dialect != "gemini":
        return inbound
    return msgspec.structs.replace(
        inbound,
        model=call.entry.rest,
        stream=route.stream,
        framing="array" if route.stream and call.query.get("alt") != "sse" else "sse",
    )


async def _failed(call: Call, error: Exception) -> None:
    """Answer for a defect of ours."""
    _log.error("a request failed", error=error, request_id=call.request_id, path=call.path)
    problem = Problem(status=500, message="the gateway failed on this request", code="internal_error")
    await call.refuse(problem)


def _is_always(entry: Entry) -> bool:
    """Return whether this is answered whatever the gateway's state is."""
    return entry.route is not None and entry.route.purpose in _ALWAYS


__all__ = ["App", "DataPlane", "Parts"]
