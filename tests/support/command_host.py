"""The process that `tests.support.commands` forks commands from: it has loaded the program, and runs none itself.

Each connection brings one command and its three streams. The process that runs it goes through the program's own
`main`, with its own environment and folder, and ends as one that was started with these words.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import socket
import sys
from pathlib import Path

NUMBER = 10
"""Digits of each number that is told over a connection."""


def serve(path: str) -> int:
    """Serve until whoever started this closes our input; a process that runs a command returns its exit code."""
    _load()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen(64)
        print("ready", flush=True)
        while 0 not in select.select([door, 0], [], [])[0]:
            connection, _ = door.accept()
            if not os.fork():
                door.close()
                return _attend(connection)
            connection.close()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
    return 0


def _load() -> None:
    """Load what nearly every command needs; the help of one loads what reads options, too."""
    from flowrouter.cli import commands
    from flowrouter.storage import management  # noqa: F401

    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        commands.run(["keys", "list", "--help"])
    gc.freeze()  # what is never collected is never copied for it


def _attend(connection: socket.socket) -> int:
    """Let a child run the command, and tell its pid and how it ended; the child returns its exit code."""
    size, streams, *_ = socket.recv_fds(connection, NUMBER, 3)
    asked = connection.recv(int(size), socket.MSG_WAITALL)
    pid = os.fork()
    if not pid:
        connection.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        return _run(**json.loads(asked))
    with contextlib.suppress(OSError):  # who asked may have given up
        connection.sendall(b"%*d" % (NUMBER, pid))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        connection.sendall(b"%*d" % (NUMBER, code))
    os._exit(0)


def _run(words: list[str], environ: dict[str, str], folder: str) -> int:
    from flowrouter.cli import main

    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    sys.argv = [main.__file__, *words]
    return main.main()


if __name__ == "__main__":
    sys.exit(serve(sys.argv[1]))
