"""A client of the gateway: sends one canonical request in a dialect, yields the events of the answer.

It uses the program's own renderers, decoders and transport, so it meets what any other client meets.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.events import Event, StreamError
from flowrouter.canonical.fold import replay
from flowrouter.canonical.parts import Provenance
from flowrouter.canonical.request import Request
from flowrouter.clock import Clock
from flowrouter.dialects import codec
from flowrouter.dialects.codec import DecodeOptions
from flowrouter.errors import UpstreamError
from flowrouter.providers.headers import DIALECT_DEFAULTS, USER_AGENT
from flowrouter.upstream.transport import Reply, Transport
from flowrouter.wire import json
from flowrouter.wire.http import HttpRequest
from flowrouter.wire.sse import SseParser

_PATHS: dict[Dialect, str] = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "gemini": "/v1beta/models/{model}:{verb}",
}
_NOTICE_SECONDS = 1.1
_PATIENCE = 4.0
_PAUSE = 0.3


class Talk:
    """A line to one gateway; `headers` are those of the last answer.

    `new_key` says that the key was made a moment ago: a running gateway needs up to a second to hear of it.
    """

    def __init__(
        self, address: str, transport: Transport, *, clock: Clock, key: str | None, new_key: bool = False
    ) -> None:
        self.address = address
        self.headers: Mapping[str, str] = {}
        self._transport = transport
        self._clock = clock
        self._key = key
        self._patient_until = clock.monotonic() + _PATIENCE if new_key else 0.0

    async def ask(self, request: Request) -> AsyncIterator[Event]:
        """Yield the events of the answer as they come; raises `UpstreamError` with the gateway's words."""
        dialect = request.origin
        rendered = codec(dialect).render_request(request, request.model, Capabilities())
        headers = {**DIALECT_DEFAULTS[dialect], "content-type": "application/json", **dict(rendered.headers)}
        reply = await self._sent(
            HttpRequest(
                method="POST",
                url=self.address + _path(request),
                headers=tuple({**headers, **self._own_headers()}.items()),
                body=rendered.body,
            )
        )
        try:
            self.headers = reply.headers
            if reply.status != 200:
                problem = codec(dialect).problem_of(reply.status, await _whole(reply))
                raise UpstreamError(problem.message, kind="status", status=reply.status)
            if not request.stream:
                for event in replay(
                    codec(dialect).parse_response(await _whole(reply), Provenance(dialect=dialect))
                ):
                    yield event
                return
            async for event in _events(reply, dialect):
                if isinstance(event, StreamError):
                    raise UpstreamError(event.problem.message, kind="stream")
                yield event
        finally:
            reply.close()

    async def models(self) -> list[str]:
        """Return the names that can be asked for; raises `UpstreamError`."""
        url = f"{self.address}/v1/models"
        reply = await self._sent(
            HttpRequest(method="GET", url=url, headers=tuple(self._own_headers().items()))
        )
        try:
            body = await _whole(reply)
        finally:
            reply.close()
        try:
            found: Any = json.loads(body)
            return [row["id"] for row in found["data"]]
        except (json.JsonError, KeyError, TypeError):
            raise UpstreamError(
                f"{url} answered {reply.status}, no list of models", kind="protocol"
            ) from None

    async def _sent(self, request: HttpRequest) -> Reply:
        if self._clock.monotonic() < self._patient_until:
            await asyncio.sleep(_NOTICE_SECONDS)
        while True:
            try:
                reply = await self._transport.send(request)
            except UpstreamError as error:
                if error.kind == "connect":
                    raise UpstreamError(
                        f"no gateway answers at {self.address}; start one: flow-router serve", kind="connect"
                    ) from error
                raise
            if reply.status != 401 or self._clock.monotonic() >= self._patient_until:
                return reply
            reply.close()
            await asyncio.sleep(_PAUSE)

    def _own_headers(self) -> dict[str, str]:
        own = {"user-agent": USER_AGENT}
        return {**own, "authorization": f"Bearer {self._key}"} if self._key else own


def _path(request: Request) -> str:
    verb = "streamGenerateContent?alt=sse" if request.stream else "generateContent"
    return _PATHS[request.origin].format(model=quote(request.model, safe="/"), verb=verb)


async def _events(reply: Reply, dialect: Dialect) -> AsyncIterator[Event]:
    frames = SseParser()
    decoder = codec(dialect).decoder(DecodeOptions(provenance=Provenance(dialect=dialect)))
    while piece := await reply.read():
        for frame in frames.feed(piece):
            for event in decoder.feed(frame):
                yield event
    for frame in frames.close():
        for event in decoder.feed(frame):
            yield event
    for event in decoder.close():
        yield event


async def _whole(reply: Reply) -> bytes:
    pieces: list[bytes] = []
    while piece := await reply.read():
        pieces.append(piece)
    return b"".join(pieces)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One answer for programs; `usage` counts tokens, each kind apart, null where nobody said."""

    model: str
    target: str | None
    text: str
    reasoning: str
    finish: str | None
    usage: dict[str, int | None]
    took_ms: int
    request_id: str | None


__all__ = ["Talk", "Told"]
