"""The adapters of a gateway on one machine: SQLite and process memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowrouter.storage import MemoryStateStore, Store, open_store
from tests.contracts.fakes import FakeClock
from tests.contracts.state_store import StateStoreContract, Wait
from tests.contracts.store_adapters import (
    BlobsOfStore,
    ConfigurationOfStore,
    LogOfStore,
    OwnershipOfStore,
    PeopleOfStore,
    TrafficOfStore,
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Store:
    return open_store(tmp_path, master_key=None, clock=clock)


class TestMemoryStateStore(StateStoreContract):
    @pytest.fixture
    def store(self, clock: FakeClock) -> MemoryStateStore:
        return MemoryStateStore(clock)

    @pytest.fixture
    def wait(self, clock: FakeClock) -> Wait:
        async def wait(seconds: float) -> None:
            clock.advance(seconds)

        return wait


class TestSqliteSealedBlobs(BlobsOfStore):
    pass


class TestSqliteRequestLog(LogOfStore):
    pass


class TestSqliteTraffic(TrafficOfStore):
    pass


class TestSqliteConfiguration(ConfigurationOfStore):
    pass


class TestSqlitePeople(PeopleOfStore):
    pass


class TestSqliteOwnership(OwnershipOfStore):
    pass
