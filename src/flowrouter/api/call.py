"""One HTTP request to the data plane before it is known to be an exchange, and its plain answers."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import parse_qsl

from flowrouter.api.routes import Route, dialect_of, is_verb
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.problem import Problem
from flowrouter.clock import Clock
from flowrouter.dialects import codec
from flowrouter.gateway.notice import error_headers, overhead_header
from flowrouter.httpkit import replies
from flowrouter.httpkit.auth import with_query_key
from flowrouter.httpkit.caller import Caller
from flowrouter.httpkit.replies import Headers
from flowrouter.httpkit.visit import Visit


class Call:
    """What arrived and its way back, `visit`; `rest` is what the route's `{name}` stands for.

    `told` are headers that go with whatever is answered. `caller` is set where another door knows who asks.
    """

    __slots__ = (
        "_away",
        "_clock",
        "caller",
        "headers",
        "path",
        "request_id",
        "rest",
        "route",
        "started",
        "told",
        "visit",
    )

    def __init__(self, visit: Visit, *, headers: dict[str, str], path: str, clock: Clock) -> None:
        self.visit = visit
        self._clock = clock
        self._away = 0.0
        self.started = clock.monotonic()
        self.headers = headers
        self.path = path
        self.route: Route | None = None
        self.rest = ""
        self.request_id = "req_" + _ids.take(self.started)
        self.told: Sequence[tuple[bytes, bytes]] = ()
        self.caller: Caller | None = None

    def lead(self, route: Route, rest: str) -> None:
        """Take the route the path leads to; Google's alone may carry the key in the query."""
        self.route, self.rest = route, rest
        if not self.visit.query:
            return
        key = self.query.get("key")
        if key and self.dialect == "gemini" and (route.dialect or route.purpose in _LISTS):
            self.headers = with_query_key(self.headers, key)

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
        since = self._clock.monotonic()
        try:
            yield
        finally:
            self._away += self._clock.monotonic() - since

    def own_headers(self) -> Headers:
        """Return what stands on every answer: the ids, and the time the gateway itself took."""
        text = self.request_id.encode()
        took = self._clock.monotonic() - self.started - self._away
        return [(b"x-request-id", text), (b"request-id", text), overhead_header(took), *self.told]


class _Ids:
    """Random ids of 24 hex characters: bytes for many are asked of the system at once, never by two processes.

    Those of one moment begin alike, so that the store, which keeps rows and indexes in the order of ids, enters a
    batch in one place instead of in as many as it has rows. Which beginning it is, is random too: ids tell no time.
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
            self._begin, self._until = made[:_ALIKE], now + _MOMENT
            return made
        return self._begin + made[_ALIKE:]


_ID_BYTES = 12
_ALIKE = 4
_MOMENT = 0.05
_ids = _Ids()


_LISTS = frozenset({"list_models", "get_model"})

__all__ = ["Call"]
