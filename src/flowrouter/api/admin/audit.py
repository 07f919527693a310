"""The audit log: every change is written down as it is answered, and `/api/audit` shows the book.

So is every reading of what is private, without what was read.

What a change changed is what its path's own GET says before and after, so a new route is in the book by
itself. Refused changes are in it too (wrong password, missing role, forged), and so are those that failed.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Sequence
from typing import Annotated, Any, cast

import msgspec

from flowrouter.api.admin.access import STRANGER, Visitor
from flowrouter.api.admin.asking import ask
from flowrouter.api.admin.call import AdminRoute, Call
from flowrouter.api.admin.changes import bounded, differences, plain
from flowrouter.api.admin.deps import AdminDeps
from flowrouter.api.admin.envelope import Reply, page
from flowrouter.api.admin.paging import PageQuery, bad_cursor
from flowrouter.api.admin.reading import moment_ms
from flowrouter.api.admin.roles import is_change
from flowrouter.errors import CallerError, StorageError
from flowrouter.gateway.people import AuditEntry, AuditFilter
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.logs import Logger

_turns = itertools.count()
_CALLBACK = "/api/login/oidc/callback"


class AuditQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which entries; `since` and `until` are moments in time."""

    actor: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    action: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    target: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    since: str | None = None
    until: str | None = None


class Visit:
    """One call of a route as the book sees it; filled in on its way."""

    __slots__ = ("before", "call", "path", "peer", "row", "visitor")

    def __init__(self, peer: str | None, path: str) -> None:
        self.peer = peer
        self.path = path
        self.row: AdminRoute | None = None
        self.visitor: Visitor = STRANGER
        self.call: Call | None = None
        self.before: Any = None


class Recorder:
    """Writes the book."""

    def __init__(self, deps: AdminDeps, routes: Sequence[AdminRoute], log: Logger) -> None:
        self._deps = deps
        self._rows = {
            route.path: route
            for route in routes
            if route.method == "GET" and not (route.bare or route.private)
        }
        self._log = log

    async def look(self, visit: Visit) -> None:
        """Note how things are before a change."""
        row, call = visit.row, visit.call
        if row is None or call is None or row.method == "POST" or not is_change(row.method, row.path):
            return
        visit.before = await self._present(row.path, call)

    async def record(self, visit: Visit, reply: Reply | None, *, status: int, request_id: str) -> None:
        """Write a change down; a store that does not answer is told in the log."""
        row = visit.row
        if row is None or not _matters(visit, row, status):
            return
        told = None if reply is None or row.private else plain(reply.data)
        before, after = differences(visit.before, told)
        visitor = visit.visitor if visit.call is None else visit.call.visitor
        now_ms = int(self._deps.clock.now() * 1000)
        entry = AuditEntry(
            id=entry_id(now_ms),
            ts_ms=now_ms,
            owner_id=visitor.home if visitor is not STRANGER else LOCAL_OWNER,
            actor=visitor.name,
            via=visitor.via,
            role=visitor.role,
            action=getattr(row.answer, "__name__", row.path),
            status=status,
            target=_target(visit, reply),
            method=row.method,
            path=visit.path[:500],
            address=visit.peer,
            request_id=request_id,
            before=bounded(before),
            after=bounded(after),
        )
        try:
            await ask(self._deps.management, lambda store: store.audit.record(entry))
        except StorageError as error:
            self._log.error(
                "a change is missing in the audit log",
                reason=error.message,
                request_id=request_id,
                actor=entry.actor,
                action=entry.action,
                target=entry.target,
            )

    async def _present(self, path: str, call: Call) -> Any:
        """Return what a path's own GET shows, or the row of the list above it; None where neither does."""
        own = self._rows.get(path)
        try:
            if own is not None:
                return plain((await own.answer(call.reading(own))).data)
            above = self._rows.get(path.removesuffix("/{id}"))
            if above is None or not path.endswith("/{id}"):
                return None
            rows = plain((await above.answer(call.reading(above, limit=200))).data)
        except (CallerError, StorageError):
            return None
        return next((row for row in cast("list[Any]", rows) if row.get("id") == call.rest), None)


async def list_audit(call: Call) -> Reply:
    """Return who changed what, newest first."""
    call.operator_only("see the audit log")
    query: AuditQuery = call.query
    if query.cursor is not None and not query.cursor.startswith("aud_"):
        raise bad_cursor()
    which = AuditFilter(
        actor=query.actor,
        action=query.action,
        target=query.target,
        since_ms=moment_ms(query.since, "since"),
        until_ms=moment_ms(query.until, "until"),
    )
    found = await call.ask(
        lambda store: store.audit.list(which, limit=query.limit + 1, before_id=query.cursor)
    )
    more = len(found) > query.limit
    return page(found[: query.limit], found[query.limit - 1].id if more else None)


def entry_id(now_ms: int) -> str:
    """Return a new id; ids sort by time, those of one process and millisecond by their turn."""
    return f"aud_{now_ms:012x}{next(_turns) % 0x10000:04x}{secrets.token_hex(4)}"


def _matters(visit: Visit, row: AdminRoute, status: int) -> bool:
    """Return whether an answer tells of a change, a login, or a refusal that somebody should know of.

    Of strangers only wrong passwords count, which the throttle bounds: nobody fills the book from outside.
    """
    if row.path == _CALLBACK:
        return status < 400
    if row.private:
        return visit.visitor is not STRANGER and (status < 400 or status == 403)
    if not is_change(row.method, row.path):
        return False
    if status < 400 and visit.call is not None and getattr(visit.call.body, "dry_run", False):
        return False  # a question what would change
    if visit.visitor is STRANGER:
        return status < 400 or status == 401
    return not 400 <= status < 500 or status == 403


def _target(visit: Visit, reply: Reply | None) -> str | None:
    """Return the id of what was changed."""
    call = visit.call
    if call is not None and (call.target or call.rest):
        return (call.target or call.rest)[:200]
    found = None if reply is None else getattr(reply.data, "id", None)
    return found if isinstance(found, str) else None


__all__ = ["AuditQuery", "Recorder", "Visit", "entry_id", "list_audit"]
