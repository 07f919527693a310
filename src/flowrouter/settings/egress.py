"""The shape of `[egress]`: where the gateway itself may connect to."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import Literal

from flowrouter.settings.section import Section

_HOST = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?", re.IGNORECASE)


class Egress(Section, frozen=True):
    """Which hosts requests may go to.

    `mode`: `open` (any public host), `accounts` (hosts of the accounts there are) or `list` (only `hosts`).
    `hosts` are names, `*.names`, addresses or networks, each perhaps with a `:port`; they may be private.
    `private`: an address that an account's owner wrote may lead to a private network or to this machine.
    `pictures`: `fetch` gets pictures that prompts name by address for models that take bytes only, from public
    hosts and from `picture_hosts`, which may be private; in the other modes from the latter only.
    Metadata services of clouds are refused, whatever stands here; through a proxy, names and spelled addresses of them.
    """

    mode: Literal["open", "accounts", "list"] = "open"
    hosts: tuple[str, ...] = ()
    private: bool = True
    pictures: Literal["off", "fetch"] = "off"
    picture_hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for entry in self.hosts:
            check_host(entry)
        for entry in self.picture_hosts:
            check_host(entry, called="picture_hosts")


def split_entry(entry: str) -> tuple[str, int | None]:
    """Return the host and the port (None: any) of an entry; raises `ValueError`."""
    if entry.startswith("["):
        host, bracket, rest = entry[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(entry)
        return host, _port(rest[1:]) if rest else None
    if entry.count(":") == 1:
        host, _, port = entry.partition(":")
        return host, _port(port)
    return entry, None


def check_host(entry: str, *, called: str = "hosts") -> None:
    """Raise `ValueError` unless `entry` names hosts."""
    try:
        host, _ = split_entry(entry)
        if "/" in host:
            ip_network(host)
        elif not _HOST.fullmatch(host):
            ip_address(host)
    except ValueError:
        raise ValueError(
            f"{called}: {entry!r} is no host; write `api.example.com`, `*.example.com`, `10.0.0.0/8` or `10.1.2.3:8000`"
        ) from None


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not 0 < port < 65536:
        raise ValueError(text)
    return port


__all__ = ["Egress", "check_host", "split_entry"]
