"""What one exchange has reserved of the budgets that bind it: topped up while it runs, settled exactly once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from flowrouter.canonical.estimate import text_tokens
from flowrouter.canonical.receipt import BudgetNote
from flowrouter.canonical.usage import Usage
from flowrouter.errors import StorageError
from flowrouter.gateway.amounts import Costs, Used
from flowrouter.gateway.carried import Held
from flowrouter.gateway.exchange import Exchange
from flowrouter.gateway.purses import Purse, Purses
from flowrouter.gateway.records import BudgetLine
from flowrouter.gateway.tariff import Tariff

SLICE_TOKENS = 1_024
"""How much output a running answer is topped up by, where there is so much left."""

_TRUST = 5, 4
_GRACE_TOKENS = 64
"""A provider that was told a limit is taken to keep it; our counting of its answer is not exact."""


FASTEST = 3_000
"""Tokens a second that no provider writes more than (November 2026)."""


class Share:
    """What is held of one budget, at its tariff; in the budget's own units.

    `beyond` is the part of it that a soft budget no longer had.
    """

    __slots__ = ("amount", "beyond", "purse", "tariff")

    def __init__(self, purse: Purse, tariff: Tariff, amount: int) -> None:
        self.purse = purse
        self.tariff = tariff
        self.amount = amount
        self.beyond = 0

    @property
    def hard(self) -> bool:
        """Return whether its budget may not be overspent."""
        return self.purse.limit.budget.mode == "hard"


class Hold:
    """The shares of one exchange; what they cover together is `output` tokens for each of `copies` answers.

    `sent` is the limit that the provider is to be told, None where the client named one or none is needed.
    """

    __slots__ = ("_closed", "_copies", "_ended", "_purses", "_watch", "output", "sent", "shares", "stopped")

    def __init__(
        self,
        purses: Purses,
        shares: Sequence[Share],
        *,
        output: int,
        copies: int,
        sent: int | None,
        told: bool,
        ended: Callable[[Hold], None],
    ) -> None:
        self._purses = purses
        self.shares = tuple(shares)
        self.output = output
        self._copies = copies
        self.sent = sent
        self._watch = output * _TRUST[0] // _TRUST[1] + _GRACE_TOKENS if told else output
        self._ended = ended
        self._closed = False
        self.stopped = False

    @property
    def hard(self) -> bool:
        """Return whether one of its budgets may not be overspent."""
        return any(share.hard for share in self.shares)

    def passed(self, characters: int) -> int:
        """Return the output tokens to be covered before an answer of so many characters goes on; 0 for none."""
        running = text_tokens(characters) // self._copies
        return running if running > self._watch else 0

    async def cover(self, output: int) -> bool:
        """Hold enough for `output` tokens an answer; False where a hard budget has no more.

        What a soft budget lacks is taken all the same.
        """
        for share in self.shares:
            missing = share.tariff.amount(output) - share.amount
            if missing <= 0:
                continue
            if not await self._add(share, missing, most=missing + share.tariff.each * SLICE_TOKENS):
                return False
        bought = [share.tariff.output_for(share.amount) for share in self.shares]
        self.output = min((tokens for tokens in bought if tokens is not None), default=output)
        self._watch = max(self.output, output)
        return True

    async def cover_usage(self, usage: Usage | None) -> None:
        """Hold what an answer that has ended took, as far as there is so much."""
        if usage is not None and usage.total_output > self.output * self._copies:
            await self.cover(-(-usage.total_output // self._copies))

    async def again(self) -> bool:
        """Hold as much once more, for another answer to the same request; False where there is not so much."""
        for share in self.shares:
            more = share.tariff.amount(self.output)
            if more and not await self._add(share, more, most=more):
                return False
            share.tariff = msgspec.structs.replace(share.tariff, fixed=share.tariff.fixed + more)
        return True

    async def _add(self, share: Share, least: int, *, most: int) -> bool:
        """Hold more of one budget; what a soft one lacks is taken all the same, a hard one then has no more."""
        try:
            more = await self._purses.reserve(share.purse, least=least, most=most)
            if not more and not share.hard:
                more = await self._purses.reserve(share.purse, least=least, most=least, force=True)
                share.beyond += more
        except StorageError:
            more = 0
        share.amount += more
        return bool(more) or not share.hard

    def give_up(self) -> None:
        """Let go of everything, as if nothing had been held."""
        if self._closed:
            return
        self._closed = True
        for share in self.shares:
            self._purses.give_up(share.purse, share.amount)
        self._ended(self)

    def close(self, costs: Costs, used: Used) -> tuple[Costs, list[BudgetLine]]:
        """Settle by what the exchange came to; the charge is never more than hard budgets had for it.

        What nobody counted is used of a hard budget as far as it may have gone. Returns the costs as they are
        charged, and what of each budget was used. Once only.
        """
        if self._closed:
            return costs, []
        self._closed = True
        lines: list[BudgetLine] = []
        for share in self.shares:
            spent = _spent(share, costs, used)
            if share.hard:
                if used.at_most is not None and share.purse.limit.budget.metric != "requests":
                    spent = max(spent, share.tariff.amount(-(-used.at_most // self._copies)))
                spent = min(spent, share.amount)
                if share.purse.limit.budget.metric == "usd" and costs.charge is not None:
                    costs = msgspec.structs.replace(costs, charge=min(costs.charge, spent))
            self._purses.settle(share.purse, lent=share.amount, spent=spent)
            lines.append(_line(share, spent))
        self._ended(self)
        return costs, [line for line in lines if line.amount]

    def note(self) -> BudgetNote:
        """Return what the receipt tells of it."""
        return BudgetNote(
            output_cap=self.sent,
            stopped=self.stopped,
            held={share.purse.limit.id: share.amount - share.beyond for share in self.shares},
        )


def _spent(share: Share, costs: Costs, used: Used) -> int:
    """Return what an exchange used of a budget; all that was held where nobody knows what it took."""
    if not used.counts:
        return 0
    match share.purse.limit.budget.metric:
        case "requests":
            return 1
        case "tokens":
            return share.amount if used.tokens is None else used.tokens
        case "usd":
            return share.amount if costs.charge is None else costs.charge


def _line(share: Share, spent: int) -> BudgetLine:
    drawing = share.purse.drawing
    return BudgetLine(
        budget_id=drawing.budget_id, start_ms=drawing.start_ms, holder=drawing.holder, amount=spent
    )


def settled(hold: Held, exchange: Exchange, costs: Costs) -> tuple[Costs, tuple[BudgetLine, ...]]:
    """Settle `hold` by what `exchange` came to, as `Hold.close`."""
    costs, lines = hold.close(costs, used_by(exchange, costs))
    return costs, tuple(lines)


def used_by(exchange: Exchange, costs: Costs) -> Used:
    """Return what counts against budgets of the attempts of `exchange`: what its client heard of, or left."""
    tokens: int | None = 0
    most, sure = 0, True
    for log, cost in zip(exchange.attempts, costs.attempts, strict=True):
        if not (log.delivered or log.abandoned):
            continue
        usage = cost.usage or exchange.usage
        tokens = None if usage is None or tokens is None else tokens + usage.total_input + usage.total_output
        written = 0 if usage is None else usage.total_output
        if log.abandoned:
            sure = False
            most += round(FASTEST * (1 + (log.ended or log.started) - log.started))
        elif usage is None or usage.estimated:
            sure = False
            most += written * _TRUST[0] // _TRUST[1] + _GRACE_TOKENS
        else:
            most += written
    counts = any(log.delivered or log.abandoned for log in exchange.attempts)
    return Used(counts=counts, tokens=tokens, at_most=None if sure else most)


__all__ = ["FASTEST", "SLICE_TOKENS", "Hold", "Share", "settled", "used_by"]
