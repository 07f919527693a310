"""Answers `GET /metrics`: to whom, with what, and without holding requests up."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from flowrouter.clock import Clock
from flowrouter.features.metrics.counts import Counts
from flowrouter.httpkit import replies
from flowrouter.httpkit.auth import credentials
from flowrouter.httpkit.replies import Headers, Send

if TYPE_CHECKING:
    from flowrouter.features.metrics.siblings import Left, Siblings

PATH = "/metrics"
SCOPE = "metrics"
"""What a gateway key needs to read them."""

_PLAIN = "text/plain; charset=utf-8"
_REALM: Headers = [(b"www-authenticate", b'Bearer realm="flow-router"')]


class Page:
    """The metrics of all workers, told by this one."""

    def __init__(self, app: Any, counts: Counts, siblings: Siblings | None) -> None:
        self._app = app
        self._clock: Clock = app.clock
        self._counts = counts
        self._siblings = siblings

    async def answer(self, scope: Any, receive: Any, send: Send) -> None:
        """Serve one request."""
        del receive
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        if scope["method"] not in ("GET", "HEAD"):
            await _say(send, 405, "metrics are read with GET", extra=[(b"allow", b"GET, HEAD")])
        elif not self._app.config.metrics.public and (refused := self._refusal(headers)) is not None:
            status, words = refused
            await _say(send, status, words, extra=_REALM if status == 401 else [])
        else:
            body, content_type = await self._told(headers.get("accept", ""))
            await _send(send, 200, body, content_type=content_type)

    def left(self) -> Left:
        """Return what this worker has to tell now."""
        from flowrouter.features.metrics import gauges
        from flowrouter.features.metrics.siblings import Left

        told = (*self._counts.families(), *gauges.families(self._app))
        return Left(at=self._clock.now(), worker=str(self._app.worker), families=told)

    async def _told(self, accept: str) -> tuple[bytes, str]:
        own = self.left()
        return await asyncio.to_thread(self._written, own, accept)

    def _written(self, own: Left, accept: str) -> tuple[bytes, str]:
        from flowrouter.features.metrics.exposition import render

        others = [] if self._siblings is None else self._siblings.others(own.at)
        return render(sorted([own, *others], key=lambda left: int(left.worker)), accept)

    def _refusal(self, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """Return why this caller may not read, None where it may."""
        ring, now_ms = self._app.configuration.world.ring, int(self._clock.now() * 1000)
        known = False
        for credential in credentials(headers):
            if hmac.compare_digest(credential.encode(), self._app.token.encode()):
                return None
            key = ring.find(credential, now_ms=now_ms)
            if key is not None and SCOPE in key.scopes:
                return None
            known = known or key is not None
        if known:
            return 403, f"this gateway key has no scope `{SCOPE}`"
        return 401, (
            "send `Authorization: Bearer TOKEN` with the content of `local.token` in the data folder, or a "
            f"gateway key with the scope `{SCOPE}`; or set `public = true` in [metrics]"
        )


async def _say(send: Send, status: int, words: str, *, extra: Headers) -> None:
    await _send(send, status, f"{words}\n".encode(), content_type=_PLAIN, extra=extra)


async def _send(
    send: Send, status: int, body: bytes, *, content_type: str, extra: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    headers: Headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *extra,
    ]
    await replies.send_head(send, status, headers)
    await replies.send_last(send, body)


__all__ = ["PATH", "SCOPE", "Page"]
