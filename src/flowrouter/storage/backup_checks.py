"""Proving a backup before anybody relies on it: its bytes, its structure, its rows, and the key it needs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from flowrouter.accounts.key_ring import OLD_KEY_FILE, key_files, keys_in
from flowrouter.accounts.vault import KEY_FILE, KEY_VARIABLE, Vault
from flowrouter.gateway.backups import Backup, Check, Trouble, Verdict
from flowrouter.storage.backup_files import Facts, digest_of, facts_of, looked_into
from flowrouter.storage.schema import APPLICATION_ID, SCHEMA_VERSION

_OLDER = "made before backups had a manifest"
_FIXES: dict[Trouble, str] = {
    "damaged": "use another backup: flow-router backup list",
    "missing": "use another backup: flow-router backup list",
    "newer": "install the Flow Router that made it, or a newer one",
    "wrong_key": f"put the {KEY_FILE} (and {OLD_KEY_FILE}) of the gateway that made the backup into the data "
    f"folder, or set {KEY_VARIABLE} to that key",
}


def vault_at(data: Path, *, master_key: str | None) -> Vault | None:
    """Return the vault of the keys that are there, making none; None without any; raises `ConfigError`."""
    keys = keys_in(master_key) if master_key else key_files(data)
    return Vault(keys[0], older=keys[1:]) if keys else None


def check(backup: Backup, vault: Vault | None) -> Verdict:
    """Return whether `backup` is whole and opens with the keys of `vault`; raises nothing."""
    checks: list[Check] = []
    trouble: Trouble | None = None
    for found, its_trouble in _checks(backup, vault):
        checks.append(found)
        if not found.ok:
            trouble = its_trouble
            break
    fix = None if trouble is None else _FIXES.get(trouble)
    return Verdict(id=backup.id, ok=trouble is None, checks=tuple(checks), trouble=trouble, fix=fix)


def _checks(backup: Backup, vault: Vault | None) -> Iterator[tuple[Check, Trouble]]:
    """Yield one check after the other; who reads them ends at the first that fails."""
    file = backup.file
    manifest = backup.manifest
    try:
        if manifest is not None and manifest.damage is not None:
            text = f"put aside as it was, because it was damaged: {manifest.damage}"
            yield Check(name="file", ok=False, found=text), "damaged"
        size = file.stat().st_size
        expected = None if manifest is None else manifest.bytes
        ok = expected in (None, size)
        text = f"{size} bytes" if ok else f"{size} bytes, {expected} were written"
        yield Check(name="file", ok=ok, found=text), "damaged"
        if manifest is None:
            yield Check(name="sha256", ok=True, found=f"unknown: {_OLDER}"), "damaged"
        else:
            same = digest_of(file) == manifest.sha256
            text = manifest.sha256 if same else "the bytes are not those that were written"
            yield Check(name="sha256", ok=same, found=text), "damaged"
        with looked_into(file) as connection:
            yield from _inside(connection, backup, vault)
    except OSError as error:
        text = f"cannot be read: {error.strerror}"
        yield Check(name="file", ok=False, found=text), "missing"
    except sqlite3.Error as error:
        yield Check(name="integrity", ok=False, found=str(error)), "damaged"


def _inside(
    connection: sqlite3.Connection, backup: Backup, vault: Vault | None
) -> Iterator[tuple[Check, Trouble]]:
    said = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    yield Check(name="integrity", ok=said == "ok", found=str(said)), "damaged"
    own = connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    facts = facts_of(connection)
    newer = facts.schema > SCHEMA_VERSION
    text = f"schema {facts.schema}, this program knows up to {SCHEMA_VERSION}" if own else "no store of ours"
    trouble: Trouble = "newer" if newer else "damaged"
    yield Check(name="schema", ok=own and 0 < facts.schema <= SCHEMA_VERSION, found=text), trouble
    manifest = backup.manifest
    count = sum(facts.rows.values())
    if manifest is None:
        yield Check(name="rows", ok=True, found=f"{count} rows; {_OLDER}"), "damaged"
    else:
        names = [
            name
            for name in {**manifest.rows, **facts.rows}
            if manifest.rows.get(name) != facts.rows.get(name)
        ]
        text = (
            f"{count} rows in {len(facts.rows)} tables"
            if not names
            else f"other counts in {', '.join(names)}"
        )
        yield Check(name="rows", ok=not names, found=text), "damaged"
    ok, text = _key(facts, vault)
    yield Check(name="key", ok=ok, found=text), "wrong_key"


def _key(facts: Facts, vault: Vault | None) -> tuple[bool, str]:
    """Return whether every sealed value has its key at hand, and what was found."""
    count = sum(facts.sealed.values())
    if not count:
        return True, "nothing is sealed in it"
    known = vault.key_ids if vault else ()
    missing = sorted(set(facts.sealed) - set(known))
    if missing:
        here = f"here is {', '.join(known)}" if known else "no sealing key is here"
        return False, f"its values are sealed with the key {', '.join(missing)}; {here}"
    if facts.check is not None and facts.key_id in known and vault and not vault.matches(facts.check):
        return False, f"the key {facts.key_id} does not open the value that proves it"
    values = "value" if count == 1 else "values"
    return True, f"{count} sealed {values}, opened by the key {', '.join(sorted(facts.sealed))}"


__all__ = ["check", "vault_at"]
