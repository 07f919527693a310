"""Backups are whole or not there, private, and proven before anybody relies on them."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import msgspec
import pytest

from flowrouter.accounts.vault import KEY_FILE
from flowrouter.app.backups import find, shelf_of
from flowrouter.config import Config
from flowrouter.gateway.backups import BackupError
from flowrouter.gateway.ports import AccountDraft
from flowrouter.storage import Store, backup_files, backups
from flowrouter.storage.backups import Shelf
from flowrouter.storage.management import Management
from flowrouter.storage.schema import FILE_NAME, SCHEMA_VERSION
from flowrouter.storage.sqlite import connect
from flowrouter.storage.whole_schema import metadata
from tests.contracts.fakes import FakeClock
from tests.support.full_store import contents_of, fill_file

CANARY = "sk-canary-0123456789"


def fresh(data: Path, clock: FakeClock, *, master_key: str | None = None) -> Shelf:
    return shelf_of(Config(data=str(data), master_key=master_key), clock=clock)


@pytest.fixture
def shelf(store: Store, clock: FakeClock) -> Shelf:
    fill_file(store.path, store.vault)
    return fresh(store.path.parent, clock)


def test_backup_holds_every_row(store: Store, shelf: Shelf) -> None:
    made = shelf.create("manual", note="before the move")
    assert contents_of(made.file) == contents_of(store.path)
    assert shelf.verify(made.id).ok
    manifest = made.manifest
    assert manifest is not None
    assert (manifest.schema, manifest.engine, manifest.note) == (SCHEMA_VERSION, "sqlite", "before the move")
    assert manifest.key_id == store.vault.key_id
    assert set(manifest.sealed) == {store.vault.key_id}
    assert set(manifest.rows) == {*metadata.tables, "alembic_version"}
    assert manifest.rows["requests"] == 3


def test_the_schema_knows_every_table(store: Store) -> None:
    """What copies or seals again goes by this list; a table that it does not know would be passed over."""
    program = "from flowrouter.storage.whole_schema import metadata; print(*sorted(metadata.tables))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    connection = sqlite3.connect(store.path)
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert set(done.stdout.split()) == names - {"alembic_version"}


def test_backup_is_private(shelf: Shelf) -> None:
    made = shelf.create("manual")
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in made.path.iterdir()} == {
        FILE_NAME: 0o600,
        "manifest.json": 0o600,
    }


def test_key_and_secrets_are_not_in_it(store: Store, shelf: Shelf, clock: FakeClock) -> None:
    management = Management(store, clock=clock)
    management.accounts.create(AccountDraft(name="n", preset="p", api_key=CANARY), owner_id="local")
    management.close()
    made = shelf.create("manual")
    held = b"".join(path.read_bytes() for path in made.path.iterdir())
    key = (store.path.parent / KEY_FILE).read_text().strip()
    assert CANARY.encode() not in held
    assert key.encode() not in held
    assert bytes.fromhex(key) not in held


def test_names_within_a_second(shelf: Shelf) -> None:
    made = [shelf.create("manual") for _ in range(3)]
    assert [backup.id for backup in made] == [
        "manual-20270115T080000Z",
        "manual-20270115T080000Z-2",
        "manual-20270115T080000Z-3",
    ]
    assert {backup.id for backup in shelf.list()} == {backup.id for backup in made}


def test_newest_first(shelf: Shelf, clock: FakeClock) -> None:
    ids = []
    for kind in ("manual", "scheduled", "before-restore"):
        ids.append(shelf.create(kind).id)  # type: ignore[arg-type]
        clock.advance(60)
    assert [backup.id for backup in shelf.list()] == ids[::-1]


def test_snapshots_of_older_programs_are_listed(store: Store, shelf: Shelf) -> None:
    """They have no manifest; what can be proven of them is."""
    old = store.path.parent / "backups" / "before-upgrade-from-1-20260131T080000Z"
    old.mkdir(parents=True)
    source, target = connect(store.path), sqlite3.connect(old / FILE_NAME)
    source.backup(target)
    source.close()
    target.close()
    (found,) = shelf.list()
    assert (found.kind, found.created_at_ms, found.manifest) == ("before-upgrade", 1_769_846_400_000, None)
    assert shelf.verify(found.id).ok


def test_strangers_are_no_backups(store: Store, shelf: Shelf) -> None:
    folder = store.path.parent / "backups"
    for name in ("mine", ".draft-1-aa", "manual-yesterday"):
        (folder / name).mkdir(parents=True)
        (folder / name / FILE_NAME).touch()
    (folder / "manual-20260131T080000Z").touch()
    assert shelf.list() == []


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/etc", "x" * 200, "manual-1\n", "a\0b"])
def test_ids_lead_nowhere_else(name: str, store: Store, shelf: Shelf) -> None:
    for act in (shelf.get, shelf.verify, shelf.delete, shelf.read, shelf.stage):
        with pytest.raises(BackupError, match="there is no backup") as caught:
            act(name)
        assert caught.value.trouble == "missing"
    assert store.path.exists()


def test_while_others_write(store: Store, shelf: Shelf) -> None:
    """A backup is one moment: of rows that are written in pairs it has both or none."""
    connection = sqlite3.connect(store.path)
    connection.execute("CREATE TABLE pairs (n INTEGER, half INTEGER)")
    connection.close()
    ended = Event()

    def write() -> None:
        own = connect(store.path)
        number = 0
        while not ended.is_set():
            number += 1
            own.execute("BEGIN IMMEDIATE")
            own.executemany("INSERT INTO pairs VALUES (?, ?)", [(number, 0), (number, 1)])
            own.execute("COMMIT")
        own.close()

    writer = Thread(target=write)
    writer.start()
    try:
        made = [shelf.create("manual") for _ in range(5)]
    finally:
        ended.set()
        writer.join()
    for backup in made:
        opened = sqlite3.connect(backup.file)
        torn = opened.execute("SELECT n FROM pairs GROUP BY n HAVING count(*) <> 2").fetchall()
        opened.close()
        assert torn == []
        assert shelf.verify(backup.id).ok


def test_manual_backups_never_leave_by_themselves(shelf: Shelf, clock: FakeClock) -> None:
    for _ in range(4):
        for kind in ("manual", "scheduled", "before-upgrade", "before-restore"):
            shelf.create(kind)  # type: ignore[arg-type]
        clock.advance(3600)
    gone = shelf.prune(2)
    assert sorted(backup.kind for backup in gone) == sorted(
        ["scheduled", "before-upgrade", "before-restore"] * 2
    )
    left = [backup.kind for backup in shelf.list()]
    assert sorted(left) == sorted(["manual"] * 4 + ["scheduled", "before-upgrade", "before-restore"] * 2)
    assert min(backup.created_at_ms for backup in shelf.list() if backup.kind == "scheduled") > max(
        backup.created_at_ms for backup in gone
    )


def test_staged_backups_stay(shelf: Shelf, clock: FakeClock) -> None:
    made = shelf.create("scheduled")
    clock.advance(60)
    shelf.create("scheduled")
    shelf.stage(made.id)
    assert shelf.prune(1) == []
    with pytest.raises(BackupError, match="next start") as caught:
        shelf.delete(made.id)
    assert caught.value.trouble == "in_use"
    shelf.unstage()
    assert [backup.id for backup in shelf.prune(1)] == [made.id]


def test_only_whole_backups_are_staged(shelf: Shelf) -> None:
    made = shelf.create("manual")
    made.file.write_bytes(made.file.read_bytes()[:-4096])
    with pytest.raises(BackupError, match="nothing was changed"):
        shelf.stage(made.id)
    assert shelf.staged() is None


def test_delete(shelf: Shelf) -> None:
    made = shelf.create("manual")
    shelf.delete(made.id)
    assert shelf.list() == []
    with pytest.raises(BackupError, match="there is no backup"):
        shelf.delete(made.id)


def test_another_folder(store: Store, clock: FakeClock, tmp_path_factory: pytest.TempPathFactory) -> None:
    """New backups go there; what lies in the data folder, such as those before an upgrade, is listed still."""
    first = fresh(store.path.parent, clock).create("before-upgrade")
    clock.advance(1)
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "deep"
    config = Config(data=str(store.path.parent))
    config = msgspec.structs.replace(
        config, backups=msgspec.structs.replace(config.backups, folder=str(elsewhere))
    )
    other = shelf_of(config, clock=clock)
    second = other.create("manual")
    assert second.path.parent == elsewhere
    assert [backup.id for backup in other.list()] == [second.id, first.id]
    assert other.verify(first.id).ok


def test_by_path(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> None:
    made = shelf.create("manual")
    away = tmp_path_factory.mktemp("usb")
    shutil.copytree(made.path, away / "copied")
    shutil.copyfile(made.file, away / "downloaded.sqlite")
    assert find(shelf, str(away / "copied")).manifest == made.manifest
    assert find(shelf, str(away / "downloaded.sqlite")).manifest is None
    assert find(shelf, made.id) == made
    with pytest.raises(BackupError, match="there is no backup"):
        find(shelf, str(away / "nothing"))


def test_one_at_a_time(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, go_on = Event(), Event()

    def slowly(_self: object, file: Path) -> None:
        inside.set()
        assert go_on.wait(30)
        raise OSError(errno.EIO, "not this time")

    monkeypatch.setattr(backups.SqliteSource, "copy_to", slowly)
    first: list[BaseException] = []

    def make() -> None:
        try:
            shelf.create("manual")
        except BackupError as error:
            first.append(error)

    thread = Thread(target=make)
    thread.start()
    assert inside.wait(30)
    with pytest.raises(BackupError, match="being made already") as caught:
        shelf.create("manual")
    go_on.set()
    thread.join()
    assert caught.value.trouble == "in_use"
    assert len(first) == 1
    assert list(shelf.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "trouble"),
    [(errno.ENOSPC, "no_room"), (errno.EDQUOT, "no_room"), (errno.EACCES, "denied"), (errno.EIO, "failed")],
    ids=["full", "quota", "denied", "broken"],
)
@pytest.mark.parametrize("step", ["sync", "digest_of", "_write_manifest", "_publish"])
def test_nothing_is_left_of_one_that_fails(
    step: str, number: int, trouble: str, shelf: Shelf, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents_of(store.path)

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(backup_files, step, fail)
    with pytest.raises(BackupError, match="cannot back up") as caught:
        shelf.create("manual")
    monkeypatch.undo()
    assert caught.value.trouble == trouble
    assert caught.value.fix
    assert shelf.list() == []
    assert list(shelf.folder.iterdir()) == []
    assert contents_of(store.path) == before


def test_full_disk(store: Store, shelf: Shelf) -> None:
    """The system itself refuses to write more: the limit on file sizes stands in for a disk that is full."""
    program = """
