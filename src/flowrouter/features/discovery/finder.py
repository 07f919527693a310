"""Makes disabled accounts of what was found, less what people have taken up or turned down since."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import urlsplit

from flowrouter import config, logs
from flowrouter.accounts.account import Account, Secret
from flowrouter.config import is_loopback
from flowrouter.features.discovery import servers, variables
from flowrouter.features.discovery.finding import Finding
from flowrouter.gateway.configuration import Configuration
from flowrouter.gateway.runtime_settings import RuntimeSettings
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.providers.catalog import Catalog

FEATURE = "discovery"
AGAIN_SECONDS = 300.0

log = logs.get(FEATURE)


class Finder:
    """Holds what was found in the environment at its making, and on this machine at the last look."""

    def __init__(self, catalog: Catalog, configuration: Configuration) -> None:
        self._catalog = catalog
        self._configuration = configuration
        self._in_variables = tuple(variables.look(catalog))
        self._servers: tuple[Finding, ...] = ()
        self._looked = asyncio.Event()
        configuration.provide(FEATURE, self.accounts)

    def accounts(self, written: Sequence[Account], settings: RuntimeSettings) -> list[Account]:
        """Return the accounts that wait to be adopted."""
        return [
            account
            for account in self.candidates(written)
            if account.preset not in settings.discovery.dismissed
        ]

    def candidates(self, written: Iterable[Account]) -> list[Account]:
        """Return the accounts that could be adopted, those that were dismissed included."""
        written = tuple(written)
        return [
            _account(finding, written)
            for finding in (*self._in_variables, *self._servers)
            if not any(self._is(account, finding) for account in written)
        ]

    async def look(self) -> None:
        """Ask this machine's ports once."""
        found = tuple(await servers.look(self._catalog))
        for finding in found:
            if finding not in self._servers:
                log.debug("a model server answers", preset=finding.preset, at=finding.found_in)
        if found != self._servers:
            self._servers = found
            self._configuration.provide(FEATURE, self.accounts)
        self._looked.set()

    async def follow(self) -> None:
        """Look now and again for ever."""
        while True:
            await self.look()
            await asyncio.sleep(AGAIN_SECONDS)

    async def looked(self, limit: float) -> None:
        """Wait for the first look to end, at most `limit` seconds."""
        try:
            async with asyncio.timeout(limit):
                await self._looked.wait()
        except TimeoutError:
            pass

    def _is(self, account: Account, finding: Finding) -> bool:
        """Return whether `account` is what was found: its provider, its key or its server."""
        preset = self._catalog.find(account.preset)
        if preset is not None and preset.id == finding.preset:
            return True
        if finding.variable is None:
            return _leads_to(account.base_url or "", finding.found_in)
        key = config.environment([finding.variable]).get(finding.variable)
        return key is not None and account.api_key == Secret(key.strip())


def _leads_to(url: str, address: str) -> bool:
    split = urlsplit(url)
    return is_loopback(split.hostname or "") and str(split.port or 80) == address.rpartition(":")[2]


def _account(finding: Finding, written: Sequence[Account]) -> Account:
    taken = {account.name for account in written if account.owner_id == LOCAL_OWNER}
    return Account(
        id=f"found:{finding.preset}",
        name=next(name for name in _names(finding.preset) if name not in taken),
        preset=finding.preset,
        owner_id=LOCAL_OWNER,
        enabled=False,
        source="found",
        found_in=finding.found_in,
    )


def _names(first: str) -> Iterator[str]:
    yield first
    number = 2
    while True:
        yield f"{first}-{number}"
        number += 1


__all__ = ["FEATURE", "Finder"]
