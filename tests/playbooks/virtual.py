"""Virtual time for playbooks: a loop and clocks that jump to the next timer when nothing else is to be done."""

from __future__ import annotations

import asyncio
from typing import Any

EPOCH = 1_700_000_000.0


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer when nothing else is to be done."""

    def __init__(self) -> None:
        super().__init__()
        self._virtual = 0.0

    def time(self) -> float:
        return self._virtual

    def _run_once(self) -> None:
        scheduled: list[Any] = self._scheduled  # type: ignore[attr-defined]
        live = [handle.when() for handle in scheduled if not handle.cancelled()]
        if not self._ready and live:  # type: ignore[attr-defined]
            self._virtual = max(self._virtual, min(live))
        super()._run_once()  # type: ignore[misc]


class VirtualClock:
    """The loop's time as both clocks."""

    def now(self) -> float:
        return EPOCH + asyncio.get_running_loop().time()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


__all__ = ["EPOCH", "VirtualClock", "VirtualLoop"]
