"""A client's driver as a process that answers jobs."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

from tests.clients.roster import Client

PATIENCE = 60.0
KEPT = 3


class Driver:
    """One process for as long as it answers; `ask` fails if it says nothing within a minute."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._home = tempfile.TemporaryDirectory(prefix="flow-router-client-")
        home = self._home.name
        self._log = (Path(home) / "driver.log").open("w+b")
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "LANG": "C.UTF-8",
            "OPENAI_AGENTS_DISABLE_TRACING": "1",
            "PYDANTIC_AI_NO_BANNER": "1",
            "AI_SDK_LOG_WARNINGS": "false",
        }
        self._process = subprocess.Popen(
            client.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environ,
            cwd=home,
        )

    def ask(self, job: dict[str, Any]) -> dict[str, Any]:
        """Return the facts of one job."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(job).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise AssertionError(f"{self.client.name} ended:\n{self.said()}") from None
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._process.stdout, selectors.EVENT_READ)
            if not waiting.select(PATIENCE):
                raise AssertionError(f"{self.client.name} does not answer:\n{self.said()}")
        line = self._process.stdout.readline()
        assert line, f"{self.client.name} ended:\n{self.said()}"
        return json.loads(line)

    def said(self) -> str:
        """Return the end of its error output."""
        self._log.seek(0)
        return self._log.read().decode("utf-8", "replace")[-4000:]

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None:
                stream.close()
        self._home.cleanup()


class Drivers:
    """The drivers of one worker; the one used longest ago is ended when there are too many."""

    def __init__(self) -> None:
        self._running: OrderedDict[str, Driver] = OrderedDict()

    def ask(self, client: Client, job: dict[str, Any]) -> dict[str, Any]:
        """Return the facts of a job; a driver that does not answer is replaced before the next one."""
        driver = self._running.pop(client.name, None) or Driver(client)
        while len(self._running) >= KEPT:
            self._running.popitem(last=False)[1].close()
        try:
            facts = driver.ask(job)
        except AssertionError:
            driver.close()
            raise
        self._running[client.name] = driver
        return facts

    def close(self) -> None:
        """End them all."""
        while self._running:
            self._running.popitem()[1].close()
