"""What the data plane says to who is turned away, and to the browsers of pages that are not."""

from __future__ import annotations

from typing import Any

from flowrouter.api.call import Call
from flowrouter.api.routes import is_verb, knows
from flowrouter.canonical.problem import Problem
from flowrouter.errors import CallerError
from flowrouter.httpkit import replies
from flowrouter.httpkit.replies import Headers, Send


def with_cors(send: Send, origin: str) -> Send:
    """Return `send` with the headers a page of an allow-listed origin needs to read the answer."""

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


async def preflight(call: Call) -> None:
    """Answer a CORS preflight; the guard has let the origin pass, so it is allow-listed."""
    headers: Headers = [
        *call.own_headers(),
        (b"access-control-allow-methods", b"GET, POST, PATCH, DELETE, OPTIONS"),
        (b"access-control-allow-headers", b"*, authorization"),
        (b"access-control-max-age", b"600"),
    ]
    await replies.send_head(call.visit.send, 204, headers)
    await replies.send_last(call.visit.send)


async def refuse_upgrade(call: Call) -> None:
    """Tell a client that tries a WebSocket first, as Codex does, to ask over HTTP at once."""
    if call.headers.get("upgrade", "").lower() != "websocket":
        raise no_route(call.visit.method, call.path)
    problem = Problem(
        status=426,
        message="this gateway speaks no WebSocket here: send POST /v1/responses over HTTP, with "
        '`"stream": true` for events',
        code="websocket_not_supported",
        retry=False,
    )
    # A 426 must name what it would have instead (RFC 9110, 15.5.22), and the socket is of no more use.
    extra = [(b"upgrade", b"HTTP/1.1"), (b"connection", b"Upgrade"), (b"connection", b"close")]
    await call.refuse(problem, extra=extra)


def no_keys() -> CallerError:
    """Return the refusal of a page while the gateway asks nobody for a key."""
    return CallerError(
        "web pages may call only a gateway that asks for keys; make one with `flow-router keys create NAME`",
        status=403,
        code="refused",
    )


def out_of_date() -> CallerError:
    """Return the refusal of who comes while the configuration is too old to go by."""
    return CallerError(
        "the gateway has not been able to read its configuration for too long to go on by it",
        status=503,
        code="configuration_too_old",
        retry_after=5.0,
    )


def no_route(method: str, path: str) -> CallerError:
    """Return the refusal of an address that is served nowhere, or by another method."""
    if method == "POST" and is_verb(path):
        verb = path.rpartition(":")[2]
        return CallerError(f"models have no method {verb[:100]!r} here", status=404, code="unknown_url")
    if knows(path):
        return CallerError(f"{method} is not served on {path[:200]}", status=405)
    return CallerError(f"there is no route {method} {path[:200]}", status=404, code="unknown_url")


__all__ = ["no_keys", "no_route", "out_of_date", "preflight", "refuse_upgrade", "with_cors"]
