"""The long fuzz run: `make fuzz`, or `python -m tests.fuzz.run --help`.

Every case is named by its seed and number, so any failure can be had again, and a run goes on where
another ended (`--first`) or was ended (`--state`). A failing request is shrunk before it is shown.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from tests.fuzz.audit import Case, Finding, Outcome, audit, examine
from tests.fuzz.cuts import audit_stream
from tests.fuzz.making import Json, Maker
from tests.fuzz.prefixes import audit_prefix
from tests.fuzz.replies import REPLIES, ReplyCase, audit_reply
from tests.fuzz.shrink import shrunk
from tests.fuzz.subjects import DIALECTS, MAKERS, targets

_CHUNK = 500
_SHOWN = 10
_TELL_EVERY = 30.0
"""Seconds between two lines of progress."""

Way = tuple[str, str, str]


class Chunk(NamedTuple):
    """Some cases in a row of one kind (`requests`, `replies`, `prefixes`, `streams`) and pair."""

    kind: str
    origin: Dialect
    target: Dialect
    seed: str
    first: int
    count: int


class Tally(NamedTuple):
    """What a chunk came to: findings by kind with the number of the first case that shows each."""

    chunk: Chunk
    refused: int
    findings: dict[str, tuple[int, int, str]]
    seconds: float


def limits_of(target: Dialect, number: int) -> Capabilities:
    """Return the target record the case of that number is rendered for."""
    records = targets(target)
    return records[number % len(records)][1]


def seed_of(chunk: Chunk, number: int) -> str:
    """Return the seed of a case."""
    return f"{chunk.seed}/{chunk.kind}/{chunk.origin}/{number}"


def outcome_of(chunk: Chunk, number: int) -> Outcome:
    """Return what came of one case; an exception is a finding."""
    seed, limits = seed_of(chunk, number), limits_of(chunk.target, number)
    try:
        match chunk.kind:
            case "requests":
                return examine(Case(chunk.origin, chunk.target, MAKERS[chunk.origin](Maker(seed)), limits))
            case "replies":
                body = REPLIES[chunk.origin](Maker(seed))
                return Outcome(audit_reply(ReplyCase(chunk.origin, chunk.target, body)))
            case "prefixes":
                return Outcome(audit_prefix(chunk.origin, chunk.target, seed, limits))
            case _:
                return Outcome(audit_stream(chunk.origin, seed))
    except Exception as error:
        return Outcome([raised(error)])


def raised(error: Exception) -> Finding:
    """Return an exception as a finding, named by where it came from."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return Finding(
        f"raised {type(error).__name__}",
        f"{Path(frame.filename).name}:{frame.lineno}",
        str(error)[:200],
    )


def work(chunk: Chunk) -> Tally:
    """Run a chunk."""
    began = time.perf_counter()
    found: dict[str, tuple[int, int, str]] = {}
    refusals = 0
    for number in range(chunk.first, chunk.first + chunk.count):
        outcome = outcome_of(chunk, number)
        refusals += outcome.refused
        for finding in {finding.kind: finding for finding in reversed(outcome.findings)}.values():
            count, first, told = found.get(finding.kind, (0, number, f"{finding.place}: {finding.told}"))
            found[finding.kind] = (count + 1, first, told)
    return Tally(chunk, refusals, found, time.perf_counter() - began)


def chunks(asked: argparse.Namespace) -> Iterator[Chunk]:
    """Yield all chunks of a run, the pairs in turn, so that a broken one shows early."""
    pairs: list[tuple[Dialect, Dialect]] = [(a, b) for a in DIALECTS for b in DIALECTS]
    alone: list[tuple[Dialect, Dialect]] = [(a, a) for a in DIALECTS]
    plans = (
        ("requests", asked.requests, pairs),
        ("replies", asked.replies, pairs),
        ("prefixes", asked.prefixes, pairs),
        ("streams", asked.streams, alone),
    )
    for kind, total, ways in plans:
        for first in range(asked.first, asked.first + total, _CHUNK):
            for origin, target in ways:
                yield Chunk(kind, origin, target, asked.seed, first, min(_CHUNK, asked.first + total - first))


