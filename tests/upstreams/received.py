"""What the upstream saw: requests, how each ended, and who hung up when."""

import base64
import json
import threading
import zlib
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.upstreams.wire import HttpRequest

Outcome = Literal["pending", "complete", "broken", "peer_gone"]


@dataclass
class Received:
    """One request and its fate.

    `outcome`: `complete` = the whole reply was written; `broken` = we cut, reset or closed it on purpose;
    `peer_gone` = the peer closed first, at `peer_closed_at`. `bypasses` counts the places where a signature was
    replaced by the vendor's bypass value. All times are `time.monotonic()` seconds.
    """

    index: int
    connection_id: int
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    at: float
    dialect: str = ""
    route: str = ""
    account: str = ""
    model: str = ""
    json: Any = None
    outcome: Outcome = "pending"
    status: int | None = None
    refusal: str | None = None
    bypasses: int = 0
    pieces_sent: int = 0
    bytes_sent: int = 0
    ended_at: float | None = None
    peer_closed_at: float | None = None

    @classmethod
    def of(cls, request: HttpRequest, *, index: int, connection_id: int, at: float) -> "Received":
        """Build the record of a request that was just parsed."""
        try:
            parsed = json.loads(request.body) if request.body else None
        except ValueError:
            parsed = None
        return cls(
            index=index,
            connection_id=connection_id,
            method=request.method,
            target=request.target,
            headers=request.headers,
            body=request.body,
            at=at,
            json=parsed,
        )

    @property
    def path(self) -> str:
        """The decoded path without the query."""
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        """The query parameters; the last one of a name wins."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def streaming(self) -> bool:
        """Whether the body asked for a stream, or in Gemini's manner the path."""
        if self.path.endswith(":streamGenerateContent"):
            return True
        return isinstance(self.json, dict) and self.json.get("stream") is True

    def header(self, name: str) -> str | None:
        """Return the first header of that name (case-insensitive), or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def contains(self, text: str) -> bool:
        """Say whether `text` occurs anywhere: request line, headers, body, plain, decoded or in base64."""
        head = "\n".join(
            [f"{self.method} {self.target}", *(f"{name}: {value}" for name, value in self.headers)]
        )
        haystacks = [head, unquote(head), self._plain_body().decode("utf-8", "replace")]
        if self.json is not None:
            haystacks.append(json.dumps(self.json, ensure_ascii=False))
        needles = [text, *_base64_forms(text)]
        return any(needle in haystack for needle in needles for haystack in haystacks)

    def _plain_body(self) -> bytes:
        if (self.header("content-encoding") or "").lower() in ("gzip", "deflate"):
            try:
                return zlib.decompress(self.body, wbits=zlib.MAX_WBITS | 32)
            except zlib.error:
                return self.body
        return self.body


def _base64_forms(text: str) -> list[str]:
    """Give the part of each of the three base64 alignments of `text` that does not depend on its neighbours."""
    raw = text.encode()
    if len(raw) < 8:
        return []
    forms: list[str] = []
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode()
        start = 0 if shift == 0 else 4
        forms.append(encoded[start : start + (len(raw) - 3) // 3 * 4])
    return forms


@dataclass(frozen=True)
class Disconnect:
    """The peer closed a connection while one of its requests was still being answered."""

    connection_id: int
    request_index: int
    at: float


@dataclass
class Journal:
    """The thread-safe memory of one upstream; `changed` is notified at each change."""

    requests: list[Received] = field(default_factory=list[Received])
    disconnects: list[Disconnect] = field(default_factory=list[Disconnect])
    connections_total: int = 0
    open_ids: set[int] = field(default_factory=set[int])
    changed: threading.Condition = field(default_factory=threading.Condition)

    def opened(self) -> int:
        """Note a new connection and return its id."""
        with self.changed:
            self.connections_total += 1
            self.open_ids.add(self.connections_total)
            self.changed.notify_all()
            return self.connections_total

    def closed(self, connection_id: int) -> None:
        """Note that a connection is no more."""
        with self.changed:
            self.open_ids.discard(connection_id)
            self.changed.notify_all()

    def add(self, request: HttpRequest, *, connection_id: int, at: float) -> Received:
        """Note a request and return its record."""
        with self.changed:
            received = Received.of(request, index=len(self.requests), connection_id=connection_id, at=at)
            self.requests.append(received)
            self.changed.notify_all()
            return received

    def ended(self, received: Received, outcome: Outcome, *, at: float, peer_closed_at: float | None) -> None:
        """Note how a request ended."""
        with self.changed:
            received.outcome = outcome
            received.ended_at = at
            if outcome == "peer_gone":
                received.peer_closed_at = peer_closed_at or at
                self.disconnects.append(
                    Disconnect(received.connection_id, received.index, received.peer_closed_at)
                )
            self.changed.notify_all()
