"""What a command works on: settings, presets and the store of one data folder, running gateway or not.

Everything is opened on first use, so that a command pays only for what it touches. A running gateway
notices changes within a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING

from flowrouter import config
from flowrouter.accounts.account import Account, merge
from flowrouter.accounts.declared import declared as declare
from flowrouter.clock import SystemClock
from flowrouter.errors import ConfigError
from flowrouter.gateway.world import World, compile_world
from flowrouter.httpkit.keys import GatewayKey
from flowrouter.providers import catalog

if TYPE_CHECKING:
    from flowrouter.config import Config
    from flowrouter.gateway.ports import ModelList
    from flowrouter.providers.catalog import Catalog
    from flowrouter.storage.boot import Store
    from flowrouter.storage.management import Management


class Desk:
    """The settings in force and, through them, everything a command may need."""

    def __init__(self, settings: Config) -> None:
        self.settings = settings
        self.clock = SystemClock()
        self._management: Management | None = None

    @cached_property
    def catalog(self) -> Catalog:
        """Return all presets, the user's own included."""
        return catalog.load(self.settings.data_dir / "presets")

    @cached_property
    def store(self) -> Store:
        """Return the opened store; raises `StorageError`, `ConfigError`."""
        from flowrouter.storage.boot import open_store

        config.prepare_data_dir(self.settings)
        return open_store(self.settings.data_dir, master_key=self.settings.master_key, clock=self.clock)

    @property
    def management(self) -> Management:
        """Return the repositories."""
        if self._management is None:
            from flowrouter.storage.management import Management

            self._management = Management(self.store, clock=self.clock)
        return self._management

    @cached_property
    def declared(self) -> tuple[Account, ...]:
        """Return the accounts of the configuration file, and the embedded one where it is installed."""
        declared = tuple(declare(account) for account in self.settings.accounts)
        return (*declared, *_embedded(declared))

    def accounts(self) -> tuple[Account, ...]:
        """Return every account, those of the file included, in the order they are tried."""
        return merge(self.declared, tuple(self.management.accounts.list()))

    def account(self, name: str) -> Account:
        """Return the account called `name`; raises `ConfigError` naming the closest."""
        found = {account.name: account for account in self.accounts()}
        if name in found:
            return found[name]
        raise ConfigError(
            f"there is no account {name!r}", fix=closest(name, found) or "see: flow-router providers list"
        )

    def key(self, name: str) -> GatewayKey:
        """Return the live key with this name or id; raises `ConfigError` naming the closest."""
        live = [key for key in self.management.keys.list() if key.revoked_at_ms is None]
        for key in live:
            if name in (key.id, key.name):
                return key
        names = [key.name for key in live]
        raise ConfigError(
            f"there is no live key {name!r}", fix=closest(name, names) or "see: flow-router keys list"
        )

    def world(self) -> World:
        """Return the configuration as the gateway compiles it; asks no provider."""
        from flowrouter.storage.config_source import SqliteConfigSource

        source = SqliteConfigSource(self.store.path, self.store.vault, clock=self.clock)
        try:
            snapshot = source.load()
        finally:
            source.close()
        return compile_world(
            snapshot, declared=self.declared, catalog=self.catalog, aliases=self.settings.models.aliases
        )

    async def keep_models(self, models: ModelList) -> None:
        """Store an account's model list, as the gateway itself does after fetching it."""
        from flowrouter.storage.model_lists import SqliteModelLists

        await SqliteModelLists(self.store.path).put(models)

    def close(self) -> None:
        """Close the store."""
        if self._management is not None:
            self._management.close()


@contextmanager
def opened(file: str | None, data: str | None, *, secrets: bool = False) -> Iterator[Desk]:
    """Give a desk for the settings in force; `secrets` insists on every `env:NAME` of the file."""
    desk = Desk(config.load({"config": file, "data": data}, secrets=secrets))
    try:
        yield desk
    finally:
        desk.close()


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return "did you mean …?" for the best match among `known`, if one is close enough."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else None


def _embedded(declared: tuple[Account, ...]) -> tuple[Account, ...]:
    """Return the account that `serve --local` adds, so that plans show it while it runs."""
    from flowrouter.features.local import supervisor, weights

    if any(account.name == supervisor.ACCOUNT for account in declared):
        return ()
    try:
        weights.find()
    except ConfigError:
        return ()
    account = config.AccountConfig(
        name=supervisor.ACCOUNT, preset=supervisor.ACCOUNT, models=(weights.MODEL,), max_concurrency=1
    )
    return (declare(account),)


__all__ = ["Desk", "closest", "opened"]
