"""One real, tiny conversation with a provider through an account: list its models, then ask one.

The request is made by the same adapter and dialect code as the gateway's own, so what passes here
passes there; and what fails is said with what to do about it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from flowrouter.accounts.account import Account
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import Provenance, Text
from flowrouter.canonical.request import Request
from flowrouter.canonical.response import Response
from flowrouter.clock import Clock
from flowrouter.dialects import available, codec
from flowrouter.errors import ConfigError, FlowRouterError, UpstreamError
from flowrouter.gateway.model_lists import Lister
from flowrouter.gateway.world import World
from flowrouter.providers import adapter
from flowrouter.providers.listing import ListedModel
from flowrouter.providers.preset import Preset
from flowrouter.routing.facts import is_glob
from flowrouter.upstream.transport import Transport
from flowrouter.wire.http import HttpRequest

Say = Callable[[str], None]

_PROMPT = "Answer with the single word: hello"
_MAX_TOKENS = 32
_MAX_BODY = 32 * 1024 * 1024
_SHOWN = 300
_SMALL = ("nano", "mini", "haiku", "flash", "lite", "small", "8b", "instant", "tiny")
_NO_CHAT = (
    "audio", "dall-e", "embed", "guard", "image", "moderation", "ocr", "realtime", "rerank", "sora",
    "speech", "transcribe", "tts", "whisper",
)  # fmt: skip

_ADVICE: dict[int, str] = {
    400: "the provider does not like the request: is the model's name right, and is it a chat model?",
    401: "the key was refused: put in a new one with `flow-router providers add NAME --replace`",
    402: "the account has no credit: top it up at the provider",
    403: "the key may not do this: check its permissions and its project at the provider",
    404: "nothing is there: check the base URL (with its version segment) and the model's name",
    405: "nothing is there: check the base URL (with its version segment)",
    429: "too many requests, or no quota left: wait, or look at the account's limits at the provider",
}
_UNREACHED = "check the base URL, the network, and that the server runs"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the trial found; `models` is None where the provider has no list or did not give it."""

    ok: bool
    account: str
    model: str | None = None
    dialect: Dialect | None = None
    reply: str | None = None
    took_ms: int | None = None
    models: tuple[ListedModel, ...] | None = None
    error: str | None = None
    advice: str | None = None


class Trial:
    """Runs the two steps for one account; `say` hears of each as it happens."""

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
        say: Say,
    ) -> None:
        self._account = account
        self._preset = preset
        self._world = world
        self._transport = transport
        self._lister = lister
        self._clock = clock
        self._limit = limit
        self._say = say

    async def run(self, model: str | None = None) -> Outcome:
        """Return what was found; raises nothing that a provider could cause."""
        listed: tuple[ListedModel, ...] | None = None
        try:
            listed = await self._list()
            model = model or choose_model(self._account, self._preset, listed)
            if model is None:
                raise ConfigError("no model is known to try", fix="name one: --model MODEL")
            return await self._ask(model, listed)
        except FlowRouterError as error:
            status = error.status if isinstance(error, UpstreamError) else None
            return Outcome(
                ok=False,
                account=self._account.name,
                model=model,
                models=listed,
                error=error.message,
                advice=_advice(error, status),
            )

    async def _list(self) -> tuple[ListedModel, ...] | None:
        """Return the provider's models; a list that fails is told, and does not end the trial."""
        if self._preset.models.shape == "none":
            self._say("models:   this provider has no list")
            return None
        try:
            models = await self._lister.fetch(self._account, self._preset)
        except UpstreamError as error:
            if error.status in (401, 402, 403) or error.kind == "connect":
                raise
            self._say(f"models:   no list ({error.message})")
            return None
        self._say(f"models:   ok, {len(models)} listed")
        return models

    async def _ask(self, model: str, listed: tuple[ListedModel, ...] | None) -> Outcome:
        dialect = _dialect(self._account, self._preset)
        wanted = Request(
            origin=dialect,
            model=model,
            messages=(Message(role="user", parts=(Text(text=_PROMPT),)),),
            max_tokens=_MAX_TOKENS,
        )
        capabilities = self._world.capabilities(self._preset, model, dialect)
        rendered = codec(dialect).render_request(wanted, model, capabilities)
        own = {name: value.reveal() for name, value in self._account.headers}
        request = adapter.build(
            self._preset,
            dialect,
            api_key=self._account.api_key.reveal() if self._account.api_key else None,
            base_url=self._account.base_url,
            account_headers={**dict(rendered.headers), **own},
            model=model,
            body=rendered.body,
        )
        began = self._clock.monotonic()
        body = await self._send(request, dialect)
        took_ms = round((self._clock.monotonic() - began) * 1000)
        try:
            response = codec(dialect).parse_response(body, Provenance(dialect=dialect))
        except ValueError as error:
            raise UpstreamError(f"the answer is no {dialect} reply: {error}", kind="protocol") from error
        reply = _text(response)
        self._say(f"generate: ok, {model} ({dialect}) answered in {took_ms} ms: {reply!r}")
        return Outcome(
            ok=True,
            account=self._account.name,
            model=model,
            dialect=dialect,
            reply=reply,
            took_ms=took_ms,
            models=listed,
        )

    async def _send(self, request: HttpRequest, dialect: Dialect) -> bytes:
        """Return the whole body of a 200; raises `UpstreamError`."""
        try:
            async with asyncio.timeout(self._limit):
                reply = await self._transport.send(request)
                try:
                    body = bytearray()
                    while (piece := await reply.read()) and len(body) < _MAX_BODY:
                        body += piece
                finally:
                    reply.close()
        except TimeoutError:
            raise UpstreamError(f"no answer within {self._limit:g} s", kind="timeout") from None
        if reply.status == 200:
            return bytes(body)
        said = codec(dialect).problem_of(reply.status, bytes(body)).message
        key = self._account.api_key
        if key:
            said = said.replace(key.reveal(), "***")
        where = request.url.partition("?")[0]
        raise UpstreamError(
            f"{where} answered {reply.status}: {said[:_SHOWN]}", kind="status", status=reply.status
        )


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


def _dialect(account: Account, preset: Preset) -> Dialect:
    served: tuple[Dialect, ...] = account.dialects or preset.served_dialects
    known = available()
    spoken: list[Dialect] = [name for name in served if name in known]
    if not spoken:
        raise ConfigError(f"the account speaks no dialect of this version ({', '.join(available())})")
    return spoken[0]


def _text(response: Response) -> str:
    parts = response.choices[0].parts if response.choices else ()
    return "".join(part.text for part in parts if isinstance(part, Text)).strip()[:_SHOWN]


def _advice(error: FlowRouterError, status: int | None) -> str | None:
    if status is not None:
        server = "the provider has trouble: try again later" if status >= 500 else None
        return _ADVICE.get(status, server)
    if isinstance(error, UpstreamError) and error.kind in ("connect", "reset", "timeout"):
        return _UNREACHED
    return None


__all__ = ["Outcome", "Trial", "choose_model"]
