"""Asks the store off the event loop; the first question opens it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from flowrouter.api.admin.deps import Repositories

T = TypeVar("T")

_opening = Lock()


async def ask(management: Callable[[], Repositories], question: Callable[[Repositories], T]) -> T:
    """Return the store's answer; raises `StorageError`."""

    def asked() -> T:
        with _opening:
            repositories = management()
        return question(repositories)

    return await asyncio.to_thread(asked)


__all__ = ["ask"]
