"""Durations and moments as providers write them in headers and bodies."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d*)?|-?\.\d+", re.ASCII)
_DURATION = re.compile(
    r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d*)?)s)?(?:(\d+(?:\.\d*)?)ms)?", re.ASCII
)
_SCALE = (86400.0, 3600.0, 60.0, 1.0, 0.001)
_EPOCH = 1e9
"""Larger numbers are moments (seconds or milliseconds since 1970), not durations."""


def number(text: str) -> float | None:
    """Return the number that `text` is, None where it is none."""
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def duration(text: str) -> float | None:
    """Return the seconds that `1h2m3.5s`, `120ms` or a bare number mean."""
    text = text.strip()
    if (plain := number(text)) is not None:
        return plain
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    return sum(float(part) * scale for part, scale in zip(found.groups(), _SCALE, strict=True) if part)


def moment(text: str, now: float) -> float | None:
    """Return the seconds from `now` that `text` means: a duration, a moment since 1970, or a date."""
    value = duration(text)
    if value is None:
        return _until(text, now)
    if value < _EPOCH:
        return value
    return (value / 1000 if value >= _EPOCH * 1000 else value) - now


def _until(text: str, now: float) -> float | None:
    """Read an HTTP date or an RFC 3339 one; without a zone both mean UTC."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = read(text)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() - now
        except (TypeError, ValueError, OverflowError, IndexError):
            continue
    return None


__all__ = ["duration", "moment", "number"]
