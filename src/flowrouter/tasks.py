"""Supervised background work: every task has an owner that waits for it and hears of its failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any, Generic, TypeVar

FailureSink = Callable[[str, BaseException], None]
T = TypeVar("T")

_AGAIN_SECONDS = 1.0


class TaskGroup:
    """Long-lived owner of background tasks; a failed task is reported, never lost.

    Unlike `asyncio.TaskGroup` one failure does not end its siblings: these are independent chores
    (model listing, snapshot polling, retention), and the gateway goes on serving.
    """

    def __init__(self, on_failure: FailureSink) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._on_failure = on_failure

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start `work`; its failure reaches the sink under `name`."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_failure(task.get_name(), error)

    async def close(self, *, grace: float = 0.0) -> None:
        """Wait up to `grace` seconds for the tasks, then cancel what is left.

        A cancellation can be lost on the way (a library takes it for its own timeout), so it is said again.
        """
        pending = set(self._tasks)
        if pending and grace > 0:
            _, pending = await asyncio.wait(pending, timeout=grace)
        while pending:
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=_AGAIN_SECONDS)


async def in_time(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` does within so many seconds; raises `TimeoutError`.

    Most reads find their bytes there already: what never waits is given no timer, which would cost more.
    """
    try:
        waits_for = work.send(None)
    except StopIteration as done:
        return done.value
    async with asyncio.timeout(seconds):
        return await _Begun(work, waits_for)


class _Begun(Generic[T]):
    """A coroutine after its first step, which waits for a future: awaiting this goes on from there."""

    __slots__ = ("_waits_for", "_work")

    def __init__(self, work: Coroutine[Any, Any, T], waits_for: Any) -> None:
        self._work = work
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, T]:
        while True:
            try:
                told = yield self._waits_for
            except BaseException as error:  # noqa: BLE001 - a cancellation is for who waits inside
                step = partial(self._work.throw, error)
            else:
                step = partial(self._work.send, told)
            try:
                self._waits_for = step()
            except StopIteration as done:
                return done.value


__all__ = ["FailureSink", "TaskGroup", "in_time"]
