"""`/api/logs`: the newest lines of the log of the process that answers, and its lines as they are written.

The lines of the other workers are not here: each process keeps its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec

from flowrouter import logs
from flowrouter.api.admin.call import AdminRoute as Row
from flowrouter.api.admin.call import Call
from flowrouter.api.admin.envelope import Reply, page
from flowrouter.logs import Kept, Level
from flowrouter.wire import json

LOOK_SECONDS = 0.5
"""How often a live stream looks for new lines."""

BEAT_SECONDS = 15.0
"""How often a live stream says that it is there, and looks whether its reader may still read."""

_OWN = ("time", "level", "logger", "message")
_SEEN_HEADER = "last-event-id"


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log; `id` is the line's own, whichever process wrote it."""

    id: str
    ts_ms: int
    level: Level
    logger: str
    message: str
    fields: dict[str, Any]


class LogStreamQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which lines: of `level` and above."""

    level: Level = "info"


class LogLinesQuery(LogStreamQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which lines, and how many at most."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 200


async def list_log_lines(call: Call) -> Reply:
    """Return the newest lines, newest first."""
    call.operator_only("read the log")
    query: LogLinesQuery = call.query
    found = await asyncio.to_thread(logs.recent, query.level, limit=query.limit)
    return page([_shown(line) for line in found])


async def stream_log_lines(call: Call) -> Reply:
    """Return lines as they are written, as server-sent events; with `Last-Event-ID` those behind that one."""
    call.operator_only("read the log")
    query: LogStreamQuery = call.query
    seen = logs.place_of(call.headers.get(_SEEN_HEADER, ""))
    begin = logs.newest() if seen is None else seen
    return Reply(stream=_events(call, query.level, begin), media="text/event-stream")


async def _events(call: Call, level: Level, seen: int) -> AsyncIterator[bytes]:
    waited = 0.0
    yield b": log lines\n\n"
    while not call.deps.ending():
        newest = logs.newest()
        fresh = await asyncio.to_thread(logs.since, seen, level) if newest > seen else []
        seen = max(newest, fresh[-1].number if fresh else 0)
        for line in fresh:
            yield b"event: line\nid: " + line.id.encode() + b"\ndata: " + json.dumps(_shown(line)) + b"\n\n"
        waited += LOOK_SECONDS
        if waited >= BEAT_SECONDS:
            waited = 0.0
            if not await call.may_go_on():
                return
            yield b": \n\n"
        await asyncio.sleep(LOOK_SECONDS)


def _shown(line: Kept) -> LogLine:
    try:
        members = msgspec.json.decode(line.text, type=dict[str, Any])
    except msgspec.DecodeError:  # a secret that was taken out left no JSON
        members = {"message": line.text}
    return LogLine(
        id=line.id,
        ts_ms=line.ts_ms,
        level=line.level,
        logger=str(members.get("logger", "")),
        message=str(members.get("message", "")),
        fields={name: value for name, value in members.items() if name not in _OWN},
    )


LOG_LINE_ROUTES: tuple[Row, ...] = (
    Row(
        method="GET",
        path="/api/logs",
        summary="List the newest lines of the log",
        answer=list_log_lines,
        reply=LogLine,
        many=True,
        query=LogLinesQuery,
    ),
    Row(
        method="GET",
        path="/api/logs/stream",
        summary="Tell the lines of the log as they are written",
        answer=stream_log_lines,
        reply=None,
        media="text/event-stream",
        query=LogStreamQuery,
    ),
)

__all__ = [
    "LOG_LINE_ROUTES",
    "LogLine",
    "LogLinesQuery",
    "LogStreamQuery",
    "list_log_lines",
    "stream_log_lines",
]
