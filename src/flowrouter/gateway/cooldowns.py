"""Who pauses, and who may find out whether a pause is over: one look-up on the way of each request.

Pauses are held in memory (`pause_book`), where `obstacle` reads them, and written through to the shared
state, where other workers see them within a second. A worker that is alone keeps those of a minute or
more in the store as well, so that they are there after a restart. A pause that somebody took away there ends
here too: that is how `flow-router providers test`, another process, lets an account in again.

What an account's quotas close (`quotas`) stands in the way like a pause that nobody needs to try out.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

import msgspec

from flowrouter.clock import Clock
from flowrouter.errors import StorageError
from flowrouter.gateway.blame import Failure
from flowrouter.gateway.pause_book import Mark, PauseBook, read
from flowrouter.gateway.ports import KeptPauses, StateStore
from flowrouter.gateway.quotas import Quotas
from flowrouter.gateway.trials import LOOK_SECONDS, Trial, Trials
from flowrouter.gateway.world import World
from flowrouter.logs import Logger
from flowrouter.routing.cooldown import (
    KEPT,
    Failed,
    Pause,
    believable,
    keys_of,
    paused,
    scope_key,
    survives,
    used_up,
    worth_keeping,
)
from flowrouter.routing.facts import NAME_MAX
from flowrouter.routing.signals import Obstacle
from flowrouter.routing.target import Target
from flowrouter.tasks import TaskGroup

_STATE = "cooldown:"
_QUOTA = "quota"

_PROVED_BY_HEAD = frozenset({"auth", "billing", "model_missing", "rate_limit", "overloaded"})
"""Failures that come before any answer: a good head disproves them, however late its first word is."""


class Cooldowns:
    """The pauses of this gateway; what it needs is given once."""

    def __init__(
        self,
        state: StateStore,
        *,
        kept: KeptPauses,
        world: Callable[[], World],
        mark: Mark,
        clock: Clock,
        tasks: TaskGroup,
        log: Logger,
        draw: Callable[[], float] = random.random,
        quotas: Quotas | None = None,
    ) -> None:
        self._quotas = quotas
        self._state = state
        self._kept = kept
        self._world = world
        self._clock = clock
        self._tasks = tasks
        self._log = log
        self._draw = draw
        self._book = PauseBook(world, mark, clock)
        # What pauses or did, to be looked through by nobody: where nothing is in it, nothing is in the way.
        self.known: Mapping[str, Pause] = self._book.pauses
        self._trials = Trials(state, clock=clock, ended=self._wake)
        self._stored: set[str] = set()
        self._news = asyncio.Event()

    def obstacle(self, target: Target) -> Obstacle | None:
        """Return why `target` is better not asked now; `probe` says that a trial may be begun."""
        quotas = self._quotas
        if not self.known and (quotas is None or (not quotas.closed and quotas.seen is self._world())):
            return None  # what nearly every request is told
        quota = None if quotas is None else quotas.pause(target)
        if not self.known:
            return None if quota is None else Obstacle(reason=quota.told(), until=quota.until)
        found = self._found(target)
        if not found:
            return None
        longest = max(found.values(), key=lambda pause: pause.until)
        if any(self._trials.under_way(key) for key in found):
            return Obstacle(reason=f"{longest.told()}; one request finds out whether it is back")
        if not longest.over(self._clock.now()):
            return Obstacle(reason=longest.told(), until=longest.until)
        return Obstacle(reason=f"{longest.told()}; one request may try it again", probe=True)

    def cause(self, target: Target) -> Pause | None:
        """Return the pause that holds `target` up longest, None where nothing does."""
        return max(self._found(target).values(), key=lambda pause: pause.until, default=None)

    def riskable(self, target: Target) -> float | None:
        """Return the seconds until one request may be risked although `target` pauses; None where never."""
        now, waits = self._clock.now(), list[float]()
        for key, pause in self._found(target).items():
            wait = pause.riskable(now)
            if wait is None or self._trials.under_way(key):
                return None
            waits.append(wait)
        return max(waits, default=None)

    def pauses(self) -> Mapping[str, Pause]:
        """Return what pauses or stands half open, by scope."""
        self._look_at_world()
        return self._book.all()

    async def begin_trial(
        self, target: Target, *, head_came: Callable[[], bool] = lambda: False
    ) -> Trial | None:
        """Return the right to try a target that pauses or did, None where somebody else has it.

        `head_came` tells whether the trial's reply has begun with a good status.
        """
        keys = [key for key, pause in self._found(target).items() if pause.level]
        return await self._trials.begin(keys, head_came)

    async def end_trial(self, trial: Trial) -> None:
        """Give the right back, whatever came of it."""
        await self._trials.end(trial)

    async def failed(self, failure: Failure, *, began: float) -> Pause | None:
        """Let what `failure` blames pause; `began` is when its attempt did, in wall seconds."""
        verdict, target = failure.verdict, failure.target
        key = scope_key(verdict, target)
        if key is None:
            return None
        before = self._book.live(key)
        said = Failed(
            failure=verdict.failure,
            reason=_words(failure),
            began=began,
            named=failure.problem.retry_after,
        )
        made = paused(before, said, now=self._clock.now(), draw=self._draw(), most=self._most)
        if made is before:
            return before
        return await self._note(key, made, target, model=target.model if verdict.scope == "model" else "")

    async def answered(self, target: Target, *, began: float, left: float | None = None) -> None:
        """End the pauses that an answer of `target` disproves; `began` is when its attempt did.

        `left` is for how many seconds the provider says that nothing more is left.
        """
        if self.known:
            now = self._clock.now()
            live = {key: pause for key in keys_of(target) if (pause := self._book.live(key)) is not None}
            await self._end(*(key for key, pause in live.items() if not survives(pause, began, now=now)))
        if left is not None:
            key = keys_of(target)[2]
            before = self._book.live(key)
            made = used_up(before, left, now=self._clock.now(), most=self._most)
            if made is not None and made is not before:
                await self._note(key, made, target, model=target.model)

    def heard(self, failure: Failure, *, took: float) -> None:
        """Take in a failure where nothing can be waited for; its attempt took so many seconds."""
        self._tasks.start("cooldowns", self.failed(failure, began=self._clock.now() - took))

    async def resume(self, account_id: str) -> int:
        """End every pause that the account began, here, in the shared state and in the store; count them."""
        await self._look_at_state()
        ended = {key for key, pause in self._book.all().items() if pause.account_id == account_id}
        await self._end(*ended)
        quotas = 0 if self._quotas is None else self._quotas.forget(account_id)
        for key, value in (await self._read_kept()).items():
            pause = read(value)
            if pause is not None and pause.account_id == account_id:
                ended.add(key)
                await self._forget(key)
        if quotas:
            self._wake()
        return len(ended) + quotas

    async def news(self, seconds: float, *, early: bool = True) -> None:
        """Wait `seconds`, less if a pause or a trial ends and `early` says that this matters."""
        if not early:
            await asyncio.sleep(seconds)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    async def load(self) -> None:
        """Take up what was kept over a restart; what is past or cannot be true any more is removed."""
        if self._state.shared:
            await self._look_at_state()
            return
        now = self._clock.now()
        for key, value in (await self._read_kept()).items():
            pause = read(value)
            if pause is not None and believable(pause, now, most=self._most) and self._book.is_current(pause):
                self._book.note(key, pause)
                self._stored.add(key)
            else:
                await self._forget(key)

    async def follow(self) -> None:
        """See for ever what others changed, and hold on to the trials under way."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._book.tidy()
            try:
                await self._look_at_state()
                await self._look_at_kept()
            except StorageError as error:
                self._log.debug("pauses cannot be compared", reason=error.message)

    def _found(self, target: Target) -> dict[str, Pause]:
        """Return what holds `target` up, or did and must be tried out; by scope."""
        self._look_at_world()
        now, found = self._clock.now(), dict[str, Pause]()
        for key in keys_of(target):
            pause = self._book.live(key)
            if pause is None or (pause.over(now) and not pause.level):
                continue
            if not (pause.failure in _PROVED_BY_HEAD and self._trials.head_came(key)):
                found[key] = pause
        if self._quotas is not None and (closed := self._quotas.pause(target)) is not None:
            found[_QUOTA] = closed
        return found

    async def _note(self, key: str, made: Pause, target: Target, *, model: str) -> Pause:
        made = self._book.marked(
            msgspec.structs.replace(made, account=target.account, model=model), target.account_id
        )
        if len(model) > NAME_MAX:
            return made
        self._book.note(key, made)
        left, value = made.until - self._clock.now(), msgspec.json.encode(made)
        await self._written(self._state.put(_STATE + key, value, ttl=max(1.0, left + KEPT)))
        if worth_keeping(made) and not self._state.shared:
            self._tasks.start("cooldowns", self._keep(key, made, value))
        elif key in self._stored:  # a longer one that this takes the place of
            self._stored.discard(key)
            self._tasks.start("cooldowns", self._forget(key))
        self._log.info(
            "pause",
            scope=key.partition(":")[0],
            account=made.account,
            model=made.model,
            failure=made.failure,
            seconds=round(left, 1),
        )
        return made

    async def _end(self, *keys: str) -> None:
        """End pauses here, and then wherever they are written down."""
        for key in keys:
            pause = self._book.drop(key)
            if key in self._stored or (pause is not None and worth_keeping(pause)):
                self._tasks.start("cooldowns", self._forget(key))
        if keys:
            self._wake()
            await self._written(self._take_out(keys))

    async def _take_out(self, keys: Iterable[str]) -> None:
        for key in keys:
            await self._state.delete(_STATE + key)

    async def _written(self, change: Coroutine[Any, Any, object]) -> None:
        """Wait for a change of the shared state, which is made even if its client leaves meanwhile."""
        if self._state.shared:
            await asyncio.shield(self._tasks.start("cooldowns", change))
        else:
            await change

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    @property
    def _most(self) -> float:
        return self._world().routing.pause_max

    def _look_at_world(self) -> None:
        """End the pauses of accounts that have been changed or removed since."""
        outdated = self._book.outdated()
        for key in outdated:
            self._book.drop(key)
        if outdated:
            self._tasks.start("cooldowns", self._end(*outdated))

    async def _look_at_state(self) -> None:
        if not self._state.shared:
            return
        await self._trials.renew()
        asked = self._clock.monotonic()
        found = await self._state.scan(_STATE)
        pauses = {key.removeprefix(_STATE): value for key, value in found.items()}
        if self._book.merge(pauses, asked=asked, known=list(self._book.all())):
            self._wake()

    async def _look_at_kept(self) -> None:
        """End what somebody took out of the store; what leaves it because its time is up stands half open."""
        now = self._clock.now()
        standing = {key: pause for key, pause in self._book.all().items() if not pause.over(now)}
        self._stored &= standing.keys()
        if not self._stored:
            return
        asked, found = self._clock.monotonic(), await self._read_kept()
        if ended := self._book.merge(found, asked=asked, known=list(self._stored)):
            self._stored -= set(ended)
            self._wake()

    async def _read_kept(self) -> Mapping[str, bytes]:
        try:
            return await self._kept.load()
        except StorageError as error:
            self._log.warning("the kept pauses cannot be read", reason=error.message)
            return {key: msgspec.json.encode(self._book.all()[key]) for key in self._stored}

    async def _keep(self, key: str, made: Pause, value: bytes) -> None:
        try:
            await self._kept.put(key, value, owner_id=made.owner_id, expires_at_ms=int(made.until * 1000))
        except StorageError as error:
            self._log.warning("a pause will not outlast a restart", reason=error.message)
            return
        if key in self._book:
            self._stored.add(key)
        else:
            await self._forget(key)

    async def _forget(self, key: str) -> None:
        self._stored.discard(key)
        try:
            await self._kept.delete(key)
        except StorageError as error:
            self._log.warning("a pause that ended stays in the store", reason=error.message)


def _words(failure: Failure) -> str:
    status, reason = failure.problem.status, failure.verdict.reason
    return f"{status}, {reason}" if reason else failure.problem.message[:200]


__all__ = ["Cooldowns"]
