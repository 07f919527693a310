"""Asks the gateway that runs over the same data folder, if one does: what only a running one knows."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from flowrouter.cli.checks.listening import address_of
from flowrouter.cli.desk import Desk
from flowrouter.errors import CallerError, UpstreamError
from flowrouter.upstream.transport import AiohttpTransport
from flowrouter.wire import json
from flowrouter.wire.http import HttpRequest

_LIMIT = 10.0
_STRANGERS = (401, 404, 405)
"""What another program answers, or a gateway over another data folder or of an older version."""


def ask(desk: Desk, path: str, body: Any) -> Any:
    """Return the `data` of what `body` is answered, None where no gateway of this folder runs.

    Raises `CallerError` with the gateway's words.
    """
    answer = asyncio.run(_ask(desk, path, body))
    return None if answer is None else answer.get("data")


def pages(desk: Desk, path: str) -> list[Any] | None:
    """Return all rows of a list, None where no gateway of this folder runs; raises `CallerError`."""
    rows: list[Any] = []
    cursor = ""
    while True:
        answer = asyncio.run(_ask(desk, f"{path}?limit=200{cursor}", None))
        if answer is None:
            return None
        rows += answer["data"]
        if not answer.get("next_cursor"):
            return rows
        cursor = f"&cursor={answer['next_cursor']}"


async def _ask(desk: Desk, path: str, body: Any) -> dict[str, Any] | None:
    headers = {"authorization": f"Bearer {desk.application.token}", "content-type": "application/json"}
    request = HttpRequest(
        method="GET" if body is None else "POST",
        url=address_of(desk.settings) + path,
        headers=tuple(headers.items()),
        body=b"" if body is None else json.dumps(body),
    )
    transport = AiohttpTransport(connect_timeout=_LIMIT)
    try:
        async with asyncio.timeout(_LIMIT):
            reply = await transport.send(request)
            try:
                pieces: list[bytes] = []
                while piece := await reply.read():
                    pieces.append(piece)
            finally:
                reply.close()
        answer = json.loads(b"".join(pieces))
    except (UpstreamError, TimeoutError, json.JsonError):
        return None
    finally:
        await transport.close()
    return _checked(reply.status, answer)


def _checked(status: int, answer: Any) -> dict[str, Any] | None:
    if not isinstance(answer, dict) or status in _STRANGERS:
        return None
    found = cast("dict[str, Any]", answer)
    if status >= 400:
        error: Any = found.get("error")
        raise CallerError(str(error.get("message") if isinstance(error, dict) else error), status=status)
    return found


__all__ = ["ask", "pages"]
