"""One real, tiny conversation with a provider through an account: list its models, then ask one.

What fails is said with what to do about it.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from flowrouter.accounts.account import Account
from flowrouter.canonical.dialect import Dialect
from flowrouter.clock import Clock
from flowrouter.errors import ConfigError, FlowRouterError, UpstreamError
from flowrouter.gateway.model_lists import Lister
from flowrouter.gateway.probe import Hear, Probe, choose_model
from flowrouter.gateway.world import World
from flowrouter.providers.listing import ListedModel
from flowrouter.providers.preset import Preset
from flowrouter.upstream.transport import Transport

Say = Callable[[str], None]

_ADVICE: dict[int, str] = {
    400: "the provider does not like the request: is the model's name right, and is it a chat model?",
    401: "the key was refused: put in a new one with `flow-router providers add NAME --replace --api-key -`",
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
    """Runs the two steps for one account; `say` hears of each, `hear` of their parts, as they happen."""

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
        hear: Hear | None = None,
    ) -> None:
        self._account = account
        self._preset = preset
        self._say = say
        self._hear = hear
        self._probe = Probe(
            account,
            preset,
            world=world,
            transport=transport,
            lister=lister,
            clock=clock,
            limit=limit,
            hear=hear,
        )

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
            await self._tell(
                "models" if listed is None and model is None else "answer", error.message, ok=False
            )
            return Outcome(
                ok=False,
                account=self._account.name,
                model=model,
                models=listed,
                error=error.message,
                advice=advice(error, self._account.name),
            )

    async def _tell(self, name: str, text: str, *, ok: bool) -> None:
        if self._hear is not None:
            await self._hear(name, text, ok)

    async def _list(self) -> tuple[ListedModel, ...] | None:
        """Return the provider's models; a list that fails is told, and does not end the trial."""
        try:
            models = await self._probe.list_models()
        except UpstreamError as error:
            if error.status in (401, 402, 403) or error.kind == "connect":
                raise
            self._say(f"models:   no list ({error.message})")
            await self._tell("models", error.message, ok=False)
            return None
        self._say("models:   this provider has no list" if models is None else _listed(len(models)))
        await self._tell("models", "no list" if models is None else f"{len(models)} listed", ok=True)
        return models

    async def _ask(self, model: str, listed: tuple[ListedModel, ...] | None) -> Outcome:
        heard = await self._probe.ask(model)
        self._say(f"generate: ok, {model} ({heard.dialect}) answered in {heard.took_ms} ms: {heard.text!r}")
        await self._tell("answer", f"{model} answered in {heard.took_ms} ms: {heard.text!r}", ok=True)
        return Outcome(
            ok=True,
            account=self._account.name,
            model=model,
            dialect=heard.dialect,
            reply=heard.text,
            took_ms=heard.took_ms,
            models=listed,
        )


def advice(error: FlowRouterError, account: str) -> str | None:
    """Return what to do about `error`, where that is known."""
    if not isinstance(error, UpstreamError):
        return None
    if error.status is not None:
        server = "the provider has trouble: try again later" if error.status >= 500 else None
        found = _ADVICE.get(error.status, server)
        return found.replace("NAME", account) if found else None
    return _UNREACHED if error.kind in ("connect", "reset", "timeout") else None


def _listed(count: int) -> str:
    return f"models:   ok, {count} listed"


__all__ = ["Outcome", "Trial", "advice"]
