"""Purses of several workers on one counter: what is lent never exceeds a hard budget, whatever happens."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowrouter.gateway.limit import BLOCK_PUSD, gateway_limit
from flowrouter.gateway.purses import Purse, Purses
from flowrouter.gateway.records import BudgetLine
from flowrouter.settings.budgets import Budget
from flowrouter.tasks import TaskGroup
from tests.contracts.fakes import FakeClock, bare_row
from tests.support.budgets import MemoryBudgetBook

AMOUNT = 1_000
LIMIT = gateway_limit("b", Budget(amount=Decimal(AMOUNT), metric="tokens", period="day", mode="hard"))

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["lend", "settle", "give_up", "crash", "put_back"]),
        st.integers(0, 2),
        st.integers(1, 400),
        st.integers(0, 100),
    ),
    max_size=40,
)


class Office:
    """Three workers; `crash` replaces one by a new life that knows nothing."""

    def __init__(self) -> None:
        self.book = MemoryBudgetBook()
        self.clock = FakeClock()
        self.tasks = TaskGroup(lambda name, error: None)
        self.workers = [self.new(number) for number in range(3)]
        self.holds: list[list[int]] = [[], [], []]
        self.spent = 0

    def new(self, number: int) -> Purses:
        return Purses(self.book, clock=self.clock, tasks=self.tasks, node=f"local/{number}")

    def purse(self, number: int) -> Purse:
        return self.workers[number].of(LIMIT)

    async def lend(self, number: int, amount: int, _: int) -> None:
        lent = await self.workers[number].reserve(self.purse(number), least=max(1, amount // 2), most=amount)
        assert lent == 0 or amount // 2 <= lent <= amount
        if lent:
            self.holds[number].append(lent)

    async def settle(self, number: int, _: int, percent: int) -> None:
        if self.holds[number]:
            lent = self.holds[number].pop()
            used = lent * percent // 100
            self.workers[number].settle(self.purse(number), lent=lent, spent=used)
            drawing = self.purse(number).drawing
            line = BudgetLine(
                budget_id=drawing.budget_id, start_ms=drawing.start_ms, holder=drawing.holder, amount=used
            )
            row: Any = bare_row(
                id="r", ts_ms=0, owner_id="o", client_dialect="gemini", endpoint="/", status=200, outcome="ok",
                budgets=(line,),
            )  # fmt: skip
            self.book.settle([row])
            self.spent += used

    async def give_up(self, number: int, *_: int) -> None:
        if self.holds[number]:
            self.workers[number].give_up(self.purse(number), self.holds[number].pop())

    async def crash(self, number: int, *_: int) -> None:
        """What a dead worker's requests had may be spent at the provider all the same."""
        self.workers[number] = self.new(number)
        self.holds[number] = []

    async def put_back(self, number: int, *_: int) -> None:
        await self.workers[number].close()


@settings(deadline=None, max_examples=150)
@given(STEPS)
def test_never_more_is_lent_and_spent_than_there_is(steps: list[tuple[str, int, int, int]]) -> None:
    async def perform() -> None:
        office, lost = Office(), 0
        for name, number, amount, percent in steps:
            if name == "crash":
                lost += sum(office.holds[number])
            await getattr(office, name)(number, amount, percent)
            in_flight = sum(map(sum, office.holds))
            assert office.spent + in_flight + lost <= AMOUNT
            committed = office.spent + office.book.outstanding()
            assert committed <= AMOUNT
            assert in_flight + lost <= office.book.outstanding()
        for number in range(3):
            while office.holds[number]:
                await office.settle(number, 0, 50)
            await office.workers[number].close()
        assert all(office.purse(number).held == 0 for number in range(3))
        assert lost or office.book.outstanding() <= AMOUNT - office.spent
        await office.tasks.close()

    asyncio.run(perform())


def test_blocks_are_small() -> None:
    large = gateway_limit("b", Budget(amount=Decimal(1_000)))
    assert large.block == BLOCK_PUSD == 25 * 10**10
    assert gateway_limit("b", Budget(amount=Decimal(5))).block == 10**11
    assert LIMIT.block == 20


async def test_the_counter_is_asked_once_for_many_requests() -> None:
    office = Office()
    for _ in range(20):
        await office.lend(0, 1, 0)
        await office.settle(0, 0, 100)
    assert office.book.draws == 1
    await office.tasks.close()


async def test_a_smaller_amount_binds_at_once() -> None:
    office = Office()
    await office.lend(0, 400, 0)
    smaller = gateway_limit("b", Budget(amount=Decimal(300), metric="tokens", period="day", mode="hard"))
    purse = office.workers[0].of(smaller)
    assert await office.workers[0].reserve(purse, least=1, most=1) == 0
    await office.tasks.close()


async def test_who_draws_is_not_robbed_by_who_needs_little() -> None:
    """While one waits for the counter others take what is there: there is enough for all of them."""
    office = Office()
    purses, purse = office.workers[0], office.purse(0)
    draw, waiting = office.book.draw, asyncio.Event()

    async def slow(*given: Any, **named: Any) -> Any:
        waiting.set()
        await asyncio.sleep(0)
        return await draw(*given, **named)

    await purses.reserve(purse, least=1, most=1)
    office.book.draw = slow  # type: ignore[method-assign]
    large = asyncio.create_task(purses.reserve(purse, least=100, most=100))
    await waiting.wait()
    assert await purses.reserve(purse, least=10, most=10) == 10
    assert await large == 100
    await office.tasks.close()


async def test_a_busy_worker_keeps_no_more_than_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a large request gave back is there for the other workers, and no crash takes it along."""
    office = Office()
    purses, purse = office.workers[0], office.purse(0)
    monkeypatch.setattr("flowrouter.gateway.purses.IDLE_SECONDS", 0.01)
    await purses.reserve(purse, least=10, most=10)
    await purses.reserve(purse, least=900, most=900)
    purses.give_up(purse, 900)
    for _ in range(10):
        purse.used_at = office.clock.monotonic()
        await asyncio.sleep(0.01)
    assert purse.held == 10
    assert purse.pool <= LIMIT.block
    assert await office.workers[1].reserve(office.purse(1), least=900, most=900) == 900
    await office.tasks.close()


async def test_what_two_workers_have_of_the_rest_comes_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often is asked, and though one of them has requests in flight for long."""
    office = Office()
    monkeypatch.setattr("flowrouter.gateway.purses.IDLE_SECONDS", 0.01)
    await office.lend(0, 960, 0)
    for number in (0, 1):
        await office.lend(number, 5, 0)
    assert office.purse(0).pool + office.purse(1).pool == 30
    lent = 0
    for _ in range(50):
        lent += await office.workers[1].reserve(office.purse(1), least=25, most=25)
        await office.workers[0].reserve(office.purse(0), least=500, most=500)
        await asyncio.sleep(0.005)
    assert lent == 25
    await office.tasks.close()
