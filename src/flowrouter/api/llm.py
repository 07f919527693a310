"""The data plane as raw ASGI: from the server's callable to the pipeline, no framework between.

Every request passes the guard first. What is not a data-plane route goes to the management app.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from flowrouter import __version__, logs
from flowrouter.api import models
from flowrouter.api.routes import Route, dialect_of, knows, match, normalise
from flowrouter.canonical.problem import Problem
from flowrouter.clock import Clock
from flowrouter.config import Timeouts
from flowrouter.dialects import codec
from flowrouter.errors import CallerError, StorageError
from flowrouter.gateway.blame import from_caller_error
from flowrouter.gateway.client import Client
from flowrouter.gateway.counting import Counter
from flowrouter.gateway.exchange import Exchange, Inbound, Operation
from flowrouter.gateway.notice import error_headers
from flowrouter.gateway.pipeline import Pipeline, no_such_model
from flowrouter.gateway.ports import ReceiptStore
from flowrouter.gateway.world import World
from flowrouter.httpkit import replies
from flowrouter.httpkit.auth import authenticate
from flowrouter.httpkit.bodies import ClientGoneError, Receive, read_body
from flowrouter.httpkit.caller import Caller
from flowrouter.httpkit.guard import Guard
from flowrouter.httpkit.memory import MemoryGate, Share
from flowrouter.httpkit.replies import Headers, Send
from flowrouter.routing import build_plan
from flowrouter.tasks import TaskGroup
from flowrouter.wire import json

Scope = dict[str, Any]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logs.get("gateway")


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What the routes are made of."""

    world: Callable[[], World]
    pipeline: Pipeline
    counter: Counter
    receipts: ReceiptStore
    guard: Guard
    memory: MemoryGate
    tasks: TaskGroup
    clock: Clock
    timeouts: Timeouts
    body_limit: int
    readiness: Callable[[], tuple[bool, dict[str, Any]]]
    management: App


