"""The Starlette application: from HTTP to a route's `Call`, and from its `Reply` back.

The order is the same for every path under `/api`: who calls, is there such a route, is what was sent
well-formed, and only then the route itself. Whoever has no credential learns nothing but that.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from difflib import get_close_matches
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from flowrouter import logs
from flowrouter.api.admin.access import STRANGER, Door, Knock, Visitor
from flowrouter.api.admin.audit import Recorder, Visit
from flowrouter.api.admin.call import AdminRoute, Call, NoQuery, missing
from flowrouter.api.admin.deps import AdminDeps, ASGIApp
from flowrouter.api.admin.envelope import Reply, error_reply, refusal
from flowrouter.api.admin.knocking import address_of, knock_of
from flowrouter.api.admin.login.logins import Logins
from flowrouter.api.admin.page import Page
from flowrouter.api.admin.preconditions import refuse_unseen, stale, unchanged
from flowrouter.api.admin.reading import read_body, read_query
from flowrouter.api.admin.replays import HEADER, Replays
from flowrouter.api.admin.roles import is_change, least_role, refuse_below, refuse_escalation
from flowrouter.api.admin.table import ADMIN_ROUTES
from flowrouter.api.admin.writing import CLIENT_GONE, Written
from flowrouter.api.dashboard import Dashboard
from flowrouter.errors import CallerError, ConfigError, StorageError
from flowrouter.gateway.ports import ConflictError, ManagedError, NotFoundError, StaleError
from flowrouter.httpkit import bodies
from flowrouter.httpkit.bodies import ClientGoneError
from flowrouter.wire import json

BODY_LIMIT = 1024 * 1024

_SAFE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_BODILESS = (303, 304)
_DEEP = "{id:path}"
_EVERY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def build(deps: AdminDeps, routes: Sequence[AdminRoute] = ADMIN_ROUTES) -> ASGIApp:
    """Return the application for `routes`, the page at `/` and what it loads."""
    logins = Logins(deps)
    desk = Desk(deps, Door(deps, logins.sessions), routes, logins=logins)
    files = Dashboard()
    page = Page(deps, logins, files)
    paths = dict.fromkeys(route.path for route in routes)
    deep = {route.path for route in routes if route.deep}
    shallow_first = sorted(paths, key=lambda path: path in deep)
    served = [
        Route(path.replace("{id}", _DEEP) if path in deep else path, desk.answer, methods=_EVERY_METHOD)
        for path in shallow_first
    ]
    application = Starlette(
        routes=[
            Route("/", page.answer, methods=["GET"]),
            Route("/static/{name:path}", _static(files, desk), methods=["GET"]),
            *served,
            Route("/{rest:path}", desk.nowhere, methods=_EVERY_METHOD),
        ]
    )
    application.router.redirect_slashes = False
    application.router.default = _led_nowhere(desk)  # its patterns take no line break, for one
    return application


def _static(files: Dashboard, desk: Desk) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return await files.answer(request, request.path_params["name"]) or await desk.nowhere(request)

    return answer


def _led_nowhere(desk: Desk) -> ASGIApp:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        response = await desk.nowhere(Request(scope, receive))
        await response(scope, receive, send)

    return answer


class Desk:
    """Answers every path under `/api`."""

    def __init__(self, deps: AdminDeps, door: Door, routes: Sequence[AdminRoute], *, logins: Logins) -> None:
        self._deps = deps
        self._door = door
        self._logins = logins
        self._rows = {(route.method, route.path): route for route in routes}
        self._log = logs.get("api")
        self._recorder = Recorder(deps, routes, self._log)
        self._replays = Replays(deps)

    async def answer(self, request: Request) -> Response:
        """Answer on a path of the table."""
        return await self._guarded(request, str(request.scope["route"].path).replace(_DEEP, "{id}"))

    async def nowhere(self, request: Request) -> Response:
        """Answer on a path that is none."""
        return await self._guarded(request, None)

    async def _guarded(self, request: Request, path: str | None) -> Response:
        request_id = f"req_{secrets.token_hex(12)}"
        knock = knock_of(request, self._deps.config.admin.public_url)
        visit = Visit(knock.peer, request.url.path)
        try:
            reply, status = await self._answer(request, path, knock=knock, visit=visit)
        except ClientGoneError:
            return Response(status_code=CLIENT_GONE)
        except Exception as error:  # noqa: BLE001 - the last place to turn it into an answer
            refused = self._refused(error, request, request_id)
            await self._recorder.record(visit, None, status=refused.status, request_id=request_id)
            body = json.dumps(error_reply(refused, request_id))
            return _response(body, refused.status, _headers(refused, request_id))
        if reply.write is not None:
            return self._written(request, visit, reply, request_id=request_id)
        self._note(request, status, request_id)
        await self._recorder.record(visit, reply, status=status, request_id=request_id)
        if (
            request.method == "HEAD" and reply.stream is not None
        ):  # nobody would read it, and it may never end
            reply = msgspec.structs.replace(reply, stream=None, content=b"")
        answer = _answered(reply, status, {**reply.headers, "x-request-id": request_id})
        for cookie in reply.cookies:
            answer.headers.append("set-cookie", cookie)
        return answer

    def _written(self, request: Request, visit: Visit, reply: Reply, *, request_id: str) -> Response:
        """Return an answer that is written by its route, and noted when its status is known."""
        assert reply.write is not None

        async def done(status: int) -> None:
            self._note(request, status, request_id)
            await self._recorder.record(visit, reply, status=status, request_id=request_id)

        headers = {**_SAFE, **reply.headers, "x-request-id": request_id}
        watch = visit.row is None or not visit.row.relays
        return Written(reply.write, headers=headers, done=done, watch=watch)

    async def _answer(
        self, request: Request, path: str | None, *, knock: Knock, visit: Visit
    ) -> tuple[Reply, int]:
        asked = request.url.path
        if path is None and asked != "/api" and not asked.startswith("/api/"):
            raise refusal(f"{request.method} {asked[:200]} leads nowhere", status=404, code="unknown_url")
        visitor = await self._visitor(request, path, knock)
        row = self._row(request, path)
        visit.row, visit.visitor = row, visitor
        self._check(row, visitor, knock)
        raw = (
            b""
            if row.body is None or row.relays
            else await bodies.read_body(request.receive, knock.headers, limit=BODY_LIMIT)
        )
        call = visit.call = self._call(request, row, visitor, knock=knock, raw=raw)
        refuse_escalation(visitor.role, call.body)
        refuse_unseen(call, row)
        sent = request.url.query.encode() + b"\n" + raw.strip()
        given = knock.headers.get(HEADER)
        place = self._replays.place(row, visitor, given=given, path=asked, sent=sent)
        if place is None:
            return await self._made(row, call, visit)
        first = await place.enter()
        if first is not None:
            visit.row = None  # nothing is changed, so nothing is written down
            return first, first.status
        try:
            reply, status = await self._made(row, call, visit)
        except BaseException:
            await place.leave()
            raise
        await place.keep(reply, status)
        return reply, status

    async def _made(self, row: AdminRoute, call: Call, visit: Visit) -> tuple[Reply, int]:
        await self._recorder.look(visit)
        reply = await row.answer(call)
        reply = unchanged(reply, call.knock.method, call.headers) or reply
        return reply, reply.status or row.status

    async def _visitor(self, request: Request, path: str | None, knock: Knock) -> Visitor:
        """Return who calls; on a public route strangers are told in it what they may know."""
        row = None if path is None else self._rows.get((request.method, path))
        if row is None or not row.public:
            return await self._door.visitor(knock)
        return STRANGER

    def _check(self, row: AdminRoute, visitor: Visitor, knock: Knock) -> None:
        """Raise `CallerError` (403) where the role does not suffice, or a browser may have been tricked."""
        if row.public:
            return
        refuse_below(
            visitor.role, least_role(row.method, row.path), what=row.summary[0].lower() + row.summary[1:]
        )
        if is_change(row.method, row.path):
            self._door.refuse_forged(visitor, knock)

    def _row(self, request: Request, path: str | None) -> AdminRoute:
        method = "GET" if request.method == "HEAD" else request.method
        if path is None:
            raise self._no_such_path(request.url.path)
        row = self._rows.get((method, path))
        if row is None:
            allowed = sorted(known for known, at in self._rows if at == path)
            raise refusal(
                f"{request.method} is not served on {path}",
                status=405,
                code="method_not_allowed",
                fix=f"use {' or '.join(allowed)}",
            )
        return row

    def _no_such_path(self, path: str) -> CallerError:
        known = sorted({at for _, at in self._rows})
        close = get_close_matches(path, known, n=1)
        fix = f"did you mean {close[0]}?" if close else "see /api/openapi.json"
        return refusal(f"there is no route {path[:200]}", status=404, code="unknown_url", fix=fix)

    def _call(self, request: Request, row: AdminRoute, visitor: Visitor, *, knock: Knock, raw: bytes) -> Call:
        rest = str(next(iter(request.path_params.values()), ""))
        if "\0" in rest:
            raise missing("no id has a NUL in it", code="not_found")
        # What is only asked about may hold anything; what is kept, only what every store can keep.
        body = (
            None
            if row.body is None or row.relays
            else read_body(raw, row.body, whole=not is_change(row.method, row.path))
        )
        return Call(
            self._deps,
            visitor,
            query=read_query(request.query_params.multi_items(), row.query or NoQuery),
            body=body,
            rest=rest,
            knock=knock,
            address=address_of(request),
            logins=self._logins,
            log=self._log,
        )

    def _refused(self, error: Exception, request: Request, request_id: str) -> CallerError:
        match error:
            case CallerError():
                return error
            case NotFoundError():
                return refusal(error.message, status=404, code="not_found")
            case ManagedError():
                fix = f"{error.fix}, or take this over until then: `?detach=true`"
                return refusal(error.message, status=409, code="managed_by_file", fix=fix)
            case StaleError():
                return stale(error.message, error.what)
            case ConflictError():
                return refusal(error.message, status=409, code="conflict")
            case ConfigError():
                return refusal(error.message)
            case StorageError():
                self._log.warning("the store did not answer", reason=error.message, request_id=request_id)
                fix = "try again; GET /api/status tells how the store does"
                return refusal("the store does not answer", status=503, code="store_unavailable", fix=fix)
            case _:
                self._log.error("a management call failed", error=error, request_id=request_id)
                message = f"{request.method} failed in the gateway; the log has the reason"
                return refusal(message, status=500, code="internal_error")

    def _note(self, request: Request, status: int, request_id: str) -> None:
        if request.method not in ("GET", "HEAD"):
            self._log.info(
                "management",
                method=request.method,
                path=request.url.path,
                status=status,
                request_id=request_id,
            )


def _headers(error: CallerError, request_id: str) -> dict[str, str]:
    headers = {"x-request-id": request_id}
    if error.status == 401:
        headers["www-authenticate"] = 'Bearer realm="flow-router"'
    if error.status == 405:
        headers["allow"] = (
            str((error.details or {}).get("fix", "")).removeprefix("use ").replace(" or ", ", ")
        )
    if error.retry_after is not None:
        headers["retry-after"] = str(round(error.retry_after))
    elif error.status == 503:
        headers["retry-after"] = "1"
    return headers


def _answered(reply: Reply, status: int, headers: dict[str, str]) -> Response:
    if reply.stream is not None:
        return StreamingResponse(
            reply.stream, status_code=status, headers={**_SAFE, **headers}, media_type=reply.media
        )
    return _response(b"" if status in _BODILESS else reply.body(), status, headers, media=reply.media)


def _response(
    body: bytes, status: int, headers: dict[str, str], *, media: str = "application/json"
) -> Response:
    return Response(
        body, status_code=status, headers={**_SAFE, **headers}, media_type=media if body else None
    )


__all__ = ["BODY_LIMIT", "build"]
