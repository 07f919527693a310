"""`/api/requests.csv`: the request log for a spreadsheet, read and sent page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from flowrouter.api.admin.call import Call
from flowrouter.api.admin.deps import Repositories
from flowrouter.api.admin.envelope import Reply
from flowrouter.api.admin.request_log import NamedQuery, RequestShown, filter_of, shown
from flowrouter.api.admin.request_sift import Named, fits
from flowrouter.api.admin.sheets import SHEET, line, named
from flowrouter.gateway.ports import RequestFilter, RequestPage

ROWS_MAX = 10_000
"""How many of the newest requests a table is made of."""

_PAGE = 200
_LISTS = ("attempts", "losses")
_COLUMNS = tuple(name for name in RequestShown.__struct_fields__ if name not in _LISTS)


async def get_requests_csv(call: Call) -> Reply:
    """Return the newest requests as CSV; of attempts and losses, how many there were."""
    query: NamedQuery = call.query
    which = filter_of(query, call)
    first = await call.ask(partial(_page, which=which, cursor=None))  # while a failure can still be told
    return Reply(stream=_lines(call, which, query, first=first), media=SHEET, headers=named("requests.csv"))


async def _lines(
    call: Call, which: RequestFilter, wanted: Named, *, first: RequestPage
) -> AsyncIterator[bytes]:
    yield line((*_COLUMNS, *_LISTS))
    sent, found = 0, first
    while True:
        for row in found.rows:
            if not fits(row, wanted):
                continue
            members = shown(row, RequestShown)
            counts = (len(members[name]) for name in _LISTS)
            yield line((*(members[name] for name in _COLUMNS), *counts))
        sent += len(found.rows)
        if found.next_cursor is None or sent >= ROWS_MAX:
            return
        found = await call.ask(partial(_page, which=which, cursor=found.next_cursor))


def _page(store: Repositories, *, which: RequestFilter, cursor: str | None) -> RequestPage:
    return store.requests.list(which, limit=_PAGE, cursor=cursor)


__all__ = ["ROWS_MAX", "get_requests_csv"]
