"""The configuration, and the place where the gateway listens or would."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from flowrouter import config as configuration
from flowrouter.cli import listen
from flowrouter.cli.checks.finding import Area, Finding, said
from flowrouter.config import Config
from flowrouter.errors import ConfigError, UpstreamError
from flowrouter.upstream.transport import Transport
from flowrouter.wire import json
from flowrouter.wire.http import HttpRequest

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - recognised here, never chosen
_LIMIT = 3.0


def settings(flags: Mapping[str, object]) -> tuple[Config | None, Sequence[Finding]]:
    """Read the configuration as `serve` would; None where nothing can be made of it."""
    area = Area("Configuration")
    try:
        found = configuration.load(flags)
    except ConfigError as error:
        area.fail("config", said(error), error.fix or "correct it; docs/configuration.md lists every setting")
    else:
        where = f"{found.file} is in order" if found.file else "no configuration file; the defaults hold"
        area.ok("config", where)
        return found, area.found
    try:
        # A variable that is missing spoils one account, not the rest.
        return configuration.load(flags, secrets=False), area.found
    except ConfigError:
        return None, area.found


async def gateway(config: Config, transport: Transport, *, keys: int | None) -> Sequence[Finding]:
    """Look for a gateway at its address, else whether one could start there; `keys` None: not known."""
    area = Area("Gateway")
    address = address_of(config)
    alive = await ask(transport, f"{address}/healthz")
    if isinstance(alive, dict) and alive.get("service") == "flow-router":
        area.ok("port", f"Flow Router {alive.get('version')} answers on {address}")
        await _check_log(area, transport, address)
    else:
        _check_port(area, config)
    if keys is not None:
        _check_bind(area, config, keys)
    return area.found


def address_of(config: Config) -> str:
    """Return the URL that reaches the gateway of `config` from this machine: where it says it listens, if it runs."""
    if (serving := listen.serving(config.data_dir)) is not None:
        return serving
    host = "127.0.0.1" if config.server.host in _EVERYWHERE else config.server.host
    return f"http://[{host}]:{config.server.port}" if ":" in host else f"http://{host}:{config.server.port}"


async def ask(transport: Transport, url: str) -> Any:
    """Return the JSON at `url`, None where there is none in time."""
    request = HttpRequest(method="GET", url=url, headers=(("accept", "application/json"),))
    try:
        async with asyncio.timeout(_LIMIT):
            reply = await transport.send(request)
            try:
                body = await reply.read()
            finally:
                reply.close()
        return json.loads(body)
    except (UpstreamError, TimeoutError, json.JsonError):
        return None


def _check_port(area: Area, config: Config) -> None:
    host, port = config.server.host, config.server.port
    try:
        for opened in listen.open_sockets(host, port):
            opened.close()
    except ConfigError as error:
        area.fail("port", said(error), error.fix or f"flow-router serve --port {port + 1}")
    else:
        area.ok("port", f"no gateway runs; port {port} on {host} is free", "flow-router serve")


async def _check_log(area: Area, transport: Transport, address: str) -> None:
    """Look at what the running gateway says of its request log."""
    ready = await ask(transport, f"{address}/readyz")
    _check_file(area, ready)
    log = ready.get("log") if isinstance(ready, dict) else None
    if not isinstance(log, dict):
        return
    if log.get("lost"):
        text = f"the gateway gave up {log['lost']} request rows: the store could not take them"
        area.fail("request-log", text, "look at the gateway's log, and at the data folder above")
    elif log.get("spilled"):
        text = f"{log['spilled']} request rows wait in the journal: the store is busy or full"
        area.warn("request-log", text, "look at the free space above; they are written as soon as it can")


def _check_file(area: Area, ready: Any) -> None:
    """Look whether the running gateway goes by the configuration file as it stands."""
    config = ready.get("config") if isinstance(ready, dict) else None
    if not isinstance(config, dict):
        return
    if config.get("ok") is False:
        text = "the running gateway could not read the configuration file again and goes by the last good one"
        area.fail(
            "config-reload", text, "correct the file: it is read again by itself; the gateway's log says why"
        )
    elif config.get("restart_needed"):
        text = (
            "settings changed in the configuration file that the running gateway takes up at its next start"
        )
        area.warn("config-reload", text, "restart it; its log names them")


def _check_bind(area: Area, config: Config, keys: int) -> None:
    try:
        configuration.check_bind(config, has_keys=keys > 0)
    except ConfigError as error:
        area.fail("bind", said(error), error.fix or "flow-router keys create NAME")
        return
    if configuration.is_loopback(config.server.host):
        count = f"{keys} gateway keys, every call needs one" if keys else "no gateway key is needed"
        area.ok("bind", f"only this machine reaches it; {count}")
        return
    area.ok("bind", f"other machines reach it; every call needs one of {keys} gateway keys")
    if config.server.host in _EVERYWHERE and not config.server.allowed_hosts:
        area.warn(
            "hosts",
            "other machines are refused until the name they use for this one is allowed",
            'in config.toml: [server] allowed_hosts = ["NAME-OR-ADDRESS"]',
        )


__all__ = ["address_of", "ask", "gateway", "settings"]
