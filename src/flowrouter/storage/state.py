"""Chooses where short-lived state is kept: memory, or Redis where the settings name one."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from flowrouter import logs
from flowrouter.clock import Clock
from flowrouter.config import State
from flowrouter.errors import ConfigError
from flowrouter.storage.memory_state import MemoryStateStore
from flowrouter.tasks import TaskGroup

if TYPE_CHECKING:
    from flowrouter.storage.fallback import FallingBackState


def open_state(
    settings: State, *, clock: Clock, tasks: TaskGroup, workers: int = 1
) -> MemoryStateStore | FallingBackState:
    """Return the state store of one worker out of `workers`; raises `ConfigError`.

    Nothing is connected yet: `FallingBackState.open` does that.
    """
    if not settings.redis:
        return MemoryStateStore(clock)
    if find_spec("redis") is None:
        raise ConfigError(
            "[state] redis needs the Redis client, which is not installed",
            fix='pip install "flow-router[cluster]"',
        )
    from flowrouter.storage.fallback import FallingBackState
    from flowrouter.storage.redis_state import RedisStateStore

    store = RedisStateStore(settings.redis, prefix=settings.prefix, timeout=settings.timeout, tasks=tasks)
    return FallingBackState(store, clock=clock, tasks=tasks, log=logs.get("state"), workers=workers)


__all__ = ["open_state"]
