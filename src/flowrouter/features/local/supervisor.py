"""Keeps the model's process alive beside the gateway: start, restart after a death, end.

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
from pathlib import Path

from flowrouter import logs
from flowrouter.config import AccountConfig
from flowrouter.errors import ConfigError
from flowrouter.features.local import weights
from flowrouter.tasks import TaskGroup

ACCOUNT = "local"
"""Name of the account, and of the preset it belongs to."""

_START_LIMIT = 120.0
_END_GRACE = 3.0
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_LINES_KEPT = 12

log = logs.get("local")


class LocalModel:
    """The embedded model; `start` returns the account through which the gateway reaches it.

    `command` replaces the child's program; it gets `--model PATH --port P` and the key on its input.
    """

    def __init__(self, *, model: Path | None = None, command: tuple[str, ...] = ()) -> None:
        self._model = model
        self._command = command or (sys.executable, "-m", "flowrouter.features.local.server")
        self._key = secrets.token_urlsafe(24)
        self._port = 0
        self._process: Process | None = None
        self._last_lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._tasks = TaskGroup(logs.task_failed)
        logs.hide(self._key)

    @property
    def pid(self) -> int | None:
        """Return the process id of the child while it runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    async def start(self) -> AccountConfig:
        """Start the model and return its account once it answers; raises `ConfigError`."""
        if self._model is None:
            self._model = weights.find()
        try:
            await self._spawn()
        except BaseException:
            await self.stop()
            raise
        self._tasks.start("embedded model", self._keep_alive())
        return AccountConfig(
            name=ACCOUNT,
            preset=ACCOUNT,
            base_url=f"http://127.0.0.1:{self._port}/v1",
            models=(weights.MODEL,),
            headers={"authorization": f"Bearer {self._key}"},
            max_concurrency=1,
        )

    async def stop(self) -> None:
        """End the model's process for good."""
        await self._tasks.close()
        process, self._process = self._process, None
        if process is not None:
            await _end(process)

    async def _keep_alive(self) -> None:
        pause = _FIRST_PAUSE
        while self._process is not None:
            loop = asyncio.get_running_loop()
            began = loop.time()
            status = await self._process.wait()
            if loop.time() - began > _LONGEST_PAUSE:
                pause = _FIRST_PAUSE
            log.warning("the embedded model ended and is started again", status=status, said=self._said())
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            with contextlib.suppress(ConfigError):  # the next round says how it ended
                await self._spawn()

    async def _spawn(self) -> None:
        """Start the child and wait for its word that it listens; raises `ConfigError`."""
        self._last_lines.clear()
        process = await self._exec()
        self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._tasks.start("embedded model output", self._read_errors(process.stderr))
        process.stdin.write(f"{self._key}\n".encode())
        try:
            address = await asyncio.wait_for(process.stdout.readline(), _START_LIMIT)
        except TimeoutError:
            await _end(process)
            raise ConfigError(f"the embedded model did not answer within {_START_LIMIT:.0f} s") from None
        if not address.startswith(b"listening "):
            await _end(process)
            raise ConfigError(f"the embedded model did not start: {self._said() or 'it said nothing'}")
        self._port = int(address.rsplit(b":", 1)[1])
        log.info("the embedded model is ready", model=weights.MODEL, port=self._port, pid=process.pid)

    async def _exec(self) -> Process:
        arguments = (*self._command, "--model", str(self._model), "--port", str(self._port))
        try:
            return await asyncio.create_subprocess_exec(
                *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True
            )
        except OSError as error:
            raise ConfigError(f"the embedded model's process cannot be started: {error}") from error

    async def _read_errors(self, stream: asyncio.StreamReader) -> None:
        while data := await stream.read(64 * 1024):
            lines = data.decode("utf-8", "replace").splitlines()
            self._last_lines.extend(line for line in lines if line.strip())
            log.debug("llama.cpp", said=lines)

    def _said(self) -> str:
        return "\n".join(self._last_lines)


async def _end(process: Process) -> None:
    """End `process`: its input closes, then SIGKILL."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _END_GRACE)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


__all__ = ["ACCOUNT", "LocalModel"]
