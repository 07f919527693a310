"""From a host to an open connection: its name looked up once a minute, every address checked, several tried at once.

With a guard the addresses of a look-up are those that may be connected to, and the connection goes to one
of them: no later answer of a name server leads elsewhere. Through a proxy the proxy looks names up; what
the guard can still say of the name, it has said before.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import unquote

from flowrouter.errors import UpstreamError
from flowrouter.upstream.addresses import literal
from flowrouter.upstream.guard import Guard, guarded_socket, open_socket
from flowrouter.upstream.http1.origin import Origin
from flowrouter.upstream.lookup import Found, Lookup

if TYPE_CHECKING:
    from flowrouter.upstream.http1.connection import Connection

NAMES_SECONDS = 60.0
"""How long the addresses of a name are used again."""

HEAD_START = 0.25
"""Seconds one address has before the next is tried beside it (RFC 8305)."""

_NAMES = 1024
_GRANT = 16 * 1024


class Dialer:
    """Opens connections; `timeout` is for all of it: look-up, connection, proxy, TLS (seconds)."""

    def __init__(
        self, *, timeout: float, guard: Guard | None, look_up: Lookup, proxy: Proxy | None = None
    ) -> None:
        self._timeout = timeout
        self._guard = guard
        self._look_up = look_up
        self._proxy = proxy
        self._names: dict[tuple[str, int], tuple[float, Sequence[Found]]] = {}
        self._context: ssl.SSLContext | None = None

    def warm(self) -> None:
        """Load what TLS needs: tens of milliseconds, so off the event loop if there is time."""
        if self._context is None:
            context = ssl.create_default_context()
            context.set_alpn_protocols(["http/1.1"])
            self._context = context

    async def open(self, origin: Origin, make: Callable[[], Connection]) -> Connection:
        """Return an open connection to `origin`; raises `UpstreamError`, `EgressError`."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._open(origin, make)
        except TimeoutError as error:
            raise UpstreamError("the provider did not accept a connection in time", kind="connect") from error
        except ssl.SSLError as error:
            raise UpstreamError(
                "the provider's TLS certificate or handshake was refused", kind="connect"
            ) from error
        except socket.gaierror as error:
            raise UpstreamError("the provider's host name was not found", kind="connect") from error
        except (OSError, ValueError) as error:
            raise UpstreamError("the provider could not be reached", kind="connect") from error

    async def _open(self, origin: Origin, make: Callable[[], Connection]) -> Connection:
        loop = asyncio.get_running_loop()
        reached = await self._reach(origin)
        try:
            if origin.secure:
                if self._context is None:
                    await asyncio.to_thread(self.warm)
                _, connection = await loop.create_connection(
                    make,
                    sock=reached,
                    ssl=self._context,
                    server_hostname=origin.host,
                    ssl_handshake_timeout=self._timeout,
                )
            else:
                _, connection = await loop.create_connection(make, sock=reached)
        except BaseException:
            reached.close()
            raise
        return connection

    async def _reach(self, origin: Origin) -> socket.socket:
        if self._proxy is not None and self._proxy.serves(origin):
            return await self._proxy.tunnel(origin, self._look_up)
        return await connected(await self._addresses(origin), origin.port, guarded=self._guard is not None)

    async def _addresses(self, origin: Origin) -> Sequence[Found]:
        key, now = (origin.host, origin.port), asyncio.get_running_loop().time()
        spelled = literal(origin.host)
        known = self._names.get(key)
        if spelled is not None:
            found: Sequence[Found] = [Found(socket.AF_INET6 if ":" in spelled else socket.AF_INET, spelled)]
        elif known is not None and now < known[0]:
            found = known[1]
        else:
            found = await self._look_up(*key)
            if len(self._names) >= _NAMES:
                self._names.clear()
            self._names[key] = (now + NAMES_SECONDS, found)
        return found if self._guard is None else self._guard.checked(*key, found)


class Proxy:
    """An HTTP proxy that opens tunnels (`CONNECT`) to hosts; this machine's own are reached without it."""

    def __init__(
        self, origin: Origin, *, user: str = "", password: str = "", besides: Sequence[str] = ()
    ) -> None:
        self._origin = origin
        self._credential = b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode() if user else ""
        self._besides = tuple(name.lower().lstrip("*") for name in besides)

    def serves(self, origin: Origin) -> bool:
        """Return whether `origin` is reached through the proxy."""
        host = origin.host
        spelled = literal(host)
        if host == "localhost" or host in self._besides or (spelled and ip_address(spelled).is_loopback):
            return False
        return not any(name.startswith(".") and host.endswith(name) for name in self._besides)

    async def tunnel(self, origin: Origin, look_up: Lookup) -> socket.socket:
        """Return a socket whose other end is `origin`; raises `OSError`, `UpstreamError`."""
        reached = await connected(
            await look_up(self._origin.host, self._origin.port), self._origin.port, guarded=False
        )
        try:
            await self._ask(reached, origin)
        except BaseException:
            reached.close()
            raise
        return reached

    async def _ask(self, reached: socket.socket, origin: Origin) -> None:
        loop = asyncio.get_running_loop()
        named = f"[{origin.host}]" if ":" in origin.host else origin.host
        lines = [f"CONNECT {named}:{origin.port} HTTP/1.1", f"host: {named}:{origin.port}"]
        if self._credential:
            lines.append(f"proxy-authorization: Basic {self._credential}")
        await loop.sock_sendall(reached, "\r\n".join([*lines, "", ""]).encode("ascii"))
        said = b""
        while b"\r\n\r\n" not in said:
            # The tunnel's first bytes are ours to send, so nothing but the grant can be there yet.
            piece = await loop.sock_recv(reached, 4096)
            said += piece
            if not piece or len(said) > _GRANT:
                raise UpstreamError("the proxy did not answer as one", kind="connect")
        status = said.split(b"\r\n", 1)[0].split()[1:2]
        if status != [b"200"]:
            code = status[0][:3].decode("latin-1") if status else "nothing"
            raise UpstreamError(f"the proxy refused to connect ({code})", kind="connect")


async def connected(found: Sequence[Found], port: int, *, guarded: bool) -> socket.socket:
    """Return a socket connected to the first address that answers; raises `OSError`."""
    from aiohappyeyeballs import start_connection

    infos = [
        (each.family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (each.address, port)) for each in found
    ]
    if not infos:
        raise OSError("no address")
    reached = await start_connection(
        infos,
        happy_eyeballs_delay=HEAD_START,
        interleave=1,
        socket_factory=guarded_socket if guarded else open_socket,
    )
    reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return reached


__all__ = ["HEAD_START", "NAMES_SECONDS", "Dialer", "Proxy", "connected"]
