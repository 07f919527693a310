"""What an exchange carries along for others, seen from the exchange: a place, and what is held of budgets.

The classes behind these are in `limits` and `holds`, which know the exchange; this is the way back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import msgspec

from flowrouter.canonical.parts import Source
from flowrouter.canonical.receipt import BudgetNote
from flowrouter.canonical.usage import Usage
from flowrouter.gateway.amounts import Costs, Used
from flowrouter.gateway.attempt_log import AttemptLog
from flowrouter.gateway.records import BudgetLine
from flowrouter.upstream.transport import Reply
from flowrouter.wire.http import HttpRequest


class Admitted(Protocol):
    """A place among those in flight on a key, and the tokens charged for it."""

    def settle(self, tokens: int | None) -> None:
        """Give the place back and correct the charge to `tokens` (None: the estimate stands); once."""
        ...


class Held(Protocol):
    """What is held of the budgets that bind; see `holds.Hold`."""

    sent: int | None
    stopped: bool

    def passed(self, characters: int) -> int:
        """Return the output tokens to be covered before an answer of so many characters goes on; 0 for none."""
        ...

    async def cover(self, output: int) -> bool:
        """Hold enough for `output` tokens an answer; False where a hard budget has no more."""
        ...

    async def cover_usage(self, usage: Usage | None) -> None:
        """Hold what an answer that has ended took, as far as there is so much."""
        ...

    async def again(self) -> bool:
        """Hold as much once more, for another answer to the same request; False where there is not so much."""
        ...

    def close(self, costs: Costs, used: Used) -> tuple[Costs, list[BudgetLine]]:
        """Settle by what the exchange came to; return the costs as charged, and what of each budget was used."""
        ...

    def note(self) -> BudgetNote:
        """Return what the receipt tells of it."""
        ...


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one address: the picture, or why there is none, in words for the caller."""

    source: Source | None = None
    problem: str = ""


class Taped(Protocol):
    """A recording as it is made; see `recording.Tape`."""

    def ask(self, log: AttemptLog, request: HttpRequest, secrets: Iterable[str]) -> Any:
        """Note that `request` is sent, with the secrets of its account; return what `listen` wants to know it by."""
        ...

    def listen(self, asked: Any, reply: Reply) -> Reply:
        """Return `reply` as one whose pieces are noted as they are read."""
        ...


__all__ = ["Admitted", "Held", "Picture", "Taped"]
