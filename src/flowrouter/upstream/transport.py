"""The door to providers: what sends a request, and an answer as it is read.

Behind it are `http1`, the gateway's own client, and `aiohttp_client`; `opening` chooses. All of them: redirects
are not followed (they would carry the credential elsewhere), cookies are not kept, bodies arrive decompressed.
With a `Guard` every host is checked before a request leaves, and connections go to the addresses that were checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from flowrouter.wire.http import HttpRequest


class Reply(Protocol):
    """An answer whose head has arrived; the body is read piece by piece.

    `headers` have lower-case names.
    """

    status: int
    headers: Mapping[str, str]

    async def read(self) -> bytes:
        """Return the next piece as it arrives, `b""` at the end; raises `UpstreamError`."""
        ...

    def close(self) -> None:
        """Let go: back to the pool if the body was read to its end, else the connection is cut."""
        ...


class Transport(Protocol):
    """Something that reaches providers."""

    async def send(self, request: HttpRequest) -> Reply:
        """Return the answer once its head is there; raises `UpstreamError` (`connect`, `reset`, …)."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


__all__ = ["Reply", "Transport"]
