"""What an address is: anybody's, a private network's, or one that nothing may ever be sent to.

Pure. An address that carries another inside (IPv4-mapped, 6to4, NAT64, Teredo, ISATAP) is judged as
both, and the worse counts: the packet goes to the inner one. Sources: the special-purpose registries of
IANA for IPv4 and IPv6, and the vendors' pages on their metadata services (2026-11).
"""

from __future__ import annotations

import re
import socket
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

Kind = Literal["public", "stand_in", "private", "forbidden"]
"""From the least to the most dangerous.

`stand_in` (198.18.0.0/15) is what local proxies answer for every name; `private` holds this machine too.
"""

_ORDER: tuple[Kind, ...] = ("public", "stand_in", "private", "forbidden")

_FORBIDDEN = tuple(
    ip_network(text)
    for text in (
        "169.254.0.0/16",  # link-local: metadata of AWS, Google, Azure, Oracle, DigitalOcean, Hetzner, Tencent, …
        "100.100.100.200/32",  # Alibaba Cloud
        "168.63.129.16/32",  # Azure's platform channel
        "192.0.0.192/32",  # Oracle Cloud, classic
        "224.0.0.0/4",
        "240.0.0.0/4",
        "fe80::/10",
        "fec0::/10",
        "fd00:ec2::/32",  # AWS: metadata, DNS, time, credentials of containers
        "fd20:ce::254/128",  # Google Cloud
        "fd00:42::42/128",  # Scaleway
        "ff00::/8",
    )
)
_STAND_IN = ip_network("198.18.0.0/15")
_SHARED = ip_network("100.64.0.0/10")
_NAT64 = ip_network("64:ff9b::/96")
_NAT64_LOCAL = ip_network("64:ff9b:1::/48")
_COMPATIBLE = ip_network("::/96")
_ISATAP = (0x00005EFE, 0x02005EFE)

METADATA_NAMES = frozenset(
    {
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "metadata.azure.internal",
        "metadata.tencentyun.com",
        "instance-data",
        "instance-data.ec2.internal",
    }
)
"""Names of metadata services, in lower case."""

_NUMBERS = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+)){0,3}\.?", re.IGNORECASE)


@lru_cache(maxsize=4096)
def kind_of(text: str) -> Kind:
    """Return what the address `text` is; raises `ValueError` for what is none."""
    return _kind(ip_address(text.partition("%")[0]))


def literal(host: str) -> str | None:
    """Return the address that `host` spells, canonical, None for a name.

    Takes every spelling that a resolver takes: `2130706433`, `0x7f.1`, `0177.0.0.1`, `[::1]`, `fe80::1%eth0`.
    """
    bare = host.strip("[]").partition("%")[0]
    try:
        return str(ip_address(bare))
    except ValueError:
        pass
    if not _NUMBERS.fullmatch(bare):
        return None
    try:
        return str(IPv4Address(socket.inet_aton(bare.rstrip("."))))
    except OSError:
        return None


def is_metadata_name(host: str) -> bool:
    """Return whether `host` is the name of a metadata service."""
    return host.rstrip(".").lower() in METADATA_NAMES


def _kind(address: IPv4Address | IPv6Address) -> Kind:
    inner = [] if isinstance(address, IPv4Address) else _inside(address)
    outer = "public" if _is_wrapper(address) else _outer(address)
    return max((outer, *map(_outer, inner)), key=_ORDER.index)


def _outer(address: IPv4Address | IPv6Address) -> Kind:
    if any(address in network for network in _FORBIDDEN if network.version == address.version):
        return "forbidden"
    if address in _STAND_IN:
        return "stand_in"
    if address.is_unspecified or not address.is_global or address in _SHARED:
        return "private"
    return "public"


def _is_wrapper(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address says nothing of its own: what counts is the one inside."""
    if isinstance(address, IPv4Address):
        return False
    special = address.is_unspecified or address.is_loopback
    return address.ipv4_mapped is not None or address in _NAT64 or (address in _COMPATIBLE and not special)


def _inside(address: IPv6Address) -> list[IPv4Address]:
    """Return the IPv4 addresses that `address` carries."""
    value = int(address)
    last = IPv4Address(value & 0xFFFFFFFF)
    found: list[IPv4Address] = []
    if address.ipv4_mapped is not None:
        found.append(address.ipv4_mapped)
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.teredo is not None:
        found.extend(address.teredo)
    if _within(address, _NAT64) or _within(address, _NAT64_LOCAL):
        found.append(last)
    if address in _COMPATIBLE and not (address.is_unspecified or address.is_loopback):
        found.append(last)
    if (value >> 32) & 0xFFFFFFFF in _ISATAP:
        found.append(last)
    return found


def _within(address: IPv6Address, network: IPv4Network | IPv6Network) -> bool:
    return address in network


__all__ = ["METADATA_NAMES", "Kind", "is_metadata_name", "kind_of", "literal"]
