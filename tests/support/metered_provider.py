"""A provider that writes slowly, fails often, and keeps a bill of its own of every token it wrote.

An answer is written in ticks, whether anybody sees it or not: who asks for it whole gets it at the end, who
leaves has had as much as was written by then. What the provider itself breaks before the first word it does not
bill, everything else it does, at list price. It never looks at the program under test.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from dataclasses import dataclass, field
from random import Random
from typing import Any, Self

from aiohttp import web

LETTERS = 3
"""Characters of a token; English has more, so that whoever counts characters counts too little."""

_FRAME = 11


@dataclass
class Call:
    """What was asked for, and what of it was written; `kind` is what becomes of it."""

    kind: str
    stream: bool
    prompt: int
    wanted: int
    limit: int
    written: int = 0
    billed: bool = False
    ended: bool = False


@dataclass
class Rates:
    """USD per million tokens."""

    input: int
    output: int

    def bill(self, call: Call) -> int:
        """Return what a call costs, in pico-USD."""
        return (call.prompt * self.input + call.written * self.output) * 10**6 if call.billed else 0


@dataclass
class MeteredProvider:
    """Serves `/v1/chat/completions` on a thread of its own; `mean` are the tokens it is known to write.

    Its answers have three times as many. `trouble` is the part of its calls that it fails, `disobedient` the
    part in which it may write up to twice what its asker allows.
    """

    rates: Rates
    mean: int = 100
    tick: float = 0.05
    trouble: float = 0.15
    disobedient: float = 0.0
    seed: int = 7
    calls: list[Call] = field(default_factory=list)
    _port: int = 0

    @property
    def url(self) -> str:
        """Return the base URL for OpenAI's SDK."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def bill(self) -> int:
        """Return what all calls cost, in pico-USD."""
        return sum(self.rates.bill(call) for call in list(self.calls))

    @property
    def busy(self) -> int:
        """Return how many calls are under way."""
        return sum(not call.ended for call in list(self.calls))

    def __enter__(self) -> Self:
        self._chance = Random(self.seed)
        logging.getLogger("aiohttp.server").disabled = True
        started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        application = web.Application()
        application.router.add_post("/v1/chat/completions", self._answer)
        runner = web.AppRunner(application, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=2048)
        self._loop.run_until_complete(site.start())
        self._port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        call = self._begun(body)
        try:
            if call.kind == "refused":
                return web.json_response({"error": {"message": "try later"}}, status=500)
            if call.kind == "reset":
                return self._cut(request)
            call.billed = True
            if call.stream:
                return await self._stream(request, call, body)
            while await self._goes_on(call):
                pass
            if call.kind == "broken":
                call.billed = False  # it never gave anybody the answer
                return self._cut(request)
            return web.json_response(_whole(call, body["model"]))
        except ConnectionError:
            return web.Response()  # its asker is gone
        finally:
            call.ended = True

    def _begun(self, body: dict[str, Any]) -> Call:
        chance = self._chance.random()
        kind = "good"
        if chance < self.trouble:
            kind = ("refused", "reset", "broken")[int(chance / self.trouble * 3)]
        wanted = self._chance.randint(2 * self.mean, 4 * self.mean)
        limit = body.get("max_tokens") or body.get("max_completion_tokens") or wanted
        said = sum(len(message["content"]) for message in body["messages"])
        obeys = self._chance.random() >= self.disobedient
        call = Call(
            kind=kind,
            stream=bool(body.get("stream")),
            prompt=_FRAME + said // LETTERS,
            wanted=min(wanted, limit) if obeys else min(wanted, 2 * limit),
            limit=limit,
        )
        self.calls.append(call)
        return call

    async def _goes_on(self, call: Call) -> bool:
        """Write for one tick; return whether there is more to write."""
        await asyncio.sleep(self.tick * self._chance.uniform(0.5, 1.5))
        call.written = min(call.wanted, call.written + self.mean // 4)
        return call.written < call.wanted

    async def _stream(self, request: web.Request, call: Call, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        breaks_at = call.wanted // 2 if call.kind == "broken" else call.wanted + 1
        before, more = 0, True
        while more:
            more = await self._goes_on(call)
            await response.write(_chunk(body["model"], {"content": "ab " * (call.written - before)}))
            before = call.written
            if call.written >= breaks_at:
                return self._cut(request)
        finish = "length" if call.wanted >= call.limit else "stop"
        await response.write(_chunk(body["model"], {}, finish=finish))
        if (body.get("stream_options") or {}).get("include_usage"):
            await response.write(_chunk(body["model"], None, usage=_usage(call)))
        await response.write(b"data: [DONE]\n\n")
        return response

    def _cut(self, request: web.Request) -> web.StreamResponse:
        """Break the connection in the middle."""
        if request.transport is not None:
            request.transport.abort()
        return web.Response()


def _usage(call: Call) -> dict[str, int]:
    return {
        "prompt_tokens": call.prompt,
        "completion_tokens": call.written,
        "total_tokens": call.prompt + call.written,
    }


def _whole(call: Call, model: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": "ab " * call.written}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    named = {"id": "c", "object": "chat.completion", "created": 1, "model": model}
    return {**named, "choices": [choice], "usage": _usage(call)}


def _chunk(model: str, delta: dict[str, Any] | None, *, finish: str | None = None, **more: Any) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    named = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": model}
    return b"data: " + json.dumps({**named, "choices": choices, **more}).encode() + b"\n\n"


__all__ = ["Call", "MeteredProvider", "Rates"]
