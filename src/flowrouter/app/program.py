"""The whole program as one ASGI callable, and what is done with it besides serving."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from flowrouter import dialects, logs
from flowrouter.api.admin import AdminDeps, ASGIApp, Handover, create
from flowrouter.api.admin.deps import StoreAbout, StoreKind
from flowrouter.api.compact import Compactor
from flowrouter.api.llm import DataPlane, Parts
from flowrouter.api.responses import ResponseRoutes
from flowrouter.api.trying import Asked, call_for
from flowrouter.app.account_tests import AccountTests
from flowrouter.app.backups import Schedule
from flowrouter.app.engine import Engine
from flowrouter.app.heap import Heap
from flowrouter.app.quotas import keeping
from flowrouter.config import Config
from flowrouter.errors import ConfigError, StorageError
from flowrouter.gateway.compaction import Compaction
from flowrouter.gateway.counting import Counter
from flowrouter.gateway.stored_responses import StoredResponses
from flowrouter.gateway.vendor_responses import VendorResponses
from flowrouter.httpkit.bodies import Receive
from flowrouter.httpkit.guard import Guard
from flowrouter.httpkit.memory import MemoryGate, share_of_memory
from flowrouter.httpkit.replies import Send
from flowrouter.httpkit.visit import AsgiVisit, Visit
from flowrouter.providers.listing import ListedModel
from flowrouter.providers.profiles import packaged_rows
from flowrouter.storage import StoredSealedBlobs
from flowrouter.usage import packaged

if TYPE_CHECKING:
    from flowrouter.storage.checkup import StoreState
    from flowrouter.storage.management import Management
    from flowrouter.storage.rekey import Rekeying

MAX_STALE = 600.0
"""Seconds for which one of several workers goes on by a configuration that it cannot read again."""

_LIST_SECONDS = 60.0
_RECORDINGS_SECONDS = 5.0


class Application(Engine):
    """The whole program as one ASGI callable; `lifespan` starts and ends what runs beside requests.

    Of several workers the first (`worker` 0) does what needs doing once: pruning, asking for model lists.
    """

    def __init__(self, config: Config, *, worker: int = 0) -> None:
        super().__init__(config, worker=worker)
        self.quota_keeping = keeping(self, self.quotas, books=lambda: self.management.account_usage)
        self.handover = Handover(self.clock, state=self.state, tasks=self.tasks)
        self.schedule = Schedule(config, self.backups, state=self.state, clock=self.clock)
        self.started = self.clock.monotonic()
        self._management: Management | None = None
        self._management_lock = threading.Lock()
        self._admin: ASGIApp | None = None
        self._admin_lock = asyncio.Lock()
        self._serving = AsyncExitStack()
        self._memory = MemoryGate(share_of_memory(config.server.memory_share / config.server.workers))
        self._heap = Heap(lambda: self._memory.held > 0)
        self._data_plane = self._build_data_plane()
        # What features answer, by path; whoever does so says who may ask.
        self.pages: dict[str, ASGIApp] = {}
        # What a feature keeps for itself between its hooks, by the feature's name.
        self.features: dict[str, Any] = {}
        for setup in self.hooks.setups:
            setup(self)
        logs.hide(self.token, config.admin.oidc.client_secret or None, *(config.master_key or "").split(","))

    @property
    def has_keys(self) -> bool:
        """Return whether a gateway key exists."""
        return len(self.configuration.world.ring) > 0

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "http":
            await self._data_plane.serve(AsgiVisit(scope, receive, send, tasks=self.tasks))
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    @property
    def serve(self) -> Callable[[Visit], Awaitable[None]]:
        """Return what answers the requests that the gateway's own server takes."""
        return self._data_plane.serve

    async def start(self) -> None:
        """Begin what runs beside requests; the gateway may answer before all of it is up."""
        try:
            await self.state.open()
        except StorageError as error:
            raise ConfigError(error.message) from error
        self._heap.share()
        self.writer.start()
        for stored in self.configuration.snapshot.model_lists:
            self.lister.know(stored.account_id, stored.fetched_at_ms / 1000)
        for lifespan in self.hooks.lifespans:
            await self._serving.enter_async_context(lifespan(self))
        await self.cooldowns.load()
        await self.quota_keeping.load()
        self.tasks.start("configuration", self.configuration.follow())
        if self.reloading is not None:
            self.tasks.start("configuration file", self.reloading.follow())
        self.tasks.start("cooldowns", self.cooldowns.follow())
        self.tasks.start("quotas", self.quota_keeping.follow())
        if self.worker == 0:
            self.tasks.start("quotas", self.quota_fetch.follow(self.config.quotas.refresh_minutes))
            self.tasks.start("backups", self.schedule.follow())
        self.tasks.start("probes", self.probes.follow())
        self.tasks.start("memory", self._heap.follow())
        self.tasks.start("credentials", self.credentials.keep(self._accounts))
        self.tasks.start("model lists", self._keep_lists())

    async def stop(self) -> None:
        """End in order: features, chores, connections, and last, whatever the others did, the books."""
        try:
            await self._serving.aclose()
            await self.admission.close()
            await self.limits.close()
            self.books.enter()
            await self.budgets.purses.close()
            await self.tasks.close()
            self.beside.close()
            await self.quota_keeping.close()
            for network in (self.transport, self.inside, self.outside):
                await network.close()
            await self.state.close()
        finally:
            self.books.enter()
            drained = await asyncio.to_thread(self.writer.drain, self.config.timeouts.drain)
            if not await asyncio.to_thread(self.recordings.drain, _RECORDINGS_SECONDS):
                self.log.warning("not every recording was written")
            if not drained:
                self.log.warning("not every request row was written; the rest waits in the journal")
            self.close_store()

    def close_store(self) -> None:
        """Close what the configuration and the repositories hold open."""
        self._source.close()
        self.store.place.close()
        if self._management is not None:
            self._management.close()

    @property
    def management(self) -> Management:
        """Return the repositories behind `/api` and the CLI; the first call loads the ORM."""
        with self._management_lock:
            if self._management is None:
                from flowrouter.storage.management import Management

                self._management = Management(
                    self.store, clock=self.clock, audit_days=self.config.admin.audit_days
                )
            return self._management

    def _config_facts(self) -> dict[str, Any]:
        """Return what anybody may know of the configuration file: its words are the operator's business."""
        state = self.reload_state()
        return {"ok": state.error is None, "restart_needed": bool(state.restart_needed)}

    async def reload(self) -> None:
        """Publish the configuration as it stands in the store now."""
        await self.configuration.reload()

    async def refresh_models(self, account_id: str) -> Sequence[ListedModel]:
        """Ask an account's provider for its models now; raises `UpstreamError`, `ConfigError`."""
        world = self.configuration.world
        account = await self.credentials.ready(world.accounts[account_id])
        models = await self.lister.renew(account, world.presets[account_id])
        if self._alone:
            self._use_lists()
        else:
            await self.reload()
        return models

    async def converse(self, asked: Asked, receive: Receive, send: Send) -> str:
        """Answer as the data plane would, for a caller whom the management API knows; return the request's id."""
        call = call_for(asked, receive, send, clock=self.clock, tasks=self.tasks)
        await self._data_plane.converse(call)
        return call.request_id

    def is_too_old(self) -> bool:
        """Return whether one of several workers or machines has gone on too long by keys it could not look up again."""
        return self._shared and self.configuration.age_seconds > MAX_STALE

    @property
    def _shared(self) -> bool:
        """Return whether others may change what this process knows."""
        return self.state.shared or self.store.place.shared

    def readiness(self) -> tuple[bool, dict[str, Any]]:
        """Return whether requests can be served, and the facts behind it."""
        health = self.writer.health()
        world = self.configuration.world
        usable = sum(1 for account in world.facts.accounts if account.enabled and not account.problem)
        return not self.is_too_old(), {
            "accounts": usable,
            "snapshot_age_s": round(self.configuration.age_seconds, 1),
            "config": self._config_facts(),
            "store": {"kept_in": "postgresql" if self.store.place.shared else "sqlite"},
            "state": {
                "kept_in": "redis" if self.state.shared else "memory",
                "away_s": _rounded(self.state.away_seconds),
            },
            "worker": {"index": self.worker, "of": self.config.server.workers},
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
        """Load what requests need ahead of the first one, then keep the model lists fresh."""
        await asyncio.sleep(0.2)
        await asyncio.to_thread(self.network.warm)
        await asyncio.to_thread(dialects.load)
        await asyncio.to_thread(packaged_rows)
        await asyncio.to_thread(packaged)
        while self.worker == 0:
            world = self.configuration.world
            pairs = [
                (account, world.presets[account.id])
                for account in world.accounts.values()
                if account.id in world.presets and (account.oauth is None or account.api_key)
            ]
            await self.lister.refresh(pairs, self._use_lists)
            # A new account has no list yet, so a change is looked at right away.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LIST_SECONDS):
                    await self.configuration.reloaded.wait()
            self.configuration.reloaded.clear()

    def _build_data_plane(self) -> DataPlane:
        config, clock = self.config, self.clock
        blobs = StoredSealedBlobs(self.store.place, self.store.vault, clock=clock)
        stored = StoredResponses(self.state, blobs, clock=clock, tasks=self.tasks)
        return DataPlane(
            Parts(
                world=self._world,
                pipeline=self._build_pipeline(blobs, stored),
                planner=self.planner,
                counter=Counter(self.transport, clock=clock, timeouts=config.timeouts),
                limits=self.limits,
                receipts=self.receipts,
                responses=ResponseRoutes(
                    stored, VendorResponses(self.transport, timeouts=config.timeouts), world=self._world
                ),
                compactor=Compactor(Compaction(self.store.vault), stored, world=self._world, clock=clock),
                guard=guard_for(config),
                memory=self._memory,
                tasks=self.tasks,
                clock=clock,
                timeouts=config.timeouts,
                body_limit=config.server.body_limit,
                readiness=self.readiness,
                too_old=self.is_too_old if self._shared else None,
                management=self._manage,
            )
        )

    async def _manage(self, scope: Any, receive: Any, send: Send) -> None:
        """Serve a feature's page or a management route, whose framework is loaded at the first one."""
        page = self.pages.get(scope["path"])
        if page is not None:
            await page(scope, receive, send)
            return
        if self._admin is None:
            async with self._admin_lock:  # a second one would not know the sessions of the first
                self._admin = self._admin or await asyncio.to_thread(create, self._admin_deps())
        await self._admin(scope, receive, send)

    def _store_about(self) -> StoreAbout:
        from flowrouter.storage.checkup import bytes_of

        place = self.store.place
        kind: StoreKind = "postgresql" if place.shared else "sqlite"
        return StoreAbout(kind=kind, bytes=bytes_of(place, self.store.data))

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
            test_account=AccountTests(self).run,
            planner=self.planner,
            targets=self.target_states.list,
            resume=self.cooldowns.resume,
            quotas=self.quota_states,
            state=self.state,
            secret=self.store.vault.subkey("browsers"),
            transport=self.network,
            holder=self.budgets.purses.holder,
            ending=lambda: self.ending,
            live=lambda: self.configuration.config,
            reloads=self.reload_state,
            backups=self.backups,
            converse=self.converse,
            features=tuple(sorted(self.features)),
            state_away=lambda: self.state.away_seconds,
            store_about=self._store_about,
            backup_trouble=lambda: self.schedule.trouble,
        )


