"""Where request rows wait while the store cannot take them: a file of JSON lines beside it.

Each append opens, writes and closes, so that a killed process loses nothing it has appended. Rows
carry unique ids and are imported with "do nothing if known", so importing twice is harmless. Before
an import the file is set aside under another name; what is appended meanwhile starts a new one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock

import msgspec

from flowrouter.gateway.ports import RequestRow
from flowrouter.storage.request_rows import clean

_OF_WORKER = re.compile(r"requests\.(\d+)\.journal(?:\.importing)?")
_decoder = msgspec.json.Decoder(RequestRow)
_encoder = msgspec.json.Encoder()


class Journal:
    """The journal at `path`; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._aside = path.with_name(path.name + ".importing")
        self._rejected = path.with_name(path.name + ".rejected")
        self._lock = Lock()
        self.count = _count_lines(self._path) + _count_lines(self._aside)
        self.rejected = 0

    def append(self, rows: Iterable[RequestRow]) -> None:
        """Add `rows`, but for those JSON cannot hold (counted); raises `OSError` with none added."""
        lines = [_line(row) for row in rows]
        good = [line for line in lines if line is not None]
        with self._lock:
            _append(self._path, good)
            self.count += len(good)
            self.rejected += len(lines) - len(good)

    def reject(self, row: RequestRow) -> None:
        """Count a row that the store will never take, and keep it for people to look at."""
        self._reject(_line(row))

    def batches(self, size: int) -> Iterator[list[RequestRow]]:
        """Set the journal aside and yield its rows in batches; call `imported` when all are stored."""
        with self._lock:
            if not self._aside.exists() and self._path.exists():
                self._path.rename(self._aside)
        if not self._aside.exists():
            return
        batch: list[RequestRow] = []
        with self._aside.open("rb") as lines:
            for line in lines:
                if line.strip():
                    batch += self._parsed(line)
                if len(batch) == size:
                    yield batch
                    batch = []
        if batch:
            yield batch

    def imported(self) -> None:
        """Forget the rows that `batches` yielded."""
        with self._lock:
            self._aside.unlink(missing_ok=True)
            self.count = _count_lines(self._path)

    def adopt(self, others: Iterable[Path]) -> None:
        """Take over the journals of workers that are no more; one that cannot be read stays for later."""
        for path in others:
            with self._lock, suppress(OSError):
                lines = [line.strip() for line in path.read_bytes().splitlines() if line.strip()]
                _append(self._path, lines)
                self.count += len(lines)
                path.unlink()

    def _parsed(self, line: bytes) -> list[RequestRow]:
        """Return the row of one line; none for a line torn by a crash, or of another program's making."""
        try:
            return [_decoder.decode(line)]
        except (msgspec.DecodeError, UnicodeError):
            self._reject(line.strip())
            return []

    def _reject(self, line: bytes | None) -> None:
        with self._lock, suppress(OSError):
            self.rejected += 1
            _append(self._rejected, [] if line is None else [line])


def journal_name(worker: int) -> str:
    """Return the file name of a worker's journal: two processes must never write one."""
    return f"requests.{worker}.journal" if worker else "requests.journal"


def strays(folder: Path, workers: int) -> list[Path]:
    """Return the journals in `folder` whose worker is not among the first `workers`."""
    found = ((path, _OF_WORKER.fullmatch(path.name)) for path in sorted(folder.glob("requests.*.journal*")))
    return [path for path, match in found if match is not None and int(match[1]) >= workers]


def _line(row: RequestRow) -> bytes | None:
    """Return `row` as JSON; None for one that holds what JSON cannot."""
    try:
        return _encoder.encode(row)
    except UnicodeEncodeError:
        return _encoder.encode(clean(row))
    except (OverflowError, TypeError, ValueError):
        return None


def _append(path: Path, lines: list[bytes]) -> None:
    """Write whole lines, or cut the file back to what it was."""
    data = b"\n".join([b"", *lines, b""])  # starts on a new line even after a torn one
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        before = os.fstat(descriptor).st_size
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
        except OSError:
            os.ftruncate(descriptor, before)
            raise
    finally:
        os.close(descriptor)


def _count_lines(path: Path) -> int:
    try:
        with path.open("rb") as lines:
            return sum(1 for line in lines if line.strip())
    except OSError:  # not there, or not readable: `batches` will say which
        return 0


__all__ = ["Journal", "journal_name", "strays"]
