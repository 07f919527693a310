"""What the interpreter keeps for later is given back now and then, and no request waits for it."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Iterator

import pytest

from flowrouter.app import heap as module
from flowrouter.app.heap import Heap

LENGTH = 17
KEPT = 1_500


@pytest.fixture(autouse=True)
def _collector_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(module, "COLLECT_SECONDS", 0.0)
    monkeypatch.setattr(module, "_WORKED_SECONDS", 0.0)
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _kept_for_later() -> int:
    """Return how many more blocks are allocated once many tuples have come and gone."""
    before = sys.getallocatedblocks()
    tuples = [tuple(range(number, number + LENGTH)) for number in range(KEPT)]
    del tuples
    return sys.getallocatedblocks() - before


async def _followed(*, busy: bool) -> list[int]:
    """Return the generations that were collected in the time in which a full collection may well come."""
    generations: list[int] = []

    def hear(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            generations.append(info["generation"])

    gc.callbacks.append(hear)
    following = asyncio.create_task(Heap(lambda: busy).follow())
    try:
        for _ in range(30):
            await asyncio.sleep(0.01)
            if generations:
                break
    finally:
        following.cancel()
        gc.callbacks.remove(hear)
    return generations


@pytest.mark.parametrize("library", [True, False], ids=["glibc", "another library"])
async def test_tuples_that_are_over_are_let_go(monkeypatch: pytest.MonkeyPatch, library: bool) -> None:
    if not library:
        monkeypatch.setattr(module, "_glibc", lambda: None)
    await _followed(busy=False)  # loads what it needs
    assert _kept_for_later() > KEPT * 0.8, "where nothing is kept there is nothing to let go"
    before, frozen = sys.getallocatedblocks(), gc.get_freeze_count()
    assert await _followed(busy=False) == [2]
    assert sys.getallocatedblocks() < before - KEPT * 0.8
    assert gc.get_freeze_count() <= frozen


async def test_nobody_who_is_served_waits_for_a_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.0)
    await _followed(busy=True)
    alive = [[number] for number in range(100)]
    assert _kept_for_later() > KEPT * 0.8
    before, frozen = sys.getallocatedblocks(), gc.get_freeze_count()
    assert await _followed(busy=True) == [0, 2]
    assert sys.getallocatedblocks() < before - KEPT * 0.8
    assert gc.get_freeze_count() >= frozen + len(alive), "what is alive is not walked"


async def test_there_is_a_time_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not await _followed(busy=True)
    monkeypatch.setattr(module, "COLLECT_SECONDS", 600.0)
    assert not await _followed(busy=False)
