"""A stage for playbooks: virtual time, a scripted upstream, a client that writes down what it got.

A playbook gives a plan and what each attempt does, runs one exchange through the real pipeline, and
reads the attempts, the bytes and the settlement. Time moves only when everybody waits, so ninety
seconds of silence cost no time and no assertion depends on the machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from flowrouter import logs
from flowrouter.accounts.account import Account, Secret
from flowrouter.canonical.dialect import Dialect
from flowrouter.config import Timeouts
from flowrouter.dialects import codec
from flowrouter.errors import UpstreamError
from flowrouter.gateway.admission import Admission
from flowrouter.gateway.attempts import Attempts
from flowrouter.gateway.client import Client
from flowrouter.gateway.exchange import Exchange, Inbound, Operation
from flowrouter.gateway.pipeline import Pipeline
from flowrouter.gateway.ports import RequestRow, Snapshot
from flowrouter.gateway.reasoning import ReasoningState
from flowrouter.gateway.recall import Recall
from flowrouter.gateway.relay import Relay
from flowrouter.gateway.settle import Books
from flowrouter.gateway.stored_responses import StoredResponses
from flowrouter.gateway.world import World, compile_world
from flowrouter.httpkit.keys import GatewayKey, KeyRing
from flowrouter.plugins import Hooks
from flowrouter.providers import catalog
from flowrouter.storage import MemoryStateStore
from flowrouter.tasks import TaskGroup
from flowrouter.wire.http import HttpRequest
from tests.support.doubles import NoBlobs, OpenSeals, Recorder

EPOCH = 1_700_000_000.0
JSON = {"content-type": "application/json"}
SSE = {"content-type": "text/event-stream"}

Step = bytes | float | Exception
"""What an upstream does next: send bytes, wait seconds, or break."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer when nothing else is to be done."""

    def __init__(self) -> None:
        super().__init__()
        self._virtual = 0.0

    def time(self) -> float:
        return self._virtual

    def _run_once(self) -> None:
        scheduled: list[Any] = self._scheduled  # type: ignore[attr-defined]
        live = [handle.when() for handle in scheduled if not handle.cancelled()]
        if not self._ready and live:  # type: ignore[attr-defined]
            self._virtual = max(self._virtual, min(live))
        super()._run_once()  # type: ignore[misc]


class VirtualClock:
    """The loop's time as both clocks."""

    def now(self) -> float:
        return EPOCH + asyncio.get_running_loop().time()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


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

    async def read(self) -> bytes:
        while self._steps:
            step = self._steps.pop(0)
            if isinstance(step, bytes):
                return step
            if isinstance(step, Exception):
                raise step
            await asyncio.sleep(step)
        return b""

    @property
    def unread(self) -> int:
        return len(self._steps)

    def close(self) -> None:
        self.closed = True


