"""Small charts of one line: one block per value, scaled to the largest; letters where blocks cannot be shown."""

from __future__ import annotations

from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"
_LETTERS = "_.:-=+*#"


def sparkline(values: Sequence[float], *, unicode: bool = True) -> str:
    """Return one mark per value; the lowest mark is for nothing only, so that little is seen as something."""
    marks = _BLOCKS if unicode else _LETTERS
    largest = max(values, default=0)
    if largest <= 0:
        return marks[0] * len(values)
    steps = len(marks) - 1
    return "".join(marks[0 if value <= 0 else max(1, round(value / largest * steps))] for value in values)


def squeezed(values: Sequence[float], width: int) -> list[float]:
    """Return at most `width` values: neighbours are summed up, the earliest group may be smaller."""
    if width < 1:
        return []
    size = -(-len(values) // width)
    if size <= 1:
        return list(values)
    first = len(values) % size or size
    groups = [values[:first], *(values[at : at + size] for at in range(first, len(values), size))]
    return [sum(group) for group in groups]


__all__ = ["sparkline", "squeezed"]
