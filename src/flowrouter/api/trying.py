"""An exchange for somebody who came in at the other door: a person who tries a model on the dashboard.

It takes the very way of the data plane; only who asks is known already, and the browser's own headers
(cookies, credentials, where the page is) stay behind.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from flowrouter.api.call import Call, Entry, call_of
from flowrouter.api.routes import ROUTES, Route
from flowrouter.canonical.dialect import Dialect
from flowrouter.clock import Clock
from flowrouter.gateway.affinity import SESSION_HEADERS
from flowrouter.httpkit.auth import OWN_HEADER
from flowrouter.httpkit.bodies import Receive, declared_length
from flowrouter.httpkit.caller import Caller
from flowrouter.httpkit.replies import Send
from flowrouter.httpkit.visit import AsgiVisit
from flowrouter.tasks import TaskGroup

CLIENT = "dashboard"
"""What stands as the client in the request log."""

_TAKEN = frozenset(
    {"accept", "anthropic-beta", "anthropic-version", "content-encoding", "content-length", "content-type", "openai-beta"}
    | set(SESSION_HEADERS)
)  # fmt: skip
_OURS = "x-flowrouter-"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is tried: a request of `dialect`, whose body is still to be read; Gemini's `model` and `stream` are its address's."""

    caller: Caller
    dialect: Dialect
    headers: Mapping[str, str]
    model: str = ""
    stream: bool = False


Try = Callable[[Asked, Receive, Send], Awaitable[str]]
"""Answers what is asked, as the data plane would; returns the request's id."""


def spoken() -> tuple[Dialect, ...]:
    """Return the dialects in which a conversation can be asked for."""
    return tuple(
        dict.fromkeys(route.dialect for route in ROUTES if route.dialect and route.purpose == "generate")
    )


def call_for(asked: Asked, receive: Receive, send: Send, *, clock: Clock, tasks: TaskGroup) -> Call:
    """Return the data plane's call for what is asked."""
    route = _route(asked)
    path = route.path.replace("{model}", asked.model)
    query = b"alt=sse" if route.stream else b""
    scope = {"method": route.method, "path": path, "query_string": query, "headers": ()}
    headers = {name: value for name, value in asked.headers.items() if _is_taken(name)}
    visit = AsgiVisit(scope, receive, send, tasks=tasks)
    visit.declared = declared_length(headers)
    call = call_of(visit, Entry(path, route, asked.model), clock=clock)
    call.headers, call.caller = {**headers, "user-agent": CLIENT}, asked.caller
    return call


def _route(asked: Asked) -> Route:
    """Return the first route that serves what is asked."""
    return next(
        route
        for route in ROUTES
        if route.purpose == "generate"
        and route.dialect == asked.dialect
        and route.stream in (None, asked.stream)
    )


def _is_taken(name: str) -> bool:
    return name in _TAKEN or (name.startswith(_OURS) and name != OWN_HEADER)


__all__ = ["CLIENT", "Asked", "Try", "call_for", "spoken"]
