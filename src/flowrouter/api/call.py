"""One HTTP request to the data plane before it is known to be an exchange, and its plain answers."""

from __future__ import annotations

import os
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import parse_qsl

import msgspec

from flowrouter.api.routes import Route, dialect_of, is_verb
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.problem import Problem
from flowrouter.clock import Clock
from flowrouter.dialects import codec
from flowrouter.gateway.notice import error_headers, overhead_header
from flowrouter.httpkit import replies
from flowrouter.httpkit.auth import Recognised, with_query_key
from flowrouter.httpkit.caller import Caller
from flowrouter.httpkit.memory import Share
from flowrouter.httpkit.replies import Headers
from flowrouter.httpkit.visit import Visit


class Entry(msgspec.Struct, eq=False):
    """What is found out about a head; requests that repeat it, on whichever connection, share it.

    `path` is as the table of routes writes it, `rest` what the route's `{name}` stands for, `answer` who answers,
    None where that is no route of the data plane's. `keyed` says that a key may stand in the query. `objection` is the
    guard's, `admitted` the allow-listed origin of a page. `known` is who called by these headers last, and may.
    """

    path: str
    route: Route | None = None
    rest: str = ""
    answer: Callable[[Call], Awaitable[None]] | None = None
    objection: tuple[int, str] | None = None
    admitted: str | None = None
    known: Recognised | None = None
    keyed: bool = False


class Call(msgspec.Struct, eq=False):
    """What arrived and its way back, `visit`.

    `told` are headers that go with whatever is answered. `caller` is set where another door knows who asks. `share`
    is what it holds of the memory for bodies.
    """

    visit: Visit
    entry: Entry
    headers: Mapping[str, str]
    clock: Clock
    started: float
    request_id: str
    caller: Caller | None = None
    share: Share | None = None
    told: Sequence[tuple[bytes, bytes]] = ()
    _away: float = 0.0

    __repr__ = object.__repr__  # headers hold credentials

    @property
    def path(self) -> str:
        """Return the path as the table of routes writes it."""
        return self.entry.path

    @property
    def route(self) -> Route | None:
        """Return the route the path leads to."""
        return self.entry.route

    @property
    def rest(self) -> str:
        """Return what the route's `{name}` stands for."""
        return self.entry.rest

    @property
    def dialect(self) -> Dialect:
        """Return the dialect the answer is told in."""
        if self.route is not None and self.route.dialect is not None:
            return self.route.dialect
        if self.visit.method == "POST" and is_verb(self.path):
            return "gemini"
        return dialect_of(self.path, self.headers, keyed="key" in self.query)

    @property
    def query(self) -> dict[str, str]:
        """Return the query, the last of repeated names."""
        return dict(parse_qsl(self.visit.query.decode("latin-1"))) if self.visit.query else {}

    async def answer(self, status: int, body: bytes, extra: Headers | None = None) -> None:
        """Send a JSON answer."""
        await replies.send_json(self.visit.send, status, body, extra=[*self.own_headers(), *(extra or [])])

    async def refuse(
        self, problem: Problem, raw: bytes | None = None, *, extra: Headers | None = None
    ) -> None:
        """Send an error in the route's dialect; `raw` is a provider's own envelope."""
        spoken = codec(self.dialect)
        body = raw if raw is not None else spoken.render_problem(problem, self.request_id)
        headers = [*self.own_headers(), *error_headers(problem), *(extra or [])]
        await replies.send_json(self.visit.send, spoken.problem_status(problem), body, extra=headers)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Count the time within as another's: a provider's, or that of an exchange with books of its own."""
        since = self.clock.monotonic()
        try:
            yield
        finally:
            self._away += self.clock.monotonic() - since

    def own_headers(self) -> Headers:
        """Return what stands on every answer: the ids, and the time the gateway itself took."""
        text = self.request_id.encode()
        took = self.clock.monotonic() - self.started - self._away
        return [(b"x-request-id", text), (b"request-id", text), overhead_header(took), *self.told]


def call_of(visit: Visit, entry: Entry, *, clock: Clock) -> Call:
    """Return the call that a visit makes; Google's routes alone may carry the key in the query."""
    headers, now = visit.headers, clock.monotonic()
    call = Call(visit, entry, headers, clock, now, _ids.take(now))
    if entry.keyed:
        key = call.query.get("key")
        if key and call.dialect == "gemini":
            call.headers = with_query_key(headers, key)
    return call


def may_be_keyed(route: Route, query: bytes) -> bool:
    """Return whether what is asked of `route` may carry its key in the query."""
    return bool(query) and (route.dialect is not None or route.purpose in LISTS)


class _Ids:
    """Random ids, `req_` and 24 hex characters.

    Bytes for many are asked of the system at once, never by two processes. Those of one moment begin alike, so that
    the store, which keeps rows and indexes in the order of ids, enters a batch in one place instead of in as many as
    it has rows. Which beginning it is, is random too: ids tell no time.
    """

    __slots__ = ("_begin", "_made", "_until")

    def __init__(self) -> None:
        self.forget()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        """Start anew."""
        self._made: list[str] = []
        self._begin, self._until = "", 0.0

    def take(self, now: float) -> str:
        """Return the next one; `now` is monotonic."""
        if not self._made:
            drawn = secrets.token_hex(_ID_BYTES * 256)
            self._made = [drawn[at : at + _ID_BYTES * 2] for at in range(0, len(drawn), _ID_BYTES * 2)]
        made = self._made.pop()
        if now >= self._until:
            self._begin, self._until = "req_" + made[:_ALIKE], now + _MOMENT
        return self._begin + made[_ALIKE:]


_ID_BYTES = 12
_ALIKE = 4
_MOMENT = 0.05
_ids = _Ids()


LISTS = frozenset({"list_models", "get_model"})
"""What tells of the models a key may use."""

__all__ = ["LISTS", "Call", "Entry", "call_of", "may_be_keyed"]
