"""Structured logs on stderr: JSON lines or text, buffered, with secrets removed.

A call only appends a record; a daemon thread formats, redacts and writes, so that neither a slow
terminal nor a full pipe holds a request up. Warnings wake it at once, the rest within 50 ms. If
stderr takes nothing for long, the newest lines are dropped and counted, never the gateway's memory.
The last of what was written stay in memory (`ring`), for whoever cannot see stderr.
"""

from __future__ import annotations

import atexit
import re
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar, Token
from itertools import groupby, islice
from typing import Any, Literal, TextIO

import msgspec

from flowrouter.clock import Clock, SystemClock
from flowrouter.logs.lines import LEVELS, Level, Record, alike_as_json, as_json, as_text, kind_of
from flowrouter.logs.lookalikes import HIDDEN, spelled, without_lookalikes
from flowrouter.logs.ring import MOST, Kept, Ring
from flowrouter.logs.said import Said, memorable, said, said_alike

_CAPACITY = 20_000
_DELAY = 0.05
_PATIENCE = 2.0
_SHORTEST_SECRET = 6
_MOST_SECRETS = 4_000
_CLEAN_MAX = 512
_FEW, _MANY = 4, 500
"""Of fewer lines of one kind in a row each is made by itself, of more these at a time: other threads wait meanwhile."""
_NUMERIC = re.compile(r"[-+.0-9e]+")


