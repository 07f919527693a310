"""Each account over the network: reached, key accepted, models listed, answers, streams, calls tools.

Steps build on one another; where one fails, those behind it would only say the same again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from flowrouter import logs
from flowrouter.accounts.account import Account
from flowrouter.cli.checks.finding import Area, Finding, said
from flowrouter.cli.desk import Desk
from flowrouter.clock import Clock
from flowrouter.errors import ConfigError, FlowRouterError, UpstreamError
from flowrouter.gateway.model_lists import Lister
from flowrouter.gateway.ports import ModelList
from flowrouter.gateway.probe import MAX_TOKENS, MAX_TOOL_TOKENS, Heard, Probe, choose_model
from flowrouter.gateway.trial import advice
from flowrouter.providers.adapter import resolve_base_url
from flowrouter.providers.listing import ListedModel
from flowrouter.providers.preset import Preset
from flowrouter.upstream.reach import Reach, reach
from flowrouter.upstream.transport import Reply, Transport
from flowrouter.wire.http import HttpRequest

SKEW_SECONDS = 300.0
"""How far the clock may be off before it matters."""

MOST_TOKENS = 2 * MAX_TOKENS + MAX_TOOL_TOKENS
"""What an account's check may write at most, in output tokens."""

_REACH_SECONDS = 10.0
_ANSWER_SECONDS = 60.0
_AREA = "Account {}"

_UNREACHED: dict[str, tuple[str, str]] = {
    "name": ("the name {host} is not found", "check the base URL for a typo, and this machine's DNS"),
    "allowed": ("{host} may not be reached", "add it to `[egress] hosts`, or correct the base URL"),
    "connect": (
        "{host}:{port} does not take a connection",
        "start the server there, or correct the base URL",
    ),
    "tls": ("{host}:{port} fails the TLS handshake", "check the clock, a proxy in between, and http/https"),
}


class DatedTransport:
    """A transport that notes how far off each server's clock is from ours, by host."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock
        self.offsets: dict[str, float] = {}

    async def send(self, request: HttpRequest) -> Reply:
        """Send on, and read the answer's `Date`."""
        reply = await self._transport.send(request)
        try:
            theirs = parsedate_to_datetime(reply.headers.get("date", "")).timestamp()
        except ValueError:
            return reply
        host = request.url.split("/")[2].rpartition("@")[2]
        self.offsets[host] = self._clock.now() - theirs
        return reply

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.close()


class _Nowhere:
    """Keeps no list: looking changes nothing."""

    async def put(self, model_list: ModelList) -> None:
        """Let go of the list."""


async def examine(
    desk: Desk, accounts: Sequence[Account], transport: DatedTransport, *, spend: bool
) -> list[Finding]:
    """Return the findings of all `accounts`, looked at side by side; only with `spend` is a model asked."""
    parts = await asyncio.gather(
        *(_Examination(desk, account, transport, spend=spend).run() for account in accounts)
    )
    return [finding for part in parts for finding in part]


def clock(offsets: Mapping[str, float]) -> Sequence[Finding]:
    """Compare this machine's clock with what the servers say; one server alone may be the wrong one."""
    area = Area("This machine")
    if not offsets:
        return area.found
    host = min(offsets, key=lambda each: abs(offsets[each]))
    seconds = offsets[host]
    if abs(seconds) <= SKEW_SECONDS:
        area.ok("clock", f"the clock agrees with that of {host} (within {max(1, round(abs(seconds)))} s)")
        return area.found
    way = "ahead of" if seconds > 0 else "behind"
    area.fail(
        "clock",
        f"the clock is {_span(abs(seconds))} {way} that of {host}: keys and log-ins may be refused",
        _set_clock(),
    )
    return area.found


