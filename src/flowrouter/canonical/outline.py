"""What the books need of a whole answer: all but its words."""

from __future__ import annotations

import msgspec

from flowrouter.canonical.response import FinishReason
from flowrouter.canonical.usage import Usage


class Outline(msgspec.Struct, frozen=True):
    """One answer at its end: its id, who gave it, what it cost, why its first choice ended, the tools it calls."""

    id: str
    model: str
    usage: Usage | None
    finish: FinishReason | None
    called: tuple[str, ...] = ()


__all__ = ["Outline"]
