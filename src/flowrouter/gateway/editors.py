"""Who changes the events of a reply on their way to the client."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from flowrouter.canonical.events import Event

Editor = Callable[[Event], list[Event]]
"""Returns what an event becomes."""


class SparingEditor(ABC):
    """An editor that need not see most deltas."""

    __slots__ = ()

    @abstractmethod
    def __call__(self, event: Event) -> list[Event]:
        """Return what `event` becomes."""

    @abstractmethod
    def spares(self, index: int) -> bool:
        """Return whether deltas of a part stay as they are, and need not be seen, until another event."""

    def hearer(self) -> Callable[[str], None] | None:
        """Return who wants to know what deltas say that are spared, None for nobody."""
        return None


__all__ = ["Editor", "SparingEditor"]
