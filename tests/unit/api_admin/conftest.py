"""The management API on a real store; what runs around it is small and told by the test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from flowrouter import logs
from flowrouter.accounts.account import Account
from flowrouter.accounts.declared import declared
from flowrouter.api.admin import AccountTest, AdminDeps, Handover, create
from flowrouter.api.admin.deps import AccountTestStep, Hear, StoreAbout
from flowrouter.api.admin.login import passwords
from flowrouter.api.trying import Asked
from flowrouter.app.backups import shelf_of
from flowrouter.config import AccountConfig, Config, Models
from flowrouter.errors import FlowRouterError, UpstreamError
from flowrouter.gateway.admission import Admission
from flowrouter.gateway.affinity import Pins
from flowrouter.gateway.compaction import Compaction
from flowrouter.gateway.configuration import Configuration
from flowrouter.gateway.health import Health
from flowrouter.gateway.pause_book import marker
from flowrouter.gateway.planner import Planner
from flowrouter.gateway.privacy import Privacy
from flowrouter.gateway.quota_fetch import QuotaFetch
from flowrouter.gateway.quota_states import QuotaStates
from flowrouter.gateway.quotas import Quotas
from flowrouter.gateway.signals import Sources
from flowrouter.gateway.target_states import TargetState
from flowrouter.gateway.world import World
from flowrouter.httpkit import replies
from flowrouter.httpkit.bodies import Receive, read_body
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.httpkit.replies import Send
from flowrouter.providers.catalog import packaged
from flowrouter.providers.listing import ListedModel
from flowrouter.storage import (
    MemoryStateStore,
    RequestWriter,
    Store,
    StoredConfigSource,
    StoredReceipts,
    open_store,
)
from flowrouter.storage.management import Management
from flowrouter.tasks import TaskGroup
from tests.contracts.fakes import FakeClock

TOKEN = "0123456789abcdef" * 4
CANARY = "sk-canary-5e0b7c61d2f94a8390"
HEADER_CANARY = "canary-header-71f2a0c4"
FILE_CANARY = "sk-canary-of-the-file-88c1"
BEARER = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture(autouse=True)
def light_passwords(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a password cost a millisecond; what it costs in earnest has a test of its own."""
    if "real_passwords" not in request.fixturenames:
        light = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        monkeypatch.setattr(passwords, "_hasher", lambda: light)


@pytest.fixture
def real_passwords() -> None:
    """Leave the hashing of passwords as it comes."""


class Unreachable:
    """A network without anybody in it."""

    async def send(self, request: Any) -> Any:
        raise UpstreamError(f"nobody at {request.url}", kind="connect")

    async def close(self) -> None:
        pass


async def _as_it_is(account: Account) -> Account:
    return account


