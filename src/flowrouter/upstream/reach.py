"""Can a host be reached, and if not, at which step: its name, the connection, or the TLS handshake.

The HTTP client says only that it failed; somebody who looks for the cause wants to know where. The name
is looked up once, a `Guard` sees its addresses, and the connections go to those.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from flowrouter.upstream.guard import EgressError, Guard
from flowrouter.upstream.lookup import Found, lookup

Step = Literal["name", "allowed", "connect", "tls"]

_SHOWN = 3


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """How far it went; `failed` None means all the way. `reason` is for people, without secrets."""

    host: str
    port: int
    failed: Step | None = None
    reason: str = ""


Hear = Callable[[Step, str], Awaitable[None]]
"""Told of each step that was made, with what was found."""


async def reach(url: str, *, limit: float, guard: Guard | None = None, hear: Hear | None = None) -> Reach:
    """Return how far a connection to the host of `url` gets within `limit` seconds per step."""
    hear = hear or _nobody
    split = urlsplit(url)
    secure = split.scheme == "https"
    host = split.hostname or ""
    port = split.port or (443 if secure else 80)
    reached = Reach(host=host, port=port)
    try:
        if guard is not None:
            guard.admit(host, port)
        async with asyncio.timeout(limit):
            found: Sequence[Found] = await lookup(host, port)
        if guard is not None:
            found = guard.checked(host, port, found)
        await hear("name", _looked_up(host, found))
    except EgressError as error:
        return msgspec.structs.replace(reached, failed="allowed", reason=error.message)
    except (OSError, UnicodeError, TimeoutError) as error:
        return _failed(reached, "name", error)
    try:
        async with asyncio.timeout(limit):
            address, plain = await _connected(found, port)
    except (OSError, TimeoutError) as error:
        return _failed(reached, "connect", error)
    plain.close()
    await hear("connect", f"{address} takes connections on port {port}")
    if not secure:
        return reached
    context = ssl.create_default_context()
    try:
        async with asyncio.timeout(limit):
            _, sealed = await asyncio.open_connection(address, port, ssl=context, server_hostname=host)
    except (OSError, TimeoutError) as error:
        return _failed(reached, "tls", error)
    told = sealed.get_extra_info("ssl_object")
    sealed.close()
    await hear("tls", f"{told.version()}, and the certificate is good" if told is not None else "")
    with contextlib.suppress(OSError):
        await sealed.wait_closed()
    return reached


def _looked_up(host: str, found: Sequence[Found]) -> str:
    addresses = ", ".join(each.address for each in found[:_SHOWN])
    return "an address, which is not looked up" if addresses == host else f"{host} is {addresses}"


async def _nobody(_step: Step, _text: str) -> None:
    """Hear of a step that nobody wants to know of."""


async def _connected(found: Sequence[Found], port: int) -> tuple[str, asyncio.StreamWriter]:
    """Return the first address that takes a connection, and that connection; raises `OSError`."""
    failed: OSError = OSError("no address")
    for each in found:
        try:
            _, writer = await asyncio.open_connection(each.address, port)
        except OSError as error:
            failed = error
        else:
            return each.address, writer
    raise failed


def _failed(found: Reach, step: Step, error: Exception) -> Reach:
    match error:
        case ssl.SSLCertVerificationError():
            reason = error.verify_message
        case ssl.SSLError():
            reason = (error.reason or "the handshake failed").replace("_", " ").lower()
        case TimeoutError():
            reason = "no answer in time"
        case socket.gaierror():
            reason = error.strerror or "unknown"
        case OSError():
            # The event loop words its own message, with the address in it once more.
            reason = os.strerror(error.errno).lower() if error.errno else "refused at every address"
        case _:
            reason = "it is no valid host name"
    return msgspec.structs.replace(found, failed=step, reason=reason)


__all__ = ["Hear", "Reach", "Step", "reach"]
