"""The newest lines of this process, in memory and bounded, as the log wrote them.

The thread that writes the log puts them here, so that nobody who logs pays for it. Warnings and errors have a
part of their own: a flood of lesser lines does not wash them away.
"""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import msgspec

from flowrouter.logs.lines import LEVELS, Level, Record, as_json

MOST = 1000
"""Lines that are kept at most."""

LONGEST = 16 * 1024
"""Characters a kept line may have; a longer one keeps the beginning of each field."""

_GRAVE = 300
_FIELD = 1000
_FIELDS = 16
_DIGITS = 18


_Line = tuple[int, float, Level, str]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One line: its number in this process, an id that no other process gives, when it was, and its JSON text."""

    number: int
    id: str
    ts_ms: int
    level: Level
    text: str


class Ring:
    """Keeps lines; any thread may put and read them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Number, time, level and text; whoever reads them makes lines of them, which few are.
        self._plain: deque[_Line] = deque(maxlen=MOST - _GRAVE)
        self._grave: deque[_Line] = deque(maxlen=_GRAVE)
        self._process = secrets.token_hex(4)
        self.newest = 0

    def put(self, record: Record, text: str) -> None:
        """Keep `text`, which is `record` as JSON without secrets."""
        if len(text) > LONGEST:
            text = _shortened(record, text)
        with self._lock:
            self.newest = number = self.newest + 1
            self._part(record.level).append((number, record.when, record.level, text))

    def put_alike(self, records: Sequence[Record], texts: Sequence[str]) -> None:
        """Keep `texts`, which are `records` of one level."""
        if max(map(len, texts)) > LONGEST:
            for record, text in zip(records, texts, strict=True):
                self.put(record, text)
            return
        levels: list[Level] = [records[0].level] * len(texts)
        times = [record.when for record in records]
        with self._lock:
            numbers = range(self.newest + 1, self.newest + 1 + len(texts))
            self._part(levels[0]).extend(zip(numbers, times, levels, texts, strict=True))
            self.newest += len(texts)

    def recent(self, level: Level, *, limit: int) -> list[Kept]:
        """Return the newest lines of `level` and above, newest first."""
        return self._lines(level)[::-1][:limit]

    def since(self, number: int, level: Level) -> list[Kept]:
        """Return the lines of `level` and above behind the one with `number`, oldest first."""
        return [line for line in self._lines(level) if line.number > number] if number < self.newest else []

    def place_of(self, line_id: str) -> int | None:
        """Return the number of the line that once had this id, None where another process gave it."""
        process, _, number = line_id.partition("-")
        if (
            process != self._process
            or not number.isdecimal()
            or not number.isascii()
            or len(number) > _DIGITS
        ):
            return None
        return int(number)

    def _part(self, level: Level) -> deque[_Line]:
        return self._grave if level in ("warning", "error") else self._plain

    def _lines(self, level: Level) -> list[Kept]:
        with self._lock:
            found = [*self._grave] if LEVELS[level] >= LEVELS["warning"] else [*self._plain, *self._grave]
        least = LEVELS[level]
        return [
            Kept(number=number, id=f"{self._process}-{number}", ts_ms=int(when * 1000), level=own, text=text)
            for number, when, own, text in sorted(found, key=itemgetter(0))
            if LEVELS[own] >= least
        ]


def _shortened(record: Record, text: str) -> str:
    """Return a long line with the beginning of each field, made of the text that has no secrets any more."""
    try:
        members = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        members = {"message": text}
    fields = {name: _beginning(value) for name, value in list(members.items())[:_FIELDS]}
    message = str(fields.get("message", ""))
    for own in ("time", "level", "logger", "message"):
        fields.pop(own, None)
    return as_json(msgspec.structs.replace(record, message=message, fields=fields))


def _beginning(value: Any) -> Any:
    """Return a value, or the beginning of it where it is long."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return value if len(text) <= _FIELD else text[:_FIELD] + "…"


__all__ = ["LONGEST", "MOST", "Kept", "Ring"]
