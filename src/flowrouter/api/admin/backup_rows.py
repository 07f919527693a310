"""The routes of backups, for the table of all routes."""

from __future__ import annotations

from flowrouter.api.admin.backups import (
    BackupDraft,
    BackupShown,
    RestoreStaged,
    cancel_restore,
    create_backup,
    delete_backup,
    download_backup,
    get_backup,
    list_backups,
    restore_backup,
    verify_backup,
)
from flowrouter.api.admin.call import AdminRoute as Row
from flowrouter.api.admin.paging import PageQuery
from flowrouter.api.admin.status import Nothing
from flowrouter.gateway.backups import Verdict

BACKUP_ROUTES: tuple[Row, ...] = (
    Row(
        method="GET",
        path="/api/backups",
        summary="List the backups",
        answer=list_backups,
        reply=BackupShown,
        many=True,
        query=PageQuery,
        fails=(404,),
    ),
    Row(
        method="POST",
        path="/api/backups",
        summary="Make a backup",
        answer=create_backup,
        reply=BackupShown,
        status=201,
        body=BackupDraft,
        fails=(507,),
    ),
    Row(
        method="GET",
        path="/api/backups/{id}",
        summary="Show a backup",
        answer=get_backup,
        reply=BackupShown,
    ),
    Row(
        method="DELETE",
        path="/api/backups/{id}",
        summary="Remove a backup",
        answer=delete_backup,
        reply=BackupShown,
    ),
    Row(
        method="POST",
        path="/api/backups/{id}/verify",
        summary="Prove a backup",
        answer=verify_backup,
        reply=Verdict,
        body=Nothing,
    ),
    Row(
        method="POST",
        path="/api/backups/{id}/restore",
        summary="Put a backup back at the next start",
        answer=restore_backup,
        reply=RestoreStaged,
        status=202,
        body=Nothing,
        fails=(507,),
    ),
    Row(
        method="DELETE",
        path="/api/backups/{id}/restore",
        summary="Put a backup not back after all",
        answer=cancel_restore,
        reply=RestoreStaged,
    ),
    Row(
        method="GET",
        path="/api/backups/{id}/file",
        summary="Download a backup",
        answer=download_backup,
        reply=None,
        media="application/vnd.sqlite3",
        private=True,
    ),
)

__all__ = ["BACKUP_ROUTES"]
