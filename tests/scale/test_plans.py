"""Fifty thousand rows: every question finds its rows by an index, and says what the rows say."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from sqlalchemy import event, func, select

from flowrouter.clock import SystemClock
from flowrouter.gateway.ports import RequestFilter
from flowrouter.storage import open_store
from flowrouter.storage.database import Database
from flowrouter.storage.ledger import StoredLedger
from flowrouter.storage.tables import requests
from tests.scale.filling import fill
from tests.scale.questions import Log, Question, questions
from tests.scale.rows import DAY_MS, Maker

ROWS = 50_000
END = 1_800_000_000_000
MAKER = Maker(ROWS, end_ms=END)
ALL = {question.name: question for question in questions(MAKER, ["ses_0"], END)}

WALKS = frozenset({"list, first page", "list, first page of 500", "list by outcome", "sessions"})
"""Walk an index from its end until the page is full; of all requests most are like that."""


class Watched:
    """A store that remembers what it was asked."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.log = Log(database)
        self._asked: list[tuple[str, Any]] = []
        event.listen(database._engine, "before_cursor_execute", self._hear)

    def _hear(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        self._asked.append((statement, parameters))

    def plans(self, question: Question) -> list[str]:
        """Return how SQLite goes about `question`, asked with values of any kind."""
        self._asked.clear()
        for seed in range(4):
            question.ask(self.log, Random(seed))
        asked = {statement: parameters for statement, parameters in self._asked if "FROM" in statement}
        with self.database.read() as connection:
            return [
                row[3]
                for statement, parameters in asked.items()
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            ]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    store = open_store(tmp_path_factory.mktemp("scale"), master_key=None, clock=SystemClock())
    database = Database(store.place)
    fill(database, MAKER)
    with database.write() as connection:  # a store in use has no statistics
        connection.exec_driver_sql("DROP TABLE sqlite_stat1")
    yield Watched(database)
    database.close()


@pytest.mark.parametrize("name", ALL, ids=[name.replace(" ", "_").replace(",", "") for name in ALL])
def test_no_question_reads_the_whole_log(watched: Watched, name: str) -> None:
    plans = watched.plans(ALL[name])
    assert plans
    small = ("SCAN bounded", "SCAN CONSTANT")  # what a LIMIT let through
    scans = [plan for plan in plans if plan.startswith("SCAN") and not plan.startswith(small)]
    if name in WALKS:
        assert all("USING INDEX" in plan for plan in scans), plans
    else:
        days = [plan for plan in scans if plan.startswith("SCAN request_days")]
        assert scans == days, plans
    if name.startswith("list"):
        assert not [plan for plan in plans if "TEMP B-TREE" in plan], plans


def test_the_made_rows_are_a_store_like_any_other(watched: Watched) -> None:
    found = StoredLedger(watched.database).verify(now_ms=END)
    assert (found.faults, found.exchanges, found.findings) == (0, ROWS, ())
    with watched.database.read() as connection:
        total = connection.execute(select(func.count(), func.sum(requests.c.output_tokens))).one()
        by_hand = connection.execute(
            select(requests.c.model, func.count())
            .where(requests.c.ts_ms >= END - 30 * DAY_MS)
            .group_by(requests.c.model)
        ).all()
    (line,) = watched.log.requests.usage(RequestFilter(), group_by="total")
    assert (line.requests, line.output_tokens) == tuple(total)
    by_model = watched.log.requests.usage(RequestFilter(since_ms=END - 30 * DAY_MS), group_by="model")
    assert {each.group: each.requests for each in by_model} == dict(by_hand)
