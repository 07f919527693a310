"""The adapters of a gateway whose store is PostgreSQL: the same contracts, a database for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flowrouter.storage import Store
from tests.contracts.fakes import FakeClock
from tests.contracts.store_adapters import (
    BlobsOfStore,
    ConfigurationOfStore,
    LogOfStore,
    OwnershipOfStore,
    PeopleOfStore,
    TrafficOfStore,
)
from tests.support.stores import store_on


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    with store_on("postgresql", request, tmp_path, clock=clock) as store:
        yield store


class TestPostgresSealedBlobs(BlobsOfStore):
    pass


class TestPostgresRequestLog(LogOfStore):
    pass


class TestPostgresTraffic(TrafficOfStore):
    pass


class TestPostgresConfiguration(ConfigurationOfStore):
    pass


class TestPostgresPeople(PeopleOfStore):
    pass


class TestPostgresOwnership(OwnershipOfStore):
    pass
