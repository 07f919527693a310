"""What everything else stands on: settings, clock, store, network, shared state, the configuration in force."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from flowrouter import logs, plugins
from flowrouter.accounts.account import Account
from flowrouter.accounts.declared import declared
from flowrouter.accounts.refresh import Refresher
from flowrouter.clock import SystemClock
from flowrouter.config import Config, prepare_data_dir
from flowrouter.gateway.configuration import Configuration
from flowrouter.gateway.egress import NamedHosts
from flowrouter.gateway.model_lists import Lister
from flowrouter.gateway.tokens import SharedTokens, StateLock
from flowrouter.gateway.world import World
from flowrouter.providers import catalog
from flowrouter.storage import (
    RequestWriter,
    Retention,
    SqliteConfigSource,
    SqliteLock,
    SqliteModelLists,
    SqliteReceipts,
    SqliteSealedBlobs,
    open_state,
    open_store,
)
from flowrouter.tasks import TaskGroup
from flowrouter.upstream.guard import Guard as EgressGuard
from flowrouter.upstream.mounts import Mounts
from flowrouter.upstream.transport import AiohttpTransport

if TYPE_CHECKING:
    pass

TOKEN_FILE = "local.token"


class Ground:
    """The lower half of the program; `worker` is its number where several run."""

    def __init__(self, config: Config, *, worker: int = 0) -> None:
        self.config = config
        self.worker = worker
        self.ending = False
        self._alone = config.server.workers == 1
        self.clock = SystemClock()
        self.log = logs.get("gateway")
        self.tasks = TaskGroup(logs.task_failed)
        self.token = local_token(prepare_data_dir(config))
        self.catalog = catalog.load(config.data_dir / "presets")
        self.store = open_store(config.data_dir, master_key=config.master_key, clock=self.clock)
        self.hooks = plugins.load()
        self._source = SqliteConfigSource(self.store.path, self.store.vault, clock=self.clock)
        self.configuration = Configuration(
            self._source,
            declared=tuple(declared(account) for account in config.accounts),
            catalog=self.catalog,
            clock=self.clock,
            log=self.log,
            config=config,
        )
        named = NamedHosts(self._world, besides=frozenset({config.admin.oidc.issuer}))
        self.egress = EgressGuard(config.egress, named)
        self.network = AiohttpTransport(connect_timeout=config.timeouts.connect, guard=self.egress)
        # To what the program runs itself (the embedded model, the gateway the doctor asks), and to nothing else.
        self.inside = AiohttpTransport(connect_timeout=config.timeouts.connect)
        self.state = open_state(
            config.state, clock=self.clock, tasks=self.tasks, workers=config.server.workers
        )
        self.transport = Mounts(self.network)
        self.writer = RequestWriter(
            self.store.path,
            clock=self.clock,
            retention=_retention(config),
            worker=worker,
            workers=config.server.workers,
        )
        self.receipts = SqliteReceipts(self.store.path, self.writer)
        self.lister = Lister(
            self.transport,
            SqliteModelLists(self.store.path, announce=not self._alone),
            clock=self.clock,
            timeouts=config.timeouts,
            log=self.log,
        )
        self.credentials = self._build_credentials()

    def _use_lists(self) -> None:
        """Fold in new model lists; with several workers all take them from the store, within a second."""
        if self._alone:
            self.configuration.use_lists(self.lister.lists)

    def _accounts(self) -> Iterable[Account]:
        return self._world().accounts.values()

    def _access_changed(self) -> None:
        """Publish another access token; the list of its account's models may be waiting for it."""
        self.configuration.publish()
        self.configuration.reloaded.set()

    def _build_credentials(self) -> Refresher:
        blobs = SqliteSealedBlobs(self.store.path, self.store.vault, clock=self.clock)
        credentials = Refresher(
            self.transport,
            SharedTokens(self.state, blobs, vault=self.store.vault),
            locks=(StateLock(self.state), SqliteLock(self.store.path, clock=self.clock)),
            clock=self.clock,
            tasks=self.tasks,
            log=logs.get("credentials"),
        )
        credentials.changed = self._access_changed
        self.configuration.use_tokens(credentials.present)
        return credentials

    def _world(self) -> World:
        return self.configuration.world


def local_token(data: Path) -> str:
    """Return the token that opens `/api` on this machine, made at first use (file mode 0600)."""
    path = data / TOKEN_FILE
    try:
        text = path.read_text("ascii").strip()
        if len(text) >= 32:
            return text
    except FileNotFoundError:
        pass
    token = secrets.token_hex(32)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(token + "\n", "ascii")
    return token


def _retention(config: Config) -> Retention:
    kept = config.retention
    return Retention(request_days=kept.days, request_rows=kept.rows, receipt_days=kept.receipt_days)


__all__ = ["TOKEN_FILE", "Ground", "local_token"]
