"""A gateway as users run it: `flow-router serve` in its own process, over loopback."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import tomlkit

ALONE: dict[str, Any] = {"local": {"mode": "off"}, "discovery": {"enabled": False}}
"""Leaves out what else this machine offers: the accounts given are all there are."""
START_SECONDS = 60.0
STOP_SECONDS = 45.0


class RunningGateway:
    """Starts on entry, stops gracefully on exit; `kill` ends it the hard way.

    `accounts` are `[[accounts]]` tables, `settings` the other tables of `config.toml`. `program` is the module
    that takes the words of the command.
    """

    def __init__(
        self,
        accounts: Sequence[dict[str, Any]] = (),
        *,
        settings: dict[str, Any] | None = None,
        data: Path | None = None,
        environ: dict[str, str] | None = None,
        program: str = "flowrouter.cli.main",
    ) -> None:
        self._made = tempfile.TemporaryDirectory(prefix="flow-router-data-") if data is None else None
        self.data = data if data is not None else Path(self._made.name)  # type: ignore[union-attr]
        self.port = free_port()
        self._environ = environ or {}
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._log = self.data / "serve.log"
        document = {**ALONE, "logs": {"level": "warning", "access": False}, **(settings or {})}
        document["accounts"] = [dict(account) for account in accounts]
        self._config = self.data / "config.toml"
        self._config.write_text(tomlkit.dumps(document))

    @property
    def url(self) -> str:
        """Return the base URL for Anthropic's SDK."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def openai_url(self) -> str:
        """Return the base URL for OpenAI's SDK."""
        return f"{self.url}/v1"

    @property
    def pid(self) -> int:
        """Return the process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """Return what the process wrote."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    def assert_no_complaints(self) -> None:
        """Fail if the process logged an error: a defect of its own, whatever the client was told."""
        complaints = [line for line in self.log.splitlines() if '"level":"error"' in line]
        assert not complaints, "\n".join(complaints)

    def start(self) -> Self:
        """Start the process and wait until it answers."""
        command = [sys.executable, "-m", self._program, "serve"]
        command += ["--config", str(self._config), "--data", str(self.data), "--port", str(self.port)]
        environ = {**os.environ, "PYTHONFAULTHANDLER": "1", **self._environ}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environ
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the gateway did not start:\n{self.log}")
            time.sleep(0.05)
        return self

    def stop(self) -> int:
        """End it gracefully and return its exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            for child in psutil.Process(self._process.pid).children(recursive=True):
                child.send_signal(signal.SIGABRT)
            self._process.send_signal(signal.SIGABRT)  # makes each tell where its threads stand
            self._process.wait()
            raise AssertionError(f"the gateway did not stop:\n{self.log}") from None

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(STOP_SECONDS)

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        """Return status and body of a GET."""
        return self.call("GET", path, headers=headers)

    def call(
        self, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Return status and body of one request; POSTs are JSON unless `headers` say otherwise."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            sent = {"content-type": "application/json"} if body is not None else {}
            connection.request(method, path, body=body, headers={**sent, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def resume(self, account: str) -> None:
        """End what pauses at an account of the file, so that one test's failures do not meet the next."""
        token = (self.data / "local.token").read_text().strip()
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        status, answer = self.call(
            "POST", f"/api/accounts/config:{account}/resume", body=b"", headers=headers
        )
        assert status == 200, answer

    def _answers(self) -> bool:
        try:
            return self.get("/healthz")[0] == 200
        except OSError:
            return False

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()
        if self._made is not None:
            self._made.cleanup()


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


__all__ = ["RunningGateway", "free_port"]
