"""Exit codes; 0 means done."""

from __future__ import annotations

FAILED = 1
"""What was asked for did not work."""

WRONG_USE = 2
"""The command or the configuration is wrong; nothing was done."""

NOT_STARTED = 3
"""The gateway could not start; the log says why."""

INTERRUPTED = 130
"""Ctrl-C, as shells report it."""

__all__ = ["FAILED", "INTERRUPTED", "NOT_STARTED", "WRONG_USE"]
