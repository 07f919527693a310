"""One client connection at the byte level: what is not exactly HTTP/1.1 is refused, what dawdles is cut.

uvicorn's protocol with the parser's strictness (llhttp refuses two lengths, length beside chunks, folded
lines, bare line feeds) and, on top: one `Host`, `chunked` alone and only in HTTP/1.1, no trailer taken
for a header, an address that agrees with its `Host`, limits on the size, number and time of headers, and
a pace for bodies. A refusal ends the connection, so that nothing behind it can be taken for a request.

An offer to upgrade (Java's client makes one by default) is ignored as RFC 9110, 7.8 allows, body and all.
"""

from __future__ import annotations

from asyncio import TimerHandle
from typing import Any

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from flowrouter.settings import Server

LINGER_SECONDS = 10.0
"""How long a client may go on sending the body of a request that is answered already."""

PACE_BYTES = 32 * 1024
"""What must arrive of a body within `body_timeout`, unless it ends before."""

_URL_BYTES = 16 * 1024
_OFFERS = frozenset({b"upgrade", b"http2-settings"})


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes, number and seconds of a request's head, seconds for a stretch of its body."""

    header_bytes: int
    headers: int
    header_timeout: float
    body_timeout: float


def limits_of(server: Server) -> Limits:
    """Return the limits that the settings state."""
    return Limits(
        header_bytes=server.header_limit_kib * 1024,
        headers=server.header_count,
        header_timeout=server.header_timeout,
        body_timeout=server.body_timeout,
    )


