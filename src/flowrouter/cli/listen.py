"""Opens the listening sockets before anything else is loaded, so that a taken port is said at once."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flowrouter.errors import ConfigError

SERVING = "serving"
"""The file in the data folder that tells other commands where the gateway over it listens."""

_PROBE_SECONDS = 0.5
_PROBE_BYTES = 4096
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - recognised here, never chosen


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Return bound sockets for each address of `host`; raises `ConfigError` saying what to do."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        fix = "name an address of this machine, e.g. 127.0.0.1"
        raise ConfigError(f"cannot listen on {host}: {error.strerror or error}", fix=fix) from error
    opened: list[socket.socket] = []
    for family, _, _, _, address in dict.fromkeys(found):
        # Port 0 lets the system choose; the other addresses of the host then use the same one.
        chosen = opened[0].getsockname()[1] if opened and port == 0 else port
        try:
            opened.append(_bound(family, (address[0], chosen, *address[2:])))
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL and len(found) > 1:
                continue  # `localhost` names ::1 also on machines without IPv6
            for other in opened:
                other.close()
            raise _refusal(error, host, chosen) from error
    if not opened:
        raise ConfigError(f"{host} is no address of this machine", fix="use --host 127.0.0.1")
    return opened


def address_of(sockets: list[socket.socket]) -> str:
    """Return the URL that reaches the first of `sockets` from this machine."""
    host, port = sockets[0].getsockname()[:2]
    if host in _EVERYWHERE:
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def announced(data: Path, address: str) -> Iterator[None]:
    """Tell other commands the `address`, which flags may have made another than the configuration's."""
    note = data / SERVING
    note.write_text(f"{address}\n", "ascii")
    try:
        yield
    finally:
        # Another gateway may have been started over the same folder meanwhile.
        if serving(data) == address:
            note.unlink(missing_ok=True)


def serving(data: Path) -> str | None:
    """Return where the gateway over `data` listens, or did when it was last cut off; None if not known."""
    try:
        address = (data / SERVING).read_text("ascii").strip()
    except (OSError, ValueError):
        return None
    return address if address.startswith("http://") else None


def _bound(family: int, address: tuple[object, ...]) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            # Without it a restart waits a minute for the old connections to be forgotten.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
        # Linux lets two sockets bind one port until one of them listens.
        made.listen()
    except OSError:
        made.close()
        raise
    made.setblocking(False)
    return made


def _refusal(error: OSError, host: str, port: int) -> ConfigError:
    match error.errno:
        case errno.EADDRINUSE if _answers_as_gateway(host, port):
            message = f"a Flow Router is already running on {host}:{port}"
            return ConfigError(message, fix="use that one, stop it, or choose another port with --port")
        case errno.EADDRINUSE:
            message = f"port {port} on {host} is taken by another program"
            return ConfigError(message, fix=f"stop it, or choose another port: --port {port + 1}")
        case errno.EACCES:
            message = f"this user may not listen on port {port}"
            return ConfigError(message, fix="choose a port above 1023, e.g. --port 2402")
        case errno.EADDRNOTAVAIL:
            return ConfigError(f"{host} is no address of this machine", fix="use --host 127.0.0.1")
        case _:
            return ConfigError(f"cannot listen on {host}:{port}: {error.strerror}")


def _answers_as_gateway(host: str, port: int) -> bool:
    """Return whether what listens there is one of us, asked briefly and without trust in the answer."""
    target = "127.0.0.1" if host in _EVERYWHERE else host
    try:
        with socket.create_connection((target, port), timeout=_PROBE_SECONDS) as probe:
            probe.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            answer = b""
            while len(answer) < _PROBE_BYTES and (piece := probe.recv(_PROBE_BYTES)):
                answer += piece
            return b'"flow-router"' in answer
    except OSError:
        return False


__all__ = ["SERVING", "address_of", "announced", "open_sockets", "serving"]
