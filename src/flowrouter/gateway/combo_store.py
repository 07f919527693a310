"""The port behind which combos are stored, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from flowrouter.gateway.ports import StoredCombo
from flowrouter.settings.routing import ComboConfig


class Combos(Protocol):
    """Stored combos; all methods block."""

    def list(self, *, owner_id: str | None = None) -> Sequence[StoredCombo]:
        """Return the combos by name (None: of every owner)."""
        ...

    def get(self, combo_id: str, *, owner_id: str | None = None) -> StoredCombo:
        """Return one combo by its id; raises `NotFoundError`."""
        ...

    def create(self, name: str, config: ComboConfig, *, owner_id: str) -> StoredCombo:
        """Store a new combo; raises `ConflictError` where the name is taken, in whatever case."""
        ...

    def update(
        self,
        combo_id: str,
        *,
        name: str | None = None,
        config: ComboConfig | None = None,
        owner_id: str | None = None,
        if_version: int | None = None,
        detach: bool = False,
    ) -> StoredCombo:
        """Rename or replace a combo; raises `NotFoundError`, `ConflictError`.

        The latter also where `if_version` is given and no longer the present one, and where a file owns
        what changes (`ManagedError`), unless `detach`.
        """
        ...

    def delete(
        self,
        combo_id: str,
        *,
        owner_id: str | None = None,
        if_version: int | None = None,
        detach: bool = False,
    ) -> None:
        """Remove a combo; raises `NotFoundError`, `ConflictError`."""
        ...


__all__ = ["Combos"]