class DataPlane:
    """Serves HTTP scopes."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._answers: dict[str, Callable[[_Call], Awaitable[None]]] = {
            "generate": partial(self._exchange, "generate"),
            "embed": partial(self._exchange, "embeddings"),
            "count_tokens": self._count_tokens,
            "list_models": self._list_models,
            "get_model": self._get_model,
            "get_receipt": self._get_receipt,
            "alive": self._alive,
            "ready": self._ready,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        headers = _headers(scope)
        method: str = scope["method"]
        path = normalise(scope["path"])
        call = _Call(scope, receive, self._with_cors(send, headers), headers=headers, path=path)
        try:
            objection = self._parts.guard.objection(method, headers)
            if objection is not None:
                raise CallerError(objection[1], status=objection[0], code="refused")
            if self._is_unkeyed_page(headers):
                raise CallerError(
                    "web pages may call only a gateway that asks for keys; make one with "
                    "`flow-router keys create NAME`",
                    status=403,
                    code="refused",
                )
            if method == "OPTIONS" and "origin" in headers:
                await _preflight(call.send)
                return
            found = match(method, path)
            if found is not None:
                call.route, call.rest = found
                await self._answers[call.route.purpose](call)
            elif path.startswith("/v1/") or knows(path):
                raise _no_route(method, path)
            else:
                await self._parts.management(scope, receive, call.send)
        except ClientGoneError:
            return
        except CallerError as error:
            await call.refuse(from_caller_error(error))
        except Exception as error:  # noqa: BLE001 - a defect of ours must still answer in the dialect
            _log.error("a request failed", error=error, request_id=call.request_id, path=path)
            problem = Problem(status=500, message="the gateway failed on this request", code="internal_error")
            await call.refuse(problem)

    async def _exchange(self, operation: Operation, call: _Call) -> None:
        """Run what a provider is asked for through the pipeline."""
        route = call.route
        assert route is not None
        assert route.dialect is not None
        started, wall = self._parts.clock.monotonic(), self._parts.clock.now()
        with self._parts.memory.hold(call.headers) as share:
            # A stranger's body is not worth reading; the pipeline refuses and books the request.
            body = await self._body(call, share) if self._admits(call) else b""
            inbound = Inbound(
                request_id=call.request_id,
                dialect=route.dialect,
                operation=operation,
                endpoint=route.path,
                headers=call.headers,
                body=body,
                wall=wall,
                started=started,
            )
            exchange = Exchange(inbound)
            client = Client(
                call.send,
                codec(route.dialect),
                exchange,
                clock=self._parts.clock,
                timeouts=self._parts.timeouts,
                tasks=self._parts.tasks,
            )
            await self._watched(call.receive, exchange, client)

    async def _watched(self, receive: Receive, exchange: Exchange, client: Client) -> None:
        """Run the exchange; a client that goes away cancels it, and with it the upstream call."""
        work = asyncio.current_task()
        assert work is not None
        gone = False

        def give_up() -> None:
            nonlocal gone
            gone = True
            work.cancel()

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            if not client.ended:
                give_up()

        client.on_stuck = give_up
        watcher = self._parts.tasks.start("client watch", watch())
        try:
            await self._parts.pipeline.run(exchange, client)
        except asyncio.CancelledError:
            if not gone:
                raise
            work.uncancel()
        finally:
            watcher.cancel()

    async def _count_tokens(self, call: _Call) -> None:
        self._caller(call)
        with self._parts.memory.hold(call.headers) as share:
            await self._count(call, await self._body(call, share))

    async def _count(self, call: _Call, body: bytes) -> None:
        world = self._parts.world()
        model = codec("anthropic").skim(body).model
        plan = build_plan(world.facts, model, dialect="anthropic")
        if not plan.targets:
            raise no_such_model(plan, world)
        count = await self._parts.counter.count(body, plan, world, headers=call.headers)
        if count.problem is not None:
            await call.refuse(count.problem, count.body or None)
            return
        source = count.target.account if count.target is not None else "estimate"
        await call.answer(200, count.body, [(b"x-flowrouter-counted-by", source.encode("ascii", "replace"))])

    async def _list_models(self, call: _Call) -> None:
        self._caller(call)
        await call.answer(200, json.dumps(models.listing(self._parts.world(), call.dialect, call.query)))

    async def _get_model(self, call: _Call) -> None:
        self._caller(call)
        await call.answer(200, json.dumps(models.single(self._parts.world(), call.dialect, call.rest)))

    async def _get_receipt(self, call: _Call) -> None:
        caller = self._caller(call)
        try:
            found = await self._parts.receipts.get(call.rest, owner_id=caller.owner_id)
        except StorageError as error:
            raise CallerError("receipts cannot be read at the moment", status=503) from error
        if found is None:
            raise CallerError("there is no receipt with this id", status=404, code="receipt_not_found")
        await call.answer(200, found)

    async def _alive(self, call: _Call) -> None:
        body = {"service": "flow-router", "status": "ok", "version": __version__}
        await call.answer(200, json.dumps(body))

    async def _ready(self, call: _Call) -> None:
        ready, detail = self._parts.readiness()
        await call.answer(200 if ready else 503, json.dumps({"ready": ready, **detail}))

    async def _body(self, call: _Call, share: Share) -> bytes:
        return await read_body(call.receive, call.headers, limit=self._parts.body_limit, cover=share.cover)

    def _admits(self, call: _Call) -> bool:
        try:
            self._caller(call)
        except CallerError:
            return False
        return True

    def _caller(self, call: _Call) -> Caller:
        world = self._parts.world()
        now_ms = int(self._parts.clock.now() * 1000)
        return authenticate(call.headers, world.ring, now_ms=now_ms, protected=world.protected)

    def _is_unkeyed_page(self, headers: dict[str, str]) -> bool:
        """Return whether an allow-listed page of another site calls while nothing asks it for a key."""
        origin = headers.get("origin", "").lower()
        return origin in self._parts.guard.origins and not len(self._parts.world().ring)

    def _with_cors(self, send: Send, headers: dict[str, str]) -> Send:
        """Return `send` with the headers a page of an allow-listed origin needs to read the answer."""
        origin = headers.get("origin")
        if origin is None or origin.lower() not in self._parts.guard.origins:
            return send

        async def with_cors(message: Any) -> None:
            if message["type"] == "http.response.start":
                extra = [
                    (b"access-control-allow-origin", origin.encode()),
                    (b"access-control-expose-headers", b"*"),
                    (b"vary", b"origin"),
                ]
                message = {**message, "headers": [*message.get("headers", ()), *extra]}
            await send(message)

        return with_cors


class _Call:
    """One HTTP request before it is known to be an exchange."""

    __slots__ = ("_scope", "headers", "path", "receive", "request_id", "rest", "route", "send")

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, *, headers: dict[str, str], path: str
    ) -> None:
        self._scope = scope
        self.receive = receive
        self.send = send
        self.headers = headers
        self.path = path
        self.route: Route | None = None
        self.rest = ""
        self.request_id = "req_" + secrets.token_hex(12)

    @property
    def dialect(self) -> Any:
        """Return the dialect the answer is told in."""
        if self.route is not None and self.route.dialect is not None:
            return self.route.dialect
        return dialect_of(self.path, self.headers)

    @property
    def query(self) -> dict[str, str]:
        """Return the query, the last of repeated names."""
        return dict(parse_qsl(self._scope.get("query_string", b"").decode("latin-1")))

    async def answer(self, status: int, body: bytes, extra: Headers | None = None) -> None:
        """Send a JSON answer."""
        await replies.send_json(self.send, status, body, extra=[*self._ids(), *(extra or [])])

    async def refuse(self, problem: Problem, raw: bytes | None = None) -> None:
        """Send an error in the route's dialect."""
        spoken = codec(self.dialect)
        body = raw if raw is not None else spoken.render_problem(problem, self.request_id)
        headers = [*self._ids(), *error_headers(problem)]
        await replies.send_json(self.send, spoken.problem_status(problem), body, extra=headers)

    def _ids(self) -> Headers:
        text = self.request_id.encode()
        return [(b"x-request-id", text), (b"request-id", text)]


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers by lower-case name; repeated ones are joined as HTTP allows."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def _preflight(send: Send) -> None:
    """Answer a CORS preflight; the guard has let the origin pass, so it is allow-listed."""
    headers: Headers = [
        (b"access-control-allow-methods", b"GET, POST, PATCH, DELETE, OPTIONS"),
        (b"access-control-allow-headers", b"*, authorization"),
        (b"access-control-max-age", b"600"),
    ]
    await replies.send_head(send, 204, headers)
    await replies.send_last(send)


def _no_route(method: str, path: str) -> CallerError:
    if knows(path):
        return CallerError(f"{method} is not served on {path[:200]}", status=405)
    return CallerError(f"there is no route {method} {path[:200]}", status=404, code="unknown_url")


__all__ = ["App", "DataPlane", "Parts"]
