"""`serve --workers N`: one parent that holds the port and keeps N workers alive.

The parent binds the sockets once and hands them to each worker, so a worker that dies takes no waiting
connection with it. It serves nothing itself and loads next to nothing. Worker 0 starts alone: it makes or
upgrades the store and says what is wrong with the settings; the others follow when it listens. Between
parent and worker there is one socket: a byte from the worker says "I listen", its end says "I am gone",
in both directions, so that no worker outlives the parent.

SIGTERM and SIGINT are passed on as SIGTERM, a second one as SIGINT, which makes a worker drop what it
was still waiting for. SIGHUP goes to all of them. Workers have sessions of their own: Ctrl-C reaches only the parent.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

from flowrouter import logs
from flowrouter.cli.codes import FAILED, NOT_STARTED
from flowrouter.cli.hangup import HANGUP, answer
from flowrouter.clock import Clock, SystemClock
from flowrouter.config import Config
from flowrouter.errors import ConfigError

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
YOUNG_SECONDS = 10.0
"""A worker that dies younger than this makes the next wait longer."""

_END_GRACE = 15.0
_LOOK_SECONDS = 1.0

log = logs.get("workers")


def check(settings: Config) -> None:
    """Raise `ConfigError` where several workers cannot run here, with all that is missing."""
    if os.name != "posix":
        raise ConfigError(
            "several workers need Linux or macOS", fix="use --workers 1, the default, on this system"
        )
    missing = []
    if not settings.state.redis:
        missing.append('set `redis = "redis://127.0.0.1:6379/0"` in [state], or FLOW_ROUTER_STATE_REDIS')
    if find_spec("redis") is None:
        missing.append('pip install "flow-router[cluster]"')
    if missing:
        raise ConfigError(
            f"{settings.server.workers} workers need Redis to share their state",
            fix=f"{'; '.join(missing)}; or use --workers 1, the default",
        )
    if settings.local.mode == "on":
        raise ConfigError(
            "the embedded model runs beside a single worker only",
            fix="leave --local and [local] mode out, or use --workers 1",
        )


class _Worker:
    """One place among the workers, and the process that fills it now."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.process: subprocess.Popen[bytes] | None = None
        self.channel: socket.socket | None = None
        self.since = 0.0
        self.due = 0.0
        self.pause = 0.0
        self.was_ready = False
        self.listens = False