class Book:
    """What the chunks of a run came to; with a file, what is in it already counts and is not run again."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.done: set[Chunk] = set()
        self.cases: Counter[Way] = Counter()
        self.refusals: Counter[Way] = Counter()
        self.found: dict[tuple[str, str, str, str], tuple[int, int, str]] = {}
        self.seconds = 0.0
        if path is not None and path.exists():
            for line in path.read_text("utf-8").splitlines():
                chunk, refused, findings, seconds = json.loads(line)
                rows = {kind: (row[0], row[1], row[2]) for kind, row in findings.items()}
                self._count(Tally(Chunk(*chunk), refused, rows, seconds))

    def enter(self, tally: Tally) -> None:
        """Count a chunk and write it down."""
        self._count(tally)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(tally) + "\n")

    def _count(self, tally: Tally) -> None:
        chunk = tally.chunk
        way = (chunk.kind, chunk.origin, chunk.target)
        self.done.add(chunk)
        self.cases[way] += chunk.count
        self.refusals[way] += tally.refused
        self.seconds += tally.seconds
        for kind, (count, number, told) in tally.findings.items():
            before = self.found.get((*way, kind), (0, number, told))
            self.found[*way, kind] = (before[0] + count, min(before[1], number), before[2])


def main() -> int:
    """Run, show progress, print the table and the failures; return the exit code."""
    asked = _arguments()
    book, began = Book(asked.state), time.monotonic()
    todo = [chunk for chunk in chunks(asked) if chunk not in book.done]
    total, done, told = sum(chunk.count for chunk in todo), 0, began
    with ProcessPoolExecutor(asked.jobs) as pool:
        for future in as_completed([pool.submit(work, chunk) for chunk in todo]):
            tally = future.result()
            book.enter(tally)
            done += tally.chunk.count
            if time.monotonic() - told > _TELL_EVERY:
                told = time.monotonic()
                left = (told - began) / done * (total - done)
                kinds = len(book.found)
                print(
                    f"{done:,} of {total:,} cases, {kinds} kinds of failure, {left:,.0f} s left", flush=True
                )
    _table(book.cases, book.refusals, book.found)
    print(
        f"{sum(book.cases.values()):,} cases, {book.seconds:,.0f} s of {asked.jobs} processes "
        f"({time.monotonic() - began:,.0f} s now), seed {asked.seed!r}, first {asked.first}"
    )
    _failures(asked, book.found)
    return 1 if book.found else 0


def _table(cases: Any, refusals: Any, found: Any) -> None:
    print(f"\n{'what':9} {'from':17} {'to':17} {'cases':>9} {'refused':>8} {'failed':>7}")
    for way in sorted(cases):
        failed = sum(count for key, (count, _, _) in found.items() if key[:3] == way)
        print(f"{way[0]:9} {way[1]:17} {way[2]:17} {cases[way]:>9,} {refusals[way]:>8,} {failed:>7,}")


def _failures(
    asked: argparse.Namespace, found: dict[tuple[str, str, str, str], tuple[int, int, str]]
) -> None:
    worst = sorted(found.items(), key=lambda item: -item[1][0])
    for (kind, origin, target, what), (count, number, told) in worst[:_SHOWN]:
        print(f"\n{kind} {origin} > {target}: {what} ({count} times, first number {number})\n  {told}")
    if len(worst) > _SHOWN:
        print(f"\nand {len(worst) - _SHOWN} kinds more")
    requests = [item for item in worst if item[0][0] == "requests"]
    if requests:
        (_, origin, target, what), (_, number, _) = requests[0]
        _show_smallest(asked, origin, target, what=what, number=number)


def _show_smallest(asked: argparse.Namespace, origin: Any, target: Any, *, what: str, number: int) -> None:
    chunk = Chunk("requests", origin, target, asked.seed, number, 1)
    limits = limits_of(target, number)

    def fails(body: Json) -> bool:
        try:
            return any(finding.kind == what for finding in audit(Case(origin, target, body, limits)))
        except Exception as error:
            return raised(error).kind == what

    body = shrunk(MAKERS[origin](Maker(seed_of(chunk, number))), fails)
    print(f"\nThe first of these, made small ({targets(target)[number % len(targets(target))][0]}):")
    print(json.dumps(body, indent=2, ensure_ascii=False))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fuzz every pair of dialects; each number is per pair.")
    parser.add_argument("--requests", type=int, default=100_000, metavar="N")
    parser.add_argument("--replies", type=int, default=10_000, metavar="N")
    parser.add_argument("--prefixes", type=int, default=5_000, metavar="N")
    parser.add_argument("--streams", type=int, default=10_000, metavar="N", help="per dialect")
    parser.add_argument("--seed", default="1")
    parser.add_argument(
        "--first", type=int, default=0, metavar="N", help="begin with the case of that number"
    )
    parser.add_argument(
        "--state", type=Path, metavar="FILE", help="write down what is done, and go on from there"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
