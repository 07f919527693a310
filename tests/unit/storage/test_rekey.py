"""Changing the sealing key: at no moment, crashes included, is there a value that no key at hand opens."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flowrouter.accounts.key_ring import OLD_KEY_FILE, key_files, old_keys
from flowrouter.accounts.vault import KEY_FILE, KEY_VARIABLE, Vault
from flowrouter.errors import ConfigError
from flowrouter.gateway.ports import AccountDraft
from flowrouter.settings.oauth import OAuthConfig
from flowrouter.storage import Store, StoredConfigSource, StoredSealedBlobs, open_store
from flowrouter.storage.database import Database
from flowrouter.storage.management import Management
from flowrouter.storage.rekey import BATCH, UNSEALED, Rekeying, row_name, sealed_columns
from tests.contracts.fakes import FakeClock

OLD, NEW = "ab" * 32, "cd" * 32
BLOBS = BATCH + 50


def fill(store: Store, clock: FakeClock) -> None:
    management = Management(store, clock=clock)
    management.accounts.create(
        AccountDraft(name="keyed", preset="p", api_key="sk-canary", headers={"x-own": "header-canary"}),
        owner_id="local",
    )
    oauth = OAuthConfig(token_url="https://id.example/token", client_id="c", refresh_token="refresh-canary")
    management.accounts.create(AccountDraft(name="signed", preset="p", oauth=oauth), owner_id="local")
    management.users.create("ada", password_hash="hash-canary", role="admin")
    management.close()
    blobs = StoredSealedBlobs(store.place, store.vault, clock=clock)

    async def put() -> None:
        for number in range(BLOBS):
            await blobs.put("o/wn", "kind", f"id {number}", value=b"blob-canary %d" % number)

    asyncio.run(put())


def assert_whole(data: Path, clock: FakeClock, *, master_key: str | None = None) -> Vault:
    """Open everything there is in `data`."""
    store = open_store(data, master_key=master_key, clock=clock)
    source = StoredConfigSource(store.place, store.vault, clock=clock)
    snapshot = source.load()
    source.close()
    assert not snapshot.problems
    keyed, signed = sorted(snapshot.accounts, key=lambda account: account.name)
    assert keyed.api_key is not None
    assert keyed.api_key.reveal() == "sk-canary"
    assert [(name, value.reveal()) for name, value in keyed.headers] == [("x-own", "header-canary")]
    assert signed.oauth is not None
    assert signed.oauth.refresh_token is not None
    assert signed.oauth.refresh_token.reveal() == "refresh-canary"
    management = Management(store, clock=clock)
    found = management.users.find("ada")
    management.close()
    assert found is not None
    assert found[1] == "hash-canary"
    blobs = StoredSealedBlobs(store.place, store.vault, clock=clock)
    for number in (0, BLOBS - 1):
        value = asyncio.run(blobs.get("o/wn", "kind", f"id {number}"))
        assert value == b"blob-canary %d" % number
    return store.vault


def work_on(data: Path, clock: FakeClock, *, master_key: str | None = None) -> Rekeying:
    store = open_store(data, master_key=master_key, clock=clock)
    return Rekeying(Database(store.place), store.vault, data=data, from_variable=bool(master_key))


@pytest.fixture
def filled(store: Store, clock: FakeClock) -> Path:
    fill(store, clock)
    return store.path.parent


def test_everything_is_sealed_again(filled: Path, clock: FakeClock) -> None:
    before = key_files(filled)[0]
    changed = work_on(filled, clock).rotate()
    assert changed.resealed == BLOBS + 4
    assert changed.unreadable == 0
    assert changed.key_id != Vault(before).key_id
    standing = work_on(filled, clock).standing()
    assert standing.sealed == {changed.key_id: BLOBS + 4}
    assert not standing.unfinished
    assert standing.older == (Vault(before).key_id,)
    assert assert_whole(filled, clock).key_id == changed.key_id
    assert work_on(filled, clock).forget() == 1
    assert not (filled / OLD_KEY_FILE).exists()
    assert_whole(filled, clock)


def test_keys_files_are_private(filled: Path, clock: FakeClock) -> None:
    work_on(filled, clock).rotate()
    assert [(filled / name).stat().st_mode & 0o077 for name in (KEY_FILE, OLD_KEY_FILE)] == [0, 0]
    assert not list(filled.glob(".secret*")), "no draft of a key is left"


def test_two_changes_keep_both_older_keys(filled: Path, clock: FakeClock) -> None:
    first = work_on(filled, clock).rotate()
    second = work_on(filled, clock).rotate()
    assert second.older[0] == first.key_id
    assert len(old_keys(filled)) == 2
    assert_whole(filled, clock)


_CRASH = """
import os, sys
from pathlib import Path
from tests.contracts.fakes import FakeClock
from tests.unit.storage.test_rekey import work_on
left = int(sys.argv[2])
def step(name):
    global left
    left -= 1
    if left == 0:
        print(name, flush=True)
        os._exit(9)
