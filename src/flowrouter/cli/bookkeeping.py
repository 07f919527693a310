"""Puts what commands change into the audit log, as the gateway does with what comes through `/api`."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from flowrouter.api.admin.audit import entry_id
from flowrouter.api.admin.changes import bounded, differences, plain
from flowrouter.errors import StorageError
from flowrouter.gateway.people import AuditEntry
from flowrouter.httpkit.keys import LOCAL_OWNER

if TYPE_CHECKING:
    from flowrouter.api.admin import Repositories
    from flowrouter.clock import Clock

_CHANGES = frozenset({"create", "update", "delete", "revoke", "patch", "end", "end_all", "release"})
_OWNED = frozenset({"update", "delete", "revoke", "patch"})
"""Changes that ask whether a file owns what they change."""

_NOUNS = {
    "accounts": "account",
    "combos": "combo",
    "keys": "key",
    "ledger": "budget",
    "settings": "settings",
    "users": "user",
    "sessions": "session",
}


def kept(repositories: Repositories, clock: Clock, *, detach: bool = False) -> Repositories:
    """Return `repositories` with every change of theirs written down.

    `detach`: what an applied file owns may be changed too.
    """
    return cast("Repositories", _Book(repositories, clock, detach=detach))


def record(repositories: Repositories, clock: Clock, *, action: str, target: str, after: Any) -> None:
    """Write down a change that was made in another way."""
    _Book(repositories, clock).record(action, target, before=None, after=plain(after))


class _Book:
    def __init__(self, repositories: Any, clock: Clock, *, detach: bool = False) -> None:
        self._repositories = repositories
        self._clock = clock
        self._detach = detach

    def __getattr__(self, name: str) -> Any:
        repository = getattr(self._repositories, name)
        if name == "recordings":
            return _Private(repository, self.record)
        noun = _NOUNS.get(name)
        return repository if noun is None else _Kept(repository, noun, self.record, detach=self._detach)

    def record(self, action: str, target: str | None, *, before: Any, after: Any) -> None:
        before, after = differences(before, after)
        now_ms = int(self._clock.now() * 1000)
        self._repositories.audit.record(
            AuditEntry(
                id=entry_id(now_ms),
                ts_ms=now_ms,
                owner_id=LOCAL_OWNER,
                actor=operator(),
                via="cli",
                role="admin",
                action=action,
                status=0,
                target=target,
                before=bounded(before),
                after=bounded(after),
            )
        )


class _Kept:
    """One repository; methods that change something are written down after they have."""

    def __init__(
        self, repository: Any, noun: str, record: Callable[..., None], *, detach: bool = False
    ) -> None:
        self._repository = repository
        self._noun = noun
        self._record = record
        self._detach = detach

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._repository, name)
        if name not in _CHANGES:
            return method

        def noted(*given: Any, **named: Any) -> Any:
            before = self._present(name, given, named)
            if self._detach and name in _OWNED:
                named["detach"] = True
            result = method(*given, **named)
            told = result[0] if isinstance(result, tuple) else result
            after = None if isinstance(told, int) else plain(told)
            self._record(f"{name}_{self._noun}", _target(told, given), before=before, after=after)
            return result

        return noted

    def _present(self, name: str, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Return how the thing is before it changes, None where nothing tells."""
        look = getattr(self._repository, "get", None)
        if look is None or name == "create":
            return None
        try:
            if self._noun == "settings":
                return plain(look(owner_id=named["owner_id"]))
            return plain(look(given[0])) if given else None
        except StorageError:
            return None


class _Private:
    """Recorded bodies: reading and removing them is written down, what they say never is."""

    def __init__(self, repository: Any, record: Callable[..., None]) -> None:
        self._repository = repository
        self._record = record

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._repository, name)
        action = {"get": "read_bodies", "delete": "delete_bodies"}.get(name)
        if action is None:
            return method

        def noted(request_id: str, **named: Any) -> Any:
            result = method(request_id, **named)
            self._record(action, request_id, before=None, after=None)
            return result

        return noted


def _target(told: Any, given: tuple[Any, ...]) -> str | None:
    found = getattr(told, "id", None) or (given[0] if given else None)
    return found if isinstance(found, str) else None


def operator() -> str:
    """Return the name of the account that runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "somebody without a name"


__all__ = ["kept", "operator"]
