"""`/api/usage` beyond its sums: as a table for spreadsheets, live, and the bill of one session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

import msgspec

from flowrouter.api.admin.call import Call, missing
from flowrouter.api.admin.envelope import Reply
from flowrouter.api.admin.request_log import LogQuery, RequestShown, UsageShown, filter_of, shown, sums
from flowrouter.api.admin.sheets import SHEET, line, named
from flowrouter.errors import StorageError
from flowrouter.gateway.ports import RequestFilter, RequestRow
from flowrouter.gateway.session_bills import TURNS_MAX, bill_of
from flowrouter.wire import json

LOOK_SECONDS = 0.5
"""How often the log is looked at for a live stream."""

BEAT_SECONDS = 15.0
"""How often it says that it is there, and looks whether its reader may still read."""

_OVERLAP_MS = 60_000
"""Rows are in the order in which requests came, not in that in which they ended."""

_PAGE = 200
_KNOWN_MAX = 10_000


class StreamQuery(LogQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which requests to tell of as they are settled; `since` is where to begin, now by default."""

    beats: Annotated[bool, msgspec.Meta(description="comments that keep the connection open")] = True


async def get_usage_csv(call: Call) -> Reply:
    """Return the sums of `/api/usage` as CSV."""
    lines = await sums(call)
    names = UsageShown.__struct_fields__
    table = [line(names), *(line(getattr(each, name) for name in names) for each in lines)]
    return Reply(content=b"".join(table), media=SHEET, headers=named("usage.csv"))


async def stream_usage(call: Call) -> Reply:
    """Return requests as they are settled, whichever worker served them, as server-sent events."""
    query: StreamQuery = call.query
    which = filter_of(query, call)
    return Reply(stream=_events(call, which, beats=query.beats), media="text/event-stream")


async def get_session_bill(call: Call) -> Reply:
    """Return what a session cost, turn by turn, and why."""
    which = RequestFilter(owner_id=call.visitor.owner_id, session_id=call.rest)
    page = await call.ask(lambda store: store.requests.list(which, limit=TURNS_MAX))
    if not page.rows:
        raise missing(f"no request of a session {call.rest[:100]}", code="session_not_found")
    return Reply(data=bill_of(call.rest, page.rows, call.deps.world(), now=call.deps.clock.now()))


async def _events(call: Call, which: RequestFilter, *, beats: bool) -> AsyncIterator[bytes]:
    known: dict[str, None] = {}
    waited = 0.0
    if which.since_ms is None:
        # From now on includes what is under way: it came before now, and is settled after.
        begin = int(call.deps.clock.now() * 1000) - _OVERLAP_MS
        which = msgspec.structs.replace(which, since_ms=begin)
        known = dict.fromkeys([row.id for row in await _new(call, which)])
    yield b": settled requests\n\n"
    while not call.deps.ending():
        fresh = [row for row in await _new(call, which) if row.id not in known]
        for row in fresh:
            known[row.id] = None
            yield b"event: settled\ndata: " + json.dumps(RequestShown(**shown(row, RequestShown))) + b"\n\n"
        while len(known) > _KNOWN_MAX:
            del known[next(iter(known))]
        waited += LOOK_SECONDS
        if waited >= BEAT_SECONDS:
            waited = 0.0
            if not await call.may_go_on():
                return
            if beats:
                yield b": \n\n"
        now_ms = int(call.deps.clock.now() * 1000)
        since_ms = max(which.since_ms or 0, now_ms - _OVERLAP_MS)
        which = msgspec.structs.replace(which, since_ms=since_ms)
        await asyncio.sleep(LOOK_SECONDS)


async def _new(call: Call, which: RequestFilter) -> list[RequestRow]:
    """Return the newest rows, oldest first; none while the store does not answer."""
    try:
        page = await call.ask(partial(_page, which=which))
    except StorageError:
        return []
    return list(reversed(page.rows))


def _page(store: Any, which: RequestFilter) -> Any:
    return store.requests.list(which, limit=_PAGE)


__all__ = ["StreamQuery", "get_session_bill", "get_usage_csv", "stream_usage"]
