"""What a command works on: the program built but not started, over one data folder.

The gateway may run beside it; it notices changes within a second. Nothing here asks a provider.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING

from flowrouter import app, config, logs
from flowrouter.accounts.account import Account
from flowrouter.errors import ConfigError

if TYPE_CHECKING:
    from flowrouter.api.admin import Repositories
    from flowrouter.api.admin.ownership import Ownership
    from flowrouter.clock import Clock
    from flowrouter.config import Config
    from flowrouter.gateway.world import World
    from flowrouter.httpkit.keys import GatewayKey
    from flowrouter.providers.catalog import Catalog


class Desk:
    """The program for one configuration, as commands use it."""

    def __init__(self, application: app.Application, *, detach: bool = False) -> None:
        self.application = application
        self._detach = detach
        self.settings: Config = application.config
        self.clock: Clock = application.clock
        self.catalog: Catalog = application.catalog
        self._management: Repositories | None = None

    @property
    def management(self) -> Repositories:
        """Return the repositories; what is changed through them is in the audit log."""
        if self._management is None:
            from flowrouter.cli.bookkeeping import kept

            self._management = kept(self.application.management, self.clock, detach=self._detach)
        return self._management

    @property
    def world(self) -> World:
        """Return accounts, presets and facts as the gateway compiles them."""
        return self.application.configuration.world

    def account(self, name: str) -> Account:
        """Return the account called `name`; raises `ConfigError` naming the closest."""
        found = {account.name: account for account in self.world.accounts.values()}
        if name in found:
            return found[name]
        fix = closest(name, found) or "see: flow-router providers list"
        raise ConfigError(f"there is no account {name!r}", fix=fix)

    def key(self, name: str) -> GatewayKey:
        """Return the live key with this name or id; raises `ConfigError` naming the closest."""
        live = [key for key in self.management.keys.list() if key.revoked_at_ms is None]
        for key in live:
            if name in (key.id, key.name):
                return key
        fix = closest(name, [key.name for key in live]) or "see: flow-router keys list"
        raise ConfigError(f"there is no live key {name!r}", fix=fix)

    def close(self) -> None:
        """Close the store."""
        self.application.close_store()


@contextmanager
def opened(
    file: str | None, data: str | None, *, secrets: bool = False, detach: bool = False
) -> Iterator[Desk]:
    """Give a desk for the settings in force; `secrets` insists on every `env:NAME` of the file.

    `detach`: what it changes may belong to an applied file.
    """
    settings = config.load({"config": file, "data": data}, secrets=secrets)
    logs.configure("error", format="text")
    application = app.build(settings)
    desk = Desk(application, detach=detach)
    try:
        yield desk
    finally:
        desk.close()


def owner_of(account: Account, desk: Desk) -> Ownership:
    """Return who owns an account: the configuration file, an applied file, the console or the program."""
    from flowrouter.api.admin.ownership import ownership

    declared_in = (desk.settings.file or "config.toml") if account.source == "config" else None
    return ownership(account.managed, declared_in=declared_in, program=account.source != "store")


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return "did you mean …?" for the best match among `known`, if one is close enough."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else None


__all__ = ["Desk", "closest", "opened", "owner_of"]