class Supervisor:
    """Starts, watches and ends the workers; `argv` are the words after `serve`."""

    def __init__(
        self,
        argv: Sequence[str],
        settings: Config,
        sockets: list[socket.socket],
        *,
        clock: Clock | None = None,
    ) -> None:
        self._argv = list(argv)
        self._settings = settings
        self._sockets = sockets
        self._clock = clock or SystemClock()
        self._workers = [_Worker(index) for index in range(settings.server.workers)]
        self._selector = selectors.DefaultSelector()
        self._signals = 0
        self._passed_on = 0
        self._reloads = 0
        self._reloads_passed_on = 0
        self._kill_at: float | None = None
        self._killed = False
        self._code: int | None = None

    def run(self) -> int:
        """Serve until a signal ends it; return the exit code."""
        waking, wake = socket.socketpair()
        for end in (waking, wake):
            end.setblocking(False)
        self._selector.register(waking, selectors.EVENT_READ)
        answers: dict[int, Callable[[int, Any], object]] = {}
        answers |= dict.fromkeys((signal.SIGINT, signal.SIGTERM), self._signalled)
        if HANGUP is not None:
            answers[HANGUP] = answer(self._asked_to_reload, self._signalled)
        before = {number: signal.signal(number, given) for number, given in answers.items()}
        fd_before = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        try:
            self._start(self._workers[0], first=True)
            while self._code is None or self._alive():
                self._turn(waking)
            return FAILED if self._killed else self._code
        finally:
            signal.set_wakeup_fd(fd_before)
            for number, handler in before.items():
                signal.signal(number, handler)
            for worker in self._alive():
                self._kill(worker)
            self._selector.close()
            waking.close()
            wake.close()

    def _signalled(self, *_: object) -> None:
        self._signals += 1

    def _asked_to_reload(self) -> None:
        self._reloads += 1

    def _reload(self) -> None:
        """Have every worker read the configuration again; one that is starting does so anyway."""
        if self._reloads == self._reloads_passed_on or HANGUP is None:
            return
        self._reloads_passed_on = self._reloads
        for worker in self._alive():
            if worker.listens and worker.process is not None:
                worker.process.send_signal(HANGUP)

    def _turn(self, waking: socket.socket) -> None:
        """Wait for something to happen, and act on it."""
        for key, _ in self._selector.select(self._until_next()):
            if key.fileobj is waking:
                waking.recv(4096)
            else:
                self._hear(key.data)
        if self._signals > self._passed_on:
            self._end(signal.SIGTERM if self._passed_on == 0 else signal.SIGINT, code=0)
            self._passed_on = self._signals
        self._reload()
        now = self._clock.monotonic()
        if self._kill_at is not None and now >= self._kill_at:
            for worker in self._alive():
                log.warning("a worker did not end in time and is killed", worker=worker.index)
                self._killed = True
                self._kill(worker)
        for worker in self._workers:
            if worker.process is not None and worker.process.poll() is not None:
                self._gone(worker)
            elif self._code is None and worker.process is None and worker.due and now >= worker.due:
                self._start(worker)

    def _until_next(self) -> float:
        now = self._clock.monotonic()
        dues = [worker.due - now for worker in self._workers if worker.process is None and worker.due]
        return max(0.0, min([_LOOK_SECONDS, *dues]))

    def _start(self, worker: _Worker, *, first: bool = False) -> None:
        ours, theirs = socket.socketpair()
        fds = [opened.fileno() for opened in self._sockets]
        command = [sys.executable, "-P", "-m", "flowrouter.cli.worker", "--index", str(worker.index)]
        command += ["--channel", str(theirs.fileno()), "--sockets", ",".join(map(str, fds))]
        command += [*(["--first"] if first else []), "--", *self._argv]
        worker.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, pass_fds=[*fds, theirs.fileno()], start_new_session=True
        )
        theirs.close()
        worker.channel = ours
        worker.since = self._clock.monotonic()
        worker.due = 0.0
        worker.listens = False
        self._selector.register(ours, selectors.EVENT_READ, worker)

    def _hear(self, worker: _Worker) -> None:
        """Take the word of a worker: it listens, or it is gone."""
        channel = worker.channel
        if channel is None:
            return
        try:
            said = channel.recv(16)
        except OSError:
            said = b""
        if not said:
            self._forget(worker)
            return
        first_start = not worker.was_ready and worker.index == 0
        worker.was_ready = worker.listens = True
        if first_start and self._code is None:
            for other in self._workers[1:]:
                self._start(other)

    def _gone(self, worker: _Worker) -> None:
        """Clear up after a process that ended, and decide what follows."""
        assert worker.process is not None
        code = worker.process.returncode
        worker.process = None
        self._forget(worker)
        if self._code is not None:
            return
        if worker.index == 0 and not worker.was_ready:  # it has said why
            self._end(signal.SIGTERM, code=code if code > 0 else NOT_STARTED)
            return
        lived = self._clock.monotonic() - worker.since
        worker.pause = (
            min(LONGEST_PAUSE, worker.pause * 2 or FIRST_PAUSE) if lived < YOUNG_SECONDS else FIRST_PAUSE
        )
        worker.due = self._clock.monotonic() + worker.pause
        log.warning("a worker ended; another one starts", worker=worker.index, code=code, in_s=worker.pause)

    def _end(self, number: signal.Signals, *, code: int) -> None:
        """Pass a signal on and start nothing more."""
        if self._code is None:
            self._code = code
            self._kill_at = self._clock.monotonic() + 2 * self._settings.timeouts.drain + _END_GRACE
            for opened in self._sockets:
                opened.close()  # who connects from here on is refused, not kept waiting
        for worker in self._alive():
            assert worker.process is not None
            worker.process.send_signal(number)

    def _alive(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.process is not None]

    def _kill(self, worker: _Worker) -> None:
        assert worker.process is not None
        worker.process.kill()
        worker.process.wait()
        worker.process = None
        self._forget(worker)

    def _forget(self, worker: _Worker) -> None:
        if worker.channel is not None:
            self._selector.unregister(worker.channel)
            worker.channel.close()
            worker.channel = None


__all__ = ["FIRST_PAUSE", "LONGEST_PAUSE", "YOUNG_SECONDS", "Supervisor", "check"]
