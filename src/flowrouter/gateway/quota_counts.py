"""Our own count of what accounts use, in the windows their owners wrote down: exact, whoever asks at once.

A request counts when its attempt begins, tokens and money when it is settled, in the window that is open
then. Counting needs no lock: it happens between two awaits. Several workers add what they counted to counters
in the shared state each second and go on from the sum (`shared`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from flowrouter.accounts.account import Account
from flowrouter.gateway.periods import calendar
from flowrouter.gateway.ports import StateStore
from flowrouter.settings.quotas import QuotaLimit
from flowrouter.usage.quota import Unit, Window

PICO = 1e12
_STATE = "quota-used:"
_BEGINS = "quota-span:"
_LATE = 3600.0
METRICS = ("requests", "tokens", "pusd")


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What was used in one window, as it is kept; `window` and `zone` name it, money is in 10⁻¹² USD."""

    window: str
    zone: str
    start: float
    end: float
    requests: int = 0
    tokens: int = 0
    pusd: int = 0


class _Span:
    __slots__ = ("agreed", "amounts", "before", "end", "start", "unsent")

    def __init__(self, start: float, end: float) -> None:
        self.start = start
        self.end = end
        self.amounts = [0, 0, 0]
        # The part of them that was used before this process counted.
        self.before = [0, 0, 0]
        self.unsent = [0, 0, 0]
        self.agreed = False

    def add(self, amounts: Iterable[int]) -> None:
        for place, amount in enumerate(amounts):
            amount = max(amount, -self.amounts[place])  # what is taken back may be of the window before
            self.amounts[place] += amount
            self.unsent[place] += amount


