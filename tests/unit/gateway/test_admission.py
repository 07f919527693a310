"""Slots: never more in flight than allowed, owners in turn, none lost when waiters give up, over all workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from flowrouter.clock import SystemClock
from flowrouter.gateway.admission import AccountBusyError, Admission, Slot
from flowrouter.gateway.ports import StateStore
from flowrouter.storage import MemoryStateStore
from flowrouter.tasks import TaskGroup


@asynccontextmanager
async def slot(admission: Admission, account_id: str, limit: int, *, wait: float) -> AsyncIterator[None]:
    held = await admission.take(account_id, limit, wait=wait)
    try:
        yield
    finally:
        held.release()


async def test_a_full_account_is_told_at_once_without_a_wait() -> None:
    admission = Admission()
    async with slot(admission, "a", 1, wait=0):
        with pytest.raises(AccountBusyError):
            async with slot(admission, "a", 1, wait=0):
                pass
        async with slot(admission, "b", 1, wait=0):
            assert admission.in_flight("b") == 1
    assert admission.in_flight("a") == 0


async def test_waiters_are_served_in_order_and_never_over_the_limit() -> None:
    admission, order, most = Admission(), list[int](), 0

    async def one(number: int) -> None:
        nonlocal most
        async with slot(admission, "a", 2, wait=10):
            most = max(most, admission.in_flight("a"))
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(one(number) for number in range(20)))
    assert order == list(range(20))
    assert most == 2
    assert admission.in_flight("a") == 0


async def test_a_cancelled_waiter_leaves_its_slot_to_the_next() -> None:
    admission, served = Admission(), asyncio.Event()

    async def hold(until: asyncio.Event) -> None:
        async with slot(admission, "a", 1, wait=10):
            await until.wait()

    release = asyncio.Event()
    first = asyncio.ensure_future(hold(release))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(hold(asyncio.Event()))
    third = asyncio.ensure_future(hold(served))
    await asyncio.sleep(0)
    release.set()
    await first
    second.cancel()
    served.set()
    await asyncio.wait_for(third, 5)
    assert admission.in_flight("a") == 0


async def test_owners_take_turns_whoever_came_with_most() -> None:
    admission, order = Admission(), list[str]()
    first = await admission.take("a", 1, wait=0)

    async def one(owner: str) -> None:
        slot = await admission.take("a", 1, wait=10, owner_id=owner)
        order.append(owner)
        slot.release()

    waiting = [asyncio.ensure_future(one(owner)) for owner in ("crowd",) * 6 + ("two",) * 2 + ("one",)]
    await asyncio.sleep(0)
    assert admission.waiting("a") == 9
    first.release()
    await asyncio.gather(*waiting)
    assert order == ["crowd", "two", "one", "crowd", "two", "crowd", "crowd", "crowd", "crowd"]
    assert admission.in_flight("a") == admission.waiting("a") == 0


async def test_a_full_line_refuses_at_once_but_not_whom_it_has_least_of() -> None:
    admission = Admission(queue=3)
    first = await admission.take("a", 1, wait=0)

    def ask(owner: str) -> asyncio.Future[Slot]:
        return asyncio.ensure_future(admission.take("a", 1, wait=10, owner_id=owner))

    crowd = [ask("crowd") for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(AccountBusyError):
        await ask("crowd")
    late = ask("late")
    await asyncio.sleep(0)
    with pytest.raises(AccountBusyError):  # the crowd's last one made room
        await crowd[2]
    assert admission.waiting("a") == 3
    first.release()
    for expected in (crowd[0], late, crowd[1]):
        (await expected).release()
    assert admission.in_flight("a") == 0


async def test_a_slot_is_given_back_once() -> None:
    admission = Admission()
    slot, other = await admission.take("a", 2, wait=0), await admission.take("a", 2, wait=0)
    slot.release()
    slot.release()
    assert admission.in_flight("a") == 1
    other.release()


async def test_who_waited_too_long_leaves_the_line() -> None:
    admission = Admission()
    slot = await admission.take("a", 1, wait=0)
    with pytest.raises(AccountBusyError):
        await admission.take("a", 1, wait=0.01)
    assert admission.waiting("a") == 0
    slot.release()
    (await admission.take("a", 1, wait=0)).release()


class Worker:
    """One of several workers on one state; counts what is in flight over all of them."""

    running = 0
    most = 0

    def __init__(self, state: StateStore, tasks: TaskGroup, lease: float = 15.0) -> None:
        self.admission = Admission(state, tasks=tasks, lease=lease)
        self.served = 0

    async def one(self, everybody: Worker) -> None:
        async with slot(self.admission, "a", 5, wait=30):
            everybody.running += 1
            everybody.most = max(everybody.most, everybody.running)
            await asyncio.sleep(0.001)
            everybody.running -= 1
            self.served += 1


class Shared(MemoryStateStore):
    """Memory that says it is shared: two workers in one process."""

    shared = True


async def test_workers_share_an_accounts_places() -> None:
    state, tasks = Shared(SystemClock()), TaskGroup(lambda *_: None)
    one, two = Worker(state, tasks), Worker(state, tasks)
    await asyncio.gather(*(worker.one(one) for _ in range(100) for worker in (one, two)))
    assert one.most == 5
    assert (one.served, two.served) == (100, 100)
    assert one.admission.in_flight("a") == two.admission.in_flight("a") == one.admission.waiting("a") == 0
    await one.admission.close()
    assert await state.take("slots:a", holder="x", limit=1, ttl=1)
    await tasks.close()


async def test_a_lease_is_kept_while_held_and_lapses_with_its_worker() -> None:
    state, tasks, others = Shared(SystemClock()), TaskGroup(lambda *_: None), TaskGroup(lambda *_: None)
    one, two = Worker(state, tasks, lease=0.6), Worker(state, others, lease=0.6)
    await one.admission.take("a", 1, wait=0)
    await asyncio.sleep(1.2)
    with pytest.raises(AccountBusyError):
        await two.admission.take("a", 1, wait=0)
    await tasks.close()  # the worker dies and renews no more
    (await two.admission.take("a", 1, wait=30)).release()
    await two.admission.close()
    await others.close()


async def test_a_waiter_that_leaves_while_its_lease_comes_gives_it_back() -> None:
    class Slow(Shared):
        async def take(self, key: str, *, holder: str, limit: int, ttl: float) -> bool:
            taken = await super().take(key, holder=holder, limit=limit, ttl=ttl)
            await asyncio.sleep(0.05)
            return taken

    state, tasks = Slow(SystemClock()), TaskGroup(lambda *_: None)
    admission = Admission(state, tasks=tasks)
    asking = asyncio.ensure_future(admission.take("a", 1, wait=0))
    await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.wait([asking])
    assert admission.in_flight("a") == 0
    await admission.close()
    assert await state.take("slots:a", holder="x", limit=1, ttl=1)
    await tasks.close()
