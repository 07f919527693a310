"""The `Transport` over aiohttp: the library in place of our own client.

It is loaded at the first call, or ahead of it by `warm`, so that the gateway listens before it has paid for
the import.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flowrouter.errors import UpstreamError
from flowrouter.upstream.guard import Guard, guarded_socket, open_socket
from flowrouter.upstream.inflate import Inflater, is_disguised
from flowrouter.upstream.lookup import Found, Lookup, lookup
from flowrouter.upstream.transport import Reply, Take
from flowrouter.wire.http import HttpRequest

if TYPE_CHECKING:
    import asyncio

    import aiohttp

CHUNK = 256 * 1024
"""Bytes one read takes from the connection at most."""


class AiohttpTransport:
    """Pooled connections per provider host through aiohttp; only where `guard` lets them, if there is one."""

    def __init__(
        self,
        *,
        connect_timeout: float,
        keepalive: float = 30.0,
        guard: Guard | None = None,
        look_up: Lookup = lookup,
    ) -> None:
        self._connect_timeout = connect_timeout
        self._keepalive = keepalive
        self._guard = guard
        self._look_up = look_up
        self._session: aiohttp.ClientSession | None = None

    def warm(self) -> None:
        """Load the library; takes a few hundred milliseconds, so call it off the event loop."""
        import aiohttp  # noqa: F401

    async def send(self, request: HttpRequest) -> Reply:
        """Return the answer once its head is there; raises `UpstreamError`, `EgressError` before anything left."""
        import aiohttp
        from yarl import URL

        session = self._session or self._open()
        try:
            url = URL(request.url)
            if url.scheme not in ("http", "https"):
                raise UpstreamError("the provider could not be reached", kind="connect")
            if self._guard is not None:
                # Asked of the address as the library understands it, so that no spelling means two hosts.
                self._guard.admit(url.raw_host or "", url.port or 0)
            response = await session.request(
                request.method,
                url,
                data=request.body or None,
                headers=request.headers,
                allow_redirects=False,
            )
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise _upstream_error(error) from error
        if response.status == HTTPStatus.SWITCHING_PROTOCOLS:
            response.close()
            raise UpstreamError("the provider's answer is not valid HTTP", kind="protocol")
        return _AiohttpReply(response)

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                keepalive_timeout=self._keepalive,
                ttl_dns_cache=60,
                resolver=_resolver(self._guard, self._look_up),
                socket_factory=open_socket if self._guard is None else guarded_socket,
            ),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept"),
            read_bufsize=CHUNK,
            max_line_size=64 * 1024,
            max_field_size=64 * 1024,
        )
        return self._session


def _resolver(guard: Guard | None, look_up: Lookup) -> Any:
    """Return the library's door to name look-ups: what it is told has been checked, and is all it is told."""
    from aiohttp.abc import AbstractResolver, ResolveResult

    class Resolver(AbstractResolver):
        """Looks a name up once and lets `guard` see every address."""

        async def resolve(
            self,
            host: str,
            port: int = 0,
            family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - the library's own signature
        ) -> list[ResolveResult]:
            found: Sequence[Found] = await look_up(host, port)
            if guard is not None:
                found = guard.checked(host, port, found)
            return [
                ResolveResult(
                    hostname=host,
                    host=each.address,
                    port=port,
                    family=each.family,
                    proto=0,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
                for each in found
            ]

        async def close(self) -> None:
            """Hold nothing open."""

    return Resolver()


class _AiohttpReply:
    __slots__ = ("_closed", "_inflater", "_response", "_sniffed", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._closed = _closed(response)
        if self._closed is not None:
            self._closed.add_done_callback(self._on_closed)
        self._sniffed = False
        self._inflater: Inflater | None = None
        self.status = response.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}

    def entire(self) -> bytes | None:
        """Return nothing: all of it is read."""

    async def read(self) -> bytes:
        if self._inflater is not None and (plain := self._inflater.rest()):
            return plain
        while piece := await self._next():
            if not self._sniffed:
                self._sniffed = True
                if is_disguised(piece, self.headers):
                    self._inflater = Inflater("gzip")
            if self._inflater is None:
                return piece
            if plain := self._inflater.feed(piece) or self._inflater.rest():
                return plain
        return b""

    async def flow(self, take: Take) -> None:
        """Give nothing: all of it is read."""

    async def _next(self) -> bytes:
        import aiohttp

        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _upstream_error(error) from error

    def close(self) -> None:
        if self._closed is not None:
            self._closed.remove_done_callback(self._on_closed)
        if self._response.content.is_eof():
            self._response.release()
        else:
            self._response.close()

    def _on_closed(self, _: object) -> None:
        """End the body with its connection: the library leaves a reader waiting whose chunk sizes broke off."""
        import aiohttp

        content = self._response.content
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("the connection closed inside the body"))


def _closed(response: aiohttp.ClientResponse) -> asyncio.Future[None] | None:
    """Return what is done when the reply's connection closes, None for a body that is read already."""
    connection = response.connection
    closed = None if connection is None or connection.protocol is None else connection.protocol.closed
    if closed is not None:
        # The future outlives the reply in a pooled connection; a reset there is nobody's news.
        closed.remove_done_callback(_heed)
        closed.add_done_callback(_heed)
    return closed


def _heed(closed: asyncio.Future[None]) -> None:
    """Take note of how a connection ended, or the event loop reports it as an error nobody handled."""
    if not closed.cancelled():
        closed.exception()


def _upstream_error(error: Exception) -> UpstreamError:
    """Return what went wrong in our words; the library's may quote addresses with credentials."""
    import aiohttp

    match error:
        case aiohttp.ConnectionTimeoutError():
            return UpstreamError("the provider did not accept a connection in time", kind="connect")
        case ssl.SSLError() | aiohttp.ClientSSLError():
            return UpstreamError("the provider's TLS certificate or handshake was refused", kind="connect")
        case aiohttp.ClientConnectorDNSError():
            return UpstreamError("the provider's host name was not found", kind="connect")
        case aiohttp.ClientConnectorError() | aiohttp.InvalidURL() | ValueError():
            return UpstreamError("the provider could not be reached", kind="connect")
        case TimeoutError():
            return UpstreamError("the provider took too long", kind="timeout")
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | ConnectionError():
            return UpstreamError("the provider closed the connection", kind="reset")
        case aiohttp.ClientPayloadError():
            return UpstreamError("the provider's answer was cut off", kind="reset")
        case _:
            return UpstreamError("the provider's answer is not valid HTTP", kind="protocol")


__all__ = ["CHUNK", "AiohttpTransport"]
