"""The one envelope: `{data}`, `{data, next_cursor, has_more}` or `{error, request_id}`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from flowrouter.errors import CallerError
from flowrouter.httpkit.bodies import Receive
from flowrouter.httpkit.replies import Send
from flowrouter.wire import json

Write = Callable[[Receive, Send], Awaitable[None]]
"""Answers a request: reads what is still to be read, and sends head and body."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What a route returns: the envelope's members and what stands beside the body.

    `cookies` are whole `set-cookie` values. `status` 0 means the route's own; `bare` sends `data` without an envelope.
    `content` of the type `media` takes its place, or a `stream` that lasts as long as the client listens, or
    what `write` sends by itself.
    """

    data: Any = None
    paged: bool = False
    next_cursor: str | None = None
    notices: tuple[str, ...] = ()
    status: int = 0
    headers: Mapping[str, str] = {}
    cookies: tuple[str, ...] = ()
    bare: bool = False
    content: bytes | None = None
    stream: AsyncIterator[bytes] | None = None
    write: Write | None = None
    media: str = "application/json"

    def body(self) -> bytes:
        """Return the JSON text, or the `content` that stands in its place."""
        if self.content is not None:
            return self.content
        if self.bare:
            return json.dumps(self.data)
        envelope: dict[str, Any] = {"data": self.data}
        if self.paged:
            envelope |= {"next_cursor": self.next_cursor, "has_more": self.next_cursor is not None}
        if self.notices:
            envelope["notices"] = self.notices
        return json.dumps(envelope)


class ErrorDetail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong: a word for programs, a sentence for people, the field, and what to do."""

    code: str
    message: str
    param: str | None = None
    fix: str | None = None


class ErrorReply(msgspec.Struct, frozen=True, kw_only=True):
    """Every answer that is not a success; `request_id` finds it in the log."""

    error: ErrorDetail
    request_id: str


def page(items: Sequence[Any], next_cursor: str | None = None) -> Reply:
    """Return a list, whole unless `next_cursor` continues it."""
    return Reply(data=items, paged=True, next_cursor=next_cursor)


def refusal(
    message: str, *, status: int = 400, code: str = "invalid_request", param: str | None = None, fix: str = ""
) -> CallerError:
    """Return the error that refuses a call; `fix` says what to send or do instead."""
    details: dict[str, object] | None = {"fix": fix} if fix else None
    return CallerError(message, status=status, code=code, param=param, details=details)


def error_reply(error: CallerError, request_id: str) -> ErrorReply:
    """Return the body for `error`."""
    fix = (error.details or {}).get("fix")
    detail = ErrorDetail(
        code=error.code or "invalid_request",
        message=error.message,
        param=error.param,
        fix=str(fix) if fix else None,
    )
    return ErrorReply(error=detail, request_id=request_id)


__all__ = ["ErrorDetail", "ErrorReply", "Reply", "Write", "error_reply", "page", "refusal"]
