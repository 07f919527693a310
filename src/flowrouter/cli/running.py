"""Asks the gateway that runs over the same data folder, if one does: what only a running one knows."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from flowrouter.cli.checks.listening import address_of
from flowrouter.cli.desk import Desk
from flowrouter.errors import CallerError, StorageError, UpstreamError
from flowrouter.upstream.http1 import Http1Transport
from flowrouter.wire import json
from flowrouter.wire.http import HttpRequest

_LIMIT = 10.0
_CHANGE_LIMIT = 120.0
_STRANGERS = (401, 404, 405)
"""What another program answers, or a gateway over another data folder or of an older version."""


def ask(desk: Desk, path: str, body: Any) -> Any:
    """Return the `data` of what `body` is answered, None where no gateway of this folder runs.

    Raises `CallerError` with the gateway's words.
    """
    answer = asyncio.run(_ask(desk, path, body))
    return None if answer is None else answer.get("data")


def change(desk: Desk, path: str, body: Any) -> Any:
    """Return the `data` of what a change is answered, None where no gateway of this folder runs.

    Raises `CallerError` with the gateway's words, and `StorageError` where it is not known what became of it.
    """
    try:
        answer = asyncio.run(_send(desk, path, body, limit=_CHANGE_LIMIT))
    except UpstreamError as error:
        if error.kind == "connect":
            return None
        raise StorageError(f"the gateway did not answer ({error.message}); look what became of it") from error
    except TimeoutError:
        raise StorageError("the gateway did not answer in time; look what became of it") from None
    except json.JsonError:
        return None
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
    try:
        return await _send(desk, path, body, limit=_LIMIT)
    except (UpstreamError, TimeoutError, json.JsonError):
        return None


async def _send(desk: Desk, path: str, body: Any, *, limit: float) -> dict[str, Any] | None:
    headers = {"authorization": f"Bearer {desk.application.token}", "content-type": "application/json"}
    request = HttpRequest(
        method="GET" if body is None else "POST",
        url=address_of(desk.settings) + path,
        headers=tuple(headers.items()),
        body=b"" if body is None else json.dumps(body),
    )
    transport = Http1Transport(connect_timeout=_LIMIT)
    try:
        async with asyncio.timeout(limit):
            reply = await transport.send(request)
            try:
                pieces: list[bytes] = []
                while piece := await reply.read():
                    pieces.append(piece)
            finally:
                reply.close()
        answer = json.loads(b"".join(pieces))
    finally:
        await transport.close()
    return _checked(reply.status, answer)


def _checked(status: int, answer: Any) -> dict[str, Any] | None:
    if not isinstance(answer, dict) or status in _STRANGERS:
        return None
    found = cast("dict[str, Any]", answer)
    if status >= 400:
        error: Any = found.get("error")
        raise _told(cast("dict[str, Any]", error) if isinstance(error, dict) else {"message": error}, status)
    return found


def _told(error: dict[str, Any], status: int) -> CallerError:
    """Return the gateway's refusal with what it says to do about it."""
    fix = error.get("fix")
    message = f"{error.get('message')} ({fix})" if fix else str(error.get("message"))
    return CallerError(message, status=status, code=error.get("code"))


__all__ = ["ask", "change", "pages"]
