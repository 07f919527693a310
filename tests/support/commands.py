"""Commands beside a gateway, each in a process of its own.

A command takes most of a second to load itself, whatever it does. So it is forked from a process that has loaded it
already, unless `started` asks for the program as users start it. `tests/e2e/test_commands_started.py` holds the
two against each other.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.support import command_host
from tests.support.command_host import NUMBER

SECONDS = 120.0


def run(
    *words: str,
    given: str = "",
    environ: Mapping[str, str] | None = None,
    started: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Return what a command said and its exit code; `given` is its input, `environ` what it has besides ours."""
    whole = {**os.environ, **(environ or {})}
    if started or os.name == "nt":
        line = [sys.executable, "-m", "flowrouter.cli.main", *words]
        return subprocess.run(
            line, input=given, capture_output=True, text=True, env=whole, timeout=SECONDS, check=False
        )
    with (
        tempfile.TemporaryFile() as heard,
        tempfile.TemporaryFile() as said,
        tempfile.TemporaryFile() as complained,
        socket.socket(socket.AF_UNIX) as connection,
    ):
        heard.write(given.encode())
        heard.seek(0)
        asked = json.dumps({"words": words, "environ": whole, "folder": str(Path.cwd())}).encode()
        connection.settimeout(SECONDS)
        connection.connect(_host())
        streams = [stream.fileno() for stream in (heard, said, complained)]
        socket.send_fds(connection, [b"%*d" % (NUMBER, len(asked))], streams)
        connection.sendall(asked)
        code = _code(connection, words)
        texts = []
        for stream in (said, complained):
            stream.seek(0)
            texts.append(stream.read().decode())
    return subprocess.CompletedProcess(words, code, *texts)


def _code(connection: socket.socket, words: tuple[str, ...]) -> int:
    pid = _number(connection)
    try:
        return _number(connection)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        raise subprocess.TimeoutExpired(words, SECONDS) from None


def _number(connection: socket.socket) -> int:
    return int(connection.recv(NUMBER, socket.MSG_WAITALL))


@functools.cache
def _host() -> str:
    """Start the process that commands are forked from, once, and return its address."""
    folder = tempfile.TemporaryDirectory(prefix="flow-router-commands-")
    path = str(Path(folder.name, "door"))
    host = subprocess.Popen(
        [sys.executable, "-P", command_host.__file__, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert host.stdout is not None
    assert host.stdout.readline() == b"ready\n", "the process that commands are forked from did not start"
    host.stdout.close()

    def end() -> None:
        host.communicate()  # closes its input, which ends it
        folder.cleanup()

    atexit.register(end)
    return path


__all__ = ["run"]
