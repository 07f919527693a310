"""Putting a declaration in force: read it, compare it with what there is, and change that at once or not at all.

Everything happens in one transaction of the store, the comparison included: nobody else changes anything
between it and the change, and a fault in the middle leaves the old state.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Annotated, Any

import msgspec

from flowrouter import logs, strict_toml
from flowrouter.accounts.oauth import secrets_in
from flowrouter.api.admin.declaration.carrying import Carrier, Minted, checked_accounts, refuse_new_owner
from flowrouter.api.admin.declaration.present import present
from flowrouter.api.admin.declaration.references import Place, resolved
from flowrouter.api.admin.declaration.sealing import is_sealed, opened
from flowrouter.api.admin.declaration.shape import Read, shaped
from flowrouter.api.admin.declaration.things import Change, Difference, Prune, difference
from flowrouter.api.admin.declaration.wanted import wanted
from flowrouter.api.admin.deps import Repositories
from flowrouter.api.admin.login.passwords import checked, hashed, matches
from flowrouter.config import Config
from flowrouter.providers.catalog import Catalog

FileName = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\s/\\](.*\S)?$")]


class ApplyQuestion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A declaration to put in force.

    `text` is the TOML; `file` is the name under which what it brings is known (`managed_by`). `secrets` holds what its
    references stand for, by the reference itself (`"env:OPENAI_API_KEY"`); the gateway looks nothing up.
    `prune`: `file` removes what an earlier version of this file brought and this one lacks, `all` removes
    whatever it does not mention. `take_over`: it may take what another file owns.
    """

    text: str
    file: FileName = "api"
    secrets: dict[str, str] = {}
    passphrase: str | None = None
    dry_run: bool = False
    prune: Prune = "none"
    take_over: bool = False

    def __repr__(self) -> str:
        return f"ApplyQuestion(file={self.file!r}, dry_run={self.dry_run!r}, prune={self.prune!r})"


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What changed, or would; `left` was brought by an earlier version of the file and stays until it is pruned."""

    file: str
    dry_run: bool
    changes: tuple[Change, ...]
    added: int
    changed: int
    removed: int
    unchanged: int
    left: tuple[str, ...] = ()
    minted: tuple[Minted, ...] = ()


def apply(store: Repositories, question: ApplyQuestion, *, catalog: Catalog, config: Config) -> Applied:
    """Put a declaration in force, or tell what that would change; raises `CallerError`, `ConfigError`, `StorageError`."""
    read, found = read_declaration(question)
    hashes = _hashes(read, store, least=config.admin.password_length)
    things = wanted(read, found, hashes=hashes, catalog=catalog, config=config)
    with nullcontext() if question.dry_run else store.together():
        result = difference(
            things,
            present(store),
            file=question.file,
            prune=question.prune,
            take_over=question.take_over,
        )
        refuse_new_owner(result.steps)
        carrier = Carrier(store, checked_accounts(result.steps, catalog))
        if not question.dry_run:
            carrier.take(result.steps)
    return _applied(question, result, carrier.minted)


def read_declaration(question: ApplyQuestion) -> tuple[Read, Mapping[Place, str]]:
    """Return what a text declares, unsealed and with its secrets; raises `TomlError`, `CallerError`."""
    text, file = question.text, question.file
    tables = strict_toml.parse(text, file=file)
    if is_sealed(tables):
        logs.hide(question.passphrase)
        text = opened(tables, question.passphrase, text=text, file=file)
        tables = strict_toml.parse(text, file=file)
    logs.hide(*question.secrets.values())
    tables, found = resolved(tables, question.secrets, text=text, file=file)
    read = shaped(tables, text=text, file=file)
    for account in read.said.accounts:
        logs.hide(account.api_key, *account.headers.values(), *secrets_in(account.oauth))
    for name in (*(key.token for key in read.said.keys), *(user.password for user in read.said.users)):
        logs.hide(name)
    return read, found


def _hashes(read: Read, store: Repositories, *, least: int) -> dict[str, str]:
    """Return what is kept of the users' passwords: the hash there is where it is right, else a new one."""
    hashes: dict[str, str] = {}
    for user in read.said.users:
        if user.password is None:
            continue
        found = store.users.find(user.name)
        if found is not None and matches(user.password, found[1]):
            hashes[user.name.casefold()] = found[1]
        else:
            hashes[user.name.casefold()] = hashed(checked(user.password, least=least))
    return hashes


def _applied(question: ApplyQuestion, result: Difference, minted: list[Minted]) -> Applied:
    changes = tuple(step.change for step in result.steps)
    counts: dict[str, Any] = {
        "added": sum(change.action == "added" for change in changes),
        "changed": sum(change.action in ("changed", "taken_over") for change in changes),
        "removed": sum(change.action == "removed" for change in changes),
    }
    return Applied(
        file=question.file,
        dry_run=question.dry_run,
        changes=changes,
        unchanged=result.unchanged,
        left=result.left,
        minted=tuple(minted),
        **counts,
    )


__all__ = ["Applied", "ApplyQuestion", "apply", "read_declaration"]
