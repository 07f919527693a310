"""Requests of one client or combo, which no index finds: sifted out of the newest rows, of so many at once."""

from __future__ import annotations

from typing import Protocol

from flowrouter.gateway.ports import RequestFilter, RequestPage, RequestRow, Requests

ROWS = 200
PAGES = 20
"""How many rows, and how often, are looked at for one page."""

_AFTER_NAME = ("", "/", " ", "(", ";")
"""What ends a program's name in what it calls itself."""


class Named(Protocol):
    """What rows are sifted by; None lets all through."""

    @property
    def client(self) -> str | None:
        """Return a program's name, with or without its version."""
        ...

    @property
    def combo(self) -> str | None:
        """Return a combo's name."""
        ...


def fits(row: RequestRow, named: Named) -> bool:
    """Return whether `row` is of the client and combo that are named."""
    if named.combo is not None and row.combo != named.combo:
        return False
    if named.client is None:
        return True
    name, length = row.client or "", len(named.client)
    return name.startswith(named.client) and name[length : length + 1] in _AFTER_NAME


def sifted(
    log: Requests, which: RequestFilter, named: Named, *, limit: int, cursor: str | None
) -> RequestPage:
    """Return a page of what fits, short or empty where little does; raises `ValueError` for a strange cursor."""
    rows: list[RequestRow] = []
    for _ in range(PAGES):
        found = log.list(which, limit=ROWS, cursor=cursor)
        for row in found.rows:
            if not fits(row, named):
                continue
            rows.append(row)
            if len(rows) == limit:
                end = row is found.rows[-1] and found.next_cursor is None
                return RequestPage(rows=tuple(rows), next_cursor=None if end else log.behind(row))
        cursor = found.next_cursor
        if cursor is None:
            break
    return RequestPage(rows=tuple(rows), next_cursor=cursor)


__all__ = ["PAGES", "ROWS", "Named", "fits", "sifted"]
