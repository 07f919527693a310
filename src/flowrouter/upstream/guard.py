"""May the gateway connect there? One rule for every URL that somebody gave, held against names and addresses.

A name is held against the settings before it is looked up; what it leads to is looked up once, every
address is checked, and the connection goes to a checked one (`checked`), so that a name which leads
elsewhere a moment later gains nothing. Metadata services of clouds are refused whatever is set. Through a
proxy nobody here looks names up: then what is written is all there is to hold the settings against (`admit`).

Who wrote a host decides about private addresses: an account's owner may lead requests into a private
network (`[egress] private`), a preset or anybody else may not.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Any

import msgspec

from flowrouter.errors import UpstreamError
from flowrouter.settings.egress import Egress, split_entry
from flowrouter.upstream.addresses import Kind, is_metadata_name, kind_of, literal
from flowrouter.upstream.lookup import Found


class EgressError(UpstreamError):
    """The gateway may not connect there; the message names the setting, and an address only to owners."""

    def __init__(self, message: str) -> None:
        super().__init__(message, kind="egress")


class Hosts(msgspec.Struct, frozen=True):
    """The hosts that accounts name, in lower case with their port (`api.example.com:443`).

    `written`: in an account itself, by its owner; `preset`: in a preset.
    """

    written: frozenset[str] = frozenset()
    preset: frozenset[str] = frozenset()


class _Row(msgspec.Struct, frozen=True):
    """One entry of `[egress] hosts`, taken apart."""

    port: int | None
    matches: Callable[[str], bool]


class Guard:
    """Holds the settings against hosts; `hosts` tells those that accounts name now."""

    def __init__(self, settings: Egress, hosts: Callable[[], Hosts] = Hosts) -> None:
        self._settings = settings
        self._hosts = hosts
        self._rows = tuple(_row(entry) for entry in settings.hosts)
        self._seen: Hosts | None = None
        self._admitted: set[tuple[str, int]] = set()

    def admit(self, host: str, port: int) -> None:
        """Raise `EgressError` unless requests may be sent to `host`, as it stands in a URL."""
        hosts = self._hosts()
        if hosts is not self._seen:
            self._seen, self._admitted = hosts, set()
        key = (host, port)
        if key in self._admitted:
            return
        self._check_name(host, port, hosts)
        spelled = literal(host)
        if spelled is not None:
            self.check(host, port, spelled)
        if len(self._admitted) < _KEPT:
            self._admitted.add(key)

    def check(self, host: str, port: int, address: str) -> None:
        """Raise `EgressError` unless a connection for `host` may go to `address`."""
        kind = kind_of(address)
        if kind == "public":
            return
        if kind == "forbidden":
            raise EgressError(
                f"{host!r} leads to {address}, which is link-local, multicast or a cloud's metadata service; "
                "the gateway never connects there"
            )
        if not self._may_be_private(host, port, address=address, kind=kind):
            raise EgressError(f"{host!r} leads to the private address {address}; {self._cure(host, port)}")

    def checked(self, host: str, port: int, found: Sequence[Found]) -> Sequence[Found]:
        """Return what a look-up found, if every address of it may be connected to; raises `EgressError`.

        One bad address spoils the answer: a name that leads to both kinds is not to be trusted.
        """
        for each in found:
            self.check(host, port, each.address)
        return found

    def _check_name(self, host: str, port: int, hosts: Hosts) -> None:
        if is_metadata_name(host):
            raise EgressError(f"{host!r} is a cloud's metadata service; the gateway never connects there")
        mode = self._settings.mode
        if mode == "open" or self._is_listed(host, port):
            return
        name = _named(host, port)
        if mode == "accounts" and (name in hosts.written or name in hosts.preset):
            return
        raise EgressError(
            f'{host!r} is not a host the gateway may reach ([egress] mode = "{mode}"); '
            f"add it to `[egress] hosts` to allow it"
        )

    def _may_be_private(self, host: str, port: int, *, address: str, kind: Kind) -> bool:
        if self._is_listed(host, port) or self._is_listed(address, port):
            return True
        name, hosts = _named(host, port), self._hosts()
        if kind == "stand_in" and name in hosts.preset:
            return True
        if not self._settings.private:
            return False
        # A preset's own address may be this machine (Ollama's is); a public name of a preset may not.
        return name in hosts.written or (name in hosts.preset and _is_local(host))

    def _is_listed(self, host: str, port: int) -> bool:
        bare = host.strip("[]").rstrip(".").lower()
        return any((row.port is None or row.port == port) and row.matches(bare) for row in self._rows)

    def _cure(self, host: str, port: int) -> str:
        if not self._settings.private and _named(host, port) in self._hosts().written:
            return "`[egress] private` is false: add the host to `[egress] hosts` to allow it"
        return "add the host to `[egress] hosts` to allow it"


def open_socket(info: Any) -> socket.socket:
    """Return a socket for one address as `getaddrinfo` tells it."""
    return socket.socket(*info[:3])


def guarded_socket(info: Any) -> socket.socket:
    """Return a socket for an address; the last look before a connection, whatever led here."""
    if kind_of(str(info[4][0])) == "forbidden":
        raise EgressError("the gateway never connects to link-local addresses and metadata services")
    return open_socket(info)


_KEPT = 4096


def _is_local(host: str) -> bool:
    return literal(host) is not None or host.rstrip(".").lower() == "localhost"


def _named(host: str, port: int) -> str:
    return f"{host.strip('[]').rstrip('.').lower()}:{port}"


def _row(entry: str) -> _Row:
    host, port = split_entry(entry.lower())
    if "/" in host:
        return _Row(port, partial(_in_network, ip_network(host)))
    if host.startswith("*."):
        return _Row(port, partial(_ends_with, host[1:]))
    return _Row(port, partial(_same, literal(host) or host.rstrip(".")))


def _in_network(network: object, host: str) -> bool:
    try:
        return ip_address(host) in network  # type: ignore[operator]
    except ValueError:
        return False


def _ends_with(tail: str, host: str) -> bool:
    return host.endswith(tail)


def _same(name: str, host: str) -> bool:
    return name == host


__all__ = ["EgressError", "Guard", "Hosts", "guarded_socket", "open_socket"]
