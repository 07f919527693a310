"""Putting a backup back is all or nothing: what was there is kept first, and whatever fails leaves it as it was."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flowrouter.accounts.vault import KEY_FILE
from flowrouter.app import backups as work
from flowrouter.config import Config
from flowrouter.gateway.backups import Backup, BackupError, Restored
from flowrouter.storage import Store, backup_files, open_store, restoring
from flowrouter.storage.backups import STAGED, Shelf
from flowrouter.storage.database import Database
from flowrouter.storage.management import Management
from flowrouter.storage.rekey import Rekeying
from flowrouter.storage.schema import FILE_NAME, SCHEMA_VERSION
from flowrouter.storage.sqlite import connect
from tests.contracts.fakes import FakeClock
from tests.support.full_store import contents_of, fill_file
from tests.unit.storage.test_upgrades import first_store, migrated_store

OTHER_KEY = "cd" * 32


def put_back(data: Path, which: str, *, master_key: str | None = None) -> Restored:
    return work.restore(Config(data=str(data), master_key=master_key), which, actor="ann", via="cli")


def without_audit(found: dict[str, list[object]]) -> dict[str, list[object]]:
    return {name: rows for name, rows in found.items() if name != "audit"}


def lived_on(path: Path) -> None:
    """Change something in many tables."""
    connection = connect(path)
    for table in ("requests", "accounts", "ledger", "users"):
        connection.execute(f"DELETE FROM {table} WHERE rowid = 1")
    connection.execute('UPDATE settings SET body = \'{"reply_model":"asked"}\'')
    connection.close()


class Scene:
    """A full store with a backup, which has gone on since."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store = store
        self.data = store.path.parent
        self.clock = clock
        fill_file(store.path, store.vault)
        self.shelf: Shelf = work.shelf_of(Config(data=str(self.data)), clock=clock)
        self.then = contents_of(store.path)
        self.backup: Backup = self.shelf.create("manual")
        lived_on(store.path)
        self.now = contents_of(store.path)
        assert self.now != self.then

    def assert_untouched(self) -> None:
        """Nothing is changed, nothing is left lying about, and the store works."""
        assert contents_of(self.store.path) == self.now
        connection = sqlite3.connect(self.store.path)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        connection.close()
        assert [path.name for path in self.data.iterdir() if path.name.startswith(".restoring")] == []
        assert (
            open_store(self.data, master_key=None, clock=self.clock).vault.key_id == self.store.vault.key_id
        )


@pytest.fixture
def scene(store: Store, clock: FakeClock) -> Scene:
    return Scene(store, clock)


def test_identical(scene: Scene) -> None:
    """All tables, row by row; only the audit log has a line more, which says who did it."""
    done = put_back(scene.data, scene.backup.id)
    found = contents_of(scene.store.path)
    assert without_audit(found) == without_audit(scene.then)
    (line,) = set(found["audit"]) - set(scene.then["audit"])
    assert {"restore_backup", "ann", scene.backup.id} <= set(line)
    assert done.rows == scene.backup.manifest.rows  # type: ignore[union-attr]
    assert done.before is not None
    assert contents_of(scene.shelf.get(done.before).file) == scene.now
    assert scene.shelf.get(done.before).kind == "before-restore"
    open_store(scene.data, master_key=None, clock=scene.clock)


def test_there_and_back(scene: Scene) -> None:
    done = put_back(scene.data, scene.backup.id)
    put_back(scene.data, done.before or "")
    assert without_audit(contents_of(scene.store.path)) == without_audit(scene.now)


