"""Hosts that are no hosts: requests for them are answered by a transport of their own.

A feature mounts one for what it runs itself, such as a model server that is started at its first use.
Its accounts name the mounted host in their base URL, so everything that sends requests (attempts,
counts, trials, model lists) works with them without knowing.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from flowrouter.upstream.transport import Reply, Transport
from flowrouter.wire.http import HttpRequest


class Mounts:
    """A transport that hands requests for mounted hosts to theirs, and all others to `network`."""

    def __init__(self, network: Transport) -> None:
        self.network = network
        self._mounted: dict[str, Transport] = {}

    def mount(self, host: str, transport: Transport) -> None:
        """Answer for `host` (as it stands in URLs, in lower case) with `transport` from now on."""
        self._mounted[host] = transport

    def is_mounted(self, url: str) -> bool:
        """Return whether the host of `url` is no host of the network."""
        return self._transport_for(url) is not self.network

    def send(self, request: HttpRequest) -> Coroutine[Any, Any, Reply]:
        """Return the answer once its head is there; raises `UpstreamError`."""
        return (self._transport_for(request.url) if self._mounted else self.network).send(request)

    async def close(self) -> None:
        """Close every connection, the mounted transports' first."""
        for transport in self._mounted.values():
            await transport.close()
        await self.network.close()

    def _transport_for(self, url: str) -> Transport:
        return self._mounted.get(url.partition("://")[2].partition("/")[0], self.network)


__all__ = ["Mounts"]
