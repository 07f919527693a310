"""The composition root: builds every object once and puts them together; holds no rules of its own."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flowrouter import logs, plugins
from flowrouter.accounts.declared import declared
from flowrouter.api.admin import AccountTest, AdminDeps, ASGIApp, Handover, create
from flowrouter.api.compact import Compactor
from flowrouter.api.llm import DataPlane, Parts
from flowrouter.api.responses import ResponseRoutes
from flowrouter.clock import SystemClock
from flowrouter.config import Config, prepare_data_dir
from flowrouter.errors import ConfigError
from flowrouter.gateway.admission import Admission
from flowrouter.gateway.attempts import Attempts
from flowrouter.gateway.compaction import Compaction
from flowrouter.gateway.configuration import Configuration
from flowrouter.gateway.counting import Counter
from flowrouter.gateway.model_lists import Lister
from flowrouter.gateway.pipeline import Pipeline
from flowrouter.gateway.reasoning import ReasoningState
from flowrouter.gateway.recall import Recall
from flowrouter.gateway.relay import Relay
from flowrouter.gateway.settle import Books
from flowrouter.gateway.stored_responses import StoredResponses
from flowrouter.gateway.vendor_responses import VendorResponses
from flowrouter.gateway.world import World
from flowrouter.httpkit.guard import Guard
from flowrouter.httpkit.memory import MemoryGate, share_of_memory
from flowrouter.httpkit.replies import Send
from flowrouter.providers import catalog
from flowrouter.providers.listing import ListedModel
from flowrouter.storage import (
    MemoryStateStore,
    RequestWriter,
    Retention,
    SqliteConfigSource,
    SqliteModelLists,
    SqliteReceipts,
    SqliteSealedBlobs,
    open_store,
)
from flowrouter.tasks import TaskGroup
from flowrouter.upstream.mounts import Mounts
from flowrouter.upstream.transport import AiohttpTransport

if TYPE_CHECKING:
    from flowrouter.storage.checkup import StoreState
    from flowrouter.storage.management import Management

TOKEN_FILE = "local.token"
_LIST_SECONDS = 60.0


class Application:
    """The whole program as one ASGI callable; `lifespan` starts and ends what runs beside requests."""

    def __init__(self, config: Config) -> None:
        self.config = config
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
        self.network = AiohttpTransport(connect_timeout=config.timeouts.connect)
        self.state = MemoryStateStore(self.clock)
        self.transport = Mounts(self.network)
        self.writer = RequestWriter(self.store.path, clock=self.clock, retention=_retention(config))
        self.receipts = SqliteReceipts(self.store.path, self.writer)
        self.lister = Lister(
            self.transport,
            SqliteModelLists(self.store.path),
            clock=self.clock,
            timeouts=config.timeouts,
            log=self.log,
        )
        self.handover = Handover(self.clock)
        self.started = self.clock.monotonic()
        self._management: Management | None = None
        self._management_lock = threading.Lock()
        self._admin: ASGIApp | None = None
        self._admin_lock = asyncio.Lock()
        self._serving = AsyncExitStack()
        self._data_plane = self._build_data_plane()
        # What a feature keeps for itself between its hooks, by the feature's name.
        self.features: dict[str, Any] = {}
        for setup in self.hooks.setups:
            setup(self)
        logs.hide(self.token)

    @property
    def has_keys(self) -> bool:
        """Return whether a gateway key exists."""
        return len(self.configuration.world.ring) > 0

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "http":
            await self._data_plane(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def start(self) -> None:
        """Begin what runs beside requests; the gateway may answer before all of it is up."""
        self.writer.start()
        for stored in self.configuration.snapshot.model_lists:
            self.lister.know(stored.account_id, stored.fetched_at_ms / 1000)
        for lifespan in self.hooks.lifespans:
            await self._serving.enter_async_context(lifespan(self))
        self.tasks.start("configuration", self.configuration.follow())
        self.tasks.start("model lists", self._keep_lists())

    async def stop(self) -> None:
        """End in order: features, chores, connections, and last, whatever the others did, the books."""
        try:
            await self._serving.aclose()
            await self.tasks.close()
            await self.transport.close()
        finally:
            drained = await asyncio.to_thread(self.writer.drain, self.config.timeouts.drain)
            if not drained:
                self.log.warning("not every request row was written; the rest waits in the journal")
            self.close_store()

    def close_store(self) -> None:
        """Close what the configuration and the repositories hold open."""
        self._source.close()
        if self._management is not None:
            self._management.close()

    @property
    def management(self) -> Management:
        """Return the repositories behind `/api` and the CLI; the first call loads the ORM."""
        with self._management_lock:
            if self._management is None:
                from flowrouter.storage.management import Management

                self._management = Management(self.store, clock=self.clock)
            return self._management

    async def reload(self) -> None:
        """Publish the configuration as it stands in the store now."""
        await self.configuration.reload()

    async def refresh_models(self, account_id: str) -> Sequence[ListedModel]:
        """Ask an account's provider for its models now; raises `UpstreamError`, `ConfigError`."""
        world = self.configuration.world
        models = await self.lister.renew(world.accounts[account_id], world.presets[account_id])
        self.configuration.use_lists(self.lister.lists)
        return models

    async def test_account(self, account_id: str) -> AccountTest:
        """Make one real, tiny call through an account and tell what came of it."""
        from flowrouter.gateway.trial import Trial

        world = self.configuration.world
        trial = Trial(
            world.accounts[account_id],
            world.presets[account_id],
            world=world,
            transport=self.transport,
            lister=self.lister,
            clock=self.clock,
            limit=self.config.timeouts.first_byte,
            say=lambda line: self.log.debug("account test", said=line),
        )
        found = await trial.run()
        return AccountTest(
            ok=found.ok,
            model=found.model,
            dialect=found.dialect,
            reply=found.reply,
            took_ms=found.took_ms,
            models=len(found.models) if found.models is not None else None,
            error=found.error,
            advice=found.advice,
        )

    def readiness(self) -> tuple[bool, dict[str, Any]]:
        """Return whether requests can be served, and the facts behind it."""
        health = self.writer.health()
        world = self.configuration.world
        usable = sum(1 for account in world.facts.accounts if account.enabled and not account.problem)
        return True, {
            "accounts": usable,
            "snapshot_age_s": round(self.configuration.age_seconds, 1),
            "log": {"queued": health.queued, "spilled": health.spilled, "lost": health.lost},
        }

    async def _lifespan(self, receive: Any, send: Send) -> None:
        await receive()
        try:
            await self.start()
        except ConfigError as error:
            self.log.warning("the gateway cannot start", error=error)
            await self.stop()
            await send({"type": "lifespan.startup.failed", "message": error.message})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _keep_lists(self) -> None:
        """Load the HTTP client ahead of the first request, then keep the model lists fresh."""
        await asyncio.sleep(0.2)
        await asyncio.to_thread(self.network.warm)
        while True:
            world = self.configuration.world
            pairs = [
                (account, world.presets[account.id])
                for account in world.accounts.values()
                if account.id in world.presets
            ]
            await self.lister.refresh(pairs, lambda: self.configuration.use_lists(self.lister.lists))
            # A new account has no list yet, so a change is looked at right away.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LIST_SECONDS):
                    await self.configuration.reloaded.wait()
            self.configuration.reloaded.clear()

    def _build_data_plane(self) -> DataPlane:
        config, clock = self.config, self.clock
        blobs = SqliteSealedBlobs(self.store.path, self.store.vault, clock=clock)
        stored = StoredResponses(self.state, blobs, clock=clock, tasks=self.tasks)
        return DataPlane(
            Parts(
                world=self._world,
                pipeline=self._build_pipeline(blobs, stored),
                counter=Counter(self.transport, clock=clock, timeouts=config.timeouts),
                receipts=self.receipts,
                responses=ResponseRoutes(
                    stored, VendorResponses(self.transport, timeouts=config.timeouts), world=self._world
                ),
                compactor=Compactor(Compaction(self.store.vault), stored, world=self._world, clock=clock),
                guard=guard_for(config),
                memory=MemoryGate(share_of_memory(config.server.memory_share)),
                tasks=self.tasks,
                clock=clock,
                timeouts=config.timeouts,
                body_limit=config.server.body_limit,
                readiness=self.readiness,
                management=self._manage,
            )
        )

    def _build_pipeline(self, blobs: SqliteSealedBlobs, stored: StoredResponses) -> Pipeline:
        config, clock = self.config, self.clock
        recall = Recall(
            self.state,
            blobs,
            secret=self.store.vault.subkey("reasoning recall"),
            clock=clock,
            tasks=self.tasks,
        )
        attempts = Attempts(
            self.transport,
            clock=clock,
            timeouts=config.timeouts,
            hooks=self.hooks,
            reasoning=ReasoningState(self.store.vault),
            state=self.state,
            recall=recall,
        )
        return Pipeline(
            world=self._world,
            admission=Admission(),
            attempts=attempts,
            stored=stored,
            relay=Relay(attempts, recall=recall, stored=stored, clock=clock, timeouts=config.timeouts),
            books=Books(
                self.writer,
                clock=clock,
                hooks=self.hooks,
                access=logs.get("access") if config.logs.access else None,
            ),
            hooks=self.hooks,
            clock=clock,
            wait=config.timeouts.wait,
            log=self.log,
        )

    def _world(self) -> World:
        return self.configuration.world

    async def _manage(self, scope: Any, receive: Any, send: Send) -> None:
        """Serve a management route; its framework is loaded at the first one."""
        if self._admin is None:
            async with self._admin_lock:  # a second one would not know the sessions of the first
                self._admin = self._admin or await asyncio.to_thread(create, self._admin_deps())
        await self._admin(scope, receive, send)

    def _admin_deps(self) -> AdminDeps:
        return AdminDeps(
            world=lambda: self.configuration.world,
            management=lambda: self.management,
            reload=self.reload,
            refresh_models=self.refresh_models,
            catalog=self.catalog,
            config=self.config,
            token=self.token,
            handover=self.handover,
            log_health=self.writer.health,
            clock=self.clock,
            receipts=self.receipts,
            started=self.started,
            snapshot_age=lambda: self.configuration.age_seconds,
            test_account=self.test_account,
        )


def build(config: Config) -> Application:
    """Return the program for `config`; raises `ConfigError`, `StorageError`."""
    return Application(config)


def look_at_store(config: Config) -> StoreState:
    """Return the state the store is in, without making, upgrading or writing anything."""
    from flowrouter.storage.checkup import look_at

    return look_at(config.data_dir, master_key=config.master_key)


def guard_for(config: Config) -> Guard:
    """Return the guard: what is configured, and the address we were told to listen on."""
    hosts = {host.lower() for host in config.server.allowed_hosts}
    if config.server.host not in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        own = config.server.host.lower()
        hosts.add(f"[{own}]" if ":" in own else own)
    return Guard(
        hosts=frozenset(hosts), origins=frozenset(origin.lower() for origin in config.server.allowed_origins)
    )


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


__all__ = ["Application", "build", "guard_for", "local_token", "look_at_store"]
