"""Backups on the disk: folders that appear whole or not at all, readable by their owner only.

A folder `KIND-STAMP` holds the store as `flow-router.sqlite` and `manifest.json`. It is written under another
name, brought down to the disk, and renamed. Snapshots of before there were manifests are known by their name.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import sqlite3
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import msgspec

from flowrouter.accounts.vault import sealed_with
from flowrouter.clock import iso
from flowrouter.gateway.backups import Backup, BackupError, Kind, Manifest, Trouble
from flowrouter.storage.schema import FILE_NAME
from flowrouter.storage.sqlite import create_file

FOLDER = "backups"
MANIFEST = "manifest.json"

_DRAFT = ".draft-"
_DRAFT_SECONDS = 86_400
_NAME = re.compile(r"[a-z][A-Za-z0-9-]{0,119}")
_STAMP = re.compile(r"-(\d{8}T\d{6}Z)(?:-\d+)?$")
_PIECE = 1024 * 1024
_MAGIC = b"frv1:"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is in a store's file; `check` is the value that proves its sealing key, None where it has none."""

    schema: int
    rows: dict[str, int]
    sealed: dict[str, int]
    check: bytes | None

    @property
    def key_id(self) -> str | None:
        """Return the id of the key that the check value names."""
        return None if self.check is None else sealed_with(self.check)


@contextmanager
def looked_into(path: Path) -> Iterator[sqlite3.Connection]:
    """Lend a connection to a file that nobody changes; raises `sqlite3.Error`."""
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        yield connection


def facts_of(connection: sqlite3.Connection) -> Facts:
    """Return what is in the store behind `connection`; raises `sqlite3.Error`."""
    schema: int = connection.execute("PRAGMA user_version").fetchone()[0]
    rows: dict[str, int] = {}
    sealed: dict[str, int] = {}
    names = [row[0] for row in connection.execute(_TABLES)]
    for name in names:
        rows[name] = connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - a table's own name
        for column in connection.execute(f'PRAGMA table_info("{name}")').fetchall():
            if column[2].upper() == "BLOB":
                _count_sealed(connection, name, column[1], into=sealed)
    found = None
    if "meta" in rows:
        found = connection.execute("SELECT value FROM meta WHERE key = 'key_check'").fetchone()
    return Facts(schema=schema, rows=rows, sealed=sealed, check=b64decode(found[0]) if found else None)


_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"


def _count_sealed(connection: sqlite3.Connection, table: str, column: str, *, into: dict[str, int]) -> None:
    counted = connection.execute(
        f'SELECT substr("{column}", 6, 8), count(*) FROM "{table}"'  # noqa: S608 - the schema's own names
        f' WHERE substr("{column}", 1, 5) = ? GROUP BY 1',
        (_MAGIC,),
    )
    for key_id, count in counted:
        name = bytes(key_id).decode("ascii", "replace")
        into[name] = into.get(name, 0) + count


def write(
    shelf: Path, *, label: str, now: float, fill: Callable[[Path], None], tell: Callable[[Path], Manifest]
) -> Backup:
    """Make a backup in the folder `shelf`; raises `OSError`, `sqlite3.Error` with nothing left behind.

    `fill` writes the store to the file it is given, `tell` says what is in that.
    """
    shelf.mkdir(parents=True, mode=0o700, exist_ok=True)
    _sweep(shelf, now=now)
    draft = shelf / f"{_DRAFT}{os.getpid()}-{secrets.token_hex(4)}"
    draft.mkdir(mode=0o700)
    try:
        file = draft / FILE_NAME
        create_file(file)
        fill(file)
        sync(file)
        manifest = tell(file)
        _write_manifest(draft / MANIFEST, manifest)
        sync(draft)
        place = _publish(draft, shelf / f"{label}-{stamp_of(now)}")
        sync(shelf)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return _backup(place, manifest)


def stamp_of(now: float) -> str:
    """Return a time as it stands in names of backups."""
    return iso(now).replace(":", "").replace("-", "")


def on_shelf(shelf: Path) -> list[Backup]:
    """Return the backups in the folder `shelf`, in no order; raises `OSError`."""
    try:
        folders = list(shelf.iterdir())
    except FileNotFoundError:
        return []
    return [backup for path in folders if (backup := look_at(path)) is not None]


def look_at(folder: Path) -> Backup | None:
    """Return the backup in `folder`; None where there is none."""
    if not _NAME.fullmatch(folder.name) or not (folder / FILE_NAME).is_file():
        return None
    manifest = _read_manifest(folder / MANIFEST)
    if manifest is not None or _kind_of(folder.name) is not None:
        return _backup(folder, manifest)
    return None


