"""The transport that the settings ask for."""

from __future__ import annotations

from urllib.parse import urlsplit

from flowrouter.errors import ConfigError, UpstreamError
from flowrouter.settings.upstream import Upstream
from flowrouter.upstream.aiohttp_client import AiohttpTransport
from flowrouter.upstream.guard import Guard
from flowrouter.upstream.http1 import Http1Transport
from flowrouter.upstream.http1.dial import Proxy
from flowrouter.upstream.http1.origin import split_url


def open_transport(
    settings: Upstream, *, connect_timeout: float, guard: Guard | None = None
) -> AiohttpTransport | Http1Transport:
    """Return a transport that connects only where `guard` lets it, if there is one; raises `ConfigError`.

    Nothing is connected yet. `connect_timeout` is in seconds.
    """
    if settings.client == "aiohttp":
        return AiohttpTransport(connect_timeout=connect_timeout, guard=guard)
    return Http1Transport(connect_timeout=connect_timeout, guard=guard, proxy=proxy_of(settings))


def proxy_of(settings: Upstream) -> Proxy | None:
    """Return the proxy that is set; raises `ConfigError`, which does not repeat it."""
    if not settings.proxy:
        return None
    try:
        split = urlsplit(settings.proxy)
        port = split.port or 80
        if split.scheme != "http" or not split.hostname or split.path not in ("", "/") or split.query:
            raise ValueError
        host = f"[{split.hostname}]" if ":" in split.hostname else split.hostname
        origin, _ = split_url(f"http://{host}:{port}/")
    except (ValueError, UpstreamError):
        raise ConfigError(
            "[upstream] proxy is no address of a proxy",
            fix="write http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT",
        ) from None
    return Proxy(origin, user=split.username or "", password=split.password or "", besides=settings.direct)


__all__ = ["open_transport", "proxy_of"]
