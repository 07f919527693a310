"""Settings of `[upstream]`: how the gateway reaches providers."""

from __future__ import annotations

from typing import Literal

from flowrouter.settings.section import Section


class Upstream(Section, frozen=True):
    """The way to providers.

    `client`: `http1`, the gateway's own, or `aiohttp`, the library, slower and a second opinion. `proxy` is the
    address of an HTTP proxy that opens tunnels, `http://user:password@proxy.example:3128`; it may be `env:NAME`,
    and `repr` hides it. `direct` are hosts that are reached without it: names, or `.names` with all below.
    """

    client: Literal["http1", "aiohttp"] = "http1"
    proxy: str = ""
    direct: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.proxy and self.client != "http1":
            raise ValueError('proxy: only the client "http1" goes through a proxy')

    def __repr__(self) -> str:
        proxy = "***" if self.proxy else ""
        return f"Upstream(client={self.client!r}, proxy={proxy!r}, direct={self.direct!r})"


__all__ = ["Upstream"]