def is_name(text: str) -> bool:
    """Return whether `text` can be the name of a backup: one step of a path and no more."""
    return _NAME.fullmatch(text) is not None


def outside(path: Path) -> Backup:
    """Return the backup in a folder, or the file of one, that stands anywhere; raises `BackupError`."""
    folder, file = (path, path / FILE_NAME) if path.is_dir() else (path.parent, path)
    try:
        return _backup(
            folder, _read_manifest(folder / MANIFEST) if file.name == FILE_NAME else None, file=file
        )
    except OSError as error:
        message = f"there is no backup {path}: {_short(error)}"
        fix = f"name a backup's folder, or its {FILE_NAME}"
        raise BackupError(message, trouble="missing", fix=fix) from error


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex; raises `OSError`."""
    found = hashlib.sha256()
    for piece in pieces_of(path):
        found.update(piece)
    return found.hexdigest()


def pieces_of(path: Path) -> Iterator[bytes]:
    """Yield a file in pieces; raises `OSError`."""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, down to the disk; raises `OSError`."""
    if os.name != "posix" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def trouble(error: BaseException, what: str, *, where: Path) -> BackupError:
    """Return `error` in our own words: `what` could not be done, because of the disk that holds `where`."""
    number = error.errno if isinstance(error, OSError) else None
    text = str(error).lower() if isinstance(error, sqlite3.Error) else ""
    kind: Trouble = "failed"
    reason, fix = str(error), f"look at the disk that holds {where}"
    if number in _NO_ROOM or "full" in text:
        kind, reason = "no_room", "the disk is full"
        fix = f"free some space on the disk that holds {where}, or name another [backups] folder"
    elif number in _DENIED or "readonly" in text or "unable to open" in text or "not authorized" in text:
        kind, reason = "denied", _short(error)
        fix = f"make {where} a folder that this user may write to"
    elif "malformed" in text or "not a database" in text:
        kind, fix = "damaged", "put an older backup back: flow-router backup list"
    elif "locked" in text or "busy" in text:
        kind, reason, fix = "in_use", "another process holds the store", "try again"
    return BackupError(f"{what}: {reason}", trouble=kind, fix=fix)


def _short(error: BaseException) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _kind_of(name: str) -> Kind | None:
    kinds: tuple[Kind, ...] = get_args(Kind)
    if _STAMP.search(name) is None:
        return None
    return next((kind for kind in kinds if name.startswith(f"{kind}-")), None)


def _backup(folder: Path, manifest: Manifest | None, *, file: Path | None = None) -> Backup:
    file = file or folder / FILE_NAME
    status = file.stat()
    stamp = _STAMP.search(folder.name)
    if manifest is not None:
        made_ms = manifest.created_at_ms
    elif stamp is not None:
        made = datetime.strptime(stamp[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        made_ms = int(made.timestamp() * 1000)
    else:
        made_ms = int(status.st_mtime * 1000)
    return Backup(
        id=folder.name,
        kind=manifest.kind if manifest else _kind_of(folder.name) or "manual",
        created_at_ms=made_ms,
        bytes=status.st_size,
        path=folder,
        file=file,
        manifest=manifest,
    )


def _read_manifest(path: Path) -> Manifest | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError):
        return None


def _write_manifest(path: Path, manifest: Manifest) -> None:
    create_file(path)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    sync(path)


def _publish(draft: Path, wanted: Path) -> Path:
    """Give a draft its name, or the next one where that is taken."""
    for number in range(1, 100):
        place = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        with suppress(FileExistsError):
            if not place.exists():
                draft.rename(place)
                return place
    raise FileExistsError(errno.EEXIST, "a hundred backups within one second", str(wanted))


def _sweep(shelf: Path, *, now: float) -> None:
    """Remove what processes that were cut off have left."""
    for path in shelf.glob(f"{_DRAFT}*"):
        with suppress(OSError):
            if now - path.stat().st_mtime > _DRAFT_SECONDS:
                shutil.rmtree(path)


__all__ = [
    "FOLDER",
    "MANIFEST",
    "Facts",
    "digest_of",
    "facts_of",
    "is_name",
    "look_at",
    "looked_into",
    "on_shelf",
    "outside",
    "pieces_of",
    "stamp_of",
    "sync",
    "trouble",
    "write",
]
