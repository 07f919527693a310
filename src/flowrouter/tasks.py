"""Supervised background work: every task has an owner that waits for it and hears of its failure.

And limits to what takes too long: `Deadline` for tasks, `Alarm` for all else. Each kind of a loop stands behind one
timer, since thousands are set and hardly any is reached.
"""

from __future__ import annotations

import asyncio
import math
import types
from asyncio import current_task, get_running_loop
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import Context
from heapq import heapify, heappop, heappush
from typing import Any, Protocol, TypeVar

FailureSink = Callable[[str, BaseException], None]
T = TypeVar("T")

NEVER = math.inf
_AGAIN_SECONDS = 1.0
_LATE_SECONDS = 0.05
"""A loop that was held up for longer, as a whole machine may be, first hears what came meanwhile: whoever sent it was
in time, and a connection that is closed with bytes unread breaks off in its client's face. Once: where every turn is
that long, limits hold all the same."""
_TURNS = 8
"""So many turns of the loop that takes: who is woken may wake others."""


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


@types.coroutine
def in_time(seconds: float, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
    """Return what `work` does within so many seconds; raises `TimeoutError`.

    Most reads find their bytes there already: what never waits is given no deadline. What does is awaited from
    where it stands, as no `await` can, which is why this is a generator.
    """
    try:
        waits_for = work.send(None)
    except StopIteration as done:
        return done.value
    deadline = Deadline(seconds)
    try:
        result = yield from _rest(work, waits_for)
    except BaseException as error:
        if deadline.ended() and isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error
        raise
    deadline.ended()
    return result


def at_once(work: Coroutine[Any, Any, None]) -> Awaitable[None] | None:
    """Do as much of `work` as needs no waiting; return what is left of it, to be awaited, None if that was all.

    For callbacks of the event loop, which are no tasks: `work` may wait for futures, and not ask who it is.
    """
    try:
        waits_for = work.send(None)
    except StopIteration:
        return None
    return _resumed(work, waits_for)


def _rest(work: Coroutine[Any, Any, T], waits_for: Any) -> Generator[Any, Any, T]:
    """Await `work` from where it stands: behind its first step, in which it began to wait for `waits_for`."""
    while True:
        try:
            yield waits_for
        except BaseException as error:  # noqa: BLE001 - a cancellation is for who waits inside
            try:
                waits_for = work.throw(error)
            except StopIteration as done:
                return done.value
        else:
            return (yield from work)


_resumed = types.coroutine(_rest)


class Deadline:
    """A limit to what the present task does, from now until `ended`: past it the task is cancelled, once.

    Who hears signs of life puts it off by setting `at`, in the loop's time.
    """

    __slots__ = ("at", "cancelling", "over", "task", "watch")

    def __init__(self, seconds: float) -> None:
        global _watch  # noqa: PLW0603 - one loop a process; where there are several, each has what it began with
        loop = get_running_loop()
        if (watch := _watch) is None or watch.loop is not loop:
            watch = _watch = _Watch(loop)
        task = current_task(loop)
        assert task is not None
        self.at = at = loop.time() + seconds
        self.task = task
        self.cancelling = task.cancelling()
        self.over = False
        self.watch = watch
        watch.deadlines.add(self)
        if at < watch.rings:
            watch.ring_at(at)

    def ended(self) -> bool:
        """Stop; return whether the task was cancelled for this alone, and take that back."""
        watch = self.watch
        watch.deadlines.discard(self)
        if not watch.deadlines:
            watch.rest()
        return self.over and self.task.uncancel() <= self.cancelling


class _Timer:
    """The one timer behind all limits of a kind, at `rings`; set with a loop, heard of in `ring`.

    Where the loop was held up it rings some turns later, so that what came meanwhile is heard first.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.rings = NEVER
        self._handle: asyncio.Handle | None = None

    def ring_at(self, at: float) -> None:
        """Set it, which would ring later or not at all."""
        if self._handle is not None:
            self._handle.cancel()
        self.rings = at
        self._handle = self.loop.call_later(at - self.loop.time(), self._due)

    def rest(self) -> None:
        """Leave no timer behind where nothing is left to watch."""
        if self._handle is not None:
            self._handle.cancel()
            self.rings, self._handle = NEVER, None

    def ring(self) -> None:
        """Tell whoever was waited for too long, and set the timer again."""
        raise NotImplementedError

    def _due(self) -> None:
        late = self.loop.time() - self.rings > _LATE_SECONDS
        self._go(_TURNS if late else 0)

    def _go(self, turns: int) -> None:
        """Ring after so many turns of the loop: one for its sockets, others for whom they wake."""
        self._handle = self.loop.call_soon(self._go, turns - 1) if turns else None
        if not turns:
            self.ring()


class _Watch(_Timer):
    """The deadlines of one event loop behind one timer: most are never reached, and a timer each costs more."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.deadlines: set[Deadline] = set()

    def ring(self) -> None:
        """Cancel the tasks whose time is over."""
        now = max(self.loop.time(), self.rings)  # timers ring a little early
        self.rings = NEVER
        for deadline in [each for each in self.deadlines if each.at <= now]:
            self.deadlines.discard(deadline)
            deadline.over = True
            deadline.task.cancel()
        if self.deadlines:
            self.ring_at(min(each.at for each in self.deadlines))


_watch: _Watch | None = None

_TICK = 0.001
_CROWD = 64
"""Turns that were given up may be so many, and as many as the others, before they are cleared away."""


class Punctual(Protocol):
    """Who has an alarm; told outside of any task."""

    def missed(self) -> None:
        """Act on whatever was waited for too long."""
        ...


class Alarm:
    """Tells `owner` once, as `missed`, when `at`, a time of the loop's clock, has passed; `NEVER` lifts it.

    `at` may be moved at will. An alarm whose turn comes too early takes a later one, so that what is put off again and
    again costs nothing.
    """

    __slots__ = ("_bell", "_owner", "at", "turn")

    def __init__(self, owner: Punctual) -> None:
        global _bell  # noqa: PLW0603 - as for `_watch`
        loop = get_running_loop()
        if (bell := _bell) is None or bell.loop is not loop:
            bell = _bell = _Bell(loop)
        self._bell = bell
        self._owner: Punctual | None = owner
        self.at = self.turn = NEVER

    def set(self, seconds: float) -> None:
        """Wait so long from now on."""
        bell = self._bell
        at = self.at = bell.loop.time() + seconds
        if at < self.turn:
            bell.enter(self, at)

    def end(self) -> None:
        """Wait for nothing any more, and hold on to nobody."""
        self._owner = None
        self.at = NEVER
        if self.turn != NEVER:
            self.turn = NEVER
            self._bell.clear()

    def ring(self) -> None:
        """Tell the owner."""
        self.at = NEVER
        if self._owner is not None:
            self._owner.missed()

    def __lt__(self, other: Alarm) -> bool:
        return False  # of one moment, in any order


class _Bell(_Timer):
    """The alarms of one event loop in the order of their turns, behind one timer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._turns: list[tuple[float, Alarm]] = []
        self._given_up = 0

    def enter(self, alarm: Alarm, at: float) -> None:
        """Give `alarm` a turn, instead of one it has later."""
        later, alarm.turn = alarm.turn, at
        if later != NEVER:
            self.clear()
        heappush(self._turns, (at, alarm))
        if at < self.rings:
            self.ring_at(at)

    def clear(self) -> None:
        """Count a turn that is given up; drop all such once they are many, or nothing else is left."""
        self._given_up += 1
        given_up, turns = self._given_up, len(self._turns)
        if given_up == turns or (given_up > _CROWD and 2 * given_up > turns):
            self._turns = [(at, alarm) for at, alarm in self._turns if alarm.turn == at]
            heapify(self._turns)
            self._given_up = 0
            if not self._turns:
                self.rest()

    def ring(self) -> None:
        """Tell those whose time is over; the timer is set again once, behind them."""
        now, due = self.loop.time(), list[Alarm]()
        self.rings = -NEVER
        while (turns := self._turns) and turns[0][0] <= now:
            turn, alarm = heappop(turns)
            if alarm.turn != turn:
                self._given_up -= 1
                continue
            alarm.turn = NEVER
            if alarm.at <= now:
                due.append(alarm)
            elif alarm.at != NEVER:
                self.enter(alarm, max(alarm.at, now + _TICK))
        for alarm in due:
            if alarm.at <= now:  # nobody has put it off since
                try:
                    Context().run(alarm.ring)  # who sets the timer is seldom who is told
                except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - who fails keeps nobody from being told
                    self.loop.call_exception_handler({"message": "an alarm failed", "exception": error})
        self.rings = NEVER
        if self._turns:
            self.ring_at(max(self._turns[0][0], now + _TICK))


_bell: _Bell | None = None

__all__ = ["NEVER", "Alarm", "Deadline", "FailureSink", "Punctual", "TaskGroup", "at_once", "in_time"]
