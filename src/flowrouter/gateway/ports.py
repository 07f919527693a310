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
from flowrouter.gateway.key_store import KeyChange, Keys
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
from flowrouter.gateway.state_store import StateStore
from flowrouter.httpkit.keys import KeyRing
from flowrouter.settings.managed import Managed, ManagedSetting
from flowrouter.settings.oauth import OAuthConfig
from flowrouter.settings.quotas import QuotaLimit
from flowrouter.settings.routing import ComboConfig


class NotFoundError(StorageError):
    """No such row, or it belongs to another owner; the two are not told apart."""


class ConflictError(StorageError):
    """The name is taken, or the row changed since the caller read it."""


class StaleError(ConflictError):
    """The row changed since the caller read it; `what` it is of, in a word."""

    def __init__(self, message: str, *, what: str) -> None:
        super().__init__(message)
        self.what = what


class ManagedError(ConflictError):
    """An applied file owns what was to be changed; `fix` says what to do instead."""

    def __init__(self, what: str, *, file: str, fields: Sequence[str] = ()) -> None:
        told = f" ({', '.join(fields)})" if fields else ""
        super().__init__(f"{what} is managed by {file}{told} and is changed there")
        self.file = file
        self.fix = f"change {file} and apply it again"


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    """The last good model list of one account, as JSON text of the listing code's own making."""

    account_id: str
    owner_id: str
    fetched_at_ms: int
    body: bytes


class StoredCombo(msgspec.Struct, frozen=True, kw_only=True):
    """A combo; `version` grows with each change of it, 0 is one of the configuration file.

    Names are unique whatever the case.
    """

    id: str
    name: str
    owner_id: str
    config: ComboConfig
    version: int = 1
    created_at_ms: int = 0
    updated_at_ms: int = 0
    managed: Managed | None = None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration at one moment; the serving process reads nothing else.

    `accounts` are in order of priority, secrets opened, disabled ones included. `settings` is the
    stored document as it stands (its types are the reader's business), `settings_version` its ETag.
    `problems` are sentences for people: what could not be loaded and why.
    """

    version: int
    loaded_at_ms: int
    accounts: tuple[Account, ...] = ()
    combos: tuple[StoredCombo, ...] = ()
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


class KeptPauses(Protocol):
    """Pauses that are long enough to be kept over a restart, by scope."""

    async def put(self, key: str, value: bytes, *, owner_id: str, expires_at_ms: int) -> None:
        """Keep one, replacing the older one of its scope; raises `StorageError`."""
        ...

    async def delete(self, key: str) -> None:
        """Remove one; one that is not there is no error; raises `StorageError`."""
        ...

    async def load(self) -> Mapping[str, bytes]:
        """Return those that are not past; raises `StorageError`."""
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
    oauth: OAuthConfig | None = None
    tags: tuple[str, ...] = ()
    weight: int = 1
    quota: tuple[QuotaLimit, ...] = ()
    reserve: str = ""
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
    tags: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    weight: int | msgspec.UnsetType = msgspec.UNSET
    oauth: OAuthConfig | msgspec.UnsetType | None = msgspec.UNSET
    quota: tuple[QuotaLimit, ...] | msgspec.UnsetType = msgspec.UNSET
    reserve: str | msgspec.UnsetType = msgspec.UNSET
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

    def update(
        self,
        account_id: str,
        change: AccountChange,
        *,
        owner_id: str | None = None,
        check: Callable[[Account], None] | None = None,
        detach: bool = False,
    ) -> Account:
        """Change an account; raises `NotFoundError`, `ConflictError`, `ManagedError` unless `detach`.

        `check` is shown the present account, which nobody else changes meanwhile, and may raise.
        """
        ...

    def delete(
        self,
        account_id: str,
        *,
        owner_id: str | None = None,
        check: Callable[[Account], None] | None = None,
        detach: bool = False,
    ) -> None:
        """Remove an account and its model list; its request rows stay; raises `NotFoundError`."""
        ...


class StoredSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings document and its version (0: nothing stored yet)."""

    values: dict[str, Any]
    version: int
    managed: tuple[ManagedSetting, ...] = ()


class Ownership(Protocol):
    """Which applied file owns what; both methods block."""

    def put(self, kind: str, thing_id: str, managed: Managed | None) -> None:
        """Say who owns an `account`, a `combo`, a `key` or a `user` (None: the console)."""
        ...

    def put_settings(self, members: Sequence[ManagedSetting], *, owner_id: str) -> None:
        """Say which members of the settings document files own; all others are the console's."""
        ...


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
        detach: bool = False,
    ) -> StoredSettings:
        """Apply a JSON merge patch (RFC 7396); `validate` sees the result and may raise.

        Raises `StaleError` where `if_version` is given and no longer the present one.
        """
        ...


class Requests(Protocol):
    """The stored request log, for people; all methods block."""

    def list(self, which: RequestFilter, *, limit: int = 50, cursor: str | None = None) -> RequestPage:
        """Return one page; raises `ValueError` for a cursor that is not ours."""
        ...

    def behind(self, row: RequestRow) -> str:
        """Return the cursor of the page that goes on behind `row`."""
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
    "KeptPauses",
    "KeyChange",
    "Keys",
    "Lane",
    "LogHealth",
    "ManagedError",
    "ModelList",
    "ModelLists",
    "NotFoundError",
    "Outcome",
    "Ownership",
    "ReceiptStore",
    "RequestFilter",
    "RequestLog",
    "RequestPage",
    "RequestRow",
    "Requests",
    "SealedBlobs",
    "Settings",
    "Snapshot",
    "StaleError",
    "StateStore",
    "StoredCombo",
    "StoredSettings",
    "UsageGroup",
    "UsageLine",
]
