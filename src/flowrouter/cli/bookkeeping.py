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

_CHANGES = frozenset({"create", "update", "delete", "revoke", "patch", "end", "end_all"})
_NOUNS = {
    "accounts": "account",
    "combos": "combo",
    "keys": "key",
    "settings": "settings",
    "users": "user",
    "sessions": "session",
}


def kept(repositories: Repositories, clock: Clock) -> Repositories:
    """Return `repositories` with every change of theirs written down."""
    return cast("Repositories", _Book(repositories, clock))


class _Book:
    def __init__(self, repositories: Any, clock: Clock) -> None:
        self._repositories = repositories
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        repository = getattr(self._repositories, name)
        noun = _NOUNS.get(name)
        return repository if noun is None else _Kept(repository, noun, self._record)

    def _record(self, action: str, target: str | None, *, before: Any, after: Any) -> None:
        before, after = differences(before, after)
        now_ms = int(self._clock.now() * 1000)
        self._repositories.audit.record(
            AuditEntry(
                id=entry_id(now_ms),
                ts_ms=now_ms,
                owner_id=LOCAL_OWNER,
                actor=_operator(),
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

    def __init__(self, repository: Any, noun: str, record: Callable[..., None]) -> None:
        self._repository = repository
        self._noun = noun
        self._record = record

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._repository, name)
        if name not in _CHANGES:
            return method

        def noted(*given: Any, **named: Any) -> Any:
            before = self._present(name, given, named)
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


def _target(told: Any, given: tuple[Any, ...]) -> str | None:
    found = getattr(told, "id", None) or (given[0] if given else None)
    return found if isinstance(found, str) else None


def _operator() -> str:
    """Return the name of the account that runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "somebody without a name"


__all__ = ["kept"]
