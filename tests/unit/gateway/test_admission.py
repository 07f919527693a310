"""Slots: never more in flight than allowed, first come first served, none lost when waiters give up."""

from __future__ import annotations

import asyncio

import pytest

from flowrouter.gateway.admission import AccountBusyError, Admission


async def test_a_full_account_is_told_at_once_without_a_wait() -> None:
    admission = Admission()
    async with admission.slot("a", 1, wait=0):
        with pytest.raises(AccountBusyError):
            async with admission.slot("a", 1, wait=0):
                pass
        async with admission.slot("b", 1, wait=0):
            assert admission.in_flight("b") == 1
    assert admission.in_flight("a") == 0


async def test_waiters_are_served_in_order_and_never_over_the_limit() -> None:
    admission, order, most = Admission(), list[int](), 0

    async def one(number: int) -> None:
        nonlocal most
        async with admission.slot("a", 2, wait=10):
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
        async with admission.slot("a", 1, wait=10):
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
