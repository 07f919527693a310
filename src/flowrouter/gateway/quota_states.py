"""How the quotas of accounts stand, for people: each window, its forecast, and what is closed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from flowrouter.accounts.account import Account
from flowrouter.clock import Clock
from flowrouter.gateway.quota_fetch import Fetch, QuotaFetch
from flowrouter.gateway.quotas import Quotas
from flowrouter.usage.quota import Source, Unit, Window, closed, forecast, kept_back

State = Literal["ok", "low", "reserve", "used_up", "unknown"]

_LOW = 0.1
"""The part of a window below which it is said to be low."""

_ORDER: tuple[State, ...] = ("used_up", "reserve", "low", "ok", "unknown")


class WindowState(msgspec.Struct, frozen=True, kw_only=True):
    """One window; amounts in its `unit` (US dollars and yuan as they are), null where nobody said.

    `models` is empty for the account's own. `kept_back` of it is not used. `runs_out_at_ms` is when nothing is
    left at the present pace, `lasts` whether that is behind the reset; null where no pace is known. `reset` says
    that the window has begun anew since: what was used is not known yet.
    """

    name: str
    span: str
    unit: Unit
    models: str
    state: State
    limit: float | None
    used: float | None
    remaining: float | None
    remaining_share: float | None
    kept_back: float
    resets_at_ms: int | None
    reset: bool
    runs_out_at_ms: int | None
    lasts: bool | None
    source: Source
    as_of_ms: int


class QuotaSummary(msgspec.Struct, frozen=True, kw_only=True):
    """An account's quotas in a line: the state of the one that is closest to its end."""

    state: State
    window: str | None = None
    remaining_share: float | None = None
    resets_at_ms: int | None = None


class AccountQuota(msgspec.Struct, frozen=True, kw_only=True):
    """The quotas of one account; `tells` says that its provider can be asked, `error` why that failed last."""

    account_id: str
    account: str
    preset: str
    owner_id: str
    state: State
    reserve: str
    tells: bool
    error: str | None
    windows: tuple[WindowState, ...]


class QuotaRefresh(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking a provider, and the quotas as they stand then; `next_at_ms`: when it is asked again."""

    result: str
    message: str
    next_at_ms: int | None
    quota: AccountQuota


class QuotaStates:
    """Puts together what is known of every account's quotas; what it needs is given once."""

    def __init__(self, quotas: Quotas, fetch: QuotaFetch, *, clock: Clock) -> None:
        self._quotas = quotas
        self._fetch = fetch
        self._clock = clock

    def of(self, account: Account) -> AccountQuota:
        """Return the quotas of one account."""
        windows = tuple(self._states(account))
        return AccountQuota(
            account_id=account.id,
            account=account.name,
            preset=account.preset,
            owner_id=account.owner_id,
            state=_worst(windows).state,
            reserve=account.reserve,
            tells=self._fetch.can(account.id),
            error=self._fetch.error(account.id),
            windows=windows,
        )

    def summary(self, account: Account) -> QuotaSummary:
        """Return an account's quotas in a line."""
        return _worst(tuple(self._states(account)))

    async def refresh(self, account: Account) -> QuotaRefresh:
        """Ask the account's provider, and return what is known then."""
        done: Fetch = await self._fetch.refresh(account.id)
        return QuotaRefresh(
            result=done.result,
            message=done.message,
            next_at_ms=_ms(done.next_at),
            quota=self.of(account),
        )

    def _states(self, account: Account) -> Iterable[WindowState]:
        now, reserves = self._clock.now(), self._quotas.reserves(account.id)
        for window in sorted(self._quotas.windows(account.id), key=_place):
            found = closed(window, reserves, now=now)
            ahead = forecast(window, now=now)
            over = window.over(now)
            left = window.limit if over else window.remaining
            share = None if left is None or not window.limit else left / window.limit
            state: State = (
                "unknown" if left is None else "low" if share is not None and share < _LOW else "ok"
            )
            if found is not None:
                state = "reserve" if found.kept else "used_up"
            yield WindowState(
                name=window.name,
                span=window.span,
                unit=window.unit,
                models=window.models,
                state=state,
                limit=window.limit,
                used=None if over else window.used,
                remaining=left,
                remaining_share=None if share is None else round(share, 4),
                kept_back=kept_back(window, reserves),
                resets_at_ms=None if over else _ms(window.resets_at),
                reset=over,
                runs_out_at_ms=None if ahead is None else _ms(ahead.runs_out_at),
                lasts=None if ahead is None else ahead.lasts,
                source=window.source,
                as_of_ms=round(window.as_of * 1000),
            )


def _place(window: Window) -> tuple[str, float, str]:
    return (window.models, window.seconds or float("inf"), window.name)


def _worst(windows: tuple[WindowState, ...]) -> QuotaSummary:
    """Return the window that ends first: by state, then by what is left of it. One of a single model closes no account."""
    own = [window for window in windows if not window.models] or list(windows)
    if not own:
        return QuotaSummary(state="unknown")
    worst = min(
        own,
        key=lambda each: (
            _ORDER.index(each.state),
            1.0 if each.remaining_share is None else each.remaining_share,
        ),
    )
    return QuotaSummary(
        state=worst.state,
        window=worst.name,
        remaining_share=worst.remaining_share,
        resets_at_ms=worst.resets_at_ms,
    )


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


__all__ = ["AccountQuota", "QuotaRefresh", "QuotaStates", "QuotaSummary", "State", "WindowState"]
