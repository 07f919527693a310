"""Keeps each gateway key within its rate limits, over all workers that share state.

Requests and tokens are counted in fixed windows of the clock (a minute, a day in UTC): the counter of a window
is added to first and looked at then, so that of any number of requests at once no more pass than the limit
allows. What is refused is taken back. Tokens are charged by an estimate when a request arrives and corrected
when it is settled: what was too much goes back to its own window, what was too little goes to the present
one. Places for requests in flight are counted in memory by one worker, by leases in the state by several.

A key without limits costs a look at its policy. One worker counts in a state of its own, which nobody else
fills; several count in theirs, and while that is away each has its share of the limits (`StateStore.share`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import lru_cache

import msgspec

from flowrouter.clock import Clock
from flowrouter.errors import CallerError
from flowrouter.gateway.blame import spoken
from flowrouter.gateway.circumstances import circumstances
from flowrouter.gateway.exchange import Exchange, delivered_tokens
from flowrouter.gateway.key_places import KeyPlaces
from flowrouter.gateway.leases import LEASE_SECONDS
from flowrouter.gateway.ports import StateStore
from flowrouter.gateway.standing import Kind, Standing
from flowrouter.httpkit.key_policy import NO_LIMITS, KeyLimits
from flowrouter.tasks import TaskGroup

OUTPUT_TOKENS = 1_000
"""What an answer is taken to be before it is there; a lower limit of the client's own counts instead."""

RATE_LIMITED = "rate_limit_exceeded"
"""The code of a refusal for a limit of the gateway's own; OpenAI's word, which its clients know."""

_SHORT = 60.0
"""The longest wait, in seconds, after which a client should try again by itself."""

