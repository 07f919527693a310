"""The port behind which gateway keys are stored, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from flowrouter.httpkit.keys import NO_POLICY, GatewayKey, KeyPolicy, MintedToken, TokenMark


class KeyChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a gateway key; a member left out stays as it is, `policy` is replaced as a whole."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    scopes: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    expires_at_ms: int | msgspec.UnsetType | None = msgspec.UNSET
    policy: KeyPolicy | msgspec.UnsetType = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET


class Keys(Protocol):
    """Gateway keys; all methods block."""

    def list(self, *, owner_id: str | None = None) -> Sequence[GatewayKey]:
        """Return the keys, newest first, revoked ones included."""
        ...

    def create(
        self,
        name: str,
        *,
        owner_id: str,
        scopes: tuple[str, ...] = (),
        expires_at_ms: int | None = None,
        policy: KeyPolicy = NO_POLICY,
        enabled: bool = True,
    ) -> tuple[GatewayKey, MintedToken]:
        """Mint a key; the token is returned here and nowhere else; raises `ConflictError`."""
        ...

    def get(self, key_id: str, *, owner_id: str | None = None) -> GatewayKey:
        """Return one key, revoked or not; raises `NotFoundError`."""
        ...

    def update(
        self,
        key_id: str,
        change: KeyChange,
        *,
        owner_id: str | None = None,
        if_version: int | None = None,
        detach: bool = False,
    ) -> GatewayKey:
        """Change a key; raises `NotFoundError`, `ConflictError`.

        The latter for a name that is taken, for a revoked key, and where `if_version` is given and no longer
        the present one (`StaleError`).
        """
        ...

    def revoke(
        self,
        key_id: str,
        *,
        owner_id: str | None = None,
        if_version: int | None = None,
        detach: bool = False,
    ) -> GatewayKey:
        """Make a key useless for good; raises `NotFoundError`, `StaleError`, `ManagedError` (as `update` does)."""
        ...

    def adopt(self, name: str, token: TokenMark, *, owner_id: str) -> GatewayKey:
        """Store a key whose token exists already; raises `ConflictError`."""
        ...

    def retoken(self, key_id: str, token: TokenMark) -> GatewayKey:
        """Let another token be this key's from now on; raises `NotFoundError`, `ConflictError`."""
        ...


__all__ = ["KeyChange", "Keys"]
