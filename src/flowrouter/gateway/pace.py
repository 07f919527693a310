"""Whether a stream that has begun is abnormally slow, told from its first seconds.

A provider in trouble may drip a token a second for minutes: alive, so that no limit on silence sees it. Its
beginning is held until as many tokens came as the slowest pace allowed gives in `WATCH` seconds. A healthy
stream has them in a fraction of that; one that has not by then gives way to another target, and nothing
of it has left. A pause for thought right behind the first words looks the same, which is why it
is off by default.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from flowrouter.canonical import events as e
from flowrouter.canonical.estimate import text_tokens
from flowrouter.canonical.events import Event
from flowrouter.canonical.parts import Media, Opaque, Reasoning, Refusal, Text
from flowrouter.errors import UpstreamError

WATCH = 4.0
"""Seconds in which the pace of a stream is known."""


class Pace:
    """The pace of one stream from its first meaningful event on; time is an argument."""

    __slots__ = ("_characters", "_enough", "_since", "_slowest", "known")

    def __init__(self, slowest: float) -> None:
        self._slowest = slowest
        self._enough = slowest * WATCH
        self._characters = 0
        self._since: float | None = None
        self.known = False

    def note(self, events: Sequence[Event], now: float) -> None:
        """Take events that came at `now`; `known` tells that the stream is fast enough."""
        if self._since is None:
            self._since = now
        for event in events:
            self._characters += _characters(event)
            # What comes in one piece has no pace.
            if isinstance(event, e.Finish) or (
                isinstance(event, e.PartStart) and isinstance(event.part, Media | Opaque)
            ):
                self.known = True
        if text_tokens(self._characters) >= self._enough:
            self.known = True

    @property
    def by(self) -> float:
        """Return when the pace must show."""
        return math.inf if self._since is None else self._since + WATCH

    def too_slow(self) -> UpstreamError:
        """Return the failure of a stream that did not show it."""
        tokens = text_tokens(self._characters)
        return UpstreamError(
            f"the answer began with {tokens} token{'' if tokens == 1 else 's'} in {WATCH:g} s, slower than "
            f"{self._slowest:g} a second",
            kind="timeout",
        )


def _characters(event: Event) -> int:
    match event:
        case e.PartDelta(text=text):
            return len(text)
        case e.PartStart(part=Text(text=text) | Reasoning(text=text) | Refusal(text=text)):
            return len(text)
        case _:
            return 0


__all__ = ["WATCH", "Pace"]
