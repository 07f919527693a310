"""`kill -9` at any moment loses only the last rows, and the file opens clean."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from flowrouter.clock import SystemClock
from flowrouter.storage import RequestWriter, open_store
from flowrouter.storage.sqlite import SqlitePlace, connect
from tests.contracts.fakes import wait_until

PROMISED_SECONDS = 0.2
LEEWAY = 3  # a busy machine may leave the writer's thread waiting for its turn

PROGRAM = """
import sys, time
from pathlib import Path
from flowrouter.clock import SystemClock
from flowrouter.storage import RequestWriter
from flowrouter.storage.sqlite import SqlitePlace
from tests.contracts.fakes import request_row
path = Path(sys.argv[1])
writer = RequestWriter(SqlitePlace(path), path.parent, clock=SystemClock())
writer.start()
number = 0
while True:
    writer.record(request_row(number))
    sys.stdout.write(f"{number} {time.monotonic()}\\n")
    sys.stdout.flush()
    number += 1
    time.sleep(0.001)
"""


@pytest.mark.parametrize("locked", [False, True], ids=["working", "locked"])
def test_kill(tmp_path: Path, locked: bool) -> None:
    store = open_store(tmp_path, master_key=None, clock=SystemClock())
    root = Path(__file__).parents[3]
    with closing(connect(store.path)) as holder:
        if locked:
            holder.execute("BEGIN IMMEDIATE")
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(store.path)], stdout=subprocess.PIPE, text=True, cwd=root
        ) as child:
            assert child.stdout is not None
            first = child.stdout.readline()
            time.sleep(0.8 + random.random() * 0.2)
            killed_at = time.monotonic()
            child.send_signal(signal.SIGKILL)
            lines = [first, *child.stdout.read().splitlines()]
    recorded = [line.split() for line in lines if len(line.split()) == 2]
    due = [
        int(number) for number, moment in recorded if float(moment) < killed_at - PROMISED_SECONDS * LEEWAY
    ]
    assert len(due) > 10

    assert after_restart(store.path) >= {f"req_{number:08d}" for number in due}
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def after_restart(path: Path) -> set[str]:
    """Return the stored rows once what was set aside is imported."""
    writer = RequestWriter(SqlitePlace(path), path.parent, clock=SystemClock())
    writer.start()
    wait_until(lambda: writer.health().spilled == 0)
    assert writer.drain(30.0)
    with closing(sqlite3.connect(path)) as connection:
        return {row[0] for row in connection.execute("SELECT id FROM requests")}
