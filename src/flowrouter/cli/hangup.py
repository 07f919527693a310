"""SIGHUP: read the configuration file again, or end, where it means that the terminal was closed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

HANGUP: int | None = getattr(signal, "SIGHUP", None)
"""The signal's number, None on systems without it."""


def answer(reload: Callable[[], None], end: Callable[[int, Any], None]) -> Callable[[int, Any], None]:
    """Return what to do at the signal: `reload`, or `end` where the terminal we were started in is gone."""
    had_terminal = os.isatty(0)

    def hung_up(number: int, frame: Any) -> None:
        if had_terminal and _terminal_is_gone():
            end(number, frame)
        else:
            reload()

    return hung_up


def _terminal_is_gone() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return True
    return False


__all__ = ["HANGUP", "answer"]
