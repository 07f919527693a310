"""`flow-router export`: write what is stored as a file that `apply` takes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from flowrouter.api.admin.declaration.exporting import export as export_here
from flowrouter.api.admin.declaration.sealing import seal
from flowrouter.cli import bookkeeping, output
from flowrouter.cli.declaring import PassphraseFile, passphrase
from flowrouter.cli.desk import Desk, opened
from flowrouter.cli.options import ConfigFile, DataFolder
from flowrouter.errors import CallerError, ConfigError


def export(
    target: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to; the screen is the default."),
    ] = None,
    passphrase_file: PassphraseFile = None,
    *,
    with_secrets: Annotated[
        bool, typer.Option("--with-secrets", help="Put secrets in, sealed with a passphrase.")
    ] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Write accounts, combos, settings, keys and users as a file for `flow-router apply`."""
    with opened(config, data) as desk:
        if with_secrets:
            text, notices = _sealed(desk, passphrase(passphrase_file, again=True))
        else:
            found = export_here(desk.application.management, secrets=False)
            text, notices = found.text, found.notices
        declared = [account.name for account in desk.settings.accounts]
        declared += list(desk.settings.routing.combos)
        where = desk.settings.file
    _write(text, target)
    for notice in notices:
        output.note(f"note: {notice}")
    if declared:
        output.note(f"note: not in it, because {where} declares it: {', '.join(declared)}")


def _sealed(desk: Desk, given: str) -> tuple[str, tuple[str, ...]]:
    store = desk.application.management
    found = export_here(store, secrets=True)
    try:
        text = seal(found.text, given)
    except CallerError as error:
        raise ConfigError(error.message) from None
    bookkeeping.record(store, desk.clock, action="export_sealed", target="export", after=None)
    return text, found.notices


def _write(text: str, target: str | None) -> None:
    """Write to a file that only its owner can read, or to the screen."""
    if target is None:
        print(text, end="")
        return
    path = Path(target)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"cannot write {target}: {error.strerror}") from error
    output.note(f"Written to {target}.")


__all__ = ["export"]