class Sink:
    """Takes records from any thread and writes them from its own."""

    def __init__(self, clock: Clock, stream: TextIO | None = None) -> None:
        self.threshold = LEVELS["info"]
        self.clock = clock
        self.ring = Ring()
        self._stream = stream
        self._as_json = True
        self._records: deque[Record] = deque()
        self._hiding = threading.Lock()
        self._known: dict[str, None] = {}
        self._secrets: tuple[str, ...] | None = ()
        # What lines said in which none of them was found, nor anything that looks like one.
        self._clean: set[Said] = set()
        # Whether one of them may be a number, or stand in one.
        self._numeric = False
        self._dropped = 0
        self._wake = threading.Event()
        # Whether it is set, or was a moment ago: who finds it so need not set it.
        self._woken = False
        self._hurry = threading.Event()
        self._writing = threading.Lock()
        self._thread: threading.Thread | None = None

    def configure(self, *, level: Level, as_json: bool, stream: TextIO | None) -> None:
        """Set what is written, how, and where to (None: stderr, whatever it is at the time)."""
        self.threshold = LEVELS[level]
        self._as_json = as_json
        self._stream = stream

    def hide(self, secret: str) -> None:
        """Keep `secret` out of every later line, in the spellings of JSON and of URLs too.

        Too short a value would hide ordinary words. Beyond a number the oldest are let go:
        access tokens come and go, and those in use are named again whenever the configuration changes.
        """
        if len(secret) < _SHORTEST_SECRET or secret in self._known:
            return
        with self._hiding:
            while len(self._known) >= _MOST_SECRETS:
                del self._known[next(iter(self._known))]
            self._known[secret] = None
            self._secrets = None

    def put(self, level: Level, logger: str, message: str, *, fields: dict[str, Any]) -> None:
        """Take one record; never blocks, never raises."""
        if len(self._records) >= _CAPACITY:
            self._dropped += 1
            return
        self._records.append(Record(self.clock.now(), level, logger, message, fields))
        if not self._woken:
            self._woken = True
            self._start()
            self._wake.set()
        if level in ("warning", "error"):
            self._hurry.set()

    def flush(self) -> None:
        """Write what was taken so far, in the caller's thread."""
        if not self._writing.acquire(timeout=_PATIENCE):
            return  # another thread is stuck in a write; waiting for it would only add one more
        try:
            lines = self._lines(self._taken())
            if self._dropped:
                dropped, self._dropped = self._dropped, 0
                text = f"{dropped} log lines were dropped: stderr did not take them"
                lines.append(self._line(Record(self.clock.now(), "warning", "logs", text, {})))
            if not lines:
                return
            try:
                stream = self._stream or sys.stderr
                stream.write("\n".join((*lines, "")))
                stream.flush()
            except (OSError, ValueError, AttributeError):
                return  # stderr is closed or gone; there is nobody left to tell
        finally:
            self._writing.release()

    def redact(self, text: str) -> str:
        """Return `text` without known secrets and without what looks like one."""
        for secret in self._spelled():
            if secret in text:
                text = text.replace(secret, HIDDEN)
        return without_lookalikes(text)

    def _spelled(self) -> tuple[str, ...]:
        """Return every spelling to look for; made anew when there is another secret."""
        spellings = self._secrets
        if spellings is not None:
            return spellings
        with self._hiding:
            found = {spelling for known in self._known for spelling in spelled(known)}
            # The longest first, so that a secret that begins another does not leave its end behind.
            self._clean = set()
            self._numeric = any(map(_NUMERIC.fullmatch, found))
            self._secrets = made = tuple(sorted(found, key=len, reverse=True))
            return made

    def _taken(self) -> list[Record]:
        return [self._records.popleft() for _ in range(len(self._records))]  # nobody else takes any

    def _lines(self, records: list[Record]) -> list[str]:
        """Return lines as they are written; many of one kind in a row are made together."""
        lines: list[str] = []
        for _, same in groupby(records, kind_of):
            while alike := list(islice(same, _MANY)):
                together = self._alike(alike) if len(alike) >= _FEW else None
                lines += [self._line(record) for record in alike] if together is None else together
        return lines

    def _line(self, record: Record) -> str:
        """Return one line as it is written; the newest are kept as JSON besides."""
        kept = as_json(record)
        self._spelled()  # another secret makes another `_clean`
        clean, told = self._clean, None if self._numeric else said(record)
        if told is None or told not in clean:
            kept = self._searched(kept, told, clean)
        self.ring.put(record, kept)
        return kept if self._as_json else self.redact(as_text(record))

    def _alike(self, records: list[Record]) -> list[str] | None:
        """Return lines of one kind as `_line` has each of them; None where they must be made one by one."""
        self._spelled()
        clean, told = self._clean, None if self._numeric else said_alike(records)
        kept = None if told is None else alike_as_json(records)
        if told is None or kept is None:
            return None
        common = kind_of(records[0])[1:]
        if any((*common, *values) not in clean for values in set(told)):
            kept = [
                text if (*common, *values) in clean else self._searched(text, (*common, *values), clean)
                for text, values in zip(kept, told, strict=True)
            ]
        self._spelled()
        if self._clean is not clean:
            return None  # a secret became known meanwhile
        self.ring.put_alike(records, kept)
        return kept if self._as_json else [self.redact(as_text(record)) for record in records]

    def _searched(self, text: str, told: Said | None, clean: set[Said]) -> str:
        """Return a line without secrets; what it says is remembered if it has none."""
        kept = self.redact(text)
        if kept == text and told is not None and memorable(told):
            if len(clean) >= _CLEAN_MAX:
                clean.clear()
            clean.add(told)
        return kept

    def _start(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        if sys.is_finalizing():  # a thread that is started now never runs, and its starter waits for ever
            self.flush()
            return
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # newer Pythons start none at the interpreter's end
            self.flush()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._hurry.wait(_DELAY)
            self._wake.clear()
            self._hurry.clear()
            self._woken = (
                False  # what came before this is written now, what comes behind it sets the event again
            )
            self.flush()


class Logger:
    """Writes under one name; fields are keyword arguments."""

    __slots__ = ("_name", "_sink")

    def __init__(self, name: str, sink: Sink) -> None:
        self._name = name
        self._sink = sink

    def enabled(self, level: Level) -> bool:
        """Return whether a line of `level` would be written; for fields that cost something."""
        return LEVELS[level] >= self._sink.threshold

    def debug(self, message: str, **fields: Any) -> None:
        """Write what only somebody looking for a fault wants to know."""
        if self._sink.threshold <= 10:
            self._sink.put("debug", self._name, message, fields=_placed(fields))

    def info(self, message: str, **fields: Any) -> None:
        """Write what happened."""
        if self._sink.threshold <= 20:
            placed = fields if "request_id" in fields else _placed(fields)
            self._sink.put("info", self._name, message, fields=placed)

    def told(self, message: str, fields: dict[str, Any]) -> None:
        """Write what happened as `info` does, of `fields` that name their request and are given away."""
        if self._sink.threshold <= 20:
            self._sink.put("info", self._name, message, fields=fields)

    def warning(self, message: str, *, error: BaseException | None = None, **fields: Any) -> None:
        """Write what somebody should look at; of `error` only type and text."""
        if self._sink.threshold <= 30:
            if error is not None:
                fields["error"] = f"{type(error).__name__}: {error}"
            self._sink.put("warning", self._name, message, fields=_placed(fields))

    def error(self, message: str, *, error: BaseException | None = None, **fields: Any) -> None:
        """Write what went wrong; `error` adds its traceback."""
        if error is not None:
            fields["error"] = f"{type(error).__name__}: {error}"
            fields["traceback"] = "".join(traceback.format_exception(error))
        self._sink.put("error", self._name, message, fields=_placed(fields))


def get(name: str) -> Logger:
    """Return the logger called `name`."""
    return Logger(name, _SINK)


def configure(
    level: Level = "info",
    *,
    format: Literal["auto", "text", "json"] = "auto",  # noqa: A002 - the setting's own name
    stream: TextIO | None = None,
) -> None:
    """Set what is logged and how; `auto` is text on a terminal and JSON lines elsewhere."""
    target = stream or sys.stderr
    as_json = format == "json" or (format == "auto" and not (target is not None and target.isatty()))
    _SINK.configure(level=level, as_json=as_json, stream=stream)


def hide(*secrets: str | None) -> None:
    """Keep these values out of every later line."""
    for secret in secrets:
        if secret:
            _SINK.hide(secret)


def redact(text: str) -> str:
    """Return `text` without known secrets and without what looks like one."""
    return _SINK.redact(text)


def recent(level: Level = "info", *, limit: int = MOST) -> list[Kept]:
    """Return the newest lines that are kept, of `level` and above, newest first; secrets are out of them."""
    return [_again(line) for line in _SINK.ring.recent(level, limit=limit)]


def since(number: int, level: Level = "info") -> list[Kept]:
    """Return the kept lines behind the one with `number`, oldest first."""
    return [_again(line) for line in _SINK.ring.since(number, level)]


def newest() -> int:
    """Return the number of the newest line, 0 before the first."""
    return _SINK.ring.newest


def place_of(line_id: str) -> int | None:
    """Return the number of the line with an id of this process, None for any other."""
    return _SINK.ring.place_of(line_id)


def flush() -> None:
    """Write what was logged so far."""
    _SINK.flush()


def task_failed(name: str, error: BaseException) -> None:
    """Report a failed background task; the sink a `tasks.TaskGroup` asks for."""
    get("tasks").error(f"background task {name!r} failed", error=error)


def adopt_stdlib(*names: str) -> None:
    """Let the stdlib loggers `names` write here from level warning on (uvicorn, asyncio, aiohttp)."""
    import logging

    class Adopted(logging.Handler):
        """Turns a stdlib record into one of ours."""

        def emit(self, record: logging.LogRecord) -> None:
            fields = (
                {}
                if not record.exc_info
                else {"traceback": "".join(traceback.format_exception(*record.exc_info))}
            )
            level: Level = "error" if record.levelno >= logging.ERROR else "warning"
            _SINK.put(level, record.name, record.getMessage(), fields=fields)

    for name in names:
        logger = logging.getLogger(name)
        logger.handlers = [Adopted(logging.WARNING)]
        logger.setLevel(logging.WARNING)
        logger.propagate = False


def _again(line: Kept) -> Kept:
    """Return a kept line without the secrets that became known after it was written."""
    return msgspec.structs.replace(line, text=_SINK.redact(line.text))


def _placed(fields: dict[str, Any]) -> dict[str, Any]:
    """Return `fields` with the request they belong to, unless they name it themselves."""
    request_id = _REQUEST.get()
    if request_id is not None and "request_id" not in fields:
        fields["request_id"] = request_id
    return fields


_SINK = Sink(SystemClock())
_REQUEST: ContextVar[str | None] = ContextVar("flowrouter_request", default=None)
about: Callable[[str], Token[str | None]] = _REQUEST.set
"""Let every line that this task, and those it starts, write from now on carry the id of a request."""
back: Callable[[Token[str | None]], None] = _REQUEST.reset
"""Take back what `about` said, in the task that said it."""
atexit.register(flush)

__all__ = [
    "Kept",
    "Level",
    "Logger",
    "Sink",
    "about",
    "adopt_stdlib",
    "back",
    "configure",
    "flush",
    "get",
    "hide",
    "newest",
    "place_of",
    "recent",
    "redact",
    "since",
    "task_failed",
]