class ScriptedTransport:
    """Answers each attempt with the next script and keeps what was asked."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        self._scripts = list(scripts)
        self.requests: list[HttpRequest] = []
        self.replies: list[ScriptedReply] = []

    async def send(self, request: HttpRequest) -> ScriptedReply:
        self.requests.append(request)
        assert self._scripts, "the gateway asked more often than the playbook allows"
        script = self._scripts.pop(0)
        await asyncio.sleep(script.before)
        if script.error is not None:
            raise script.error
        reply = ScriptedReply(script)
        self.replies.append(reply)
        return reply

    async def close(self) -> None:
        pass


class Performance(msgspec.Struct, kw_only=True):
    """What came of a playbook; `sent` holds (time, piece) for every body piece that left."""

    status: int
    headers: dict[str, str]
    sent: list[tuple[float, bytes]]
    ended: bool
    rows: list[RequestRow]
    requests: list[HttpRequest]
    replies: list[Any]
    exchange: Any
    head_at: float | None
    tasks_left: int
    timers_left: int
    slots_left: int

    @property
    def body(self) -> bytes:
        return b"".join(piece for _, piece in self.sent)

    @property
    def row(self) -> RequestRow:
        assert len(self.rows) == 1, "an exchange is settled exactly once"
        return self.rows[0]

    @property
    def receipt(self) -> dict[str, Any]:
        assert self.row.receipt is not None
        return msgspec.json.decode(self.row.receipt)


def account(name: str, dialect: Dialect, *, priority: int = 1, models: tuple[str, ...] = ("*",)) -> Account:
    """Return an account at a custom provider of `dialect`."""
    preset = {
        "openai_chat": "custom-openai",
        "openai_responses": "custom-responses",
        "anthropic": "custom-anthropic",
        "gemini": "custom-gemini",
    }[dialect]
    return Account(
        id=name,
        name=name,
        preset=preset,
        owner_id="local",
        base_url=f"http://{name}.test/{'v1beta' if dialect == 'gemini' else 'v1'}",
        api_key=Secret(f"secret-of-{name}"),
        models=models,
        priority=priority,
    )


def world(
    *accounts: Account,
    aliases: dict[str, str] | None = None,
    reply_model: str = "answered",
    keys: Sequence[GatewayKey] = (),
) -> World:
    """Return a world with `accounts`."""
    return compile_world(
        Snapshot(version=1, loaded_at_ms=0, keys=KeyRing(keys)),
        declared=accounts,
        catalog=catalog.packaged(),
        aliases=aliases,
        reply_model=reply_model,
    )


def play(
    dialect: Dialect,
    body: bytes,
    *,
    accounts: Sequence[Account],
    scripts: Sequence[Script],
    timeouts: Timeouts | None = None,
    hooks: Hooks | None = None,
    cancel_after: float | None = None,
    operation: Operation = "generate",
    slow_client: float = 0.0,
    state: MemoryStateStore | None = None,
    address: dict[str, Any] | None = None,
    **options: Any,
) -> Performance:
    """Run one exchange to its end in virtual time.

    `slow_client` is how long each send to it takes, `address` the members of `Inbound` that path and
    headers tell.
    """
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(
            _perform(
                dialect,
                body,
                world(*accounts, **options),
                ScriptedTransport(scripts),
                timeouts or Timeouts(),
                hooks or Hooks(),
                cancel_after,
                operation,
                slow_client,
                state,
                address or {},
            )
        )
    finally:
        loop.close()


async def _perform(
    dialect: Dialect,
    body: bytes,
    present: World,
    transport: ScriptedTransport,
    timeouts: Timeouts,
    hooks: Hooks,
    cancel_after: float | None,
    operation: Operation,
    slow_client: float,
    state: MemoryStateStore | None,
    address: dict[str, Any],
) -> Performance:
    clock, log, failures = VirtualClock(), Recorder(), list[tuple[str, BaseException]]()
    tasks = TaskGroup(lambda name, error: failures.append((name, error)))
    shared = state if state is not None else MemoryStateStore(clock)
    recall = Recall(shared, NoBlobs(), secret=b"stage", clock=clock, tasks=tasks)
    attempts = Attempts(
        transport,
        clock=clock,
        timeouts=timeouts,
        hooks=hooks,
        reasoning=ReasoningState(OpenSeals()),
        state=shared,
        recall=recall,
    )
    admission = Admission()
    stored = StoredResponses(shared, NoBlobs(), clock=clock, tasks=tasks)
    pipeline = Pipeline(
        stored=stored,
        world=lambda: present,
        admission=admission,
        attempts=attempts,
        relay=Relay(attempts, recall=recall, stored=stored, clock=clock, timeouts=timeouts),
        books=Books(log, clock=clock, hooks=hooks),
        hooks=hooks,
        clock=clock,
        wait=timeouts.wait,
        log=logs.get("playbook"),
    )
    exchange = Exchange(_inbound(dialect, body, operation, clock=clock, **address))
    send, written = _writer(clock, slow_client)
    client = Client(send, codec(dialect), exchange, clock=clock, timeouts=timeouts, tasks=tasks)
    work = asyncio.create_task(pipeline.run(exchange, client))
    client.on_stuck = work.cancel
    if cancel_after is not None:
        asyncio.get_running_loop().call_later(cancel_after, work.cancel)
    await _settled(work)
    assert not failures, failures
    return Performance(
        rows=log.rows,
        requests=transport.requests,
        replies=transport.replies,
        exchange=exchange,
        tasks_left=len(tasks),
        timers_left=sum(not handle.cancelled() for handle in asyncio.get_running_loop()._scheduled),  # type: ignore[attr-defined]
        slots_left=sum(admission.in_flight(account_id) for account_id in present.accounts),
        **written,
    )


async def _settled(work: asyncio.Task[None]) -> None:
    """Wait for an exchange and, a minute longer, for what it may have left behind."""
    await asyncio.wait([work])
    if not work.cancelled() and (error := work.exception()) is not None:
        raise error
    await asyncio.sleep(60)


def _inbound(
    dialect: Dialect,
    body: bytes,
    operation: Operation,
    *,
    clock: VirtualClock,
    headers: dict[str, str] | None = None,
    **address: Any,
) -> Inbound:
    return Inbound(
        request_id="req_playbook",
        dialect=dialect,
        operation=operation,
        endpoint="/v1/playbook",
        headers={"user-agent": "playbook", "x-api-key": "canary-of-the-caller", **(headers or {})},
        body=body,
        wall=clock.now(),
        started=clock.monotonic(),
        **address,
    )


def _writer(clock: VirtualClock, slow: float) -> tuple[Callable[[Any], Awaitable[None]], dict[str, Any]]:
    written: dict[str, Any] = {"status": 0, "headers": {}, "sent": [], "ended": False, "head_at": None}

    async def send(message: Any) -> None:
        if slow:
            await asyncio.sleep(slow)
        assert not written["ended"], f"sent behind the end: {message}"
        if message["type"] == "http.response.start":
            assert written["status"] == 0, "two heads"
            written["status"] = message["status"]
            written["headers"] = {name.decode(): value.decode() for name, value in message["headers"]}
            written["head_at"] = clock.monotonic()
            return
        assert written["status"], "a body before its head"
        if message.get("body"):
            written["sent"].append((clock.monotonic(), message["body"]))
        written["ended"] = not message.get("more_body", False)

    return send, written


def reset() -> UpstreamError:
    """Return what a connection reset looks like to the pipeline."""
    return UpstreamError("the provider closed the connection", kind="reset")


__all__ = [
    "JSON", "SSE", "OpenSeals", "Performance", "Script", "VirtualClock", "VirtualLoop", "account", "play", "reset", "world",
]  # fmt: skip
