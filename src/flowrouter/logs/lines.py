"""One line of the log: as a value, as JSON, as text for people."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal

import msgspec

from flowrouter.clock import iso

Level = Literal["debug", "info", "warning", "error"]

_encode = msgspec.json.Encoder(enc_hook=repr).encode

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


__all__ = ["LEVELS", "Level", "Record", "as_json", "as_text"]
