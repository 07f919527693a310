"""The right to a trial: whoever is cut off on the way to it, or back from it, keeps nobody else out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from flowrouter.clock import SystemClock
from flowrouter.gateway.trials import Trials
from flowrouter.storage import MemoryStateStore


class Slow(MemoryStateStore):
    """A state that other workers share: calls on a chosen key wait until `go` is set."""

    shared = True  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.go = asyncio.Event()
        self.slow = ""

    async def _pass(self, key: str) -> None:
        if self.slow and key.endswith(self.slow):
            await self.go.wait()

    async def put(self, key: str, value: bytes, *, ttl: float | None) -> None:
        await self._pass(key)
        await super().put(key, value, ttl=ttl)

    async def put_if_absent(self, key: str, value: bytes, *, ttl: float | None) -> bool:
        await self._pass(key)
        return await super().put_if_absent(key, value, ttl=ttl)

    async def delete(self, key: str) -> bool:
        await self._pass(key)
        return await super().delete(key)


def none_came() -> bool:
    return False


def made() -> tuple[Slow, Trials, list[str]]:
    state, ended = Slow(), list[str]()
    return state, Trials(state, clock=SystemClock(), ended=lambda: ended.append("")), ended


async def cut_off(work: asyncio.Task[object]) -> None:
    for _ in range(5):
        await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


KEYS = ("host:h", "account:a", "model:a:m")


@pytest.mark.parametrize("place", range(3), ids=["first", "second", "last"])
async def test_a_client_that_leaves_on_the_way_to_a_trial_holds_nothing(place: int) -> None:
    state, trials, _ = made()
    state.slow = KEYS[place]
    await cut_off(asyncio.create_task(trials.begin(KEYS, none_came)))
    assert not any(trials.under_way(key) for key in KEYS)
    state.slow = ""
    assert await trials.begin(KEYS, none_came) is not None


@pytest.mark.parametrize("place", range(3), ids=["first", "second", "last"])
async def test_a_client_that_leaves_while_a_trial_ends_holds_nothing(place: int) -> None:
    state, trials, ended = made()
    trial = await trials.begin(KEYS, none_came)
    assert trial is not None
    state.slow = KEYS[place]
    await cut_off(asyncio.create_task(trials.end(trial)))
    assert not any(trials.under_way(key) for key in KEYS)
    assert ended
    # What could not be taken out of the shared state lapses there: nobody renews it.
    state.slow = ""
    before = dict(await state.scan("trial:"))
    await trials.renew()
    assert await state.scan("trial:") == before


async def test_a_lease_given_back_while_others_are_renewed_stays_given_back() -> None:
    state, trials, _ = made()
    first = await trials.begin(KEYS[:1], none_came)
    second = await trials.begin(KEYS[2:], none_came)
    assert first is not None
    assert second is not None
    state.slow = KEYS[0]
    renewing = asyncio.create_task(trials.renew())
    await asyncio.sleep(0)
    await trials.end(second)
    state.go.set()
    await renewing
    assert set(await state.scan("trial:")) == {f"trial:{KEYS[0]}"}
    again: Callable[[], bool] = none_came
    assert await trials.begin(KEYS[2:], again) is not None
