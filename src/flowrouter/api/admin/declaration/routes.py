"""`/api/apply` and `/api/export`: the whole configuration as one text, in and out."""

from __future__ import annotations

import msgspec

from flowrouter.api.admin.call import AdminRoute as Row
from flowrouter.api.admin.call import Call
from flowrouter.api.admin.declaration.applying import Applied, ApplyQuestion, apply
from flowrouter.api.admin.declaration.exporting import Exported, export
from flowrouter.api.admin.declaration.sealing import seal
from flowrouter.api.admin.envelope import Reply

_MEDIA = "application/toml"
_NAME = {"content-disposition": 'attachment; filename="flow-router.toml"'}


class ExportQuestion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The passphrase that an export with secrets is sealed with."""

    passphrase: str

    def __repr__(self) -> str:
        return "ExportQuestion()"


async def apply_declaration(call: Call) -> Reply:
    """Put a declaration in force, all of it or nothing; with `dry_run` tell what that would change."""
    call.operator_only("apply a declaration")
    question: ApplyQuestion = call.body
    call.target = question.file
    deps = call.deps
    applied: Applied = await call.ask(
        lambda store: apply(store, question, catalog=deps.catalog, config=deps.present)
    )
    notices = () if question.dry_run else await call.publish()
    return Reply(data=applied, notices=notices)


async def export_declaration(call: Call) -> Reply:
    """Return the configuration as a declaration, without secrets."""
    call.operator_only("export the configuration")
    exported: Exported = await call.ask(lambda store: export(store, secrets=False))
    return Reply(content=exported.text.encode(), media=_MEDIA, headers=_NAME)


async def export_sealed(call: Call) -> Reply:
    """Return the configuration with its secrets, sealed with a passphrase."""
    call.operator_only("export the configuration")
    question: ExportQuestion = call.body
    call.target = "export"
    text: str = await call.ask(lambda store: seal(export(store, secrets=True).text, question.passphrase))
    return Reply(content=text.encode(), media=_MEDIA, headers=_NAME)


DECLARATION_ROUTES: tuple[Row, ...] = (
    Row(
        method="POST",
        path="/api/apply",
        summary="Put a declaration in force, or tell what it would change",
        answer=apply_declaration,
        reply=Applied,
        body=ApplyQuestion,
    ),
    Row(
        method="GET",
        path="/api/export",
        summary="Show the configuration as a declaration, without secrets",
        answer=export_declaration,
        reply=None,
        media=_MEDIA,
    ),
    Row(
        method="POST",
        path="/api/export",
        summary="Show the configuration with its secrets, sealed with a passphrase",
        answer=export_sealed,
        reply=None,
        media=_MEDIA,
        body=ExportQuestion,
    ),
)

__all__ = [
    "DECLARATION_ROUTES",
    "ExportQuestion",
    "apply_declaration",
    "export_declaration",
    "export_sealed",
]
