"""The shape of a declaration: what a file says there shall be, in the words of `config.toml`.

Accounts, combos and settings stand under the names they have in the configuration file, so that a table can
be moved from one to the other. Keys and users have tables of their own.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from flowrouter import strict_toml
from flowrouter.gateway.runtime_settings import RuntimeSettings
from flowrouter.httpkit.keys import NO_POLICY, KeyPolicy
from flowrouter.settings import AccountConfig
from flowrouter.settings.admin import Role
from flowrouter.settings.routing import check_combo_names
from flowrouter.settings.section import Section

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^\S(.*\S)?$")]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
Hash = Annotated[str, msgspec.Meta(pattern=r"^\$argon2id\$")]


class DeclaredKey(Section, frozen=True):
    """One `[[keys]]` table. `token` is a gateway key that exists already; without one it is made and told once.

    `token_sha256` and `shown` stand for it in a sealed export.
    """

    name: Name
    owner: Name | None = None
    scopes: tuple[Literal["admin", "metrics"], ...] = ()
    expires: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    enabled: bool = True
    token: str | None = None
    token_sha256: Sha256 | None = None
    shown: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    policy: KeyPolicy = NO_POLICY

    def __repr__(self) -> str:
        return f"DeclaredKey(name={self.name!r})"


class DeclaredUser(Section, frozen=True):
    """One `[[users]]` table. `password_hash` stands for the password in a sealed export."""

    name: Name
    role: Role = "viewer"
    enabled: bool = True
    password: str | None = None
    password_hash: Hash | None = None

    def __repr__(self) -> str:
        return f"DeclaredUser(name={self.name!r}, role={self.role!r})"


class Declaration(RuntimeSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file: the settings document with its combos, and accounts, keys and users beside it."""

    accounts: tuple[AccountConfig, ...] = ()
    keys: tuple[DeclaredKey, ...] = ()
    users: tuple[DeclaredUser, ...] = ()

    def __post_init__(self) -> None:
        check_combo_names(self.routing.combos)


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration with the tables it was read from, which tell what was written and what is a default."""

    file: str
    text: str
    tables: dict[str, Any]
    said: Declaration

    def line(self, *path: str | int) -> str:
        """Return the place of a table or key, as `file:line`."""
        line = strict_toml.line_of(self.text, path)
        return self.file if line is None else f"{self.file}:{line}"

    def written(self, kind: str, index: int) -> dict[str, Any]:
        """Return one table of a list as it was written."""
        return self.tables[kind][index]


def shaped(tables: dict[str, Any], *, text: str, file: str) -> Read:
    """Return parsed tables as a declaration; raises `TomlError` with the line at fault."""
    said = strict_toml.shape(tables, Declaration, text=text, file=file)
    for kind, names in (
        ("accounts", [account.name for account in said.accounts]),
        ("keys", [(key.name, key.owner) for key in said.keys]),
        ("users", [user.name.casefold() for user in said.users]),
    ):
        for index, name in enumerate(names):
            if name in names[:index]:
                raise strict_toml.TomlError(
                    f"there are two {kind} named {tables[kind][index]['name']!r}",
                    file=file,
                    line=strict_toml.line_of(text, (kind, index, "name")),
                    fix="give one of them another name",
                )
    return Read(file=file, text=text, tables=tables, said=said)


__all__ = ["Declaration", "DeclaredKey", "DeclaredUser", "Read", "shaped"]
