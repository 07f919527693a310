"""Single tiny questions to a provider through an account: its models, an answer, a stream, a tool call.

Requests and replies go through the same adapter and dialect code as the gateway's own, so what
passes here passes there. Each question spends a few tokens at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import msgspec

from flowrouter.accounts.account import Account
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.events import Event, FrameError
from flowrouter.canonical.fold import Fold
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Part, Provenance, Text, ToolCall
from flowrouter.canonical.request import Request
from flowrouter.canonical.response import FinishReason, Response
from flowrouter.canonical.tools import FunctionTool, ToolChoice
from flowrouter.clock import Clock
from flowrouter.dialects import available, codec
from flowrouter.dialects.codec import DecodeOptions
from flowrouter.errors import ConfigError, UpstreamError
from flowrouter.gateway.model_lists import Lister
from flowrouter.gateway.world import World
from flowrouter.providers import adapter
from flowrouter.providers.listing import ListedModel
from flowrouter.providers.preset import Preset
from flowrouter.routing.facts import is_glob
from flowrouter.upstream.transport import Reply, Transport
from flowrouter.wire.http import HttpRequest
from flowrouter.wire.sse import SseParser

MAX_TOKENS = 32
"""Output cap of a question."""

MAX_TOOL_TOKENS = 200
"""Output cap of a tool call, which is longer."""

_PROMPT = "Answer with the single word: hello"
_TOOL_PROMPT = "What is the weather in Paris? Use the tool."
_TOOL = FunctionTool(
    name="get_weather",
    description="Weather of a city.",
    schema={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
_MAX_BODY = 32 * 1024 * 1024
_SHOWN = 300
_SMALL = ("nano", "mini", "haiku", "flash", "lite", "small", "8b", "instant", "tiny")
_NO_CHAT = (
    "audio", "dall-e", "embed", "guard", "image", "moderation", "ocr", "realtime", "rerank", "sora",
    "speech", "transcribe", "tts", "whisper",
)  # fmt: skip


Hear = Callable[[str, str, bool], Awaitable[None]]
"""Told of a step by its name, in words, and whether it went well, as it happens."""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """One answer: its text, the names of the tools it called, how it ended and how long it took.

    `pieces` counts the events of a stream, 0 for an answer that came whole.
    """

    dialect: Dialect
    text: str
    called: tuple[str, ...]
    finish: FinishReason | None
    took_ms: int
    pieces: int = 0


class Probe:
    """Asks one account; every method raises `UpstreamError` or `ConfigError`, nothing else."""

    def __init__(
        self,
        account: Account,
        preset: Preset,
        *,
        world: World,
        transport: Transport,
        lister: Lister,
        clock: Clock,
        limit: float,
        hear: Hear | None = None,
    ) -> None:
        self._hear = hear
        self._account = account
        self._preset = preset
        self._world = world
        self._transport = transport
        self._lister = lister
        self._clock = clock
        self._limit = limit

    @property
    def dialect(self) -> Dialect:
        """Return the dialect that is used; raises `ConfigError` where none is spoken."""
        served: tuple[Dialect, ...] = self._account.dialects or self._preset.served_dialects
        spoken: list[Dialect] = [name for name in served if name in available()]
        if not spoken:
            known = ", ".join(available())
            raise ConfigError(f"the account speaks no dialect of this version ({known})")
        return spoken[0]

    async def list_models(self) -> tuple[ListedModel, ...] | None:
        """Return the provider's models, None where it has no list."""
        if self._preset.models.shape == "none":
            return None
        return await self._lister.fetch(self._account, self._preset)

    async def ask(self, model: str) -> Heard:
        """Ask for a word, to come in one piece."""
        return await self._put(self._question(model))

    async def stream(self, model: str) -> Heard:
        """Ask for a word, to come as events; a stream that breaks off or is unreadable is an error."""
        return await self._put(msgspec.structs.replace(self._question(model), stream=True))

    async def call_tool(self, model: str) -> Heard:
        """Ask for a tool call."""
        question = msgspec.structs.replace(
            self._question(model, prompt=_TOOL_PROMPT),
            max_tokens=MAX_TOOL_TOKENS,
            tools=(_TOOL,),
            tool_choice=ToolChoice(mode="required"),
        )
        return await self._put(question)

    def takes_tools(self, model: str) -> bool:
        """Return whether nothing known speaks against offering `model` a tool."""
        return self._world.capabilities(self._preset, model, self.dialect).tools is not False

    def _question(self, model: str, *, prompt: str = _PROMPT) -> Request:
        message = Message(role="user", parts=(Text(text=prompt),))
        return Request(origin=self.dialect, model=model, messages=(message,), max_tokens=MAX_TOKENS)

    async def _put(self, wanted: Request) -> Heard:
        request = self._rendered(wanted)
        began = self._clock.monotonic()
        try:
            async with asyncio.timeout(self._limit):
                await self._tell(
                    "sent", f"{request.method} {urlsplit(request.url).path}, {len(request.body)} bytes"
                )
                reply = await self._transport.send(request)
                took = round((self._clock.monotonic() - began) * 1000)
                await self._tell("first_byte", f"status {reply.status} after {took} ms")
                try:
                    response, pieces = await self._read(reply, request, wanted)
                finally:
                    reply.close()
        except TimeoutError:
            raise UpstreamError(f"no answer within {self._limit:g} s", kind="timeout") from None
        choice = response.choices[0] if response.choices else None
        parts: tuple[Part, ...] = choice.parts if choice else ()
        return Heard(
            dialect=wanted.origin,
            text="".join(part.text for part in parts if isinstance(part, Text)).strip()[:_SHOWN],
            called=tuple(part.name for part in parts if isinstance(part, ToolCall)),
            finish=choice.finish if choice else None,
            took_ms=round((self._clock.monotonic() - began) * 1000),
            pieces=pieces,
        )

    async def _tell(self, name: str, text: str) -> None:
        if self._hear is not None:
            await self._hear(name, text, True)

    def _rendered(self, wanted: Request) -> HttpRequest:
        dialect, account = wanted.origin, self._account
        capabilities = self._world.capabilities(self._preset, wanted.model, dialect)
        rendered = codec(dialect).render_request(wanted, wanted.model, capabilities)
        own = {name: value.reveal() for name, value in account.headers}
        return adapter.build(
            self._preset,
            dialect,
            api_key=account.api_key.reveal() if account.api_key else None,
            base_url=account.base_url,
            account_headers={**dict(rendered.headers), **own},
            model=wanted.model,
            body=rendered.body,
            stream=wanted.stream,
        )

    async def _read(self, reply: Reply, request: HttpRequest, wanted: Request) -> tuple[Response, int]:
        """Return the answer and how many events it came in."""
        dialect = wanted.origin
        if reply.status != 200:
            raise self._refused(reply.status, await _whole(reply), request, dialect=dialect)
        whole = not wanted.stream or "json" in reply.headers.get("content-type", "")
        if not whole:
            return await self._follow(reply, wanted)
        body = await _whole(reply)
        try:
            return codec(dialect).parse_response(body, Provenance(dialect=dialect)), 0
        except ValueError as error:
            problem = f"the answer is no {dialect} reply: {error}"
            raise UpstreamError(self._hidden(problem), kind="protocol") from error

    async def _follow(self, reply: Reply, wanted: Request) -> tuple[Response, int]:
        """Return the answer a stream tells and its number of events; raises where it is not sound."""
        dialect = wanted.origin
        capabilities = self._world.capabilities(self._preset, wanted.model, dialect)
        options = DecodeOptions(
            provenance=Provenance(dialect=dialect),
            lax_finish=capabilities.lax_finish,
            think_tags=capabilities.think_tags,
        )
        frames, decoder = SseParser(), codec(dialect).decoder(options)
        events: list[Event] = []
        while piece := await reply.read():
            for frame in frames.feed(piece):
                events += decoder.feed(frame)
        for frame in frames.close():
            events += decoder.feed(frame)
        events += decoder.close()
        return self._told(events, dialect), len(events)

    def _told(self, events: list[Event], dialect: Dialect) -> Response:
        fold = Fold()
        for event in events:
            if isinstance(event, FrameError):
                raise UpstreamError(f"a frame of the stream cannot be read: {event.reason}", kind="protocol")
            fold.feed(event)
        if fold.problem is not None:
            raise UpstreamError(self._hidden(fold.problem.message), kind="stream")
        try:
            return fold.response()
        except ValueError:
            raise UpstreamError(f"the answer is no {dialect} stream", kind="protocol") from None

    def _refused(self, status: int, body: bytes, request: HttpRequest, *, dialect: Dialect) -> UpstreamError:
        said = self._hidden(codec(dialect).problem_of(status, body).message)[:_SHOWN]
        where = request.url.partition("?")[0]
        return UpstreamError(f"{where} answered {status}: {said}", kind="status", status=status)

    def _hidden(self, text: str) -> str:
        key = self._account.api_key
        return text.replace(key.reveal(), "***") if key else text


async def _whole(reply: Reply) -> bytes:
    body = bytearray()
    while (piece := await reply.read()) and len(body) < _MAX_BODY:
        body += piece
    return bytes(body)


def choose_model(account: Account, preset: Preset, listed: tuple[ListedModel, ...] | None) -> str | None:
    """Return the model to try: the account's own first, else a small one that the provider has."""
    own = [name for name in account.models if not is_glob(name)]
    if own:
        return own[0]
    ids = [model.id for model in listed or ()]
    known = [name for name in preset.models.static if not ids or name in ids] or ids or preset.models.static
    chat = [name for name in known if not any(word in name.lower() for word in _NO_CHAT)]
    small = [name for name in chat if any(word in name.lower() for word in _SMALL)]
    return next(iter([*small, *chat, *known]), None)


__all__ = ["MAX_TOKENS", "MAX_TOOL_TOKENS", "Hear", "Heard", "Probe", "choose_model"]