import resource, sys
from tests.contracts.fakes import FakeClock
from tests.unit.storage.test_backups import fresh
from flowrouter.gateway.backups import BackupError
from pathlib import Path
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    fresh(Path(sys.argv[1]), FakeClock()).create("manual")
except BackupError as error:
    print(error.message)
"""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program, str(store.path.parent)],
        capture_output=True, text=True, check=False, env=environ,
    )  # fmt: skip
    assert "cannot back up" in done.stdout, done.stderr
    assert "nothing was changed" in done.stdout
    assert list(shelf.folder.iterdir()) == []


def test_too_little_room_is_said_at_once(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 1000))  # type: ignore[attr-defined]
    with pytest.raises(BackupError, match="MB free") as caught:
        shelf.create("manual")
    assert caught.value.trouble == "no_room"
    assert not shelf.has_room()


def test_a_disk_that_does_not_say_what_is_free_is_tried(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(_: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(shutil, "disk_usage", silent)
    assert shelf.has_room()
    assert shelf.verify(shelf.create("manual").id).ok


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_is_not_ours(shelf: Shelf) -> None:
    shelf.folder.mkdir(mode=0o500)
    with pytest.raises(BackupError, match="cannot back up") as caught:
        shelf.create("manual")
    assert caught.value.trouble == "denied"


def test_a_file_where_the_folder_should_be(shelf: Shelf) -> None:
    shelf.folder.write_text("x")
    with pytest.raises(BackupError, match="cannot back up"):
        shelf.create("manual")
    with pytest.raises(BackupError, match="cannot read the backups"):
        shelf.list()


def test_no_store_no_backup(tmp_path: Path, clock: FakeClock) -> None:
    with pytest.raises(BackupError, match="cannot back up"):
        fresh(tmp_path, clock).create("manual")
    assert not (tmp_path / FILE_NAME).exists()


def test_what_cut_off_processes_left_is_swept(shelf: Shelf, clock: FakeClock) -> None:
    old = shelf.folder / ".draft-1-old"
    old.mkdir(parents=True)
    (old / FILE_NAME).touch()
    os.utime(old, (clock.now() - 100_000,) * 2)
    young = shelf.folder / ".draft-1-young"
    young.mkdir()
    os.utime(young, (clock.now(),) * 2)
    shelf.create("manual")
    assert young.exists()
    assert not old.exists()
