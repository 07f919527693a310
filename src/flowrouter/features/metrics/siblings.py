"""What the other workers of this gateway counted: each leaves its families in a file, every two seconds.

Files, because workers of one gateway share a data folder whatever else is away, and because machines that
share state must not answer for each other: Prometheus asks each of them.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from flowrouter.features.metrics.families import Family

EVERY_SECONDS = 2.0
STALE_SECONDS = 15.0
"""A worker that has left nothing for so long is gone."""

FOLDER = "metrics"


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """What one worker left, and when (wall seconds)."""

    at: float
    worker: str
    families: tuple[Family, ...]


class Siblings:
    """The files of one gateway's workers; all methods block."""

    def __init__(self, data: Path, *, worker: int) -> None:
        self._folder = data / FOLDER
        self._own = self._folder / f"worker-{worker}.json"

    def leave(self, left: Left) -> None:
        """Leave what this worker counted, in place of what it left before."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        fresh = self._own.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(left))
        fresh.replace(self._own)

    def others(self, now: float) -> list[Left]:
        """Return what the other workers left lately, in their order."""
        found = []
        for path in sorted(self._folder.glob("worker-*.json")):
            if path == self._own:
                continue
            with contextlib.suppress(OSError, msgspec.MsgspecError):  # it is being replaced, or an older form
                left = msgspec.json.decode(path.read_bytes(), type=Left)
                if abs(now - left.at) <= STALE_SECONDS:
                    found.append(left)
        return found

    def gone(self) -> None:
        """Take back what this worker left."""
        self._own.unlink(missing_ok=True)


__all__ = ["EVERY_SECONDS", "FOLDER", "STALE_SECONDS", "Left", "Siblings"]
