"""What the gateway asks of the world behind it: small protocols, and the values that cross them.

The pipeline and the routes know only these; `storage` implements them and only `app` puts the two
together. Times are integer milliseconds since the epoch (`*_ms`), money is integer pico-USD
(`*_pusd`), and None means unknown, never zero. Every value belongs to an owner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from flowrouter.accounts.account import Account
from flowrouter.canonical.capabilities import Unsupported
from flowrouter.canonical.dialect import Dialect
from flowrouter.errors import StorageError
from flowrouter.gateway.records import (
    AttemptRow,
    Lane,
    LogHealth,
    Outcome,
    RequestFilter,
    RequestPage,
    RequestRow,
    UsageGroup,
    UsageLine,
)
from flowrouter.httpkit.keys import NO_POLICY, GatewayKey, KeyPolicy, KeyRing, MintedToken


class NotFoundError(StorageError):
    """No such row, or it belongs to another owner; the two are not told apart."""


class ConflictError(StorageError):
    """The name is taken, or the row changed since the caller read it."""


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    """The last good model list of one account, as JSON text of the listing code's own making."""

    account_id: str
    owner_id: str
    fetched_at_ms: int
    body: bytes


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration at one moment; the serving process reads nothing else.

    `accounts` are in order of priority, secrets opened, disabled ones included. `settings` is the
    stored document as it stands (its types are the reader's business), `settings_version` its ETag.
    `problems` are sentences for people: what could not be loaded and why.
    """

    version: int
    loaded_at_ms: int
    accounts: tuple[Account, ...] = ()
    keys: KeyRing = msgspec.field(default_factory=lambda: KeyRing(()))
    settings: Mapping[str, Any] = {}
    settings_version: int = 0
    model_lists: tuple[ModelList, ...] = ()
    problems: tuple[str, ...] = ()


class ConfigSource(Protocol):
    """Where snapshots come from; both methods block for about a millisecond."""

    def load(self) -> Snapshot:
        """Return the present configuration; raises `StorageError`."""
        ...

    def version(self) -> int:
        """Return a number that grows with every change, cheap enough to ask each second."""
        ...


class RequestLog(Protocol):
    """Where settlement puts finished exchanges."""

    def record(self, row: RequestRow) -> None:
        """Take `row`; never blocks on the store, never raises."""
        ...

    def health(self) -> LogHealth:
        """Return the counts."""
        ...

    def drain(self, timeout: float) -> bool:
        """Write everything taken so far and stop; blocks up to `timeout` seconds, True when all is safe."""
        ...


class ReceiptStore(Protocol):
    """Receipts of finished exchanges; they arrive with the rows of `RequestLog`."""

    async def get(self, request_id: str, *, owner_id: str | None) -> bytes | None:
        """Return the receipt's JSON, or None where there is none for this owner (None: any owner)."""
        ...


class StateStore(Protocol):
    """Short-lived state shared by all workers: cooldowns, pins, rate counters, holds.

    `ttl` is in seconds, None keeps the entry until it is deleted. An entry past its time is gone.
    """

    async def get(self, key: str) -> bytes | None:
        """Return the value of `key`; a counter reads as its decimal digits."""
        ...

    async def put(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Set `key`, whatever it was."""
        ...

    async def put_if_absent(self, key: str, value: bytes, *, ttl: float | None) -> bool:
        """Set `key` unless it exists; return whether this call set it."""
        ...

    async def delete(self, key: str) -> bool:
        """Remove `key`; return whether it existed."""
        ...

    async def add(self, key: str, amount: int, *, ttl: float | None) -> int:
        """Add to the counter `key` and return the sum; the first call starts it at 0 and sets its `ttl`.

        Raises `ValueError` where the value is not a whole number.
        """
        ...

    async def scan(self, prefix: str) -> Mapping[str, bytes]:
        """Return the live entries whose keys begin with `prefix`; meant for few entries, not for each request."""
        ...

    async def take(self, key: str, *, holder: str, limit: int, ttl: float) -> bool:
        """Let `holder` have one of the `limit` places of `key` for `ttl` seconds; False where none is free.

        A holder that has a place already keeps it and begins its time anew.
        """
        ...

    async def leave(self, key: str, *, holder: str) -> None:
        """Give a place back; a holder that has none is no error."""
        ...


class SealedBlobs(Protocol):
    """Values kept encrypted; a look-up outside owner and kind is a miss, never an error."""

    async def put(
        self,
        owner_id: str,
        kind: str,
        blob_id: str,
        *,
        value: bytes,
        expires_at_ms: int | None = None,
    ) -> None:
        """Keep `value`, replacing what was there."""
        ...

    async def get(self, owner_id: str, kind: str, blob_id: str) -> bytes | None:
        """Return the value unless it is missing or past its time; raises `StorageError` if it does not open."""
        ...

    async def delete(self, owner_id: str, kind: str, blob_id: str) -> bool:
        """Remove the value; return whether there was one."""
        ...


class ModelLists(Protocol):
    """Last good model lists; what is there at start comes with the snapshot."""

    async def put(self, model_list: ModelList) -> None:
        """Keep the list of its account, replacing the older one."""
        ...


class AccountDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is needed to make an account."""

    name: str
    preset: str
    base_url: str | None = None
    dialects: tuple[Dialect, ...] = ()
    api_key: str | None = None
    headers: dict[str, str] = {}
    models: tuple[str, ...] = ()
    priority: int = 1
    max_concurrency: int | None = None
    unsupported: Unsupported | None = None
    enabled: bool = True

    def __repr__(self) -> str:
        return f"AccountDraft(name={self.name!r}, preset={self.preset!r})"


class AccountChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of an account; a member left out stays as it is, `api_key` None removes the key."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    preset: str | msgspec.UnsetType = msgspec.UNSET
    base_url: str | msgspec.UnsetType | None = msgspec.UNSET
    dialects: tuple[Dialect, ...] | msgspec.UnsetType = msgspec.UNSET
    api_key: str | msgspec.UnsetType | None = msgspec.UNSET
    headers: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    models: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    priority: int | msgspec.UnsetType = msgspec.UNSET
    max_concurrency: int | msgspec.UnsetType | None = msgspec.UNSET
    unsupported: Unsupported | msgspec.UnsetType | None = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET

    def __repr__(self) -> str:
        names = [name for name in self.__struct_fields__ if getattr(self, name) is not msgspec.UNSET]
        return f"AccountChange({', '.join(names)})"


class Accounts(Protocol):
    """Stored accounts; all methods block and are called off the event loop."""

    def list(self, *, owner_id: str | None = None) -> Sequence[Account]:
        """Return the accounts by priority and name (None: of every owner)."""
        ...

    def get(self, account_id: str, *, owner_id: str | None = None) -> Account:
        """Return one account; raises `NotFoundError`."""
        ...

    def create(self, draft: AccountDraft, *, owner_id: str) -> Account:
        """Store a new account; raises `ConflictError` where the name is taken."""
        ...

    def update(self, account_id: str, change: AccountChange, *, owner_id: str | None = None) -> Account:
        """Change an account; raises `NotFoundError`, `ConflictError`."""
        ...

    def delete(self, account_id: str, *, owner_id: str | None = None) -> None:
        """Remove an account and its model list; its request rows stay; raises `NotFoundError`."""
        ...


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
    ) -> tuple[GatewayKey, MintedToken]:
        """Mint a key; the token is returned here and nowhere else; raises `ConflictError`."""
        ...

    def revoke(self, key_id: str, *, owner_id: str | None = None) -> GatewayKey:
        """Make a key useless for good; raises `NotFoundError`."""
        ...


class StoredSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings document and its version (0: nothing stored yet)."""

    values: dict[str, Any]
    version: int


class Settings(Protocol):
    """The settings document of one owner; all methods block."""

    def get(self, *, owner_id: str) -> StoredSettings:
        """Return the document."""
        ...

    def patch(
        self,
        patch: Mapping[str, Any],
        *,
        owner_id: str,
        if_version: int | None = None,
        validate: Callable[[dict[str, Any]], object] | None = None,
    ) -> StoredSettings:
        """Apply a JSON merge patch (RFC 7396); `validate` sees the result and may raise.

        Raises `ConflictError` where `if_version` is given and no longer the present one.
        """
        ...


class Requests(Protocol):
    """The stored request log, for people; all methods block."""

    def list(self, which: RequestFilter, *, limit: int = 50, cursor: str | None = None) -> RequestPage:
        """Return one page; raises `ValueError` for a cursor that is not ours."""
        ...

    def get(self, request_id: str, *, owner_id: str | None = None) -> RequestRow:
        """Return one request with its receipt; raises `NotFoundError`."""
        ...

    def usage(
        self, which: RequestFilter, *, group_by: UsageGroup, offset_minutes: int = 0
    ) -> Sequence[UsageLine]:
        """Return sums per group; `offset_minutes` east of UTC says where days begin."""
        ...


__all__ = [
    "AccountChange",
    "AccountDraft",
    "Accounts",
    "AttemptRow",
    "ConfigSource",
    "ConflictError",
    "Keys",
    "Lane",
    "LogHealth",
    "ModelList",
    "ModelLists",
    "NotFoundError",
    "Outcome",
    "ReceiptStore",
    "RequestFilter",
    "RequestLog",
    "RequestPage",
    "RequestRow",
    "Requests",
    "SealedBlobs",
    "Settings",
    "Snapshot",
    "StateStore",
    "StoredSettings",
    "UsageGroup",
    "UsageLine",
]
