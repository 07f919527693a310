"""The door to providers: what sends a request, and an answer as it is read.

Behind it are `http1`, the gateway's own client, and `aiohttp_client`; `opening` chooses. All of them: redirects
are not followed (they would carry the credential elsewhere), cookies are not kept, bodies arrive decompressed.
With a `Guard` every host is checked before a request leaves, and connections go to the addresses that were checked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Protocol

from flowrouter.wire.http import HttpRequest

Take = Callable[[bytes], bool]
"""Takes a piece, outside of any task; False if it wants no more of them for now."""


class Reply(Protocol):
    """An answer whose head has arrived; the body is read piece by piece.

    `headers` have lower-case names.
    """

    status: int
    headers: Mapping[str, str]

    def entire(self) -> bytes | None:
        """Return the whole body where all of it is here and none was read, and let go; None where `read` must tell.

        Most answers in one piece come with their head: who asks need not wait, nor look for an end.
        """
        ...

    async def read(self) -> bytes:
        """Return the next piece as it arrives, `b""` at the end; raises `UpstreamError`."""
        ...

    def flow(self, take: Take) -> Awaitable[None]:
        """Give pieces to `take`, once awaited, in the turn of the event loop in which they come: no task must wake up.

        Until it returns False, or `read` has something else to tell, or at any time: `read` goes on from there.
        Raises what `take` raises.
        """
        ...

    def close(self) -> None:
        """Let go: back to the pool if the body was read to its end, else the connection is cut."""
        ...


class Transport(Protocol):
    """Something that reaches providers."""

    def send(self, request: HttpRequest) -> Coroutine[Any, Any, Reply]:
        """Return the answer once its head is there; raises `UpstreamError` (`connect`, `reset`, …)."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


__all__ = ["Reply", "Take", "Transport"]
