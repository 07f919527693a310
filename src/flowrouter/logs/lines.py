"""One line of the log: as a value, as JSON, as text for people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import msgspec

from flowrouter.clock import iso

Level = Literal["debug", "info", "warning", "error"]

_encoder = msgspec.json.Encoder(enc_hook=repr)
_encode, _encode_lines = _encoder.encode, _encoder.encode_lines
_OWN = frozenset(("time", "level", "logger", "message"))

LEVELS: dict[str, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40}
"""How grave each level is."""


class Record(msgspec.Struct, frozen=True):
    """One line before it is formatted."""

    when: float
    level: Level
    logger: str
    message: str
    fields: dict[str, Any]


def as_json(record: Record) -> str:
    """Return a line as JSON, without its fields where one of them cannot be shown (or the interpreter ends); raises nothing."""
    try:
        return _encoded(record)
    except Exception as error:  # noqa: BLE001 - a field that cannot be shown must not end the writer
        said = f"{record.message} (fields not shown: {error!r})".encode("ascii", "backslashreplace").decode()
        line = {"level": record.level, "logger": record.logger, "message": said}
        return msgspec.json.encode(line).decode()


def kind_of(record: Record) -> tuple[str, ...]:
    """Return what lines of one kind have in common: all but their times and the values of their fields."""
    return (record.level, record.logger, record.message, *record.fields)


def alike_as_json(records: Sequence[Record]) -> list[str] | None:
    """Return lines of one kind, one at least, as `as_json` has them; what they have in common is encoded once.

    Fields must be texts and numbers. None where the lines must be told one by one.
    """
    first = records[0]
    if not _OWN.isdisjoint(first.fields):
        return None
    try:
        own = _encode({"level": first.level, "logger": first.logger, "message": first.message})[1:-1].decode()
        members = _encode_lines([record.fields for record in records]).decode().split("\n")
    except Exception:  # noqa: BLE001 - one of them cannot be shown
        return None
    between = f'Z",{own}{"," if first.fields else ""}'
    lines: list[str] = []
    second, begin = -1, ""
    for record, text in zip(records, members, strict=False):  # behind the last line there is an empty one
        when = record.when
        if int(when) != second:
            second = int(when)
            begin = f'{{"time":"{_second(second)[:-1]}.'
        lines.append(f"{begin}{int(when % 1 * 1000):03d}{between}{text[1:]}")
    return lines


def as_text(record: Record) -> str:
    """Return a line for people; raises nothing."""
    try:
        return _told(record)
    except Exception as error:  # noqa: BLE001 - as above
        return f"{record.level} {record.logger}: {record.message} (fields not shown: {error!r})"


def _encoded(record: Record) -> str:
    line = {
        "time": f"{_second(int(record.when))[:-1]}.{int(record.when % 1 * 1000):03d}Z",
        "level": record.level,
        "logger": record.logger,
        "message": record.message,
        **record.fields,
    }
    return _encode(line).decode()


def _told(record: Record) -> str:
    fields = dict(record.fields)
    trace = fields.pop("traceback", "")
    pairs = " ".join(f"{name}={_shown(value)}" for name, value in fields.items() if value is not None)
    level = "" if record.level == "info" else f"{record.level} "
    line = f"{_second(int(record.when))[11:19]} {level}{record.logger}: {_printable(record.message)}"
    return f"{line}{'  ' if pairs else ''}{pairs}" + (_indented(trace) if trace else "")


def _indented(trace: str) -> str:
    """Return a traceback whose lines nobody takes for records: an error's message may hold line breaks."""
    return "".join(f"\n    {_printable(line)}" for line in trace.rstrip().splitlines())


@lru_cache(maxsize=4)
def _second(when: int) -> str:
    return iso(when)


def _shown(value: Any) -> str:
    text = _printable(value if isinstance(value, str) else str(value))
    return msgspec.json.encode(text).decode() if not text or re.search(r'[\s"=]', text) else text


def _printable(text: str) -> str:
    """Return `text` so that what a client sends neither begins a line nor steers the reader's terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


__all__ = ["LEVELS", "Level", "Record", "alike_as_json", "as_json", "as_text", "kind_of"]
