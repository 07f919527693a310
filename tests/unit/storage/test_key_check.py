"""The key is proven against everything that is sealed, on either engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flowrouter.accounts.vault import KEY_FILE
from flowrouter.errors import ConfigError
from flowrouter.storage import Store, open_store
from flowrouter.storage.database import Database, engine_of
from flowrouter.storage.key_check import SEALED, check_key
from flowrouter.storage.rekey import Rekeying, sealed_columns
from tests.contracts.fakes import FakeClock
from tests.support.full_store import fill
from tests.support.stores import ENGINES, store_on

OTHER = "cd" * 32


@pytest.fixture(params=ENGINES)
def full(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Lend a store with rows in every table."""
    with store_on(request.param, request, tmp_path, clock=FakeClock()) as store:
        engine = engine_of(store.place)
        with engine.begin() as connection:
            fill(connection, store.vault)
        engine.dispose()
        yield store


def test_it_knows_every_column_that_holds_sealed_values() -> None:
    assert sorted(SEALED) == sorted((table.name, column.name) for table, column in sealed_columns())


def test_every_sealed_value_is_counted(full: Store) -> None:
    database = Database(full.place)
    standing = Rekeying(database, full.vault, data=full.data, from_variable=False).standing()
    database.close()
    sealed = sum(standing.sealed.values())
    with full.place.opened() as connection:
        connection.execute("DELETE FROM meta WHERE key = 'key_check'")
        with pytest.raises(ConfigError, match=f"sealed the {sealed} values"):
            check_key(connection, full.data, master_key=OTHER, shared=full.place.shared)


def test_a_lost_key_of_recordings_alone_is_never_replaced(store: Store, clock: FakeClock) -> None:
    sealed = store.vault.seal(b"body", table="recordings", row="req_1", field="body")
    with store.place.writing() as connection:
        connection.execute("INSERT INTO recordings VALUES ('req_1', 'local', 1, 2, 4, ?)", (sealed,))
    (store.data / KEY_FILE).unlink()
    with pytest.raises(ConfigError, match="1 values"):
        open_store(store.data, master_key=None, clock=clock)
    assert not (store.data / KEY_FILE).exists()