def test_it_is_a_store_like_any_other(scene: Scene) -> None:
    put_back(scene.data, scene.backup.id)
    connection = sqlite3.connect(scene.store.path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    assert scene.store.path.stat().st_mode & 0o077 == 0
    assert [path.name for path in scene.data.iterdir() if path.name.startswith(".")] == []


def test_into_an_empty_folder(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The disaster: another machine, the backup from elsewhere, and the key."""
    data = tmp_path_factory.mktemp("new")
    shutil.copy2(scene.data / KEY_FILE, data / KEY_FILE)
    done = put_back(data, str(scene.backup.path))
    assert done.before is None
    assert without_audit(contents_of(data / FILE_NAME)) == without_audit(scene.then)
    store = open_store(data, master_key=None, clock=scene.clock)
    management = Management(store, clock=scene.clock)
    assert len(management.accounts.list()) == 3
    management.close()


def test_revoked_keys_that_live_again_are_named(scene: Scene) -> None:
    connection = connect(scene.store.path)
    connection.execute("UPDATE keys SET revoked_at_ms = 5 WHERE name = 'keys-2'")
    connection.close()
    assert put_back(scene.data, scene.backup.id).revived == ("keys-2",)


@pytest.mark.parametrize(
    ("make", "version"),
    [(first_store, 1), (migrated_store(4), 4), (migrated_store(SCHEMA_VERSION - 1), SCHEMA_VERSION - 1)],
    ids=["first", "fourth", "last"],
)
def test_older_schema_is_brought_up(
    make: Callable[[Path], None], version: int, tmp_path: Path, clock: FakeClock
) -> None:
    old = tmp_path / "old.sqlite"
    old.touch()
    make(old)
    data = tmp_path / "data"
    data.mkdir()
    done = put_back(data, str(old), master_key="ab" * 32)
    assert (done.from_schema, done.schema) == (version, SCHEMA_VERSION)
    store = open_store(data, master_key="ab" * 32, clock=clock)
    management = Management(store, clock=clock)
    assert len(management.accounts.list()) == 3
    management.close()
    connection = sqlite3.connect(old)
    assert connection.execute("PRAGMA user_version").fetchone() == (version,), (
        "the backup itself stays as it is"
    )
    connection.close()


def test_newer_schema_is_refused(scene: Scene) -> None:
    connection = sqlite3.connect(scene.backup.file)
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    connection.close()
    (scene.backup.path / "manifest.json").unlink()
    with pytest.raises(BackupError, match=r"schema.*knows up to.*newer") as caught:
        put_back(scene.data, scene.backup.id)
    assert caught.value.trouble == "newer"
    scene.assert_untouched()


def test_wrong_key_is_refused(scene: Scene) -> None:
    """It names the key it needs; the store, whose key is the right one, opens as before."""
    with pytest.raises(BackupError, match=f"sealed with the key {scene.store.vault.key_id}") as caught:
        put_back(scene.data, scene.backup.id, master_key=OTHER_KEY)
    assert caught.value.trouble == "wrong_key"
    assert OTHER_KEY not in str(caught.value)
    scene.assert_untouched()


def test_older_key_will_do(scene: Scene) -> None:
    """A backup from before a change of keys needs the older key, which is kept."""
    database = Database(scene.store.place)
    work_on = Rekeying(database, scene.store.vault, data=scene.data, from_variable=False)
    work_on.rotate()
    database.close()
    put_back(scene.data, scene.backup.id)
    store = open_store(scene.data, master_key=None, clock=scene.clock)
    management = Management(store, clock=scene.clock)
    assert all(account.problem is None for account in management.accounts.list())
    management.close()


def test_forgotten_key_is_refused(scene: Scene) -> None:
    database = Database(scene.store.place)
    changed = Rekeying(database, scene.store.vault, data=scene.data, from_variable=False)
    changed.rotate()
    changed.forget()
    database.close()
    with pytest.raises(BackupError, match="sealed with the key"):
        put_back(scene.data, scene.backup.id)


def test_truncated_file_is_refused(scene: Scene) -> None:
    with scene.backup.file.open("r+b") as file:
        file.truncate(scene.backup.bytes - 1)
    with pytest.raises(BackupError, match="nothing was changed") as caught:
        put_back(scene.data, scene.backup.id)
    assert caught.value.trouble == "damaged"
    assert "backup list" in caught.value.fix
    scene.assert_untouched()


def test_store_in_use_is_refused(scene: Scene) -> None:
    holder = connect(scene.store.path)
    holder.execute("SELECT count(*) FROM meta").fetchone()
    with pytest.raises(BackupError, match="is in use") as caught:
        put_back(scene.data, scene.backup.id)
    assert caught.value.trouble == "in_use"
    assert "stop the gateway" in caught.value.fix
    holder.execute("INSERT INTO meta VALUES ('still', 'local', 'works')")
    holder.execute("DELETE FROM meta WHERE key = 'still'")
    holder.close()
    scene.assert_untouched()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EIO], ids=["full", "denied", "broken"])
@pytest.mark.parametrize("step", ["copy", "migrations", "sync", "before", "rename"])
def test_whatever_fails_leaves_the_store_as_it_was(
    step: str, number: int, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    place, name = {
        "copy": (backup_files, "pieces_of"),
        "migrations": (restoring, "_brought_up"),
        "sync": (backup_files, "sync"),
        "before": (restoring, "_kept"),
        "rename": (Path, "replace"),
    }[step]
    if step == "copy":
        verdict = scene.shelf.verify(scene.backup.id)
        monkeypatch.setattr(restoring, "check", lambda *_: verdict)
    monkeypatch.setattr(place, name, fail)
    with pytest.raises(BackupError, match="nothing was changed") as caught:
        put_back(scene.data, scene.backup.id)
    monkeypatch.undo()
    expected = {errno.ENOSPC: "no_room", errno.EACCES: "denied", errno.EIO: "failed"}[number]
    assert caught.value.trouble == expected
    assert caught.value.fix
    scene.assert_untouched()


def test_full_disk(scene: Scene) -> None:
    """The system itself refuses to write more: the limit on file sizes stands in for a disk that is full."""
    program = """
import resource, sys
from pathlib import Path
from tests.unit.storage.test_restoring import put_back
from flowrouter.gateway.backups import BackupError
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    put_back(Path(sys.argv[1]), sys.argv[2])
except BackupError as error:
    print(error.message)
"""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program, str(scene.data), scene.backup.id],
        capture_output=True, text=True, check=False, env=environ,
    )  # fmt: skip
    assert "nothing was changed" in done.stdout, done.stderr
    assert "the disk is full" in done.stdout
    scene.assert_untouched()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_the_last_step(moment: str, scene: Scene) -> None:
    """A process that ends just before or just after the rename leaves one store or the other, both whole."""
    program = """
import os, sys
from pathlib import Path
from tests.unit.storage.test_restoring import put_back
own = Path.replace
def replace(self, target):
    if self.name.startswith(".restoring"):
        if sys.argv[3] == "after":
            own(self, target)
        os._exit(9)
    return own(self, target)
Path.replace = replace
put_back(Path(sys.argv[1]), sys.argv[2])
"""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program, str(scene.data), scene.backup.id, moment], check=False, env=environ
    )
    assert done.returncode == 9
    open_store(scene.data, master_key=None, clock=scene.clock)
    found = contents_of(scene.store.path)
    assert found == (scene.now if moment == "before" else scene.then)
    connection = sqlite3.connect(scene.store.path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


@pytest.mark.parametrize("damage", ["no database", "torn"])
def test_damaged_store_is_put_aside_as_it_is(damage: str, scene: Scene) -> None:
    raw = scene.store.path.read_bytes()
    broken = b"not a database" * 1000 if damage == "no database" else raw[:4096] + b"\xff" * (len(raw) - 4096)
    for path in scene.data.glob(f"{FILE_NAME}-*"):
        path.unlink()
    scene.store.path.write_bytes(broken)
    (scene.data / f"{FILE_NAME}-wal").write_bytes(b"the log of another life")
    done = put_back(scene.data, scene.backup.id)
    assert without_audit(contents_of(scene.store.path)) == without_audit(scene.then)
    kept = scene.shelf.get(done.before or "")
    assert kept.file.read_bytes() == broken
    assert kept.manifest is not None
    assert kept.manifest.damage
    verdict = scene.shelf.verify(kept.id)
    assert not verdict.ok
    assert "damaged" in verdict.checks[0].found


def test_staged_is_done_at_the_start(scene: Scene) -> None:
    scene.shelf.stage(scene.backup.id)
    work.restore_staged(Config(data=str(scene.data)))
    assert without_audit(contents_of(scene.store.path)) == without_audit(scene.then)
    assert scene.shelf.staged() is None
    after = contents_of(scene.store.path)
    work.restore_staged(Config(data=str(scene.data)))
    assert contents_of(scene.store.path) == after, "once is enough"


def test_staged_waits_while_another_gateway_runs(scene: Scene) -> None:
    scene.shelf.stage(scene.backup.id)
    holder = connect(scene.store.path)
    holder.execute("SELECT count(*) FROM meta").fetchone()
    work.restore_staged(Config(data=str(scene.data)))
    holder.close()
    staged = scene.shelf.staged()
    assert staged is not None
    assert staged.error is None
    assert contents_of(scene.store.path) == scene.now


def test_staged_that_fails_is_tried_once(scene: Scene) -> None:
    """The gateway starts with what it has and says why; it does not try again at every start."""
    scene.shelf.stage(scene.backup.id)
    scene.backup.file.write_bytes(b"x")
    work.restore_staged(Config(data=str(scene.data)))
    scene.assert_untouched()
    staged = scene.shelf.staged()
    assert staged is not None
    assert "nothing was changed" in (staged.error or "")
    noted = (scene.data / STAGED).read_bytes()
    work.restore_staged(Config(data=str(scene.data)))
    assert (scene.data / STAGED).read_bytes() == noted
    scene.shelf.delete(scene.backup.id)


def test_note_of_a_stranger_is_no_reason_not_to_start(scene: Scene) -> None:
    (scene.data / STAGED).write_bytes(b"{")
    work.restore_staged(Config(data=str(scene.data)))
    assert contents_of(scene.store.path) == scene.now