class Counts:
    """The open windows of all accounts that have limits of their owners'."""

    def __init__(self) -> None:
        self._spans: dict[tuple[str, str, str], _Span] = {}

    def add(self, account: Account, *, now: float, requests: int = 0, tokens: int = 0, pusd: int = 0) -> None:
        """Count what was used; a window that has not begun begins now."""
        for limit in _spans_of(account):
            self._open(account.id, limit, now).add((requests, tokens, pusd))

    def windows(self, account: Account, now: float) -> Iterator[Window]:
        """Yield the account's limits as they stand."""
        for limit in account.quota:
            span = self._live(account.id, limit, now)
            amounts = (0, 0, 0) if span is None else span.amounts
            begins = _calendar_span(limit, now) if span is None else (span.start, span.end)
            for unit, most, used in _measured(limit, amounts):
                yield Window(
                    name=f"own/{unit}/{limit.window}",
                    unit=unit,
                    source="derived",
                    as_of=now,
                    span=limit.window,
                    limit=most,
                    used=used,
                    remaining=max(0.0, most - used),
                    resets_at=None if begins is None else begins[1],
                    began_at=None if begins is None else begins[0],
                )

    def kept(self, account_id: str, now: float) -> tuple[Used, ...]:
        """Return what is to be kept of an account's open windows."""
        return tuple(
            Used(window=window, zone=zone, start=span.start, end=span.end, **dict(zip(METRICS, span.amounts, strict=True)))
            for (owner, window, zone), span in self._spans.items()
            if owner == account_id and span.end > now
        )  # fmt: skip

    def restore(self, account_id: str, used: Iterable[Used], *, now: float) -> None:
        """Take up what another process counted before this one; what is past is left."""
        for each in used:
            if each.end <= now:
                continue
            key = (account_id, each.window, each.zone)
            span = self._spans.get(key)
            if span is None or span.end <= now:
                span = self._spans[key] = _Span(each.start, each.end)
            elif each.start < span.start:
                span.start, span.end = each.start, each.end
            self._raise(span, (each.requests, each.tokens, each.pusd))

    def open(self, account: Account, now: float) -> list[tuple[QuotaLimit, float]]:
        """Return the account's limits whose window is open, each with its beginning."""
        found: list[tuple[QuotaLimit, float]] = []
        for limit in _spans_of(account):
            if limit.length is None:
                found.append((limit, self._open(account.id, limit, now).start))
            elif (span := self._live(account.id, limit, now)) is not None:
                found.append((limit, span.start))
        return found

    def at_least(
        self, account_id: str, limit: QuotaLimit, start: float, *, amounts: tuple[int, int, int]
    ) -> None:
        """Let the window that began at `start` hold no less than `amounts` from before this process counted.

        These are requests, tokens and 10⁻¹² USD.
        """
        span = self._spans.get((account_id, limit.window, limit.zone))
        if span is not None and span.start == start:
            self._raise(span, amounts)

    async def share(self, state: StateStore, now: float) -> set[str]:
        """Add to the common counters what was counted here, and go on from their sums; return whose changed."""
        changed: set[str] = set()
        for key, span in list(self._spans.items()):
            if span.end <= now:
                continue
            name = ":".join(key)
            if not span.agreed:
                await self._agree(state, name, span=span, now=now)
            for place, metric in enumerate(METRICS):
                sent = span.unsent[place]
                total = await state.add(
                    f"{_STATE}{name}:{round(span.start)}:{metric}", sent, ttl=span.end - now + _LATE
                )
                span.unsent[place] -= sent
                known = max(span.amounts[place], total + span.unsent[place])
                if known != span.amounts[place]:
                    span.amounts[place] = known
                    changed.add(key[0])
        return changed

    def forget(self, keep: Callable[[str], bool], now: float) -> None:
        """Let go of what is past, and of accounts that are not to be kept."""
        self._spans = {key: span for key, span in self._spans.items() if keep(key[0]) and span.end > now}

    async def _agree(self, state: StateStore, name: str, *, span: _Span, now: float) -> None:
        """Let all workers mean the same window: the one that was begun first."""
        mine = f"{span.start!r} {span.end!r}".encode()
        if not await state.put_if_absent(_BEGINS + name, mine, ttl=max(1.0, span.end - now)):
            there = (await state.get(_BEGINS + name) or mine).split()
            if float(there[1]) > now:
                span.start, span.end = float(there[0]), float(there[1])
        span.agreed = True

    def _raise(self, span: _Span, amounts: Iterable[int]) -> None:
        for place, amount in enumerate(amounts):
            missing = max(0, amount - span.before[place])
            span.before[place] += missing
            span.amounts[place] += missing
            span.unsent[place] += missing

    def _live(self, account_id: str, limit: QuotaLimit, now: float) -> _Span | None:
        span = self._spans.get((account_id, limit.window, limit.zone))
        return span if span is not None and span.start <= now < span.end else None

    def _open(self, account_id: str, limit: QuotaLimit, now: float) -> _Span:
        found = self._live(account_id, limit, now)
        if found is None:
            start, end = _calendar_span(limit, now) or (now, now + (limit.length or 0.0))
            found = self._spans[account_id, limit.window, limit.zone] = _Span(start, end)
        return found


def _spans_of(account: Account) -> Iterable[QuotaLimit]:
    """Return a limit for each window of the account: several limits may share one."""
    return {(limit.window, limit.zone): limit for limit in account.quota}.values()


def _calendar_span(limit: QuotaLimit, now: float) -> tuple[float, float] | None:
    if limit.length is not None:
        return None
    span = calendar(limit.window, limit.zone, now)
    return span.start, span.end


def _measured(limit: QuotaLimit, amounts: Iterable[int]) -> Iterator[tuple[Unit, float, float]]:
    requests, tokens, pusd = amounts
    if limit.requests is not None:
        yield "requests", float(limit.requests), float(requests)
    if limit.tokens is not None:
        yield "tokens", float(limit.tokens), float(tokens)
    if limit.usd is not None:
        yield "usd", float(limit.usd), pusd / PICO


__all__ = ["METRICS", "PICO", "Counts", "Used"]
