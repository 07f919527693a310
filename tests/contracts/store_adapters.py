"""The contracts of everything that is kept in the store; subclass each and bring `store` and `clock`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flowrouter.storage import (
    RequestWriter,
    Store,
    StoredConfigSource,
    StoredModelLists,
    StoredReceipts,
    StoredSealedBlobs,
)
from flowrouter.storage.accounts import StoredAccounts
from flowrouter.storage.audit import StoredAudit
from flowrouter.storage.keys import StoredKeys
from flowrouter.storage.login_sessions import StoredSessions
from flowrouter.storage.management import Management
from flowrouter.storage.requests import StoredRequests
from flowrouter.storage.settings import SettingsStore
from flowrouter.storage.traffic import StoredTraffic
from flowrouter.storage.users import StoredUsers
from tests.contracts.configuration import ConfigurationContract
from tests.contracts.fakes import FakeClock
from tests.contracts.ownership import OwnershipContract
from tests.contracts.people import PeopleContract
from tests.contracts.request_log import RequestLogContract
from tests.contracts.sealed_blobs import SealedBlobsContract
from tests.contracts.traffic import TrafficContract


class OfStore:
    """What the classes below stand on."""

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def management(self, store: Store, clock: FakeClock) -> Iterator[Management]:
        management = Management(store, clock=clock)
        yield management
        management.close()


class BlobsOfStore(OfStore, SealedBlobsContract):
    """Sealed values."""

    @pytest.fixture
    def blobs(self, store: Store, clock: FakeClock) -> StoredSealedBlobs:
        return StoredSealedBlobs(store.place, store.vault, clock=clock)


class LogOfStore(OfStore, RequestLogContract):
    """The request log."""

    @pytest.fixture
    def log(self, store: Store, clock: FakeClock) -> Iterator[RequestWriter]:
        writer = RequestWriter(store.place, store.data, clock=clock)
        writer.start()
        yield writer
        writer.drain(30.0)

    @pytest.fixture
    def receipts(self, store: Store, log: RequestWriter) -> StoredReceipts:
        return StoredReceipts(store.place, log)

    @pytest.fixture
    def receipts_elsewhere(self, store: Store, clock: FakeClock) -> StoredReceipts:
        return StoredReceipts(store.place, RequestWriter(store.place, store.data, clock=clock, worker=1))

    @pytest.fixture
    def requests(self, management: Management) -> StoredRequests:
        return management.requests


class TrafficOfStore(OfStore, TrafficContract):
    """Charts over the request log."""

    @pytest.fixture
    def log(self, store: Store, clock: FakeClock) -> Iterator[RequestWriter]:
        writer = RequestWriter(store.place, store.data, clock=clock)
        writer.start()
        yield writer
        writer.drain(30.0)

    @pytest.fixture
    def traffic(self, management: Management) -> StoredTraffic:
        return management.traffic


class ConfigurationOfStore(OfStore, ConfigurationContract):
    """Accounts, keys, settings, model lists and the snapshot of them."""

    @pytest.fixture
    def source(self, store: Store, clock: FakeClock) -> Iterator[StoredConfigSource]:
        source = StoredConfigSource(store.place, store.vault, clock=clock)
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
    def model_lists(self, store: Store) -> StoredModelLists:
        return StoredModelLists(store.place)


class PeopleOfStore(OfStore, PeopleContract):
    """Users, their sessions, the audit log."""

    @pytest.fixture
    def users(self, management: Management) -> StoredUsers:
        return management.users

    @pytest.fixture
    def sessions(self, management: Management) -> StoredSessions:
        return management.sessions

    @pytest.fixture
    def audit(self, management: Management) -> StoredAudit:
        return management.audit


__all__ = ["BlobsOfStore", "ConfigurationOfStore", "LogOfStore", "OfStore", "PeopleOfStore", "TrafficOfStore"]


class OwnershipOfStore(OfStore, OwnershipContract):
    """Who owns what, and changes that are made together."""
