"""`flow-router` with an eye on its event loop: tells each call that makes the loop's thread wait for a disk or a peer.

Run as `python -m tests.support.loop_watch serve …` with the file to write to in LOOP_WATCH. SIGUSR1
begins the watch, SIGUSR2 ends it: what blocks before the first request and after the last keeps nobody waiting.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

WATCH = "LOOP_WATCH"

_BLOCKING = frozenset({
    "time.sleep",
    "io.open", "_io.open", "_io.open_code", "marshal.loads", "_imp.create_dynamic",
    "posix.open", "posix.read", "posix.write", "posix.fsync", "posix.fdatasync", "posix.listdir", "posix.scandir",
    "posix.rename", "posix.replace", "posix.unlink", "posix.mkdir", "posix.rmdir", "posix.link", "posix.truncate",
    "posix.wait4", "posix.waitpid", "_posixsubprocess.fork_exec",
    "_socket.getaddrinfo", "_socket.gethostbyname", "_socket.getnameinfo",
    "select.select", "select.poll",
    "_sqlite3.connect", "sqlite3.connect",
    "Connection.execute", "Connection.executemany", "Connection.executescript", "Connection.commit",
    "Connection.rollback", "Connection.backup", "Cursor.execute", "Cursor.executemany", "Cursor.fetchall",
    "Cursor.fetchone", "Cursor.fetchmany",
    "FileIO.read", "FileIO.write", "BufferedReader.read", "BufferedWriter.flush", "TextIOWrapper.read",
    "_hashlib.scrypt", "_hashlib.pbkdf2_hmac",
})  # fmt: skip
"""Functions in C by module and name, or methods by class and name."""

_NO_DISK = ("features/metrics/process.py",)
"""Who reads files that the kernel makes up as they are read."""

_SOCKET = frozenset({"connect", "recv", "recv_into", "send", "sendall", "accept"})


def _is_blocking(called: Any) -> bool:
    owner: Any = getattr(called, "__self__", None)
    name = called.__name__
    if name in _SOCKET and hasattr(owner, "gettimeout"):
        return owner.gettimeout() != 0
    if getattr(called, "__module__", None):
        return f"{called.__module__}.{name}" in _BLOCKING
    return called.__qualname__ in _BLOCKING


class Watch:
    """Writes each blocking call, once for each stack, to the file `told`."""

    def __init__(self, told: Path) -> None:
        self._told = told
        self._seen: set[str] = set()

    def begin(self, *_: object) -> None:
        """Look at every call of this thread from here on."""
        sys.setprofile(self._look)

    def end(self, *_: object) -> None:
        """Look no longer."""
        sys.setprofile(None)

    def _look(self, frame: FrameType, event: str, called: Any) -> None:
        if event != "c_call" or not _is_blocking(called) or asyncio._get_running_loop() is None:
            return
        stack = "".join(traceback.format_stack(frame, limit=14))
        if stack not in self._seen and not any(f'{place}"' in stack for place in _NO_DISK):
            self._seen.add(stack)
            with self._told.open("a") as written:
                written.write(f"{called.__qualname__} on the loop:\n{stack}\n")


def main() -> int:
    """Run the command line under the watch."""
    from flowrouter.cli.main import main as run

    watch = Watch(Path(os.environ[WATCH]))
    signal.signal(signal.SIGUSR1, watch.begin)
    signal.signal(signal.SIGUSR2, watch.end)
    return run()


if __name__ == "__main__":
    sys.exit(main())

__all__ = ["WATCH", "Watch", "main"]
