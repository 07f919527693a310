"""`flow-router serve`: load the settings, open the port, build the program, run it until told to stop.

uvicorn runs in this process, or in several that `supervisor` keeps. Its signal handling is replaced in one
point: after a graceful end the process returns instead of raising the signal again, so that buffers are
written and a supervisor sees success.
"""

from __future__ import annotations

import argparse
import gc
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flowrouter import config, logs
from flowrouter.cli.codes import NOT_STARTED
from flowrouter.cli.hangup import HANGUP, answer

if TYPE_CHECKING:
    import socket

    from uvicorn import Config as UvicornConfig

    from flowrouter.config import Config

_COLLECT_AFTER = 10_000
"""New objects after which the collector looks for cycles among them."""

_LOOK_SECONDS = 0.5
"""How long the card waits for the first look at this machine's ports; the gateway answers meanwhile."""


_KEEP_ALIVE = 75.0
"""Seconds that an idle connection is kept: longer than HTTP clients do, so that it is they who let it go."""


def main(argv: Sequence[str]) -> int:
    """Run the gateway until a signal ends it; returns the exit code."""
    settings = load(argv)
    if settings.server.workers > 1:
        from flowrouter.cli import supervisor

        supervisor.check(settings)
        config.prepare_data_dir(settings)
        _put_back(settings)
        with _listening(settings) as sockets:
            return supervisor.Supervisor(argv, settings, sockets).run()
    config.prepare_data_dir(settings)
    if settings.local.mode == "on":
        from flowrouter.features.local import weights

        weights.require(settings.local.model, settings.data_dir)
    from flowrouter import app

    _put_back(settings)
    application = app.build(settings)
    config.check_bind(settings, has_keys=application.has_keys)
    application.watch_file(baseline=settings, reread=lambda: reread(argv))
    with _listening(settings) as sockets:
        return run(application, settings, sockets, ready=lambda _: show_card(application, sockets))


def _put_back(settings: Config) -> None:
    """Put back the backup that was asked for at the last run, before anything has the store open."""
    from flowrouter.app.backups import restore_staged

    restore_staged(settings)


def load(argv: Sequence[str]) -> Config:
    """Return the settings that the words after `serve` lead to, with logs set up as they say."""
    settings = config.load(_flags(parser().parse_args(argv)))
    logs.configure(settings.logs.level, format=settings.logs.format)
    return settings


def reread(argv: Sequence[str]) -> Config:
    """Return the settings as they are now, logs left as they are; raises `ConfigError`."""
    return config.load(_flags(parser().parse_args(argv)))


@contextmanager
def _listening(settings: Config) -> Iterator[list[socket.socket]]:
    from flowrouter.cli import listen

    sockets = listen.open_sockets(settings.server.host, settings.server.port)
    try:
        with listen.announced(settings.data_dir, listen.address_of(sockets)):
            yield sockets
    finally:
        for opened in sockets:
            opened.close()
        logs.flush()


def parser() -> argparse.ArgumentParser:
    """Return the options of `serve`."""
    made = argparse.ArgumentParser(
        prog="flow-router serve",
        description="Start the gateway. Flags win over FLOW_ROUTER_* variables, which win over the file.",
        allow_abbrev=False,
    )
    made.add_argument(
        "--config", metavar="FILE", help="configuration file (default: config.toml in the data folder)"
    )
    made.add_argument(
        "--data", metavar="DIR", help="data folder (default: the platform's folder for user data)"
    )
    made.add_argument("--host", metavar="H", help="address to listen on (default: 127.0.0.1)")
    made.add_argument(
        "--port", metavar="P", type=int, help="port to listen on (default: 2402; 0: any free one)"
    )
    embedded = made.add_mutually_exclusive_group()
    embedded.add_argument(
        "--local", dest="mode", action="store_const", const="on", help="insist on the embedded model"
    )
    embedded.add_argument(
        "--no-local", dest="mode", action="store_const", const="off", help="leave the embedded model out"
    )
    made.add_argument("--model", metavar="FILE", help="embed this model (GGUF) instead of the small one")
    made.add_argument(
        "--workers", metavar="N", type=int, help="worker processes (default: 1; more need Redis)"
    )
    made.add_argument("--log-level", choices=("debug", "info", "warning", "error"), help="default: info")
    return made


