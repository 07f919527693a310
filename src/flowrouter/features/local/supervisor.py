"""Runs the model's process beside the gateway: started by the first request, let go when idle.

`LocalModel` is a transport: it answers for a mounted host (`HOST`) that exists nowhere else. A request
waits while the model loads; one that comes while another loads it waits for the same start. After a
death the process is started again, unless it died young: then the next request tries.

The child gets a session of its own, so that Ctrl-C in the terminal reaches only the gateway, which
may still be draining a reply from it. It ends with its input; SIGKILL follows where that fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import msgspec

from flowrouter import logs
from flowrouter.errors import UpstreamError
from flowrouter.features.local.weights import Weights
from flowrouter.tasks import TaskGroup
from flowrouter.upstream import Reply, Take, Transport
from flowrouter.wire.http import HttpRequest

HOST = "embedded-model.invalid"
"""The host of the account's base URL; no name server ever knows it (RFC 2606)."""

_START_LIMIT = 120.0
_END_GRACE = 3.0
_DEATH_GRACE = 1.0
_YOUNG = 5.0
_LINES_KEPT = 12
# What a request without a limit may produce: so small a model seldom ends by itself.
_LONGEST_REPLY = 1024

log = logs.get("local")


class _Running(msgspec.Struct, frozen=True, kw_only=True):
    """A process that listens; `since` is the loop's time."""

    process: Process
    port: int
    since: float


