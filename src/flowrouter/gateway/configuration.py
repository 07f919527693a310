"""Publishes the world: loads snapshots, folds in declared accounts and live lists, swaps at once.

Readers take `world` and keep it for their request; a change makes a new one, never edits the old.
While the store cannot be read the last world stays in force, and its age is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from flowrouter import logs
from flowrouter.accounts.account import Account
from flowrouter.clock import Clock
from flowrouter.config import Config, is_loopback
from flowrouter.errors import StorageError
from flowrouter.gateway.ports import ConfigSource, Snapshot
from flowrouter.gateway.runtime_settings import RuntimeSettings, in_force
from flowrouter.gateway.secrecy import secrets_of
from flowrouter.gateway.world import World, compile_world
from flowrouter.logs import Logger
from flowrouter.providers.catalog import Catalog
from flowrouter.providers.listing import ListedModel
from flowrouter.usage import Prices

POLL_SECONDS = 1.0

Provider = Callable[[Sequence[Account], RuntimeSettings], Iterable[Account]]
"""What a feature brings, given the accounts that people wrote and the settings in force; it never blocks."""


class Configuration:
    """Holds the present world; edits by other processes are seen within a second."""

    def __init__(
        self,
        source: ConfigSource,
        *,
        declared: tuple[Account, ...],
        catalog: Catalog,
        clock: Clock,
        log: Logger,
        config: Config,
    ) -> None:
        self._source = source
        self._declared = declared
        self._catalog = catalog
        self._clock = clock
        self._log = log
        self._config = config
        self._providers: dict[str, Provider] = {}
        self._listed: Mapping[str, tuple[ListedModel, ...]] = {}
        self._lend: Callable[[Account], Account] = _as_it_is
        self._failing = False
        self._loading = asyncio.Lock()
        self._answered_at = clock.now()
        # Set at each reload; whoever waits for one clears it.
        self.reloaded = asyncio.Event()
        self.snapshot: Snapshot = source.load()
        self.world: World = self._compile()

    def provide(self, feature: str, accounts: Provider) -> None:
        """Let `feature` bring accounts that nobody wrote down; an account of the same name goes before.

        `accounts` is asked at every change of the configuration. A second call replaces the first.
        """
        self._providers[feature] = accounts
        self.world = self._compile()

    def use_tokens(self, lend: Callable[[Account], Account]) -> None:
        """Give accounts the access tokens that `lend` has for them, from now on."""
        self._lend = lend
        self.publish()

    def publish(self) -> None:
        """Make the world anew: something that it is made of has changed, besides the store."""
        self.world = self._compile()

    def use_lists(self, listed: Mapping[str, tuple[ListedModel, ...]]) -> None:
        """Fold in live model lists."""
        self._listed = dict(listed)
        self.world = self._compile()

    @property
    def config(self) -> Config:
        """Return the settings in force, as the configuration file was read last."""
        return self._config

    def adopt(self, config: Config, declared: tuple[Account, ...]) -> None:
        """Go by other settings and declared accounts from now on; requests in flight keep their world."""
        before = self._config, self._declared
        self._config, self._declared = config, declared
        try:
            self.world = self._compile()
        except BaseException:
            self._config, self._declared = before
            raise
        self.reloaded.set()

    async def reload(self) -> None:
        """Load the configuration now; raises `StorageError` and keeps the old world if that fails."""
        async with self._loading:  # one at a time, so that an older load never lands on a newer one
            before = self.snapshot
            self.snapshot = await asyncio.to_thread(self._source.load)
            try:
                self.world = self._compile()
            except BaseException:
                self.snapshot = before  # or the next look would find nothing new
                raise

    async def follow(self) -> None:
        """Watch for changes for ever."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                if await asyncio.to_thread(self._source.version) != self.snapshot.version:
                    await self.reload()
                self._failing, self._answered_at = False, self._clock.now()
            except StorageError as error:
                if not self._failing:
                    self._log.warning(
                        "the store cannot be read; the last configuration stays", reason=error.message
                    )
                self._failing = True
            except Exception as error:  # noqa: BLE001 - one odd row or feature must not end the watching
                if not self._failing:
                    self._log.error("the configuration cannot be published; the last stays", error=error)
                self._failing = True

    @property
    def age_seconds(self) -> float:
        """Return for how long the snapshot may be out of date: 0 while the store answers."""
        return self._clock.now() - self._answered_at if self._failing else 0.0

    def _compile(self) -> World:
        problems: tuple[str, ...] = ()
        try:
            settings = in_force(self.snapshot.settings, self._config)
        except msgspec.ValidationError as error:
            settings = in_force({}, self._config)
            problems = (f"the stored settings are not understood and not in force: {error}",)
        stored = tuple(map(self._lend, self.snapshot.accounts))
        world = compile_world(
            msgspec.structs.replace(self.snapshot, accounts=stored),
            declared=tuple(map(self._lend, (*self._declared, *self._provided(settings)))),
            catalog=self._catalog,
            listed=self._listed,
            aliases=settings.models.aliases,
            reply_model=settings.reply_model or "answered",
            routing=settings.routing,
            combos=self._config.routing.combos,
            prices=Prices(settings.prices),
            budgets=settings.budgets,
            recording=settings.recording,
            protected=not is_loopback(self._config.server.host),
            problems=problems,
        )
        for account in world.accounts.values():
            logs.hide(*secrets_of(account))
        return world

    def _provided(self, settings: RuntimeSettings) -> Iterator[Account]:
        written = (*self._declared, *self.snapshot.accounts)
        taken = {(account.owner_id, account.name) for account in written}
        for provider in self._providers.values():
            for account in provider(written, settings):
                if (account.owner_id, account.name) not in taken:
                    taken.add((account.owner_id, account.name))
                    yield account


def _as_it_is(account: Account) -> Account:
    return account


__all__ = ["POLL_SECONDS", "Configuration", "Provider"]
