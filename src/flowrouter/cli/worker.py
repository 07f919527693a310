"""One of several workers, started by `supervisor` and by nobody else.

It gets the listening sockets and a channel to its parent as file descriptors, and reads the settings
anew from where the parent read them. When the channel ends, so does the worker.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from flowrouter import config, logs
from flowrouter.cli import serve
from flowrouter.cli.hangup import HANGUP
from flowrouter.cli.main import guarded


def main(argv: Sequence[str]) -> int:
    """Serve as one worker; returns the exit code."""
    told = _parser().parse_args(argv)
    if HANGUP is not None:
        signal.signal(HANGUP, signal.SIG_IGN)  # until it can be answered; the file is about to be read anyway
    sockets = [socket.socket(fileno=int(fd)) for fd in told.sockets.split(",")]
    channel = socket.socket(fileno=told.channel)
    for given in (*sockets, channel):
        os.set_inheritable(given.fileno(), False)
        given.setblocking(False)
    settings = baseline = serve.load(told.words)
    # One embedded model beside each worker would be as many copies in memory.
    local = msgspec.structs.replace(settings.local, mode="off")
    settings = msgspec.structs.replace(settings, local=local)
    config.prepare_data_dir(settings)
    from flowrouter import app

    application = app.build(settings, worker=told.index)
    config.check_bind(settings, has_keys=application.has_keys)
    application.watch_file(baseline=baseline, reread=lambda: serve.reread(told.words))

    async def ready(server: Any) -> None:
        if told.first:
            await serve.show_card(application, sockets)
        channel.send(b"+")
        loop = asyncio.get_running_loop()

        def parent_is_gone() -> None:
            loop.remove_reader(channel)
            server.handle_exit(signal.SIGTERM, None)

        loop.add_reader(channel, parent_is_gone)

    try:
        return serve.run(application, settings, sockets, ready=ready)
    finally:
        logs.flush()


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="flowrouter.cli.worker", allow_abbrev=False)
    made.add_argument("--index", type=int, required=True)
    made.add_argument("--channel", type=int, required=True)
    made.add_argument("--sockets", required=True)
    made.add_argument("--first", action="store_true")
    made.add_argument("words", nargs="*")
    return made


if __name__ == "__main__":
    sys.exit(guarded(lambda: main(sys.argv[1:])))

__all__ = ["main"]
