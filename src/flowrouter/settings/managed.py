"""Who owns what is stored: the console, or a file that `flow-router apply` brought in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

ManagedBy = Literal["file", "console", "program"]
"""`file`: the configuration file or one that was applied. `program`: nobody wrote it down."""

EVERYTHING = ("*",)
"""The fields of what stands in the configuration file: all there are."""


class Managed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an applied file says of a stored thing: the fields it sets, and where their secrets came from.

    `references` are `env:NAME` and `file:PATH` by field.
    """

    file: str
    fields: tuple[str, ...] = ()
    references: dict[str, str] = {}

    def without(self, fields: Iterable[str]) -> Managed:
        """Return the same without some fields, which are the console's from now on."""
        gone = frozenset(fields)
        kept = {name: value for name, value in self.references.items() if name.partition(".")[0] not in gone}
        return Managed(
            file=self.file, fields=tuple(name for name in self.fields if name not in gone), references=kept
        )


class ManagedSetting(msgspec.Struct, frozen=True, kw_only=True):
    """One member of the settings document that an applied file sets."""

    path: tuple[str, ...]
    file: str


__all__ = ["EVERYTHING", "Managed", "ManagedBy", "ManagedSetting"]
