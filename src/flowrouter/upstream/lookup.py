"""Names to addresses, as values: what a look-up found, before anybody has judged it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import msgspec


class Found(msgspec.Struct, frozen=True):
    """One address of a host; `family` is the socket library's."""

    family: int
    address: str


Lookup = Callable[[str, int], Awaitable[list[Found]]]
"""Finds the addresses of a host and port; raises `OSError`."""


async def lookup(host: str, port: int) -> list[Found]:
    """Return the addresses of `host`, each once, in the order the system prefers; raises `OSError`."""
    loop = asyncio.get_running_loop()
    infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    found = [Found(int(family), str(address[0])) for family, _, _, _, address in infos]
    return list(dict.fromkeys(found))


__all__ = ["Found", "Lookup", "lookup"]
