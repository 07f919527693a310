"""Can a host be reached, and if not, at which step: its name, the connection, or the TLS handshake.

The HTTP client says only that it failed; somebody who looks for the cause wants to know where.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from typing import Literal
from urllib.parse import urlsplit

import msgspec

Step = Literal["name", "connect", "tls"]


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """How far it went; `failed` None means all the way. `reason` is for people, without secrets."""

    host: str
    port: int
    failed: Step | None = None
    reason: str = ""


async def reach(url: str, *, limit: float) -> Reach:
    """Return how far a connection to the host of `url` gets within `limit` seconds per step."""
    split = urlsplit(url)
    secure = split.scheme == "https"
    host = split.hostname or ""
    port = split.port or (443 if secure else 80)
    found = Reach(host=host, port=port)
    try:
        async with asyncio.timeout(limit):
            await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError) as error:
        return _failed(found, "name", error)
    try:
        async with asyncio.timeout(limit):
            _, plain = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        return _failed(found, "connect", error)
    plain.close()
    if not secure:
        return found
    try:
        async with asyncio.timeout(limit):
            _, sealed = await asyncio.open_connection(host, port, ssl=ssl.create_default_context())
    except (OSError, TimeoutError) as error:
        return _failed(found, "tls", error)
    sealed.close()
    with contextlib.suppress(OSError):
        await sealed.wait_closed()
    return found


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


__all__ = ["Reach", "Step", "reach"]