_SPARE = 5.0
"""Seconds by which a counter outlives its window: clocks of several machines differ."""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """One limit: so many of a kind in each `seconds`."""

    kind: Kind
    seconds: int
    limit: int

    def end(self, now: float) -> float:
        """Return when the window around `now` ends."""
        return (now // self.seconds + 1) * self.seconds

    def counter(self, key_id: str, now: float) -> str:
        """Return the name of its counter at `now`."""
        return f"limit:{key_id}:{self.kind}:{self.seconds}:{int(now // self.seconds)}"


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """What was added to the counter of a window, and what that came to."""

    window: Window
    amount: int
    total: int


class Pass:
    """What an admitted exchange holds: its place among those in flight, and the tokens charged for it."""

    __slots__ = ("_at", "_key_id", "_limits", "_place", "_tokens", "_windows")

    def __init__(
        self,
        limits: Limits,
        key_id: str,
        *,
        place: Callable[[], None] | None,
        windows: tuple[Window, ...],
        tokens: int,
        at: float,
    ) -> None:
        self._limits = limits
        self._key_id = key_id
        self._place = place
        self._windows = windows
        self._tokens = tokens
        self._at = at

    def settle(self, tokens: int | None) -> None:
        """Give the place back and correct the charge to `tokens` (None: the estimate stands); once."""
        place, self._place = self._place, None
        if place is not None:
            place()
        windows, self._windows = self._windows, ()
        if windows and tokens is not None and tokens != self._tokens:
            self._limits.correct(self._key_id, windows, tokens - self._tokens, at=self._at)


class Limits:
    """Admits exchanges by the limits of their keys; what it needs is given once.

    `alone` is the state a single worker counts in; `state` is used where it is shared.
    """

    def __init__(
        self,
        state: StateStore,
        *,
        alone: StateStore,
        clock: Clock,
        tasks: TaskGroup,
        lease: float = LEASE_SECONDS,
    ) -> None:
        self._state = state if state.shared else alone
        self._places = KeyPlaces(state, tasks=tasks, lease=lease)
        self._clock = clock
        self._tasks = tasks

    async def admit(self, exchange: Exchange, *, tokens: bool = True) -> None:
        """Let a skimmed exchange pass, or raise `CallerError` (429); what it holds is in `exchange.admitted`.

        `exchange.standings` then says what is left of the limits. Without `tokens` it uses none.
        """
        caller = exchange.caller
        limits = caller.policy.limits
        if limits is NO_LIMITS or caller.key_id is None:
            return
        name, now = caller.key_name, self._clock.now()
        windows = windows_of(limits)
        estimate = _estimate(exchange) if tokens and _counts_tokens(windows) else 0
        place = await self._place(caller.key_id, limits.concurrent, name=name)
        try:
            charges = await self._charge(caller.key_id, windows, estimate, now=now)
            share = self._state.share
            exchange.standings = tuple(_standing(charge, share, now) for charge in charges)
            refused = [charge for charge in charges if charge.total > _within(charge.window, share)]
            if refused:
                await self._take_back(caller.key_id, charges, now=now)
                exchange.standings = tuple(
                    _standing(msgspec.structs.replace(charge, total=charge.total - charge.amount), share, now)
                    for charge in charges
                )
                raise _refusal(name, refused, share=share, now=now)
        except BaseException:
            if place is not None:
                place()
            raise
        exchange.admitted = Pass(
            self,
            caller.key_id,
            place=place,
            windows=tuple(window for window in windows if window.kind == "tokens") if tokens else (),
            tokens=estimate,
            at=now,
        )

    def correct(self, key_id: str, windows: tuple[Window, ...], difference: int, *, at: float) -> None:
        """Charge `difference` tokens more (or less) for what was admitted at `at`, in the background."""
        now = self._clock.now()
        # What is given back to a window that is over would be a gift to nobody, or to the next one.
        open_ones = [window for window in windows if difference > 0 or now < window.end(at)]
        if open_ones:
            self._tasks.start("key limits", self._add(key_id, open_ones, difference, now=now))

    def in_flight(self, key_id: str) -> int:
        """Return the requests of a key with such a limit that this worker has in flight."""
        return self._places.in_flight(key_id)

    async def close(self) -> None:
        """Give back what is held, so that other workers need not wait for it to lapse."""
        await self._places.close()

    async def _place(self, key_id: str, limit: int | None, *, name: str) -> Callable[[], None] | None:
        if limit is None:
            return None
        place = await self._places.take(key_id, limit)
        if place is None:
            raise CallerError(
                f"the gateway key {name!r} may have {_many(limit, 'request')} in flight at a time, "
                "and has as many",
                status=429,
                code=RATE_LIMITED,
                retry_after=1.0,
                retry=True,
            )
        return place

    async def _charge(
        self, key_id: str, windows: tuple[Window, ...], tokens: int, *, now: float
    ) -> list[Charge]:
        """Count the request in every window and return what each came to."""
        amounts = [1 if window.kind == "requests" else tokens for window in windows]
        adding = [
            self._state.add(window.counter(key_id, now), amount, ttl=window.seconds + _SPARE)
            for window, amount in zip(windows, amounts, strict=True)
        ]
        if self._state.shared:
            totals = list(await asyncio.gather(*adding))
        else:
            totals = [await add for add in adding]  # memory answers at once: nobody comes in between
        return [
            Charge(window=window, amount=amount, total=total)
            for window, amount, total in zip(windows, amounts, totals, strict=True)
        ]

    async def _take_back(self, key_id: str, charges: list[Charge], *, now: float) -> None:
        """Undo the charges of a request that is refused, whether or not its client stays to hear of it."""

        async def undo() -> None:
            for charge in charges:
                await self._add(key_id, [charge.window], -charge.amount, now=now)

        if self._state.shared:
            self._tasks.start("key limits", undo())
        else:
            await undo()

    async def _add(self, key_id: str, windows: list[Window], amount: int, *, now: float) -> None:
        for window in windows:
            if amount:
                await self._state.add(window.counter(key_id, now), amount, ttl=window.seconds + _SPARE)


@lru_cache(maxsize=1024)
def windows_of(limits: KeyLimits) -> tuple[Window, ...]:
    """Return the limits that are counted in windows."""
    given: tuple[tuple[Kind, int, int | None], ...] = (
        ("requests", 60, limits.requests_per_minute),
        ("requests", 86_400, limits.requests_per_day),
        ("tokens", 60, limits.tokens_per_minute),
        ("tokens", 86_400, limits.tokens_per_day),
    )
    return tuple(
        Window(kind=kind, seconds=seconds, limit=limit) for kind, seconds, limit in given if limit is not None
    )


def used_tokens(exchange: Exchange) -> int | None:
    """Return the tokens an ended exchange is charged for; None where nobody knows, so that the estimate stands."""
    if any(log.delivered for log in exchange.attempts):
        return delivered_tokens(exchange)
    if exchange.usage is not None:
        return exchange.usage.total_input + exchange.usage.total_output
    return None if any(log.status == 200 or log.abandoned for log in exchange.attempts) else 0


def _estimate(exchange: Exchange) -> int:
    head = exchange.head
    cap = head.max_tokens if head is not None and head.max_tokens is not None else OUTPUT_TOKENS
    output = min(cap, OUTPUT_TOKENS) if exchange.inbound.operation in ("generate", "compact") else 0
    return max(1, circumstances(exchange).tokens + max(0, output))


def _counts_tokens(windows: tuple[Window, ...]) -> bool:
    return any(window.kind == "tokens" for window in windows)


def _within(window: Window, share: int) -> int:
    """Return what of a limit is this worker's own: all of it while workers count together."""
    return max(1, window.limit // share)


def _standing(charge: Charge, share: int, now: float) -> Standing:
    limit = _within(charge.window, share)
    return Standing(
        kind=charge.window.kind,
        limit=limit,
        remaining=max(0, limit - charge.total),
        resets=charge.window.end(now),
        now=now,
    )


def _refusal(name: str, refused: list[Charge], *, share: int, now: float) -> CallerError:
    """Return the 429 for the limit that takes longest to be free again."""
    charge = max(refused, key=lambda each: (each.amount > _within(each.window, share), each.window.end(now)))
    window, limit = charge.window, _within(charge.window, share)
    span = "minute" if window.seconds == 60 else "day"
    if charge.amount > limit:
        return CallerError(
            f"this request needs about {charge.amount:,} tokens, and the gateway key {name!r} may use "
            f"{limit:,} a {span}: it cannot pass at any time",
            status=429,
            code=RATE_LIMITED,
            retry=False,
        )
    wait = window.end(now) - now
    if window.kind == "requests":
        told = f"may make {_many(limit, 'request')} a {span}"
    else:
        left = max(0, limit - (charge.total - charge.amount))
        told = f"may use {limit:,} tokens a {span}, {left:,} are left, and this needs about {charge.amount:,}"
    return CallerError(
        f"the gateway key {name!r} {told}; try again in {spoken(wait)}",
        status=429,
        code=RATE_LIMITED,
        retry_after=wait,
        retry=wait <= _SHORT,
    )


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


__all__ = ["OUTPUT_TOKENS", "RATE_LIMITED", "Charge", "Limits", "Pass", "Window", "used_tokens", "windows_of"]
