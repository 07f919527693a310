"""Putting a backup back, in an order in which whatever fails leaves the store as it was.

Prove the backup, be alone with the store, make the new file beside it and bring that to the newest schema, back
up what is there, and only then change one name for the other.
"""

from __future__ import annotations

import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path

import msgspec
from sqlalchemy.exc import SQLAlchemyError

import flowrouter.storage.backup_files as files
from flowrouter import __version__
from flowrouter.accounts.vault import Vault
from flowrouter.clock import Clock
from flowrouter.errors import StorageError
from flowrouter.gateway.backups import Backup, BackupError, Manifest, Restored
from flowrouter.storage.backup_checks import check
from flowrouter.storage.backups import Shelf, back_up_before_upgrade, refused
from flowrouter.storage.copying import copy_rows, reading, replacing
from flowrouter.storage.migrating import run_migrations
from flowrouter.storage.place import Place
from flowrouter.storage.schema import SCHEMA_VERSION
from flowrouter.storage.sqlite import SqlitePlace, connect, create_file

_SIDE_FILES = ("-wal", "-shm", "-journal")
_REVOKED = "SELECT id FROM keys WHERE revoked_at_ms IS NOT NULL"
_LIVE = "SELECT id, name FROM keys WHERE revoked_at_ms IS NULL ORDER BY name"
_STOP = (
    "stop the gateway and whatever else works on this data folder, then try again; or have it done when the "
    "gateway starts the next time: --at-next-start"
)


def restore(
    backup: Backup, place: Place, *, data: Path, shelf: Shelf, vault: Vault | None, clock: Clock
) -> Restored:
    """Put `backup` in the place of the store at `place`; raises `StorageError` with the store as it was.

    `data` is this machine's data folder, where the new file is made.
    """
    verdict = check(backup, vault)
    if not verdict.ok:
        raise refused(verdict)
    what = f"cannot put the backup {backup.id} back, nothing was changed"
    try:
        if isinstance(place, SqlitePlace):
            return _into_file(backup, place.path, shelf=shelf, clock=clock)
        from flowrouter.storage.postgres_schema import prepare as prepare_server

        prepare_server(place, back_up=partial(back_up_before_upgrade, place, data=data, clock=clock))
        place.close()  # its own stock of connections would be in the way
        return _into_server(backup, place, data=data, shelf=shelf)
    except (OSError, sqlite3.Error) as error:
        raise files.trouble(error, what, where=data) from error


def _into_file(backup: Backup, path: Path, *, shelf: Shelf, clock: Clock) -> Restored:
    """Change one name for another."""
    with _alone_with(path) as held, fresh_copy(backup, path.parent) as draft:
        before = _kept(path, held, shelf=shelf, clock=clock)
        revived = _revived(held, draft.path)
        for suffix in _SIDE_FILES:
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        draft.path.replace(path)
        files.sync(path.parent)
    return draft.outcome(backup, before=before, revived=revived)


def _into_server(backup: Backup, place: Place, *, data: Path, shelf: Shelf) -> Restored:
    """Replace every row, in one transaction that nobody else is connected beside."""
    with fresh_copy(backup, data) as draft, replacing(place) as target:
        before = shelf.create("before-restore")
        revoked = {row[0] for row in target.exec_driver_sql(_REVOKED)}
        with reading(draft.path) as source:
            copy_rows(source, target)
        revived = tuple(row[1] for row in target.exec_driver_sql(_LIVE) if row[0] in revoked)
    return draft.outcome(backup, before=before, revived=revived)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A copy of a backup's file at the newest schema, ready to be a store."""

    path: Path
    from_schema: int
    rows: dict[str, int]

    def outcome(self, backup: Backup, *, before: Backup | None, revived: tuple[str, ...]) -> Restored:
        """Return what putting it in place has done."""
        return Restored(
            id=backup.id,
            before=before.id if before else None,
            from_schema=self.from_schema,
            schema=SCHEMA_VERSION,
            rows=self.rows,
            revived=revived,
        )


