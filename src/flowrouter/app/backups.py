"""Backups of the configured store: the shelf, the schedule beside a running gateway, and putting one back.

What puts back is loaded only where it is asked for; a start looks for one small file.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from flowrouter import logs
from flowrouter.clock import Clock, SystemClock
from flowrouter.config import Config
from flowrouter.errors import FlowRouterError, StorageError
from flowrouter.gateway.backups import Backup, BackupError, Restored, Staged, Verdict
from flowrouter.gateway.people import AuditEntry
from flowrouter.gateway.state_store import StateStore
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.storage.backup_files import FOLDER, outside
from flowrouter.storage.backups import Shelf, clear_staged, read_staged, source_of, write_staged
from flowrouter.storage.place import place_of

if TYPE_CHECKING:
    from flowrouter.logs import Logger

FIRST_SECONDS = 300.0
"""How long a gateway that has just started has other things to do."""

_AGAIN_SECONDS = 3600.0
_TURN = "backups:turn"
_NICE = 10
_SHARE = 0.95
"""The part of the time between two backups for which no other gateway of a cluster makes one."""

T = TypeVar("T")


def shelf_of(config: Config, *, clock: Clock) -> Shelf:
    """Return the backups of the configured store; opens nothing. Raises `ConfigError`."""
    beside = config.data_dir / FOLDER
    folder = Path(config.backups.folder) if config.backups.folder else beside
    return Shelf(
        source_of(place_of(config.data_dir, url=config.store.url)),
        folder=folder,
        besides=(beside,),
        data=config.data_dir,
        master_key=config.master_key,
        clock=clock,
    )


def restore(config: Config, which: str, *, actor: str, via: str) -> Restored:
    """Put a backup back, by its id or its path; raises `StorageError`, `ConfigError` with the store as it was.

    `actor` and `via` are for the audit log of what is there then.
    """
    from flowrouter.storage.backup_checks import vault_at
    from flowrouter.storage.restoring import restore as put_back

    clock = SystemClock()
    shelf = shelf_of(config, clock=clock)
    place = place_of(config.data_dir, url=config.store.url)
    vault = vault_at(config.data_dir, master_key=config.master_key)
    backup = find(shelf, which)
    try:
        done = put_back(backup, place, data=config.data_dir, shelf=shelf, vault=vault, clock=clock)
    finally:
        place.close()
    write_down(config, "restore_backup", done.id, actor=actor, via=via)
    return done


def write_down(config: Config, action: str, target: str, *, actor: str, via: str) -> None:
    """Put what was done into the audit log, if there is a store to take it."""
    from flowrouter.api.admin.audit import entry_id
    from flowrouter.storage.audit import StoredAudit
    from flowrouter.storage.database import Database

    clock = SystemClock()
    now_ms = int(clock.now() * 1000)
    entry = AuditEntry(
        id=entry_id(now_ms),
        ts_ms=now_ms,
        owner_id=LOCAL_OWNER,
        actor=actor,
        via=via,
        role="admin",
        action=action,
        status=0,
        target=target,
    )
    database = Database(place_of(config.data_dir, url=config.store.url))
    try:
        StoredAudit(database, clock=clock, days=config.admin.audit_days).record(entry)
    except StorageError as error:
        log = logs.get("backups")
        log.warning("not in the audit log", action=action, target=target, reason=error.message)
    finally:
        database.close()


def verify(config: Config, which: str, *, clock: Clock) -> Verdict:
    """Return what a look at every byte of a backup says; raises `BackupError`."""
    from flowrouter.storage.backup_checks import check, vault_at

    found = find(shelf_of(config, clock=clock), which)
    return check(found, vault_at(config.data_dir, master_key=config.master_key))


def find(shelf: Shelf, which: str) -> Backup:
    """Return the backup with an id, or at a path, which has a separator or is there; raises `BackupError`."""
    path = Path(which).expanduser()
    separators = [mark for mark in (os.sep, os.altsep) if mark]
    if any(mark in which for mark in separators) or path.is_file():
        return outside(path)
    return shelf.get(which)


def restore_staged(config: Config) -> None:
    """Put back what was asked for through `/api`, before anything has the store open; raises nothing.

    What cannot be done leaves the store as it was, and is told in the log and at `GET /api/backups`.
    """
    staged = read_staged(config.data_dir)
    if staged is None or staged.error is not None:
        return
    log = logs.get("backups")
    try:
        done = restore(config, staged.id, actor="the gateway", via="start")
    except BackupError as error:
        if error.trouble == "in_use":  # another gateway runs: the restore is for the start behind its end
            log.warning("a backup waits to be put back", id=staged.id, reason=error.message)
            return
        _give_up(config, staged, error, log=log)
    except FlowRouterError as error:
        _give_up(config, staged, error, log=log)
    else:
        with contextlib.suppress(StorageError):
            clear_staged(config.data_dir)
        log.warning("a backup was put back", id=done.id, before=done.before, schema=done.schema)


def _give_up(config: Config, staged: Staged, error: FlowRouterError, *, log: Logger) -> None:
    log.error("a backup was not put back; the store is as it was", id=staged.id, reason=error.message)
    failed = Staged(id=staged.id, asked_at_ms=staged.asked_at_ms, error=error.message)
    with contextlib.suppress(StorageError):
        write_staged(config.data_dir, failed)


class Schedule:
    """Makes the backups that nobody asks for, one gateway of a cluster at a time; nothing ever waits for it.

    `trouble` says why the last that was due was not made.
    """

    def __init__(self, config: Config, shelf: Shelf, *, state: StateStore, clock: Clock) -> None:
        self._settings = config.backups
        self._every = config.backups.every_hours * 3600
        self._shelf = shelf
        self._state = state
        self._clock = clock
        self._log = logs.get("backups")
        self.trouble: str | None = None

    async def follow(self) -> None:
        """Work until cancelled."""
        if not self._settings.scheduled:
            return
        await asyncio.sleep(min(FIRST_SECONDS, self._every))
        while True:  # noqa: ASYNC110 - the pause is of another length each time
            await asyncio.sleep(await self.turn())

    async def turn(self) -> float:
        """Make a backup if one is due; return the seconds until the next look."""
        try:
            due_in = await asyncio.to_thread(self._due_in)
            self.trouble = self.trouble if due_in <= 0 else None
            if due_in > 0:
                return min(due_in, _AGAIN_SECONDS)
            if not await self._state.put_if_absent(_TURN, b"1", ttl=_SHARE * self._every):
                return min(self._every, _AGAIN_SECONDS)
            made = False
            try:
                made = await in_background(self._make)
            finally:
                if not made:
                    await self._state.delete(_TURN)
        except StorageError as error:
            self._log.warning("no scheduled backup", reason=error.message)
            self.trouble = error.message
        return min(self._every, _AGAIN_SECONDS)

    def _due_in(self) -> float:
        made = [backup.created_at_ms for backup in self._shelf.list() if backup.kind == "scheduled"]
        return max(made) / 1000 + self._every - self._clock.now() if made else 0.0

    def _make(self) -> bool:
        """Make a backup and clear older ones away; False where the disk has no room."""
        if not self._shelf.has_room():
            fix = "free some space, lower [backups] keep, or name another [backups] folder"
            self._log.warning(
                "no scheduled backup: the disk is nearly full", folder=str(self._shelf.folder), fix=fix
            )
            self.trouble = f"the disk of {self._shelf.folder} is nearly full"
            return False
        began = self._clock.monotonic()
        made = self._shelf.create("scheduled")
        took = round(self._clock.monotonic() - began, 1)
        self.trouble = None
        self._log.info("backup made", id=made.id, bytes=made.bytes, took_s=took)
        for gone in self._shelf.prune(self._settings.keep):
            self._log.info("backup cleared away", id=gone.id, kind=gone.kind)
        return True


async def in_background(work: Callable[[], T]) -> T:
    """Return what `work` does in a thread of its own and of low priority, which no exit waits for."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: Exception | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        _lower_priority()
        result, failed = None, None
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - it is raised where the work was asked for
            failed = error
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, result, failed)

    threading.Thread(target=run, name="backup", daemon=True).start()
    return await done


def _lower_priority() -> None:
    """Let everything else go first, where the system has priorities for threads."""
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


__all__ = [
    "FIRST_SECONDS",
    "Schedule",
    "find",
    "in_background",
    "restore",
    "restore_staged",
    "shelf_of",
    "verify",
    "write_down",
]