def _flags(arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "config": arguments.config,
        "data": arguments.data,
        "local.mode": arguments.mode or ("on" if arguments.model else None),
        "local.model": arguments.model,
        "server.host": arguments.host,
        "server.port": arguments.port,
        "server.workers": arguments.workers,
        "logs.level": arguments.log_level,
    }


async def show_card(application: Any, sockets: list[socket.socket]) -> None:
    """Print the card, after a short look at what else this machine offers."""
    from flowrouter.cli import listen
    from flowrouter.cli.banner import text
    from flowrouter.cli.style import Style
    from flowrouter.features.discovery.finder import FEATURE, Finder

    finder: Finder | None = application.features.get(FEATURE)
    if finder is not None:
        await finder.looked(_LOOK_SECONDS)
    message = text(application, address=listen.address_of(sockets), style=Style(sys.stderr))
    print(message, file=sys.stderr, flush=True)


def run(
    application: Any,
    settings: Config,
    sockets: list[socket.socket],
    *,
    ready: Callable[[Any], Awaitable[None]],
) -> int:
    """Serve on `sockets` until a signal; `ready` is told the server once it listens."""
    from uvicorn import Server

    from flowrouter.httpkit.server import Connection, Door, limits_of

    class GatewayServer(Server):
        """uvicorn's server with connections of ours, that says when it listens and returns after a signal."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            if threading.current_thread() is not threading.main_thread():
                yield
                return
            answers: dict[int, Callable[[int, Any], object]] = {}
            answers |= dict.fromkeys((signal.SIGINT, signal.SIGTERM), self.handle_exit)
            if HANGUP is not None:
                answers[HANGUP] = answer(application.reload_file, self.handle_exit)
            before = {number: signal.signal(number, given) for number, given in answers.items()}
            try:
                yield
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)

        async def on_tick(self, counter: int) -> bool:
            ending = await super().on_tick(counter)
            door.lead_with(self.server_state.default_headers)
            return ending

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await self.on_tick(0)
            await super().startup(sockets)
            _settle_down()
            if self.started:
                await ready(self)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            application.ending = True  # what streams for as long as its client listens ends now
            await super().shutdown(sockets)

    logs.adopt_stdlib("uvicorn.error", "asyncio")
    uvicorn = _uvicorn_config(application, settings)
    server = GatewayServer(uvicorn)
    limits, state = limits_of(settings.server, keep_alive=_KEEP_ALIVE), server.server_state
    door = Door(application, limits, connections=state.connections, tasks=state.tasks)
    uvicorn.http = lambda **_: Connection(door)  # pyright: ignore[reportAttributeAccessIssue]
    try:
        server.run(sockets=sockets)
    except SystemExit:  # uvicorn's way of saying that start-up failed; the reason is in the log
        return NOT_STARTED
    return 0 if server.started else NOT_STARTED


def _settle_down() -> None:
    """Let the collector of cycles look at young objects only, and less often: requests leave hardly any cycles.

    What was loaded until here stays; walking it again and again was a twentieth of a busy gateway's time.
    """
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 50)


def _uvicorn_config(application: Any, settings: Config) -> UvicornConfig:
    from uvicorn import Config as UvicornConfig

    return UvicornConfig(
        application,
        loop="auto",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=settings.server.backlog,
        timeout_graceful_shutdown=round(settings.timeouts.drain),
        proxy_headers=False,
    )


__all__ = ["load", "main", "parser", "reread", "run", "show_card"]
