"""Scripted providers for playbooks: what each attempt meets, step by step, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from flowrouter.errors import UpstreamError
from flowrouter.upstream import Take
from flowrouter.wire.http import HttpRequest

JSON = {"content-type": "application/json"}
SSE = {"content-type": "text/event-stream"}

Step = bytes | float | Exception | Callable[[], Exception]
"""What an upstream does next: send bytes, wait seconds, or break, which may be made anew then."""


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt's answer; `before` happens ahead of the head, `error` instead of it."""

    status: int = 200
    headers: dict[str, str] = msgspec.field(default_factory=lambda: dict(JSON))
    steps: Sequence[Any] = ()
    before: float = 0.0
    error: Exception | None = None


class ScriptedReply:
    """A reply that follows its script."""

    def __init__(self, script: Script) -> None:
        self.status = script.status
        self.headers = script.headers
        self._steps = list(script.steps)
        self.closed = False

    def entire(self) -> bytes | None:
        match self._steps:
            case [bytes() as body]:
                self._steps.clear()
                return body
            case _:
                return None

    async def read(self) -> bytes:
        while self._steps:
            step = self._steps.pop(0)
            if isinstance(step, bytes):
                return step
            if isinstance(step, Exception):
                raise step
            if callable(step):
                raise step()
            await asyncio.sleep(step)
        return b""

    async def flow(self, take: Take) -> None:
        while self._steps and (piece := await self.read()):
            if not take(piece):
                break

    @property
    def unread(self) -> int:
        return len(self._steps)

    def close(self) -> None:
        self.closed = True


Scripts = Sequence[Script] | Mapping[str, Script | Sequence[Script]] | Callable[[HttpRequest], Script]
"""What the providers do: in the order they are asked, per account (one script stands for ever), or by rule."""


class ScriptedTransport:
    """Answers each attempt with its script and keeps what was asked, and when."""

    def __init__(self, scripts: Scripts) -> None:
        self._rule = _rule(scripts)
        self.requests: list[HttpRequest] = []
        self.times: list[float] = []
        self.replies: list[ScriptedReply] = []

    async def send(self, request: HttpRequest) -> ScriptedReply:
        self.requests.append(request)
        self.times.append(asyncio.get_running_loop().time())
        script = self._rule(request)
        await asyncio.sleep(script.before)
        if script.error is not None:
            raise script.error
        reply = ScriptedReply(script)
        self.replies.append(reply)
        return reply

    async def close(self) -> None:
        pass


def _rule(scripts: Scripts) -> Callable[[HttpRequest], Script]:
    if callable(scripts):
        return scripts
    if isinstance(scripts, Mapping):
        each = {name: _rule([of] if isinstance(of, Script) else of) for name, of in scripts.items()}
        for name, of in scripts.items():
            if isinstance(of, Script):
                each[name] = lambda _, script=of: script
        return lambda request: each[account_of(request)](request)
    left = list(scripts)

    def next_one(_: HttpRequest) -> Script:
        assert left, "the gateway asked more often than the playbook allows"
        return left.pop(0)

    return next_one


def account_of(request: HttpRequest) -> str:
    """Return the name of the account that was asked."""
    return request.url.split("/")[2].removesuffix(".test")


def reset() -> UpstreamError:
    """Return what a connection reset looks like to the pipeline."""
    return UpstreamError("the provider closed the connection", kind="reset")


__all__ = [
    "JSON",
    "SSE",
    "Script",
    "ScriptedReply",
    "ScriptedTransport",
    "Scripts",
    "Step",
    "account_of",
    "reset",
]
