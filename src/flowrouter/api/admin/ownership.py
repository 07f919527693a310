"""Who owns a thing, as `/api` shows it, and the word by which the console takes over what a file owns."""

from __future__ import annotations

import msgspec

from flowrouter.settings.managed import EVERYTHING, Managed, ManagedBy


class DetachQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`detach`: change what an applied file owns, and be its owner until the file is applied again."""

    detach: bool = False


class Ownership(msgspec.Struct, frozen=True, kw_only=True):
    """`managed_by` says who changes it, `managed_in` which file that is, `managed_fields` what it sets (`*`: all)."""

    managed_by: ManagedBy
    managed_in: str | None
    managed_fields: tuple[str, ...]


def ownership(managed: Managed | None, *, declared_in: str | None = None, program: bool = False) -> Ownership:
    """Return who owns a thing that is stored, declared in the configuration file or the program's own."""
    if declared_in is not None:
        return Ownership(managed_by="file", managed_in=declared_in, managed_fields=EVERYTHING)
    if managed is not None and managed.fields:
        return Ownership(managed_by="file", managed_in=managed.file, managed_fields=managed.fields)
    owner: ManagedBy = "program" if program else "console"
    return Ownership(managed_by=owner, managed_in=None, managed_fields=())


__all__ = ["DetachQuery", "Ownership", "ownership"]