class LocalModel:
    """The embedded model as a transport.

    `idle` is in seconds. `network` carries the requests to the child. `command` replaces the child's
    program; it gets `--model PATH --name NAME` and the key on its input.
    """

    def __init__(
        self, weights: Weights, *, network: Transport, idle: float, command: tuple[str, ...] = ()
    ) -> None:
        self.weights = weights
        self._network = network
        self._idle = idle
        self._command = command or (sys.executable, "-m", "flowrouter.features.local.server")
        self._key = secrets.token_urlsafe(24)
        self._running: _Running | None = None
        self._starting: asyncio.Task[_Running | UpstreamError] | None = None
        self._failure: UpstreamError | None = None
        self._failed_at = 0.0
        self._users = 0
        self._idle_timer: asyncio.TimerHandle | None = None
        self._last_lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._tasks = TaskGroup(logs.task_failed)
        logs.hide(self._key)

    @property
    def pid(self) -> int | None:
        """Return the process id of the child while it runs."""
        running = self._running
        return running.process.pid if running is not None and running.process.returncode is None else None

    async def send(self, request: HttpRequest) -> Reply:
        """Return the model's answer once its head is there, starting it first; raises `UpstreamError`."""
        self._users += 1
        self._stop_timer()
        try:
            return _Held(await self._answer(request), self)
        except BaseException:
            self.release()
            raise

    async def close(self) -> None:
        """End the model's process for good."""
        self._stop_timer()
        if self._starting is not None:
            self._starting.cancel()
        running, self._running = self._running, None
        if running is not None:
            await _end(running.process)
        await self._tasks.close(grace=_END_GRACE + _DEATH_GRACE)

    def release(self) -> None:
        """Take note that an exchange is over; the last one starts the idle time."""
        self._users -= 1
        if not self._users and self._running is not None:
            self._stop_timer()
            self._idle_timer = asyncio.get_running_loop().call_later(self._idle, self._unload)

    async def _answer(self, request: HttpRequest) -> Reply:
        running = await self._ready()
        try:
            return await self._network.send(self._addressed(request, running))
        except UpstreamError:
            # Asking a model on this machine twice costs nobody anything, so a death is made good at once.
            if not await _has_ended(running.process):
                raise
        running = await self._ready()
        return await self._network.send(self._addressed(request, running))

    def _addressed(self, request: HttpRequest, running: _Running) -> HttpRequest:
        url = urlunsplit(urlsplit(request.url)._replace(netloc=f"127.0.0.1:{running.port}"))
        kept = tuple(pair for pair in request.headers if pair[0] != "authorization")
        return msgspec.structs.replace(
            request, url=url, headers=(*kept, ("authorization", f"Bearer {self._key}"))
        )

    async def _ready(self) -> _Running:
        """Return the process that listens, starting it if there is none; raises `UpstreamError`."""
        if self._running is not None and self._running.process.returncode is None:
            return self._running
        now = asyncio.get_running_loop().time()
        if self._failure is not None and now - self._failed_at < _YOUNG:
            raise self._failure
        # Shielded: a client that goes away must not take the start from the others who wait for it.
        started = await asyncio.shield(self._start())
        if isinstance(started, UpstreamError):
            raise started
        return started

    def _start(self) -> asyncio.Task[_Running | UpstreamError]:
        if self._starting is None or self._starting.done():
            self._starting = self._tasks.start("embedded model", self._spawn())
        return self._starting

    async def _spawn(self) -> _Running | UpstreamError:
        """Start the child and wait for its word that it listens."""
        self._last_lines.clear()
        loop = asyncio.get_running_loop()
        began = loop.time()
        process: Process | None = None
        try:
            process = await self._exec()
            port = await self._listening(process)
        except UpstreamError as error:
            self._failure, self._failed_at = error, loop.time()
            log.warning("the embedded model did not start", reason=error.message)
            if process is not None:
                await _end(process)
            return error
        except asyncio.CancelledError:
            if process is not None:
                await _kill(process)
            raise
        self._failure = None
        self._running = running = _Running(process=process, port=port, since=loop.time())
        self._tasks.start("embedded model watch", self._watch(running))
        log.info(
            "the embedded model is loaded",
            model=self.weights.model,
            pid=process.pid,
            seconds=round(loop.time() - began, 1),
        )
        if not self._users:
            self._idle_timer = loop.call_later(self._idle, self._unload)
        return running

    async def _exec(self) -> Process:
        arguments = [*self._command, "--model", str(self.weights.path), "--name", self.weights.model]
        if self.weights.is_small:
            arguments += ["--longest-reply", str(_LONGEST_REPLY)]
        try:
            return await asyncio.create_subprocess_exec(
                *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True
            )
        except OSError as error:
            raise _unavailable(f"its process cannot be started: {error}") from error

    async def _listening(self, process: Process) -> int:
        """Return the port the child listens on; raises `UpstreamError` with its last words if it does not."""
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        errors = self._tasks.start("embedded model output", self._read_errors(process.stderr))
        with contextlib.suppress(OSError):  # a child that is gone already says why below
            process.stdin.write(f"{self._key}\n".encode())
            await process.stdin.drain()
        try:
            address = await asyncio.wait_for(process.stdout.readline(), _START_LIMIT)
        except TimeoutError:
            raise _unavailable(f"it did not load within {_START_LIMIT:.0f} s") from None
        if address.startswith(b"listening "):
            return int(address.rsplit(b":", 1)[1])
        await asyncio.wait([errors], timeout=_DEATH_GRACE)
        raise _unavailable("\n".join(self._last_lines) or "it said nothing")

    async def _watch(self, running: _Running) -> None:
        """Wait for the child's death; start it again if nobody asked for it and it was not its first act."""
        status = await running.process.wait()
        if self._running is not running:
            return
        self._running = None
        self._stop_timer()
        lived = asyncio.get_running_loop().time() - running.since
        log.warning("the embedded model ended by itself", status=status, said="\n".join(self._last_lines))
        if lived > _YOUNG:
            self._start()

    async def _read_errors(self, stream: asyncio.StreamReader) -> None:
        while data := await stream.read(64 * 1024):
            lines = data.decode("utf-8", "replace").splitlines()
            self._last_lines.extend(line for line in lines if line.strip())
            log.debug("llama.cpp", said=lines)

    def _unload(self) -> None:
        running = self._running
        if self._users or running is None:
            return
        self._running = None
        log.info("the embedded model is let go, nobody asked for it", idle_seconds=self._idle)
        self._tasks.start("embedded model end", _end(running.process))

    def _stop_timer(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None


class _Held:
    """A reply that keeps the model loaded until it is read or given up."""

    __slots__ = ("_model", "_reply", "headers", "status")

    def __init__(self, reply: Reply, model: LocalModel) -> None:
        self._reply = reply
        self._model: LocalModel | None = model
        self.status = reply.status
        self.headers: Mapping[str, str] = reply.headers

    def entire(self) -> bytes | None:
        body = self._reply.entire()
        if body is not None:
            self._let_go()
        return body

    async def read(self) -> bytes:
        try:
            piece = await self._reply.read()
        except BaseException:
            self._let_go()
            raise
        if not piece:
            self._let_go()
        return piece

    async def flow(self, take: Take) -> None:
        await self._reply.flow(take)

    def close(self) -> None:
        self._reply.close()
        self._let_go()

    def _let_go(self) -> None:
        model, self._model = self._model, None
        if model is not None:
            model.release()


def _unavailable(why: str) -> UpstreamError:
    return UpstreamError(f"the embedded model did not start: {why}", kind="connect")


async def _has_ended(process: Process) -> bool:
    """Return whether `process` is dead or about to be."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), _DEATH_GRACE)
    return process.returncode is not None


async def _end(process: Process) -> None:
    """End `process`: its input closes, then SIGKILL."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _END_GRACE)
    except TimeoutError:
        await _kill(process)


async def _kill(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


__all__ = ["HOST", "LocalModel"]