class Gateway:
    """A store, the configuration made from it, and counters of what the API asked for."""

    def __init__(self, store: Store, config: Config, clock: FakeClock) -> None:
        self.store, self.config, self.clock = store, config, clock
        self.management = Management(store, clock=clock)
        self.source = StoredConfigSource(store.place, store.vault, clock=clock)
        self.configuration = Configuration(
            self.source,
            declared=tuple(declared(account) for account in config.accounts),
            catalog=packaged(),
            clock=clock,
            log=logs.get("test"),
            config=config,
        )
        self.writer = RequestWriter(store.place, store.data, clock=clock)
        self.listing: Sequence[ListedModel] | FlowRouterError = (ListedModel(id="m-1"), ListedModel(id="m-2"))
        self.finding: AccountTest | FlowRouterError = AccountTest(ok=True, model="m-1", took_ms=5)
        self.reload_error: FlowRouterError | None = None
        self.asked: list[str] = []
        self.conversations: list[tuple[Asked, bytes]] = []
        self.conversing = 200
        self.listed: dict[str, tuple[ListedModel, ...]] = {}
        state, tasks = MemoryStateStore(clock), TaskGroup(lambda _name, _error: None)
        self.health, self.admission = Health(clock), Admission(state, tasks=tasks)
        self.planner = Planner(
            state,
            Pins(state, clock=clock, tasks=tasks),
            sources=Sources(health=self.health, admission=self.admission),
            privacy=Privacy(Compaction(store.vault)),
            clock=clock,
        )
        self.targets: list[TargetState] = []
        self.network: Any = Unreachable()
        self.deps = AdminDeps(
            world=lambda: self.configuration.world,
            management=lambda: self.management,
            reload=self.reload,
            refresh_models=self.refresh,
            test_account=self.test,
            catalog=packaged(),
            config=config,
            token=TOKEN,
            handover=Handover(clock),
            log_health=self.writer.health,
            clock=clock,
            receipts=StoredReceipts(store.place, self.writer),
            started=clock.monotonic(),
            snapshot_age=lambda: 0.0,
            planner=self.planner,
            targets=lambda: self.targets,
            resume=self.resume,
            state=state,
            secret=store.vault.subkey("browsers"),
            transport=self.network,
            quotas=self._quota_states(),
            backups=shelf_of(config, clock=clock),
            store_about=lambda: StoreAbout(kind="sqlite", bytes=1),
            ending=lambda: True,  # a live stream is looked at once, and ends
            converse=self.converse,
        )

    def _quota_states(self) -> QuotaStates:
        def world() -> World:
            return self.configuration.world

        clock = self.clock
        self.quotas = Quotas(world=world, mark=marker(b"test"), clock=clock)
        fetch = QuotaFetch(
            self.quotas, self.network, world=world, ready=_as_it_is, clock=clock, log=logs.get("test")
        )
        return QuotaStates(self.quotas, fetch, clock=clock)

    async def reload(self) -> None:
        if self.reload_error is not None:
            raise self.reload_error
        await self.configuration.reload()

    async def refresh(self, account_id: str) -> Sequence[ListedModel]:
        self.asked.append(account_id)
        if isinstance(self.listing, FlowRouterError):
            raise self.listing
        self.listed[account_id] = tuple(self.listing)
        self.configuration.use_lists(self.listed)
        return self.listing

    async def converse(self, asked: Asked, receive: Receive, send: Send) -> str:
        self.conversations.append((asked, await read_body(receive, asked.headers, limit=10_000_000)))
        extra = [(b"x-request-id", b"req_of_the_exchange")]
        await replies.send_json(send, self.conversing, b'{"said": "hello"}', extra=extra)
        return "req_of_the_exchange"

    async def resume(self, account_id: str) -> int:
        self.asked.append(account_id)
        return 2

    async def test(self, account_id: str, hear: Hear | None = None) -> AccountTest:
        self.asked.append(account_id)
        if hear is not None:
            for at_ms, text in ((0, "sent"), (5, f"the host said {CANARY}")):
                await hear(AccountTestStep(at_ms=at_ms, name="answer", text=text, ok=True))
        if isinstance(self.finding, FlowRouterError):
            raise self.finding
        return self.finding

    def client(self, headers: dict[str, str] | None = None, **changes: Any) -> TestClient:
        """Return a client without cookies of its own; `changes` are other dependencies."""
        application = create(replace(self.deps, **changes))
        return TestClient(
            application, base_url="http://127.0.0.1:2402", headers=headers or {}, follow_redirects=False
        )

    def admin_key(
        self, owner_id: str = LOCAL_OWNER, *, scopes: tuple[str, ...] = ("admin",)
    ) -> dict[str, str]:
        """Return the header of a new gateway key."""
        _, minted = self.management.keys.create(f"key of {owner_id}", owner_id=owner_id, scopes=scopes)
        self.configuration.snapshot = self.source.load()
        self.configuration.use_lists(self.listed)
        return {"authorization": f"Bearer {minted.token}"}

    def close(self) -> None:
        self.writer.drain(30.0)
        self.source.close()
        self.management.close()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep the log out of the test report."""
    logs.configure("error")
    yield
    logs.configure()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return configured(tmp_path)


def configured(folder: Path) -> Config:
    return Config(
        file=str(folder / "config.toml"),
        data=str(folder),
        accounts=(AccountConfig(name="filed", preset="groq", api_key=FILE_CANARY, models=("llama-x",)),),
        models=Models(aliases={"fast": "llama-x"}),
    )


@pytest.fixture
def gateway(tmp_path: Path, config: Config, clock: FakeClock) -> Iterator[Gateway]:
    gateway = Gateway(open_store(tmp_path, master_key=None, clock=clock), config, clock)
    gateway.writer.start()
    yield gateway
    gateway.close()


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a gateway of its own, for calls that are all refused: they change nothing, and share it."""
    folder, clock = tmp_path_factory.mktemp("closed"), FakeClock()
    gateway = Gateway(open_store(folder, master_key=None, clock=clock), configured(folder), clock)
    gateway.writer.start()
    with gateway.client() as client:
        yield client
    gateway.close()


@pytest.fixture
def api(gateway: Gateway) -> Iterator[TestClient]:
    with gateway.client(BEARER) as client:
        yield client


@pytest.fixture
def account(api: TestClient) -> dict[str, Any]:
    """An account with secrets."""
    body = {
        "name": "main",
        "preset": "openai",
        "api_key": CANARY,
        "headers": {"x-team": HEADER_CANARY},
        "models": ["gpt-x"],
    }
    made = api.post("/api/accounts", json=body)
    assert made.status_code == 201, made.text
    return made.json()["data"]


__all__ = ["BEARER", "CANARY", "FILE_CANARY", "HEADER_CANARY", "TOKEN", "Gateway"]
