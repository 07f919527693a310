"""What is left of every account's windows: learned from settled attempts, read on the way of each request.

Reading is one look-up of the accounts of which something is closed. Learning happens at settlement, behind the
answer: headers first by name (`TELLING`), so that an account that says nothing costs next to nothing. What is
kept and shared of it is `quota_keeping`'s business; who asks providers, `quota_fetch`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flowrouter.accounts.account import Account
from flowrouter.clock import Clock
from flowrouter.gateway.attempt_log import AttemptLog
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.pause_book import Mark
from flowrouter.gateway.quota_counts import Counts
from flowrouter.gateway.records import AttemptRow, RequestRow
from flowrouter.gateway.world import World
from flowrouter.routing.cooldown import Pause
from flowrouter.routing.facts import NAME_MAX
from flowrouter.routing.target import Target
from flowrouter.settings.quotas import Reserve, reserves
from flowrouter.usage import quota_bodies, quota_headers
from flowrouter.usage.quota import Closed, Window, closed, merged

WINDOWS_MAX = 200
"""Windows that are remembered of one account; where it takes every name, callers choose the models."""

_says_nothing = quota_headers.TELLING.isdisjoint


class Quotas:
    """The windows of this gateway's accounts; what it needs is given once."""

    def __init__(self, *, world: Callable[[], World], mark: Mark, clock: Clock) -> None:
        self._world = world
        self._mark = mark
        self._clock = clock
        # The world that `closed` goes by, and what is closed of its accounts.
        self.seen: World | None = None
        self.closed: dict[str, tuple[Closed, ...]] = {}
        self._heard: dict[str, dict[str, Window]] = {}
        self._marks: dict[str, str] = {}
        self._counted: dict[str, Account] = {}
        self._since: dict[str, float] = {}
        self.counts = Counts()
        # Accounts of which something is new since somebody looked: what is kept and shared goes by it.
        self.changed: set[str] = set()
        self.used: set[str] = set()
        self.forgotten: set[str] = set()

    def pause(self, target: Target) -> Pause | None:
        """Return why `target` is not asked now, as a pause that lasts until the true reset."""
        if self._world() is not self.seen:
            self._look_at_world()
        found = self.closed.get(target.account_id)
        if found is None:
            return None
        now = self._clock.now()
        open_ = [each for each in found if now < each.until]
        if not open_:
            self._review(target.account_id)
            return None
        mine = [each for each in open_ if _concerns(each, target.model)]
        return self._pause(max(mine, key=lambda each: each.until), target, now) if mine else None

    def take(self, target: Target) -> Pause | None:
        """Count a request that is about to be sent; return why it may not be."""
        if self._world() is not self.seen:
            self._look_at_world()
        account = self._counted.get(target.account_id)
        if account is None:
            return None
        closed_ = self.pause(target)
        if closed_ is None:
            self.counts.add(account, now=self._clock.now(), requests=1)
            self._touched(account.id)
        return closed_

    def settled(self, exchange: Exchange, row: RequestRow) -> None:
        """Take what the attempts of a finished exchange said, and what they used."""
        for number, log in enumerate(exchange.attempts):
            account_id = log.target.account_id
            if log.status is not None:
                self.used.add(account_id)
            if account_id in self._counted:
                self._count(self._counted[account_id], log, row.attempts[number])
            if log.said is not None and (log.refusal is not None or not _says_nothing(log.said)):
                self.note(account_id, self._said(log))

    def _count(self, account: Account, log: AttemptLog, booked: AttemptRow) -> None:
        # The books count the five kinds apart; a limit on tokens means all of them.
        tokens = (booked.input_tokens or 0) + (booked.output_tokens or 0) + (booked.reasoning_tokens or 0)
        self.counts.add(
            account,
            now=self._clock.now(),
            requests=0 if log.head_at is not None else -1,  # it was never sent
            tokens=tokens + (booked.cache_read_tokens or 0) + (booked.cache_write_tokens or 0),
            pusd=booked.cost_pusd or 0,
        )
        self._touched(account.id)

    def note(self, account_id: str, windows: Iterable[Window]) -> None:
        """Take what was said of an account; of a window heard of before, the later word counts."""
        world = self._world()
        if account_id not in world.accounts:
            return
        if self._world() is not self.seen:
            self._look_at_world()
        heard = self._heard.get(account_id)
        if heard is None:
            heard = self._heard[account_id] = {}
            self._marks[account_id] = self._mark(world, account_id)
        for window in windows:
            before = heard.get(window.key)
            if len(window.models) > NAME_MAX or (before is not None and before.as_of > window.as_of):
                continue
            heard[window.key] = merged(before, window)
        while len(heard) > WINDOWS_MAX:
            del heard[min(heard, key=lambda key: heard[key].as_of)]
        self._touched(account_id)

    def windows(self, account_id: str) -> tuple[Window, ...]:
        """Return what is known of an account: what was heard, then what is counted."""
        if self._world() is not self.seen:
            self._look_at_world()
        heard = tuple(self._heard.get(account_id, {}).values())
        account = self._counted.get(account_id)
        return heard if account is None else (*heard, *self.counts.windows(account, self._clock.now()))

    def heard(self, account_id: str) -> tuple[Window, ...]:
        """Return what an account's provider said."""
        return tuple(self._heard.get(account_id, {}).values())

    def mark(self, account_id: str) -> str:
        """Return what tells the account as it is now from what it was before its key was changed."""
        return self._mark(self._world(), account_id)

    def reserves(self, account_id: str) -> tuple[Reserve, ...]:
        """Return what the account's owner keeps back."""
        account = self._world().accounts.get(account_id)
        return () if account is None else reserves(account.reserve)

    def forget(self, account_id: str) -> int:
        """Forget what was heard of an account, so that it is asked at once; count what was closed.

        What its owner wrote down stays in force.
        """
        closed_ = len(self.closed.get(account_id, ()))
        if self._heard.pop(account_id, None) is not None:
            self.forgotten.add(account_id)
            self._touched(account_id)
        return closed_ - len(self.closed.get(account_id, ()))

    def counted(self) -> Iterable[Account]:
        """Return the accounts whose use is counted against limits of their owners'."""
        if self._world() is not self.seen:
            self._look_at_world()
        return self._counted.values()

    def counted_since(self, account_id: str) -> float:
        """Return since when an account's use is counted here, in wall seconds."""
        return self._since[account_id]

    def recall(self, account_id: str, windows: Iterable[Window]) -> None:
        """Take up what was heard of an account elsewhere, or before."""
        heard = self._heard.setdefault(account_id, {})
        self._marks[account_id] = self.mark(account_id)
        for window in windows:
            before = heard.get(window.key)
            if before is None or before.as_of < window.as_of:
                heard[window.key] = window

    def review(self, account_ids: Iterable[str]) -> None:
        """Look again at what is closed of accounts whose counts were changed from outside."""
        for account_id in account_ids:
            self._review(account_id)

    def _said(self, log: AttemptLog) -> tuple[Window, ...]:
        # What a head says was true when it came, however long its answer went on.
        ago = 0.0 if log.head_at is None else max(0.0, self._clock.monotonic() - log.head_at)
        target, now = log.target, self._clock.now() - ago
        found = quota_headers.read(log.said or {}, preset=target.preset, model=target.model, now=now)
        if log.refusal is not None:
            told = quota_bodies.refused(log.refusal, preset=target.preset, model=target.model, now=now)
            found = (*found, *told)
        return found

    def _touched(self, account_id: str) -> None:
        self.changed.add(account_id)
        self._review(account_id)

    def _review(self, account_id: str) -> None:
        """Find out what is closed of an account."""
        now, kept = self._clock.now(), self.reserves(account_id)
        found = tuple(
            each for window in self.windows(account_id) if (each := closed(window, kept, now=now)) is not None
        )
        if found:
            self.closed[account_id] = found
        else:
            self.closed.pop(account_id, None)

    def _pause(self, found: Closed, target: Target, now: float) -> Pause:
        account = self._world().accounts.get(target.account_id)
        return Pause(
            failure="rate_limit",
            reason=found.reason,
            since=now,
            until=found.until,
            level=0,
            named=True,
            account_id=target.account_id,
            account=target.account,
            model=target.model if found.models else "",
            owner_id="" if account is None else account.owner_id,
            quota=True,
        )

    def _look_at_world(self) -> None:
        """Drop what was heard of accounts that are gone or have another key; see whose use is counted."""
        world = self.seen = self._world()
        for account_id in list(self._heard):
            if account_id not in world.accounts or self._marks.get(account_id) != self._mark(
                world, account_id
            ):
                del self._heard[account_id]
                self.changed.add(account_id)
        self._counted = {account.id: account for account in world.accounts.values() if account.quota}
        now = self._clock.now()
        self._since = {account_id: self._since.get(account_id, now) for account_id in self._counted}
        self.counts.forget(lambda account_id: account_id in self._counted, now)
        for account_id in {*self._heard, *self._counted, *self.closed}:
            self._review(account_id)


def _concerns(found: Closed, model: str) -> bool:
    probe = Window(name="", unit="percent", source="header", as_of=0.0, models=found.models)
    return probe.concerns(model)


__all__ = ["WINDOWS_MAX", "Quotas"]
