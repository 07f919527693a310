"""An answer that a route writes itself, piece by piece, while it does its work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from anyio import create_task_group
from starlette.responses import Response

from flowrouter.api.admin.envelope import Write
from flowrouter.httpkit.bodies import Receive
from flowrouter.httpkit.replies import Send

CLIENT_GONE = 499
"""The status in the books of an answer whose reader left before it began."""


class Written(Response):
    """Lets `write` answer; `headers` are added where it does not set them, `done` hears of the status.

    With `watch` a reader who leaves ends the writing. Whoever still reads the request must watch for that itself.
    """

    def __init__(
        self,
        write: Write,
        *,
        headers: Mapping[str, str],
        done: Callable[[int], Awaitable[None]],
        watch: bool,
    ) -> None:
        super().__init__(headers=headers)
        self._write = write
        self._done = done
        self._watch = watch

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        del scope
        status = CLIENT_GONE

        async def noted(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                set_already = {name for name, _ in message["headers"]} | {b"content-length"}
                ours = [pair for pair in self.raw_headers if pair[0] not in set_already]
                message = {**message, "headers": [*message["headers"], *ours]}
            await send(message)

        try:
            if self._watch:
                await self._watched(receive, noted)
            else:
                await self._write(receive, noted)
        finally:
            await self._done(status)

    async def _watched(self, receive: Receive, send: Send) -> None:
        async with create_task_group() as group:

            async def watch() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                group.cancel_scope.cancel()

            group.start_soon(watch)
            await self._write(receive, send)
            group.cancel_scope.cancel()


__all__ = ["CLIENT_GONE", "Written"]
