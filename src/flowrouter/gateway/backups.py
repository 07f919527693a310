"""What a backup is, and the port through which commands, routes and the schedule reach the shelf of them.

A backup is a folder: the store as one SQLite file, whatever engine it is of, and a manifest that says what
must be in it. The key that seals secrets is never in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from flowrouter.errors import StorageError

Kind = Literal["manual", "scheduled", "before-upgrade", "before-restore"]
Trouble = Literal["missing", "damaged", "wrong_key", "newer", "no_room", "in_use", "denied", "failed"]


class BackupError(StorageError):
    """A backup cannot be made, read or put back; the store is as it was. `fix` says what to do."""

    def __init__(self, message: str, *, trouble: Trouble, fix: str = "") -> None:
        super().__init__(f"{message} ({fix})" if fix else message)
        self.said = message
        self.trouble: Trouble = trouble
        self.fix = fix


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What must be in a backup; `sealed` counts its sealed values by the id of the key each needs.

    `key_id` is the key that the store's own check value names. `damage` is set where a store that does not
    open was put aside as it was: nothing is known of what is in it then.
    """

    format: int = 1
    kind: Kind
    created_at_ms: int
    program: str
    engine: str = "sqlite"
    schema: int = 0
    bytes: int = 0
    sha256: str = ""
    key_id: str | None = None
    sealed: dict[str, int] = {}
    rows: dict[str, int] = {}
    note: str = ""
    damage: str | None = None


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """One backup: the folder `path` and the store's file in it; `manifest` None: there is none, or it cannot be read."""

    id: str
    kind: Kind
    created_at_ms: int
    bytes: int
    path: Path
    file: Path
    manifest: Manifest | None = None


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at: `ok`, and what was found."""

    name: Literal["file", "sha256", "integrity", "schema", "rows", "key"]
    ok: bool
    found: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a backup can be put back with the keys at hand, and why not."""

    id: str
    ok: bool
    checks: tuple[Check, ...]
    trouble: Trouble | None = None
    fix: str | None = None


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """A restore that waits for the next start, or `error`: why the last one that did was not done."""

    id: str
    asked_at_ms: int
    error: str | None = None


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What a restore did.

    `before` is the backup of what was there, None where nothing was. `revived` names gateway keys that had been
    revoked since and are valid again.
    """

    id: str
    before: str | None
    from_schema: int
    schema: int
    rows: dict[str, int]
    revived: tuple[str, ...] = ()


class Backups(Protocol):
    """The backups of one store; every method blocks and raises `BackupError`."""

    def list(self) -> Sequence[Backup]:
        """Return all backups, newest first."""
        ...

    def get(self, backup_id: str) -> Backup:
        """Return one backup."""
        ...

    def create(self, kind: Kind, *, note: str = "") -> Backup:
        """Make a backup of the store as it is now, while it is in use."""
        ...

    def verify(self, backup_id: str) -> Verdict:
        """Look whether a backup is whole and can be opened with the keys at hand."""
        ...

    def delete(self, backup_id: str) -> Backup:
        """Remove a backup for good and return what it was."""
        ...

    def read(self, backup_id: str) -> Iterator[bytes]:
        """Yield the file of a backup in pieces."""
        ...

    def stage(self, backup_id: str) -> Staged:
        """Have a backup put back at the next start, once it is known to be whole."""
        ...

    def staged(self) -> Staged | None:
        """Return what is put back at the next start, or why the last such was not."""
        ...

    def unstage(self) -> Staged | None:
        """Put nothing back at the next start; return what was to be."""
        ...


__all__ = [
    "Backup",
    "BackupError",
    "Backups",
    "Check",
    "Kind",
    "Manifest",
    "Restored",
    "Staged",
    "Trouble",
    "Verdict",
]