@contextmanager
def fresh_copy(backup: Backup, folder: Path) -> Iterator[Draft]:
    """Lend a copy of `backup` at the newest schema, in `folder`; raises `BackupError`, `OSError`, `sqlite3.Error`."""
    path = folder / f".restoring-{secrets.token_hex(4)}.sqlite"
    try:
        create_file(path)
        with path.open("wb") as copy:
            for piece in files.pieces_of(backup.file):
                copy.write(piece)
        yield _brought_up(path, backup)
    finally:
        for suffix in ("", *_SIDE_FILES):
            with suppress(OSError):
                path.with_name(path.name + suffix).unlink(missing_ok=True)


def _brought_up(path: Path, backup: Backup) -> Draft:
    with closing(connect(path)) as connection:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version < SCHEMA_VERSION:
        try:
            run_migrations(path)
        except (SQLAlchemyError, StorageError) as error:
            raise BackupError(
                f"the backup {backup.id} of schema {version} cannot be upgraded, nothing was changed: {error}",
                trouble="failed",
                fix="use another backup: flow-router backup list",
            ) from error
    with closing(connect(path)) as connection:
        facts = files.facts_of(connection)
        # The file itself remembers how it is written; a copy that was written in one go does not say WAL.
        connection.execute("PRAGMA journal_mode=WAL")
    files.sync(path)
    return Draft(path=path, from_schema=version, rows=facts.rows)


@contextmanager
def _alone_with(path: Path) -> Iterator[sqlite3.Connection | None]:
    """Lend the one connection to the store that there is; None where no store is, or none that opens.

    Raises `BackupError` where another process has it open. A store that stays is left in the mode it was in.
    """
    if not path.exists():
        yield None
        return
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(closing(connect(path, busy_ms=0)))
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA journal_mode=DELETE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if "locked" in str(error) or "busy" in str(error):
                raise BackupError(
                    f"the store {path} is in use, nothing was changed", trouble="in_use", fix=_STOP
                ) from error
            if files.trouble(error, "", where=path).trouble != "damaged":
                raise
            connection = None
        try:
            yield connection
        except BaseException:
            if connection is not None:
                with suppress(sqlite3.Error):
                    connection.execute("PRAGMA journal_mode=WAL")
            raise


class _Held:
    """The store behind the one connection to it, as a source of backups."""

    engine = "sqlite"

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self.shown = f"the store {path}"

    def size(self) -> int:
        return self._path.stat().st_size

    def copy_to(self, file: Path) -> None:
        self._connection.execute("VACUUM INTO ?", (str(file),))


def _kept(path: Path, held: sqlite3.Connection | None, *, shelf: Shelf, clock: Clock) -> Backup | None:
    """Back up the store that is about to be replaced, as it is where it does not open; None where none is."""
    if held is not None:
        if held.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            return None
        try:
            return shelf.of(_Held(held, path)).create("before-restore")
        except BackupError as error:
            if error.trouble != "damaged":
                raise
            return _put_aside(path, shelf=shelf, clock=clock, damage=error.said)
    if not path.exists() or path.stat().st_size == 0:
        return None
    return _put_aside(path, shelf=shelf, clock=clock, damage="it does not open")


def _put_aside(path: Path, *, shelf: Shelf, clock: Clock, damage: str) -> Backup:
    """Copy the files of a damaged store as they are: somebody may get more out of them than we can."""

    def fill(file: Path) -> None:
        shutil.copyfile(path, file)
        for suffix in _SIDE_FILES:
            side = path.with_name(path.name + suffix)
            if side.exists():
                create_file(file.with_name(file.name + suffix))
                shutil.copyfile(side, file.with_name(file.name + suffix))

    def tell(file: Path) -> Manifest:
        return Manifest(
            kind="before-restore",
            created_at_ms=int(clock.now() * 1000),
            program=__version__,
            bytes=file.stat().st_size,
            sha256=files.digest_of(file),
            damage=damage,
        )

    return files.write(shelf.folder, label="before-restore", now=clock.now(), fill=fill, tell=tell)


def _revived(held: sqlite3.Connection | None, draft: Path) -> tuple[str, ...]:
    """Return the names of gateway keys that are revoked now and will be valid again."""
    if held is None:
        return ()
    with suppress(sqlite3.Error), closing(connect(draft)) as connection:
        revoked = {row[0] for row in held.execute(_REVOKED)}
        return tuple(row[1] for row in connection.execute(_LIVE) if row[0] in revoked)
    return ()


__all__ = ["Draft", "fresh_copy", "restore"]