class _Examination:
    """One account's steps."""

    def __init__(self, desk: Desk, account: Account, transport: DatedTransport, *, spend: bool) -> None:
        self._desk = desk
        self._account = account
        self._transport = transport
        self._spend = spend
        self._area = Area(_AREA.format(account.name))
        self._listed: tuple[ListedModel, ...] | None = None
        self._nothing_there: str | None = None

    async def run(self) -> Sequence[Finding]:
        """Go as far as it makes sense, and return what was found."""
        account, preset = self._account, self._desk.catalog.find(self._account.preset)
        if account.problem:
            self._area.fail("account", account.problem, self._change("--preset P", "`preset`"))
        elif preset is None:
            cure = self._change("--preset P", "`preset`") + "; see: flow-router providers presets"
            self._area.fail("account", f"there is no preset {account.preset!r}", cure)
        elif not account.enabled:
            self._area.skip("account", "disabled", self._change("--enabled", "`enabled = true`"))
        elif preset.auth.required and preset.auth.type != "none" and not account.api_key:
            self._area.fail("key", "there is no key", self._change("--api-key -", "`api_key`"))
        else:
            await self._look(preset)
        return self._area.found

    async def _look(self, preset: Preset) -> None:
        try:
            probe = self._probe(preset)
            base = resolve_base_url(preset, probe.dialect, override=self._account.base_url)
        except ConfigError as error:
            self._area.fail("account", said(error), error.fix or self._change("--base-url URL", "`base_url`"))
            return
        if not self._reached(await reach(base, limit=_REACH_SECONDS, guard=self._desk.application.egress)):
            return
        if not await self._list(probe):
            return
        model = choose_model(self._account, preset, self._listed)
        if self._nothing_there is not None:
            self._judge_silence(sure=model is None)
        if not self._spend:
            return
        if model is None:
            if self._nothing_there is None:
                cure = self._change("--models NAME", "`models`")
                self._area.warn("answer", "no model is known to ask", cure)
            return
        if await self._answers(probe, model):
            await self._streams(probe, model)
            await self._calls_tools(probe, model)

    def _judge_silence(self, *, sure: bool) -> None:
        """Say what a list of models that is not there means; without a model to ask it is all we have."""
        text = f"no list of models: {self._nothing_there}"
        if sure:
            self._area.fail("address", f"nothing is there: {self._nothing_there}", self._address())
        else:
            self._area.warn("models", text, self._change("--models NAME,NAME", "`models`"))

    def _address(self) -> str:
        change = self._change("--base-url URL", "`base_url`")
        return f"{change} (the address, with its version segment)"

    def _reached(self, found: Reach) -> bool:
        if found.failed is None:
            self._area.ok("reach", f"{found.host}:{found.port} is reached")
            return True
        text, cure = _UNREACHED[found.failed]
        where = text.format(host=found.host, port=found.port)
        change = self._change("--base-url URL", "`base_url`")
        self._area.fail("reach", f"{where}: {found.reason}", f"{cure}: {change}")
        return False

    async def _list(self, probe: Probe) -> bool:
        """Ask for the models; return whether it makes sense to go on."""
        try:
            self._listed = await probe.list_models()
        except UpstreamError as error:
            if error.status in (401, 402, 403):
                self._refused(error)
                return False
            if error.status in (404, 405):
                self._nothing_there = said(error)
                return True
            cure = self._change("--models NAME,NAME", "`models`")
            self._area.warn("models", f"no list of models: {said(error)}", cure)
            return True
        except ConfigError as error:
            self._area.fail("account", said(error), error.fix or self._change("--api-key -", "`api_key`"))
            return False
        if self._listed is None:
            self._area.ok("models", "this provider has no list of models")
        elif self._listed:
            self._area.ok("models", f"{len(self._listed)} models listed, the key was not refused")
        else:
            cure = self._change("--models NAME,NAME", "`models`")
            self._area.warn("models", "the list of models is empty", cure)
        return True

    async def _answers(self, probe: Probe, model: str) -> bool:
        try:
            heard = await probe.ask(model)
        except FlowRouterError as error:
            self._refused(error, model=model)
            return False
        key = "the key is accepted; " if self._account.api_key else ""
        self._area.ok("answer", f"{key}{model} ({heard.dialect}) answered in {heard.took_ms} ms")
        return True

    async def _streams(self, probe: Probe, model: str) -> None:
        heard = await self._tried("stream", probe.stream, model)
        if heard is None:
            return
        if heard.pieces:
            self._area.ok("stream", f"streams: {heard.pieces} events, properly ended")
        else:
            cure = "nothing to do: the gateway makes a stream of it, but the text comes all at once"
            self._area.warn("stream", "answers in one piece although a stream was asked for", cure)

    async def _calls_tools(self, probe: Probe, model: str) -> None:
        if not probe.takes_tools(model):
            self._area.skip("tools", f"{model} takes no tools")
            return
        heard = await self._tried("tools", probe.call_tool, model)
        if heard is None:
            return
        if heard.called:
            self._area.ok("tools", f"calls tools ({heard.called[0]})")
        elif heard.finish == "length":
            self._area.skip(
                "tools", f"{model} used up its {MAX_TOOL_TOKENS} tokens before it called the tool"
            )
        else:
            cure = "use another model of this account for work with tools"
            self._area.warn("tools", f"{model} answered in words although it had to call a tool", cure)

    async def _tried(self, check: str, step: Callable[[str], Any], model: str) -> Heard | None:
        """Return what came of a step of a model that answers; what fails is said under `check`."""
        try:
            return await step(model)
        except FlowRouterError as error:
            if check == "tools":
                cure = "use another model of this account for work with tools"
                self._area.warn(check, f"{model} does not take a tool: {said(error)}", cure)
            else:
                cure = "look for a proxy in between that holds back or cuts streams, or ask the provider"
                if isinstance(error, UpstreamError) and error.status is not None:
                    cure = advice_or(error, self._account, cure)
                self._area.fail(check, f"the stream fails: {said(error)}", cure)
            return None

    def _refused(self, error: FlowRouterError, *, model: str | None = None) -> None:
        """Say what a provider's refusal means for the account."""
        status = error.status if isinstance(error, UpstreamError) else None
        match status:
            case 401:
                cure = self._change("--api-key -", "`api_key`")
                self._area.fail("key", f"the key is refused: {said(error)}", cure)
            case 404 | 405 if self._listed is None:
                cure = (
                    self._change("--base-url URL", "`base_url`") + " (the address, with its version segment)"
                )
                self._area.fail("address", f"nothing is there: {said(error)}", cure)
            case 404:
                cure = self._change("--models NAME", "`models`")
                self._area.fail("answer", f"the provider does not know {model}: {said(error)}", cure)
            case 429:
                self._area.warn("answer", said(error), advice(error, self._account.name) or "wait")
            case _:
                cure = f"flow-router providers test {self._account.name}"
                self._area.fail("answer", said(error), advice_or(error, self._account, cure))

    def _probe(self, preset: Preset) -> Probe:
        desk, limit = self._desk, _ANSWER_SECONDS
        if preset.local:
            limit = max(limit, desk.settings.timeouts.first_byte)  # a local server may load the model first
        timeouts = msgspec.structs.replace(desk.settings.timeouts, first_byte=limit)
        lister = Lister(
            self._transport, _Nowhere(), clock=desk.clock, timeouts=timeouts, log=logs.get("doctor")
        )
        return Probe(
            self._account,
            preset,
            world=desk.world,
            transport=self._transport,
            lister=lister,
            clock=desk.clock,
            limit=limit,
        )

    def _change(self, flags: str, setting: str) -> str:
        """Return how to change this account, which depends on where it is declared."""
        if self._account.source == "config" and self._desk.settings.file:
            return f"correct {setting} of account {self._account.name!r} in {self._desk.settings.file}"
        return f"flow-router providers add {self._account.name} --replace {flags}"


def advice_or(error: FlowRouterError, account: Account, otherwise: str) -> str:
    """Return what is known to help against `error`, else `otherwise`."""
    fix = error.fix if isinstance(error, ConfigError) else None
    return fix or advice(error, account.name) or otherwise


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{round(minutes / 60)} hours" if minutes < 72 * 60 else f"{round(minutes / 1440)} days"


def _set_clock() -> str:
    import sys

    match sys.platform:
        case "darwin":
            return "sudo sntp -sS time.apple.com"
        case "win32":
            return "w32tm /resync"
        case _:
            return "sudo timedatectl set-ntp true"


__all__ = ["MOST_TOKENS", "DatedTransport", "clock", "examine"]
