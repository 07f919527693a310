"""Whose hosts may be reached: those that accounts name, taken from the world, by who wrote them."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from flowrouter.accounts.account import Account
from flowrouter.errors import ConfigError
from flowrouter.gateway.world import World
from flowrouter.providers import adapter
from flowrouter.providers.preset import Preset
from flowrouter.upstream.guard import Hosts


class NamedHosts:
    """The hosts of a world's accounts, found anew when there is another world."""

    def __init__(self, world: Callable[[], World], *, besides: frozenset[str] = frozenset()) -> None:
        self._world = world
        self._besides = besides
        self._of: World | None = None
        self._hosts = Hosts()

    def __call__(self) -> Hosts:
        """Return the hosts that accounts name now."""
        world = self._world()
        if world is not self._of:
            found = hosts_of(world, besides=self._besides)
            # An equal answer stays the same object, by which the guard keeps what it has seen.
            self._hosts = self._hosts if found == self._hosts else found
            self._of = world
        return self._hosts


def hosts_of(world: World, *, besides: frozenset[str] = frozenset()) -> Hosts:
    """Return the hosts that the accounts of `world` name; `besides` are URLs of the configuration file."""
    written, preset = {host for url in besides if (host := host_of(url))}, set[str]()
    for account in world.accounts.values():
        row = world.presets.get(account.id)
        if row is not None:
            (written if account.base_url else preset).update(_addresses(row, account))
        if account.oauth is not None and (host := host_of(account.oauth.token_url)):
            written.add(host)
    return Hosts(frozenset(written), frozenset(preset))


def host_of(url: str) -> str | None:
    """Return host and port of `url`, as the guard names them; None for what is no address."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = (parts.hostname or "").rstrip(".")
        host = host if host.isascii() else host.encode("idna").decode()
    except (ValueError, UnicodeError):
        return None
    return f"{host}:{port}" if host else None


def _addresses(preset: Preset, account: Account) -> set[str]:
    found: set[str] = set()
    for dialect in preset.served_dialects:
        try:
            host = host_of(adapter.resolve_base_url(preset, dialect, override=account.base_url))
        except ConfigError:
            continue
        if host is not None:
            found.add(host)
    return found


__all__ = ["NamedHosts", "host_of", "hosts_of"]
