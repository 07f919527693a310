"""The adapters of a gateway on one machine: SQLite and process memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flowrouter.storage import (
    MemoryStateStore,
    RequestWriter,
    SqliteConfigSource,
    SqliteModelLists,
    SqliteReceipts,
    SqliteSealedBlobs,
    Store,
    open_store,
)
from flowrouter.storage.accounts import StoredAccounts
from flowrouter.storage.audit import StoredAudit
from flowrouter.storage.keys import StoredKeys
from flowrouter.storage.login_sessions import StoredSessions
from flowrouter.storage.management import Management
from flowrouter.storage.requests import StoredRequests
from flowrouter.storage.settings import SettingsStore
from flowrouter.storage.users import StoredUsers
from tests.contracts.configuration import ConfigurationContract
from tests.contracts.fakes import FakeClock
from tests.contracts.people import PeopleContract
from tests.contracts.request_log import RequestLogContract
from tests.contracts.sealed_blobs import SealedBlobsContract
from tests.contracts.state_store import StateStoreContract, Wait


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Store:
    return open_store(tmp_path, master_key=None, clock=clock)


@pytest.fixture
def management(store: Store, clock: FakeClock) -> Iterator[Management]:
    management = Management(store, clock=clock)
    yield management
    management.close()


class TestMemoryStateStore(StateStoreContract):
    @pytest.fixture
    def store(self, clock: FakeClock) -> MemoryStateStore:
        return MemoryStateStore(clock)

    @pytest.fixture
    def wait(self, clock: FakeClock) -> Wait:
        async def wait(seconds: float) -> None:
            clock.advance(seconds)

        return wait


class TestSqliteSealedBlobs(SealedBlobsContract):
    @pytest.fixture
    def blobs(self, store: Store, clock: FakeClock) -> SqliteSealedBlobs:
        return SqliteSealedBlobs(store.path, store.vault, clock=clock)


class TestSqliteRequestLog(RequestLogContract):
    @pytest.fixture
    def log(self, store: Store, clock: FakeClock) -> Iterator[RequestWriter]:
        writer = RequestWriter(store.path, clock=clock)
        writer.start()
        yield writer
        writer.drain(30.0)

    @pytest.fixture
    def receipts(self, store: Store, log: RequestWriter) -> SqliteReceipts:
        return SqliteReceipts(store.path, log)

    @pytest.fixture
    def requests(self, management: Management) -> StoredRequests:
        return management.requests


class TestSqliteConfiguration(ConfigurationContract):
    @pytest.fixture
    def source(self, store: Store, clock: FakeClock) -> Iterator[SqliteConfigSource]:
        source = SqliteConfigSource(store.path, store.vault, clock=clock)
        yield source
        source.close()

    @pytest.fixture
    def accounts(self, management: Management) -> StoredAccounts:
        return management.accounts

    @pytest.fixture
    def keys(self, management: Management) -> StoredKeys:
        return management.keys

    @pytest.fixture
    def settings(self, management: Management) -> SettingsStore:
        return management.settings

    @pytest.fixture
    def model_lists(self, store: Store) -> SqliteModelLists:
        return SqliteModelLists(store.path)


class TestSqlitePeople(PeopleContract):
    @pytest.fixture
    def users(self, management: Management) -> StoredUsers:
        return management.users

    @pytest.fixture
    def sessions(self, management: Management) -> StoredSessions:
        return management.sessions

    @pytest.fixture
    def audit(self, management: Management) -> StoredAudit:
        return management.audit
