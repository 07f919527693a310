"""The shelf of backups: makes them beside a running gateway, lists, proves, and clears away old ones.

A backup of SQLite is `VACUUM INTO`: one moment of the store, written anew, while others read and write. A backup
of PostgreSQL is the same file made by `copying`. Either can be put back into either (`restoring`).
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from threading import Lock
from typing import Protocol

import msgspec

import flowrouter.storage.backup_files as files
from flowrouter import __version__
from flowrouter.clock import Clock
from flowrouter.errors import StorageError
from flowrouter.gateway.backups import Backup, BackupError, Kind, Manifest, Staged, Verdict
from flowrouter.storage.backup_checks import check, vault_at
from flowrouter.storage.place import Place
from flowrouter.storage.sqlite import SqlitePlace, connect

AUTOMATIC: tuple[Kind, ...] = ("scheduled", "before-upgrade", "before-restore")
"""Kinds that nobody asked for one by one, and that therefore leave by themselves."""

ROOM = 64 * 1024 * 1024
"""Bytes that a scheduled backup leaves free beside twice its own size."""

NOTE = 500
STAGED = "restore.json"

_LOST = "see what there is: flow-router backup list"


class Source(Protocol):
    """The store that backups are made of."""

    @property
    def engine(self) -> str:
        """Return what keeps it: `sqlite` or `postgresql`."""
        ...

    @property
    def shown(self) -> str:
        """Return its name for people."""
        ...

    def size(self) -> int:
        """Return about how many bytes a copy takes; raises `StorageError`."""
        ...

    def copy_to(self, file: Path) -> None:
        """Write one moment of it to an empty file; raises `sqlite3.Error`, `OSError`, `StorageError`."""
        ...


class SqliteSource:
    """A store in an SQLite file."""

    engine = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shown = f"the store {path}"

    def size(self) -> int:
        """Return the bytes of the file and of what is not yet in it; 0 where there is none."""
        found = 0
        for name in (self.path.name, f"{self.path.name}-wal"):
            with suppress(OSError):
                found += self.path.with_name(name).stat().st_size
        return found

    def copy_to(self, file: Path) -> None:
        """Write one moment of the store to an empty file; raises `sqlite3.Error`."""
        with closing(connect(self.path)) as connection:
            connection.execute("VACUUM INTO ?", (str(file),))


class Shelf:
    """The `Backups` of one store.

    `folder` is where new ones go; what stands in `besides` is listed too. `data` and `master_key` say which keys
    are at hand.
    """

    def __init__(
        self,
        source: Source,
        *,
        folder: Path,
        data: Path,
        master_key: str | None,
        clock: Clock,
        besides: Sequence[Path] = (),
    ) -> None:
        self.folder = folder
        self._source = source
        self._folders = tuple(dict.fromkeys((folder, *besides)))
        self._data = data
        self._master_key = master_key
        self._clock = clock
        self._making = Lock()

    def of(self, source: Source) -> Shelf:
        """Return the same shelf for backups of another source."""
        return Shelf(
            source,
            folder=self.folder,
            data=self._data,
            master_key=self._master_key,
            clock=self._clock,
            besides=self._folders[1:],
        )

    def list(self) -> Sequence[Backup]:
        """Return all backups, newest first."""
        found: list[Backup] = []
        for folder in self._folders:
            try:
                found += files.on_shelf(folder)
            except OSError as error:
                raise files.trouble(error, f"cannot read the backups in {folder}", where=folder) from error
        return sorted(found, key=lambda backup: (backup.created_at_ms, backup.id), reverse=True)

    def get(self, backup_id: str) -> Backup:
        """Return one backup."""
        if files.is_name(backup_id):
            for folder in self._folders:
                with suppress(OSError):
                    found = files.look_at(folder / backup_id)
                    if found is not None:
                        return found
        raise BackupError(f"there is no backup {backup_id[:130]!r}", trouble="missing", fix=_LOST)

    def create(self, kind: Kind, *, note: str = "", label: str = "") -> Backup:
        """Make a backup of the store as it is now, while it is in use.

        Nothing is left of one that fails. `label` begins its name; default: its kind.
        """
        if not self._making.acquire(blocking=False):
            raise BackupError("a backup is being made already", trouble="in_use", fix="wait for it to end")
        try:
            self._check_room()
            return self._made(kind, note[:NOTE], label or kind)
        finally:
            self._making.release()

    def has_room(self) -> bool:
        """Return whether a backup now leaves the disk room for another and for the store; raises `StorageError`.

        A disk that does not say is taken to have it.
        """
        free = self._free()
        return free is None or free >= 2 * self._source.size() + ROOM

    def verify(self, backup_id: str) -> Verdict:
        """Look whether a backup is whole and can be opened with the keys at hand; raises `ConfigError`."""
        return check(self.get(backup_id), vault_at(self._data, master_key=self._master_key))

    def delete(self, backup_id: str) -> Backup:
        """Remove a backup for good and return what it was."""
        found = self.get(backup_id)
        staged = self.staged()
        if staged is not None and staged.id == backup_id and staged.error is None:
            raise BackupError(
                f"the backup {backup_id} is to be put back at the next start",
                trouble="in_use",
                fix=f"first: flow-router backup restore {backup_id} --cancel",
            )
        self._remove(found)
        return found

    def prune(self, keep: int) -> Sequence[Backup]:
        """Remove all but the newest `keep` of each automatic kind; return what left. Manual ones stay."""
        removed: list[Backup] = []
        staged = self.staged()
        present = self.list()
        for kind in AUTOMATIC:
            of_kind = [backup for backup in present if backup.kind == kind]
            for backup in of_kind[keep:]:
                if staged is None or staged.id != backup.id:
                    self._remove(backup)
                    removed.append(backup)
        return removed

    def read(self, backup_id: str) -> Iterator[bytes]:
        """Yield the file of a backup in pieces."""
        return files.pieces_of(self.get(backup_id).file)

    def stage(self, backup_id: str) -> Staged:
        """Have a backup put back at the next start, once it is known to be whole; raises `ConfigError`."""
        verdict = self.verify(backup_id)
        if not verdict.ok:
            raise refused(verdict)
        staged = Staged(id=backup_id, asked_at_ms=int(self._clock.now() * 1000))
        write_staged(self._data, staged)
        return staged

    def staged(self) -> Staged | None:
        """Return what is put back at the next start, or why the last such was not."""
        return read_staged(self._data)

    def unstage(self) -> Staged | None:
        """Put nothing back at the next start; return what was to be."""
        found = read_staged(self._data)
        clear_staged(self._data)
        return found

    def _made(self, kind: Kind, note: str, label: str) -> Backup:
        try:
            return files.write(
                self.folder,
                label=label,
                now=self._clock.now(),
                fill=self._source.copy_to,
                tell=lambda file: self._manifest(file, kind, note=note),
            )
        except (OSError, sqlite3.Error) as error:
            what = f"cannot back up {self._source.shown} to {self.folder}, nothing was changed"
            raise files.trouble(error, what, where=self.folder) from error

    def _manifest(self, file: Path, kind: Kind, *, note: str) -> Manifest:
        with files.looked_into(file) as connection:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise sqlite3.DatabaseError(f"malformed: {verdict}")
            facts = files.facts_of(connection)
        return Manifest(
            kind=kind,
            created_at_ms=int(self._clock.now() * 1000),
            program=__version__,
            engine=self._source.engine,
            schema=facts.schema,
            bytes=file.stat().st_size,
            sha256=files.digest_of(file),
            key_id=facts.key_id,
            sealed=facts.sealed,
            rows=facts.rows,
            note=note,
        )

    def _check_room(self) -> None:
        size, free = self._source.size(), self._free()
        if free is not None and free < size:
            raise BackupError(
                f"a backup takes about {size // 1_000_000} MB, {self.folder} has {free // 1_000_000} MB free",
                trouble="no_room",
                fix="free some space, or name another [backups] folder",
            )

    def _free(self) -> int | None:
        """Return the free bytes of the disk that the folder is on or will be on, None where it does not say."""
        place = self.folder
        try:
            while not place.exists() and place != place.parent:
                place = place.parent
            return shutil.disk_usage(place).free
        except OSError:
            return None  # what is wrong with the folder is said better by the attempt

    def _remove(self, backup: Backup) -> None:
        try:
            shutil.rmtree(backup.path)
        except OSError as error:
            what = f"cannot remove the backup {backup.id}"
            raise files.trouble(error, what, where=backup.path.parent) from error


def refused(verdict: Verdict) -> BackupError:
    """Return the error that keeps a backup with this verdict from being put back."""
    why = next(each for each in verdict.checks if not each.ok)
    return BackupError(
        f"the backup {verdict.id} cannot be put back: {why.name}: {why.found}; nothing was changed",
        trouble=verdict.trouble or "damaged",
        fix=verdict.fix or "",
    )


def read_staged(data: Path) -> Staged | None:
    """Return what the data folder has noted for its next start."""
    try:
        return msgspec.json.decode((data / STAGED).read_bytes(), type=Staged)
    except (OSError, msgspec.DecodeError):
        return None


def write_staged(data: Path, staged: Staged) -> None:
    """Note what to put back at the next start, whole or not at all; raises `BackupError`."""
    place = data / STAGED
    draft = place.with_name(f".{STAGED}.draft")
    try:
        draft.touch(mode=0o600)
        draft.write_bytes(msgspec.json.encode(staged) + b"\n")
        files.sync(draft)
        draft.replace(place)
        files.sync(data)
    except OSError as error:
        raise files.trouble(error, f"cannot write {place}", where=data) from error


def clear_staged(data: Path) -> None:
    """Forget what was to be put back; raises `BackupError`."""
    try:
        (data / STAGED).unlink(missing_ok=True)
    except OSError as error:
        raise files.trouble(error, f"cannot remove {data / STAGED}", where=data) from error


def source_of(place: Place) -> Source:
    """Return the store at `place` as a source of backups; what copies a server's is loaded only then."""
    if isinstance(place, SqlitePlace):
        return SqliteSource(place.path)
    from flowrouter.storage.copying import SharedSource

    return SharedSource(place)


def back_up_before_upgrade(place: Place, version: int, *, data: Path, clock: Clock) -> Backup:
    """Make the backup that precedes an upgrade from schema `version`; raises `StorageError`."""
    folder = data / files.FOLDER
    shelf = Shelf(source_of(place), folder=folder, data=data, master_key=None, clock=clock)
    try:
        return shelf.create("before-upgrade", label=f"before-upgrade-from-{version}")
    except BackupError as error:
        raise StorageError(f"{error.message}; so the store stays as it is") from error


__all__ = [
    "AUTOMATIC",
    "NOTE",
    "ROOM",
    "STAGED",
    "Shelf",
    "Source",
    "SqliteSource",
    "back_up_before_upgrade",
    "clear_staged",
    "read_staged",
    "refused",
    "source_of",
    "write_staged",
]
