"""Every error the program raises on purpose, in one tree.

    FlowRouterError
    ├── CallerError              the request is at fault; carries a status and the field's name
    │   └── BudgetSpentError     a budget has not enough left; it may have another model asked
    │   └── StaleKeysError       a login is signed with a key we do not know of its provider
    ├── UpstreamError            a provider failed; carries what it said
    │   ├── AccountBusyError     as many requests in flight as the account may have
    │   ├── EgressError          the gateway may not connect there; nothing was sent
    │   ├── ListingError         a provider's model list cannot be read
    │   └── RefreshError         no access token is to be had now, or for good
    ├── ConfigError              files, flags or settings are wrong; carries the fix
    │   ├── TomlError            names the file, the line and the key
    │   ├── UnknownPresetError   an account names a preset that does not exist
    │   └── AdapterError         an account lacks what its preset needs
    ├── StorageError             the store cannot be read or written
    │   ├── NotFoundError        nothing has this id, at least for this owner
    │   ├── ConflictError        the name is taken, or the row has changed
    │   │   ├── StaleError       it has changed since the caller read it
    │   │   ├── FixedKeyError    a gateway key that cannot be changed
    │   │   └── ManagedError     an applied file owns it; carries the fix
    │   ├── StateDeniedError     the server of the shared state lets the gateway in no more
    │   ├── BackupError          a backup cannot be made, read or put back; carries the fix
    │   └── UnsealError          a sealed value does not open with this key, in this place
    ├── PullError                the embedded model cannot be fetched; says whether it was forged
    ├── PictureError             an address in a prompt gives no picture
    ├── JsonError                bytes that are not JSON
    ├── SseError                 bytes that are not server-sent events
    ├── ShapeError               JSON that is not what the dialect says
    ├── GrammarError             a decoder's events are out of order: a defect of ours
    └── ClientGoneError          nobody is left to answer

A leaf exists because somebody catches it. Rendering to a dialect's envelope happens in one
place per dialect (`dialects/*/errors.py`), from the `Problem` each error can state.
"""

from __future__ import annotations


class FlowRouterError(Exception):
    """Root of all errors the program raises on purpose."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class CallerError(FlowRouterError):
    """The caller's request cannot be served as it stands.

    `status` is the HTTP status, `param` the path of the offending field (`messages[2].content`),
    `code` a machine-readable reason such as `model_not_found`. `retry` says whether trying again may help
    (None: as the status has it).
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
        details: dict[str, object] | None = None,
        retry_after: float | None = None,
        retry: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code
        self.details = details
        self.retry_after = retry_after
        self.retry = retry


class UpstreamError(FlowRouterError):
    """A provider failed before anything meaningful was sent to the caller.

    `kind` says how: `connect`, `reset`, `timeout`, `protocol`, `status`, `stream`, `empty`, `egress`.
    """

    def __init__(self, message: str, *, kind: str, status: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status


class ConfigError(FlowRouterError):
    """A file, flag or setting is wrong; `fix` says what to write instead, where that is known."""

    def __init__(self, message: str, *, fix: str | None = None) -> None:
        super().__init__(f"{message} ({fix})" if fix else message)
        self.fix = fix


class StorageError(FlowRouterError):
    """The store cannot be read or written."""


__all__ = ["CallerError", "ConfigError", "FlowRouterError", "StorageError", "UpstreamError"]
