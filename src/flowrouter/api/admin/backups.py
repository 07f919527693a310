"""`/api/backups`: copies of the whole store. Everything about them is for admins, of the whole gateway.

A running gateway never swaps its own store: what is in memory (budgets drawn, pins, rows on their way) would be of
the other one. A restore waits for the next start.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, TypeVar

import msgspec

from flowrouter.api.admin.call import Call
from flowrouter.api.admin.envelope import Reply, refusal
from flowrouter.api.admin.paging import paged
from flowrouter.errors import CallerError
from flowrouter.gateway.backups import Backup, BackupError, Backups, Kind, Manifest, Trouble, Verdict

KEY_STAYS = "the key that seals the secrets is not in a backup; keep {key} somewhere else, too"
AT_START = "restart the gateway: it puts the backup back before it serves"

_REFUSALS: dict[Trouble, tuple[int, str]] = {
    "missing": (404, "backup_not_found"),
    "damaged": (409, "backup_damaged"),
    "wrong_key": (409, "backup_key_missing"),
    "newer": (409, "backup_too_new"),
    "in_use": (409, "backup_in_use"),
    "no_room": (507, "no_room"),
    "denied": (503, "backup_failed"),
    "failed": (503, "backup_failed"),
}

T = TypeVar("T")


class BackupDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to write on a backup."""

    note: Annotated[str, msgspec.Meta(max_length=500)] = ""


class BackupShown(msgspec.Struct, frozen=True, kw_only=True):
    """A backup; `manifest` says what must be in it, null for one made before there were manifests.

    `staged`: it is put back at the next start.
    """

    id: str
    kind: Kind
    created_at_ms: int
    bytes: int
    staged: bool
    manifest: Manifest | None


class RestoreStaged(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that is put back at the next start, or (`staged` false) was to be."""

    id: str
    staged: bool


async def list_backups(call: Call) -> Reply:
    """Return the backups, newest first; a notice tells of a restore that was not done."""
    rows = await _asked(call, _rows)
    staged = await _asked(call, lambda shelf: shelf.staged())
    reply = paged(rows, call.query, key=lambda row: (-row.created_at_ms, row.id))
    if staged is None or staged.error is None:
        return reply
    return msgspec.structs.replace(reply, notices=(staged.error,))


async def create_backup(call: Call) -> Reply:
    """Make a backup while the gateway works; the answer comes when it is on the disk."""
    note: str = call.body.note
    made = await _asked(call, lambda shelf: shelf.create("manual", note=note))
    config = call.deps.config
    key = "FLOW_ROUTER_MASTER_KEY" if config.master_key else "the file secret.key of the data folder"
    return Reply(data=_shown(made, staged=None), notices=(KEY_STAYS.format(key=key),))


async def get_backup(call: Call) -> Reply:
    """Return one backup."""
    found = await _asked(call, lambda shelf: (shelf.get(call.rest), _staged_id(shelf)))
    return Reply(data=_shown(found[0], staged=found[1]))


async def delete_backup(call: Call) -> Reply:
    """Remove a backup for good."""
    gone = await _asked(call, lambda shelf: shelf.delete(call.rest))
    return Reply(data=_shown(gone, staged=None))


async def verify_backup(call: Call) -> Reply:
    """Prove a backup: bytes, structure, rows, and whether the keys at hand open it."""
    verdict: Verdict = await _asked(call, lambda shelf: shelf.verify(call.rest))
    return Reply(data=verdict)


async def restore_backup(call: Call) -> Reply:
    """Have a backup put back at the next start, once it is proven."""
    staged = await _asked(call, lambda shelf: shelf.stage(call.rest))
    return Reply(data=RestoreStaged(id=staged.id, staged=True), notices=(AT_START,))


async def cancel_restore(call: Call) -> Reply:
    """Have a backup not put back at the next start after all."""

    def cancelled(shelf: Backups) -> bool:
        staged = shelf.staged()
        if staged is None or staged.id != call.rest:
            return False
        shelf.unstage()
        return True

    if not await _asked(call, cancelled):
        raise refusal(
            f"the backup {call.rest[:130]} does not wait to be put back", status=404, code="backup_not_found"
        )
    return Reply(data=RestoreStaged(id=call.rest, staged=False))


async def download_backup(call: Call) -> Reply:
    """Send the file of a backup."""
    found = await _asked(call, lambda shelf: (shelf.get(call.rest), shelf.read(call.rest)))
    headers = {
        "content-disposition": f'attachment; filename="{found[0].id}.sqlite"',
        "content-length": str(found[0].bytes),
    }
    return Reply(stream=_sent(found[1]), media="application/vnd.sqlite3", headers=headers)


async def _sent(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(next, pieces, b""):
        yield piece


async def _asked(call: Call, question: Callable[[Backups], T]) -> T:
    """Return what the shelf says, found off the event loop; raises `CallerError`."""
    call.operator_only("see or use backups")
    shelf = call.deps.backups
    if shelf is None:
        raise refusal("this gateway keeps no backups", status=404, code="backup_not_found")
    try:
        return await asyncio.to_thread(question, shelf)
    except BackupError as error:
        raise _refused(error) from error


def _refused(error: BackupError) -> CallerError:
    status, code = _REFUSALS[error.trouble]
    return refusal(error.said, status=status, code=code, fix=error.fix)


def _rows(shelf: Backups) -> list[BackupShown]:
    staged = _staged_id(shelf)
    return [_shown(backup, staged=staged) for backup in shelf.list()]


def _staged_id(shelf: Backups) -> str | None:
    staged = shelf.staged()
    return staged.id if staged is not None and staged.error is None else None


def _shown(backup: Backup, *, staged: str | None) -> BackupShown:
    return BackupShown(
        id=backup.id,
        kind=backup.kind,
        created_at_ms=backup.created_at_ms,
        bytes=backup.bytes,
        staged=backup.id == staged,
        manifest=backup.manifest,
    )


__all__ = [
    "BackupDraft",
    "BackupShown",
    "RestoreStaged",
    "cancel_restore",
    "create_backup",
    "delete_backup",
    "download_backup",
    "get_backup",
    "list_backups",
    "restore_backup",
    "verify_backup",
]
