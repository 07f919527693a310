"""What the interpreter keeps for later is given back now and then, unless requests would wait long for it."""

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


async def test_tuples_that_are_over_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COLLECT_SECONDS", 0.0)
    monkeypatch.setattr(module, "COLLECT_MOST", 10**9)
    await _followed(busy=False)  # loads what it needs
    assert _kept_for_later() > KEPT * 0.8, "where nothing is kept there is nothing to let go"
    before = sys.getallocatedblocks()
    assert await _followed(busy=False) == [2]
    assert sys.getallocatedblocks() < before - KEPT * 0.8


@pytest.mark.parametrize(
    ("seconds", "most", "busy"), [(600.0, 10**9, False), (0.0, 0, False), (0.0, 10**9, True)]
)
async def test_there_is_a_time_for_it(
    monkeypatch: pytest.MonkeyPatch, seconds: float, most: int, busy: bool
) -> None:
    monkeypatch.setattr(module, "COLLECT_SECONDS", seconds)
    monkeypatch.setattr(module, "COLLECT_MOST", most)
    assert not await _followed(busy=busy)