class GatewayProtocol(HttpToolsProtocol):
    """uvicorn's protocol, less what it tolerates; `protocol_with` gives it its limits."""

    limits: Limits

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_head = False
        self._in_body = False
        self._set_aside = False
        self._head_bytes = 0
        self._pending_bytes = 0
        self._body_bytes = 0
        self._paced_bytes = 0
        self._refusal: tuple[int, str] | None = None
        self._timer: TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Give the client its time for a first request."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what arrived, or refuse it and close."""
        self._unset_keepalive_if_required()
        if self.parser is None or self.transport.is_closing():
            return
        in_head = self._in_head
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._set_aside:
                self._go_on_without_offer(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            self._refuse(*(self._refusal or (400, "this is not valid HTTP/1.1")))
            return
        if in_head and self._in_head:
            # The parser keeps a header until it is whole; one that never ends would grow here unseen.
            self._pending_bytes += len(data)
            if self._pending_bytes > self.limits.header_bytes:
                self._refuse(431, "the headers are too large")
                return
        self._watch()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._in_head, self._in_body, self._set_aside = True, False, False
        self._head_bytes = self._pending_bytes = self._body_bytes = self._paced_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Take a piece of the address."""
        super().on_url(url)
        if len(self.url) > _URL_BYTES:
            self._object(414, "the address is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those behind a body (trailers) are no headers of the request."""
        if not self._in_head:
            return
        super().on_header(name, value)
        self._head_bytes += len(name) + len(value)
        if len(self.headers) > self.limits.headers or self._head_bytes > self.limits.header_bytes:
            self._object(431, "the headers are too many or too large")

    def on_headers_complete(self) -> None:
        """Check the head, then begin to answer."""
        self._in_head, self._in_body = False, True
        self._stop_timer()
        objection = _objection(
            self.parser.get_http_version(), self.parser.get_method(), self.url, headers=self.headers
        )
        if objection is not None:
            self._object(400, objection)
        if self.parser.should_upgrade() and self._get_upgrade() != b"websocket":
            self._set_aside = True
            return
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._in_body = False
        self._stop_timer()
        if not self._set_aside:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Let the client finish what it is sending, for a while."""
        super().on_response_complete()
        if self._in_body and not self.transport.is_closing():
            self._stop_timer()
            self._timer = self.loop.call_later(LINGER_SECONDS, self._give_up)

    def _go_on_without_offer(self, rest: bytes) -> None:
        """Read the request again as if it offered no upgrade."""
        head = [self.parser.get_method(), b" ", self.url, b" HTTP/1.1\r\n"]
        for name, value in self.headers:
            kept = _without_offers(value) if name == b"connection" else value
            if name not in _OFFERS and kept:
                head += [name, b": ", kept, b"\r\n"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.data_received(b"".join([*head, b"\r\n"]))
        if rest:
            self.data_received(rest)

    def _object(self, status: int, text: str) -> None:
        """End the parser's work; `data_received` says what is wrong."""
        self._refusal = (status, text)
        raise ValueError(text)

    def _refuse(self, status: int, text: str) -> None:
        """Say what is wrong, unless an answer is under way, and close."""
        self._stop_timer()
        if self.transport.is_closing():
            return
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            body = text.encode()
            head = STATUS_LINE[status] + (
                b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
                % len(body)
            )
            self.transport.write(head + body)
        self.transport.close()

    def _watch(self) -> None:
        """Keep a clock on whatever is incomplete."""
        if self._timer is not None or self.transport.is_closing():
            return
        if self._in_body:
            self._timer = self.loop.call_later(self.limits.body_timeout, self._check_pace)
        elif self._in_head or self.cycle is None or (self.cycle.response_complete and self._is_idle()):
            self._await_head()

    def _is_idle(self) -> bool:
        return self.timeout_keep_alive_task is None and not self.pipeline

    def _await_head(self) -> None:
        self._timer = self.loop.call_later(self.limits.header_timeout, self._miss_head)

    def _miss_head(self) -> None:
        self._timer = None
        if self._in_head:
            self._refuse(408, "the headers took too long")
        elif self.cycle is None or self.cycle.response_complete:
            self.transport.close()

    def _check_pace(self) -> None:
        self._timer = None
        arrived = self._body_bytes - self._paced_bytes
        self._paced_bytes = self._body_bytes
        # A body that we ourselves do not take at the moment is not the client's fault.
        if self.flow.read_paused or arrived >= PACE_BYTES:
            self._watch()
        else:
            self._refuse(408, "the body came too slowly")

    def _give_up(self) -> None:
        self._timer = None
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def protocol_with(limits: Limits) -> type[GatewayProtocol]:
    """Return the protocol that keeps to `limits`."""
    return type("GatewayProtocol", (GatewayProtocol,), {"limits": limits})


def _objection(version: str, method: bytes, url: bytes, *, headers: list[tuple[bytes, bytes]]) -> str | None:
    """Return what is wrong with a head that the parser let pass, if anything is."""
    if version not in ("1.0", "1.1"):
        return "only HTTP/1.1 is spoken here"
    hosts: list[bytes] = []
    for name, value in headers:
        if name == b"host":
            hosts.append(value)
        elif name == b"transfer-encoding" and (value.strip().lower() != b"chunked" or version == "1.0"):
            return "of transfer encodings only `chunked` is taken"
    if len(hosts) > 1 or (not hosts and version == "1.1"):
        return "a request has one Host"
    if url.startswith(b"/") or url == b"*":
        return None
    host = httptools.parse_url(url) if method != b"CONNECT" else None
    if host is None or not host.host or _authority(host) != (hosts[0].lower() if hosts else b""):
        return "the address and the Host do not agree"
    return None


def _authority(url: Any) -> bytes:
    host: bytes = url.host.lower()
    host = b"[%s]" % host if b":" in host else host
    return host + b":%d" % url.port if url.port else host


def _without_offers(value: bytes) -> bytes:
    kept = [token.strip() for token in value.split(b",") if token.strip().lower() not in _OFFERS]
    return b", ".join(kept)


__all__ = [
    "LINGER_SECONDS",
    "PACE_BYTES",
    "GatewayProtocol",
    "Limits",
    "limits_of",
    "protocol_with",
]