def build(config: Config, *, worker: int = 0) -> Application:
    """Return the program for `config`, as one of its workers; raises `ConfigError`, `StorageError`."""
    return Application(config, worker=worker)


def look_at_store(config: Config) -> StoreState:
    """Return the state the store is in, without making, upgrading or writing anything."""
    from flowrouter.storage.checkup import look_at

    return look_at(config.data_dir, master_key=config.master_key, url=config.store.url)


def rekeying(application: Application) -> Rekeying:
    """Return what changes the sealing key of the program's store; loads the ORM."""
    from flowrouter.storage.database import Database
    from flowrouter.storage.rekey import Rekeying

    store, config = application.store, application.config
    return Rekeying(
        Database(store.place), store.vault, data=config.data_dir, from_variable=bool(config.master_key)
    )


def guard_for(config: Config) -> Guard:
    """Return the guard: what is configured, and the address we were told to listen on."""
    hosts = {host.lower() for host in config.server.allowed_hosts}
    if config.server.host not in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        own = config.server.host.lower()
        hosts.add(f"[{own}]" if ":" in own else own)
    return Guard(
        hosts=frozenset(hosts), origins=frozenset(origin.lower() for origin in config.server.allowed_origins)
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


__all__ = ["Application", "build", "guard_for", "look_at_store", "rekeying"]
