"""A store on PostgreSQL: made once, upgraded whole, told apart from others', and lost and found again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from flowrouter.accounts.vault import KEY_FILE
from flowrouter.clock import SystemClock
from flowrouter.errors import ConfigError, StorageError
from flowrouter.gateway.ports import AccountDraft
from flowrouter.storage import (
    RequestWriter,
    Retention,
    Store,
    StoredConfigSource,
    StoredSealedBlobs,
    machine_name,
    open_store,
)
from flowrouter.storage import place as place_module
from flowrouter.storage.database import Database, engine_of
from flowrouter.storage.management import Management
from flowrouter.storage.migrating import migrate
from flowrouter.storage.place import place_of
from flowrouter.storage.postgres import PostgresPlace
from flowrouter.storage.postgres_schema import prepare
from flowrouter.storage.postgres_session import translated
from flowrouter.storage.rekey import Rekeying
from flowrouter.storage.schema import SCHEMA_VERSION
from flowrouter.storage.tables import metadata
from tests.contracts.fakes import FakeClock, attempt_row, request_row, wait_until
from tests.support.postgres_server import IN_URL, PASSWORD, PostgresServer
from tests.support.stores import store_on

OLD, NEW = "ab" * 32, "cd" * 32


@pytest.fixture
def url(postgres_server: PostgresServer) -> Iterator[str]:
    url = postgres_server.fresh()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    with store_on("postgresql", request, tmp_path, clock=clock) as store:
        yield store


def opened(url: str, data: Path, *, master_key: str | None = None) -> Store:
    data.mkdir(exist_ok=True)
    store = open_store(data, master_key=master_key, clock=SystemClock(), url=url)
    store.place.close()
    return store


def logged(store: Store) -> list[str]:
    with store.place.opened() as connection:
        return [row["id"] for row in connection.execute("SELECT id FROM requests ORDER BY id")]


def test_ten_that_start_at_once_make_one_schema(url: str, tmp_path: Path) -> None:
    with ThreadPoolExecutor(10) as threads:
        made = list(threads.map(lambda _: opened(url, tmp_path), range(10)))
    assert len({store.vault.key_id for store in made}) == 1


def test_tables_are_what_the_migrations_make_and_text_is_sorted_by_bytes(url: str, tmp_path: Path) -> None:
    store = opened(url, tmp_path)
    engine = engine_of(store.place)
    with engine.connect() as connection:
        assert not compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    with store.place.opened() as connection:
        others = connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'"
        ).fetchall()
    assert not others
    management = Management(store, clock=SystemClock())
    for name in ("b", "B", "a", "C"):
        management.accounts.create(AccountDraft(name=name, preset="openai"), owner_id="local")
    assert [account.name for account in management.accounts.list()] == ["B", "C", "a", "b"]
    management.close()


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION), ids=str)
def test_every_older_schema_is_upgraded(url: str, tmp_path: Path, version: int) -> None:
    place = PostgresPlace(url)
    engine = engine_of(place)
    with engine.begin() as connection:
        migrate(connection, to=version)
        connection.exec_driver_sql("UPDATE meta SET value = '41' WHERE key = 'config_version'")
    engine.dispose()
    asked: list[int] = []
    prepare(place, back_up=asked.append)
    assert asked == [version]
    store = opened(url, tmp_path)
    source = StoredConfigSource(store.place, store.vault, clock=SystemClock())
    assert source.load().version == 41
    source.close()
    place.close()


def test_an_upgrade_that_fails_changes_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = PostgresPlace(url)
    engine = engine_of(place)
    with engine.begin() as connection:
        migrate(connection, to=SCHEMA_VERSION - 1)

    def broken(connection: object) -> None:
        migrate(connection)  # type: ignore[arg-type]
        connection.exec_driver_sql("SELECT 1 FROM no_such_table")  # type: ignore[attr-defined]

    monkeypatch.setattr("flowrouter.storage.migrating.migrate", broken)
    with pytest.raises(StorageError, match="upgrading failed, nothing was changed"):
        prepare(place, back_up=lambda version: None)
    with place.opened() as connection:
        (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    assert int(found) == SCHEMA_VERSION - 1
    engine.dispose()
    place.close()


def test_a_newer_schema_and_other_peoples_tables_are_left_alone(
    postgres_server: PostgresServer, url: str, tmp_path: Path
) -> None:
    database = url.rpartition("/")[2]
    postgres_server.run("CREATE TABLE users (name text)", database=database)
    with pytest.raises(StorageError, match="holds tables, but not Flow Router's"):
        opened(url, tmp_path)
    postgres_server.run("CREATE SCHEMA own", database=database)
    assert opened(f"{url}?options=-csearch_path%3Down", tmp_path).vault
    postgres_server.run("UPDATE own.alembic_version SET version_num = '9999'", database=database)
    with pytest.raises(StorageError, match="newer Flow Router"):
        opened(f"{url}?options=-csearch_path%3Down", tmp_path)


def test_a_database_that_cannot_hold_every_character_is_refused(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    postgres_server.run("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    with pytest.raises(StorageError, match="ENCODING 'UTF8'"):
        opened(postgres_server.url("latin"), tmp_path)


def test_what_is_wrong_with_an_address_is_told_without_its_password(
    postgres_server: PostgresServer, url: str, tmp_path: Path
) -> None:
    wrong = [
        (url.replace(IN_URL, "pass/word"), ConfigError, "no address of a PostgreSQL database"),
        (url.replace(IN_URL, "pass-word"), StorageError, "password authentication failed"),
        (url.replace(IN_URL, "pass-word").replace(str(postgres_server.port), "1"), StorageError, "cannot be reached"),
        (postgres_server.url("nowhere"), StorageError, "does not exist"),
    ]  # fmt: skip
    for address, kind, says in wrong:
        with pytest.raises(kind, match=says) as caught:
            opened(address, tmp_path)
        assert all(part not in str(caught.value) for part in ("pass/", "pass-", IN_URL, PASSWORD))
    assert PASSWORD not in repr(PostgresPlace(url))


def test_without_the_client_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place_module, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"flow-router\[cluster\]"):
        place_of(tmp_path, url="postgresql://u@h/d")


def test_all_machines_need_one_key(url: str, tmp_path: Path) -> None:
    first = opened(url, tmp_path / "one")
    assert first.vault
    with pytest.raises(ConfigError, match="which this machine does not have") as caught:
        opened(url, tmp_path / "two")
    assert caught.value.fix is not None
    assert "FLOW_ROUTER_MASTER_KEY" in caught.value.fix
    assert not (tmp_path / "two" / KEY_FILE).exists(), "no key is made that would seal for nobody else"
    with pytest.raises(ConfigError, match="is not the one that this store is sealed with"):
        opened(url, tmp_path / "two", master_key=OLD)
    shared = (tmp_path / "one" / KEY_FILE).read_text().strip()
    assert opened(url, tmp_path / "two", master_key=shared).vault.key_id == first.vault.key_id


def test_machines_have_names_of_their_own(url: str, tmp_path: Path) -> None:
    one = opened(url, tmp_path / "one", master_key=OLD)
    again = opened(url, tmp_path / "one", master_key=OLD)
    two = opened(url, tmp_path / "two", master_key=OLD)
    assert machine_name(one) == machine_name(again) != machine_name(two)


async def test_keys_of_the_variable_are_changed(url: str, tmp_path: Path) -> None:
    store = opened(url, tmp_path, master_key=OLD)
    blobs = StoredSealedBlobs(store.place, store.vault, clock=SystemClock())
    for number in range(250):
        await blobs.put("o/wn", "kind", f"id {number}", value=b"canary %d" % number)
    both = opened(url, tmp_path, master_key=f"{NEW},{OLD}")
    database = Database(both.place)
    changing = Rekeying(database, both.vault, data=tmp_path, from_variable=True)
    assert changing.rotate().resealed == 250
    assert list(changing.standing().sealed.values()) == [250]
    database.close()
    store = opened(url, tmp_path, master_key=NEW)
    blobs = StoredSealedBlobs(store.place, store.vault, clock=SystemClock())
    assert await blobs.get("o/wn", "kind", "id 249") == b"canary 249"
    with pytest.raises(ConfigError, match="is not the one"):
        opened(url, tmp_path, master_key=OLD)


def test_writers_of_several_machines_do_not_meet(store: Store, tmp_path: Path, clock: FakeClock) -> None:
    """The same rows, in other orders, at once: each is entered once and the sums are right."""
    writers = []
    for number in range(4):
        folder = tmp_path / str(number)
        folder.mkdir()
        writer = RequestWriter(store.place, folder, clock=SystemClock())
        rows = [request_row(each, key_id=f"k{each % 7}", model=f"m{each % 5}") for each in range(600)]
        for row in rows if number % 2 else reversed(rows):
            writer.record(row)
        writers.append(writer)
    for writer in writers:
        writer.start()
    wait_until(lambda: all(not writer.health().queued and not writer.health().spilled for writer in writers))
    assert all(writer.drain(30.0) for writer in writers)
    management = Management(store, clock=clock)
    found = management.ledger.verify(now_ms=0)
    management.close()
    assert (found.faults, found.exchanges) == (0, 600), found.findings


def test_rows_it_cannot_hold_as_they_are(store: Store) -> None:
    writer = RequestWriter(store.place, store.data, clock=SystemClock())
    writer.record(request_row(1, error_text="nul \0 and \ud800"))
    writer.record(request_row(2, input_tokens=2**70))
    writer.record(request_row(3))
    named = "asked \0 and \ud800"  # an address may name a model so
    writer.record(request_row(4, model=named, attempts=(attempt_row(model=named),)))
    writer.start()
    wait_until(lambda: len(logged(store)) == 3)
    assert writer.drain(30.0)
    assert writer.health().rejected == 1
    with store.place.opened() as connection:
        (text,) = connection.execute(
            "SELECT error_text FROM requests WHERE id = ?", ("req_00000001",)
        ).fetchone()
    assert text == "nul \ufffd and ?"


def test_old_rows_leave(store: Store, clock: FakeClock) -> None:
    fill = RequestWriter(store.place, store.data, clock=clock)
    for number in range(20):
        fill.record(request_row(number))
    fill.start()
    assert fill.drain(30.0)
    prune = RequestWriter(store.place, store.data, clock=clock, retention=Retention(request_rows=3))
    prune._prune_at = 0.0
    while prune._prune():
        pass
    prune._disconnect()
    assert len(logged(store)) == 3


def test_a_restart_is_noticed_before_a_connection_is_lent() -> None:
    with PostgresServer() as server:
        place = PostgresPlace(server.fresh())
        with place.opened() as connection:
            connection.execute("SELECT 1")
        server.stop()
        with pytest.raises(StorageError, match="cannot be reached"), place.opened():
            pass
        server.start()
        with place.opened() as connection:
            assert connection.execute("SELECT 1").fetchone()[0] == 1
        server.stop()
        server.start()
        with place.opened() as connection:
            assert connection.execute("SELECT 2").fetchone()[0] == 2
        place.close()


def test_a_server_that_says_nothing_is_not_waited_for(
    postgres_server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowrouter.storage.postgres.ANSWER_SECONDS", 1.0)
    place = PostgresPlace(url)
    began = time.monotonic()
    connection = place.connect()
    (pid,) = connection.execute("SELECT pg_backend_pid()").fetchone()
    silent = psutil.Process(pid)
    silent.suspend()
    with pytest.raises(psycopg.OperationalError) as caught:
        connection.execute("SELECT 1")
    silent.resume()
    assert "cannot be reached" in place.explain(caught.value)
    connection.close()
    assert time.monotonic() - began < 30
    with place.opened() as connection:
        assert connection.execute("SELECT 1").fetchone()[0] == 1
    place.close()


def test_what_is_held_is_waited_for_and_let_go_with_the_transaction(store: Store) -> None:
    place, order = store.place, []
    taken, finish = threading.Event(), threading.Event()

    def first() -> None:
        with place.writing() as connection:
            place.hold(connection, "x")
            taken.set()
            finish.wait(30)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    assert taken.wait(30)
    with place.writing() as connection:
        place.hold(connection, "another name")
        finish.set()
        place.hold(connection, "x")
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_signs_of_values_and_of_remainders() -> None:
    assert translated("SELECT a % 7 FROM t WHERE b = ?") == "SELECT a %% 7 FROM t WHERE b = %s"
