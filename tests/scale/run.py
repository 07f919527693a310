"""`make scale`: a request log of five million rows, built in a folder of its own, asked, pruned, and removed.

`python -m tests.scale.run` builds it on SQLite, with `--postgres` on a server of its own, with
`--url postgresql://…` in an empty database of yours. Each question is asked many times with other values; what is slower than the bound is marked.
Then old rows leave while others come, two hundred a second, and somebody else keeps writing beside.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from sqlalchemy import select

from flowrouter.clock import SystemClock
from flowrouter.storage import open_store
from flowrouter.storage.boot import Store
from flowrouter.storage.database import Database
from flowrouter.storage.tables import requests
from tests.scale.filling import fill
from tests.scale.pruning import measure
from tests.scale.questions import Log, questions
from tests.scale.rows import Maker
from tests.support.postgres_server import PostgresServer

BOUND_MS = 100.0
_PATIENCE_MS = 20_000
SPACE_PER_ROW = 2_500
"""Bytes of disk that one row with its ledger, receipt and indexes takes at most."""


def main() -> int:
    """Build, ask, prune, remove; return 1 where something is slower than it may be."""
    given = _arguments()
    folder = Path(given.folder or tempfile.mkdtemp(prefix="flow-router-scale-"))
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if not given.url and not given.use and free < given.rows * SPACE_PER_ROW:
        print(f"{folder} has {free / 1e9:.0f} GB free, {given.rows * SPACE_PER_ROW / 1e9:.0f} GB are needed")
        return 2
    try:
        if not given.postgres:
            return _run(open_store(folder, master_key=None, clock=SystemClock(), url=given.url), given)
        with PostgresServer() as server:
            url = server.fresh()
            return _run(open_store(folder, master_key=None, clock=SystemClock(), url=url), given)
    finally:
        if not given.keep and not given.folder:
            shutil.rmtree(folder, ignore_errors=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.scale.run", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--times", type=int, default=40, help="how often each question is asked")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL server of its own")
    parser.add_argument("--url", default="", help="an empty PostgreSQL database instead of a file")
    parser.add_argument("--folder", default="", help="where to build; it is kept")
    parser.add_argument("--keep", action="store_true", help="do not remove what was built")
    parser.add_argument("--use", action="store_true", help="the store is built already")
    parser.add_argument("--only", default="", help="questions whose name holds this")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long rows come while others leave")
    return parser.parse_args()


def _run(store: Store, given: argparse.Namespace) -> int:
    database = Database(store.place)
    end_ms = int(time.time() * 1000)
    maker = Maker(given.rows, end_ms=end_ms, days=given.days)
    if not given.use:
        begun = time.monotonic()
        fill(database, maker, lambda what, count: _progress(what, count, given.rows, begun))
        print(
            f"\rbuilt {given.rows:,} rows on {store.place.shown} in {time.monotonic() - begun:.0f} s",
            flush=True,
        )
    slow = _ask(database, maker, end_ms, given)
    if given.only in ("", "retention"):
        slow += measure(store, given.seconds)
    print(f"{slow} slower than they may be" if slow else "all within their bounds")
    return 1 if slow else 0


def _progress(what: str, count: int, rows: int, begun: float) -> None:
    if sys.stderr.isatty() or what != "rows" or count % 500_000 == 0:
        share = f"{count / rows:4.0%}" if what == "rows" else f"{count}"
        print(
            f"\r{what} {share} after {time.monotonic() - begun:.0f} s  ", end="", file=sys.stderr, flush=True
        )


def _ask(database: Database, maker: Maker, end_ms: int, given: argparse.Namespace) -> int:
    log, slow = Log(database), 0
    named = select(requests.c.session_id).where(requests.c.session_id.is_not(None))
    with database.read() as connection:
        sessions = [
            row[0] for row in connection.execute(named.order_by(requests.c.ts_ms.desc()).limit(5_000))
        ]
    print(f"{'question':<46} {'p50':>8} {'p95':>8} {'max':>8} {'cpu p95':>8}  ms")
    for question in questions(maker, sessions, end_ms):
        if given.only not in question.name:
            continue
        draw, took, worked = Random(question.name), [], []
        for _ in range(given.times):
            begun, busy = time.perf_counter(), time.thread_time()
            question.ask(log, draw)
            took.append((time.perf_counter() - begun) * 1000)
            worked.append((time.thread_time() - busy) * 1000)
            if sum(took) > _PATIENCE_MS:
                break
        slow += told(question.name, took, bound=BOUND_MS, worked=worked)
    return slow


def told(name: str, took: Sequence[float], *, bound: float, worked: Sequence[float] = ()) -> bool:
    """Print one line of figures in milliseconds; return whether its p95 is beyond `bound`.

    `worked` is the processor time of this process: what is left where other work shares the machine.
    """
    high = _high(took)
    mark = "  <-- beyond the bound" if high > bound else ""
    busy = f" {_high(worked):8.1f}" if worked else ""
    print(f"{name:<46} {statistics.median(took):8.1f} {high:8.1f} {max(took):8.1f}{busy}{mark}", flush=True)
    return high > bound


def _high(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


if __name__ == "__main__":
    sys.exit(main())