master_key = sys.argv[3] if len(sys.argv) > 3 else None
work_on(Path(sys.argv[1]), FakeClock(), master_key=master_key).rotate(step=step)
"""


def crash(data: Path, after: int, *arguments: str) -> str | None:
    """Run a change of keys that is killed behind its step number `after`; return the step, None if it ended."""
    done = subprocess.run(
        [sys.executable, "-c", _CRASH, str(data), str(after), *arguments],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode in (0, 9), done.stderr
    return done.stdout.strip() or None


def test_a_crash_at_any_step_loses_nothing_and_the_next_run_ends_it(filled: Path, clock: FakeClock) -> None:
    seen: list[str] = []
    for after in range(1, 40):
        name = crash(filled, after)
        assert_whole(filled, clock)
        if name is None:
            break
        seen.append(name)
        ended = work_on(filled, clock)
        if name not in ("kept", "finished"):
            assert ended.standing().unfinished
            keys = len(key_files(filled))
            ended.rotate()
            assert len(key_files(filled)) == keys, "an interrupted change is ended, not begun again"
        assert not work_on(filled, clock).standing().unfinished
        assert_whole(filled, clock)
    assert {"kept", "changed", "begun", "batch", "finished"} <= set(seen)


def test_while_unfinished_the_old_key_alone_is_not_enough_and_the_new_one_neither(
    tmp_path: Path, clock: FakeClock
) -> None:
    fill(open_store(tmp_path, master_key=OLD, clock=clock), clock)
    assert crash(tmp_path, 2, f"{NEW},{OLD}") == "batch"
    with pytest.raises(ConfigError, match="not the one that sealed"):
        open_store(tmp_path, master_key=NEW, clock=clock)
    assert_whole(tmp_path, clock, master_key=f"{NEW},{OLD}")


def test_keys_of_the_variable(tmp_path: Path, clock: FakeClock) -> None:
    fill(open_store(tmp_path, master_key=OLD, clock=clock), clock)
    with pytest.raises(ConfigError, match=rf"{KEY_VARIABLE}=NEW,OLD"):
        work_on(tmp_path, clock, master_key=OLD).rotate()
    changed = work_on(tmp_path, clock, master_key=f"{NEW},{OLD}").rotate()
    assert changed.resealed == BLOBS + 4
    assert_whole(tmp_path, clock, master_key=NEW)
    with pytest.raises(ConfigError, match="not the one that sealed"):
        open_store(tmp_path, master_key=OLD, clock=clock)
    assert not (tmp_path / KEY_FILE).exists(), "no key is written to the disk where the variable holds it"


def test_se9_a_wrong_key_changes_nothing(filled: Path, clock: FakeClock) -> None:
    (filled / KEY_FILE).write_text("ef" * 32 + "\n")
    before = {path.name: path.read_bytes() for path in filled.iterdir()}
    with pytest.raises(ConfigError, match="not the one that sealed"):
        work_on(filled, clock)
    after = {path.name: path.read_bytes() for path in filled.iterdir()}
    assert {name: after.get(name) for name in before} == before


def test_what_no_key_opens_is_counted_and_left(filled: Path, clock: FakeClock) -> None:
    strange = Vault(b"?" * 32).seal(b"x", table="sealed_blobs", row="a/k/b", field="value")
    store = open_store(filled, master_key=None, clock=clock)
    database = Database(store.place)
    with database.write() as connection:
        connection.exec_driver_sql("INSERT INTO sealed_blobs VALUES ('a', 'k', 'b', ?, 0, NULL)", (strange,))
    changed = work_on(filled, clock).rotate()
    assert changed.unreadable == 1
    with database.read() as connection:
        left = connection.exec_driver_sql("SELECT value FROM sealed_blobs WHERE owner_id = 'a'").scalar()
    database.close()
    assert left == strange
    assert_whole(filled, clock)


def test_older_keys_that_are_needed_are_not_forgotten(filled: Path, clock: FakeClock) -> None:
    assert crash(filled, 4) == "batch"
    with pytest.raises(ConfigError, match="vault rotate"):
        work_on(filled, clock).forget()
    assert len(old_keys(filled)) == 1


def test_a_running_gateway_takes_the_new_key_over(filled: Path, clock: FakeClock) -> None:
    running = open_store(filled, master_key=None, clock=clock)
    changed = work_on(filled, clock).rotate()
    assert running.vault.key_id != changed.key_id
    source = StoredConfigSource(running.place, running.vault, clock=clock)
    assert not source.load().problems
    source.close()
    assert running.vault.key_id == changed.key_id, "what it seals from now on, it seals with the new key"
    late = Vault(old_keys(filled)[0]).seal(b"late", table="t", row="r", field="f")
    assert running.vault.open(late, table="t", row="r", field="f") == b"late"


def test_a_key_that_nobody_knows_is_looked_for_and_not_found(filled: Path, clock: FakeClock) -> None:
    vault = open_store(filled, master_key=None, clock=clock).vault
    before = vault.key_id
    strange = Vault(b"?" * 32).seal(b"x", table="t", row="r", field="f")
    with pytest.raises(Exception, match="was sealed with key"):
        vault.open(strange, table="t", row="r", field="f")
    assert vault.key_id == before


def test_every_binary_column_is_sealed_or_said_not_to_be() -> None:
    names = {(table.name, column.name) for table, column in sealed_columns()}
    assert {("accounts", "api_key_sealed"), ("users", "password_sealed"), ("sealed_blobs", "value")} <= names
    assert all(column.endswith("_sealed") or column == "value" for _, column in names), names
    assert not names & UNSEALED


def test_rows_are_named_as_those_who_seal_them_do() -> None:
    assert row_name(("o/wn", "kind", "a b")) == "o%2Fwn/kind/a%20b"
    assert row_name(("acc/1",)) == "acc/1"
