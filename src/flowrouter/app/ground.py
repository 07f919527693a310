"""What everything else stands on: settings, clock, store, network, shared state, the configuration in force."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from flowrouter import logs, plugins
from flowrouter.accounts.account import Account
from flowrouter.accounts.declared import declared
from flowrouter.accounts.refresh import Refresher
from flowrouter.accounts.vault import publish_private, read_private
from flowrouter.app.backups import shelf_of
from flowrouter.app.reloading import Reloading
from flowrouter.clock import SystemClock
from flowrouter.config import Config, prepare_data_dir
from flowrouter.gateway.configuration import Configuration
from flowrouter.gateway.egress import NamedHosts
from flowrouter.gateway.model_lists import Lister
from flowrouter.gateway.pictures import guarded_by
from flowrouter.gateway.reload_state import ReloadState
from flowrouter.gateway.tokens import SharedTokens, StateLock
from flowrouter.gateway.world import World
from flowrouter.providers import catalog
from flowrouter.storage import (
    RequestWriter,
    Retention,
    StoredConfigSource,
    StoredLock,
    StoredModelLists,
    StoredReceipts,
    StoredSealedBlobs,
    open_state,
    open_store,
)
from flowrouter.tasks import TaskGroup
from flowrouter.upstream.guard import Guard as EgressGuard
from flowrouter.upstream.http1 import Http1Transport
from flowrouter.upstream.mounts import Mounts
from flowrouter.upstream.opening import open_transport

TOKEN_FILE = "local.token"

_TOKEN_LEAST = 32
_TOKEN_NAME = "the local token"


class Ground:
    """The lower half of the program; `worker` is its number where several run."""

    reloading: Reloading | None = None
    """Reads the configuration file again; only `serve` has one that may change."""

    def __init__(self, config: Config, *, worker: int = 0) -> None:
        self.config = config
        self.worker = worker
        self.ending = False
        self.clock = SystemClock()
        self.log = logs.get("gateway")
        self.tasks = TaskGroup(logs.task_failed)
        self.token = local_token(prepare_data_dir(config))
        self.catalog = catalog.load(config.data_dir / "presets")
        self.store = open_store(
            config.data_dir, master_key=config.master_key, clock=self.clock, url=config.store.url
        )
        # Whether nobody else, on this machine or another, changes what this process knows.
        self._alone = config.server.workers == 1 and not self.store.place.shared
        self.backups = shelf_of(config, clock=self.clock)
        self.hooks = plugins.load()
        self._source = StoredConfigSource(self.store.place, self.store.vault, clock=self.clock)
        self.configuration = Configuration(
            self._source,
            declared=tuple(declared(account) for account in config.accounts),
            catalog=self.catalog,
            clock=self.clock,
            log=self.log,
            config=config,
        )
        # The present world; asked for many times a request, so it is no function of ours.
        self._world: Callable[[], World] = partial(getattr, self.configuration, "world")
        self._connect()
        self.state = open_state(
            config.state, clock=self.clock, tasks=self.tasks, workers=config.server.workers
        )
        self.transport = Mounts(self.network)
        self.writer = RequestWriter(
            self.store.place,
            self.store.data,
            clock=self.clock,
            retention=_retention(config),
            worker=worker,
            workers=config.server.workers,
        )
        self.receipts = StoredReceipts(self.store.place, self.writer)
        self.lister = Lister(
            self.transport,
            StoredModelLists(self.store.place, announce=not self._alone),
            clock=self.clock,
            timeouts=config.timeouts,
            log=self.log,
        )
        self.credentials = self._build_credentials()

    def watch_file(self, *, baseline: Config, reread: Callable[[], Config]) -> None:
        """Read the configuration file again when it changes; `baseline` is what was read of it at the start."""
        self.reloading = Reloading(self.configuration, baseline=baseline, reread=reread, clock=self.clock)

    def reload_file(self) -> None:
        """Have the configuration file read again soon; a signal may call this."""
        if self.reloading is not None:
            self.reloading.ask()

    def reload_state(self) -> ReloadState:
        """Return how the last reading of the configuration file went."""
        return ReloadState(file=self.config.file) if self.reloading is None else self.reloading.state

    def _connect(self) -> None:
        """Set up the ways out; nothing is connected yet."""
        config = self.config
        named = NamedHosts(self._world, besides=frozenset({config.admin.oidc.issuer}))
        self.egress = EgressGuard(config.egress, named)
        self.network = open_transport(
            config.upstream, connect_timeout=config.timeouts.connect, guard=self.egress
        )
        # To addresses that stand in prompts.
        self.outside = open_transport(
            config.upstream,
            connect_timeout=config.timeouts.connect,
            guard=EgressGuard(guarded_by(config.egress)),
        )
        # To what the program runs itself (the embedded model, the gateway the doctor asks), and to nothing else.
        self.inside = Http1Transport(connect_timeout=config.timeouts.connect)

    def _use_lists(self) -> None:
        """Fold in new model lists; with several workers or machines all take them from the store, within a second."""
        if self._alone:
            self.configuration.use_lists(self.lister.lists)

    def _accounts(self) -> Iterable[Account]:
        return self._world().accounts.values()

    def _access_changed(self) -> None:
        """Publish another access token; the list of its account's models may be waiting for it."""
        self.configuration.publish()
        self.configuration.reloaded.set()

    def _build_credentials(self) -> Refresher:
        blobs = StoredSealedBlobs(self.store.place, self.store.vault, clock=self.clock)
        credentials = Refresher(
            self.transport,
            SharedTokens(self.state, blobs, vault=self.store.vault),
            locks=(StateLock(self.state), StoredLock(self.store.place, clock=self.clock)),
            clock=self.clock,
            tasks=self.tasks,
            log=logs.get("credentials"),
        )
        credentials.changed = self._access_changed
        self.configuration.use_tokens(credentials.present)
        return credentials


def local_token(data: Path) -> str:
    """Return the token that opens `/api` on this machine, made at first use for its owner's eyes only.

    Processes that begin at once end up with one. Raises `ConfigError` where others may read it.
    """
    path = data / TOKEN_FILE
    for _ in range(2):
        text = (read_private(path, what=_TOKEN_NAME) or "").strip()
        if len(text) >= _TOKEN_LEAST:
            return text
        path.unlink(missing_ok=True)
        publish_private(path, secrets.token_hex(32) + "\n", what=_TOKEN_NAME)
    return (read_private(path, what=_TOKEN_NAME) or "").strip()


def _retention(config: Config) -> Retention:
    kept = config.retention
    return Retention(request_days=kept.days, request_rows=kept.rows, receipt_days=kept.receipt_days)


__all__ = ["TOKEN_FILE", "Ground", "local_token"]
