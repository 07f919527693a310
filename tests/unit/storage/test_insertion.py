"""Many rows go in by few statements, whole and counted, on either store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from flowrouter.gateway.ports import RequestRow
from flowrouter.storage import Store, many_rows
from flowrouter.storage.insertion import adding, entering
from flowrouter.storage.many_rows import FEW, MANY, RENEWED, VALUES, ManyRows
from flowrouter.storage.place import Connection
from flowrouter.storage.postings import enter
from flowrouter.storage.request_rows import REQUESTS, columns_of, request_columns, request_from
from tests.contracts.fakes import FakeClock, attempt_row, bare_row, request_row
from tests.support.stores import ENGINES, store_on


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with store_on(request.param, request, tmp_path, clock=FakeClock()) as store:
        yield store


def insert(store: Store, *rows: RequestRow) -> int:
    with store.place.writing() as connection:
        return store.place.insert(connection, REQUESTS, request_columns(columns_of(rows)))


def stored(store: Store) -> list[RequestRow]:
    with store.place.opened() as connection:
        return [
            request_from(row) for row in connection.execute("SELECT * FROM requests ORDER BY id").fetchall()
        ]


@pytest.mark.parametrize("count", [1, MANY - 1, MANY, MANY + 1, 3 * MANY, 5 * MANY - 1])
def test_rows_come_back_as_they_were(store: Store, count: int) -> None:
    rows = [
        request_row(number, stream=number % 2 == 0, error_text=None if number % 3 else "it's \"so\"\n\\ é 漢 ?%s",
                    input_tokens=2**63 - 1 - number, attempts=(attempt_row(),) * (number % 3))
        for number in range(count)
    ]  # fmt: skip
    assert insert(store, *rows) == count
    assert stored(store) == rows


def test_batches_may_have_other_things_in_common(store: Store) -> None:
    shared: list[dict[str, Any]] = [
        {},
        {"stream": True, "error_text": None, "model": "a"},
        {"stream": False, "error_text": "é", "model": None, "usage_estimated": True},
        {"error_text": None, "input_tokens": 0, "attempts": (), "session_id": "s"},
    ]
    rows: list[RequestRow] = []
    for batch in range(3 * len(shared)):
        size, same = (FEW - 1, FEW, MANY + 3)[batch % 3], shared[batch % len(shared)]
        rows += [request_row(len(rows) + number, **same) for number in range(size)]
        assert insert(store, *rows[-size:]) == size
    assert stored(store) == rows


class Statements:
    """What takes statements, and keeps them with how many values each got."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, int]] = []
        self.rowcount = 0

    def execute(self, sql: str, values: list[Any]) -> Statements:
        self.taken.append((sql, len(values)))
        return self


@pytest.mark.parametrize("shares", [True, False], ids=["by_number", "python_3_12_0"])
def test_what_rows_share_is_handed_over_once_until_it_varies(
    shares: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many_rows, "SHARES", shares)
    many, into = ManyRows(), entering("things", ("id", "name", "size", "none"), key=("id",))
    ids, same, nothing = tuple(range(MANY)), ("a",) * MANY, (None,) * MANY
    sizes = (*range(MANY - 1), 0)
    once = 1 if shares else MANY

    def handed_over(*columns: Any) -> tuple[str, int]:
        connection = Statements()
        many.insert(connection, into, columns)
        (only,) = connection.taken
        return only

    first = handed_over(ids, same, sizes, nothing)
    assert first[1] == once + 2 * MANY
    assert handed_over(ids, same, same, nothing) == first, "it varied before"
    assert handed_over(ids, same, sizes, same)[1] == 2 * once + 2 * MANY
    settled = handed_over(ids, sizes, same, nothing)
    assert settled[1] == once + 3 * MANY
    for _ in range(RENEWED - 4):
        assert handed_over(ids, same, same, nothing) == settled
    assert handed_over(ids, same, same, nothing)[1] == 2 * once + MANY


def test_no_statement_takes_more_values_than_any_sqlite_does() -> None:
    names = tuple(f"c{number}" for number in range(40))
    connection, rows = Statements(), 500
    ManyRows().insert(connection, entering("wide", names, key=names[:1]), [range(rows)] * len(names))
    assert sum(values for _, values in connection.taken) == rows * len(names)
    assert max(values for _, values in connection.taken) <= VALUES


def test_what_no_row_has_is_null(store: Store) -> None:
    known = {
        "ts_ms": 1,
        "owner_id": "local",
        "client_dialect": "gemini",
        "endpoint": "/",
        "status": 200,
        "outcome": "ok",
    }
    rows = [bare_row(id=f"req_{number:02}", **known) for number in range(MANY + 2)]
    assert insert(store, *rows) == len(rows)
    assert stored(store) == rows


def test_rows_that_are_there_are_not_counted(store: Store) -> None:
    rows = [request_row(number) for number in range(2 * MANY)]
    assert insert(store, *rows[::2]) == MANY
    assert insert(store, *rows, *rows) == MANY
    assert stored(store) == rows


def test_no_rows_are_no_statement(store: Store) -> None:
    with store.place.opened() as connection:
        assert store.place.insert(connection, REQUESTS, []) == 0


@pytest.mark.parametrize("wrong", [{"input_tokens": 2**63}, {"input_tokens": 2**70}, {"status": None},
    {"error_text": "\ud800"}], ids=["63_bits", "70_bits", "null", "surrogate"])  # fmt: skip
def test_a_row_that_cannot_be_stored_keeps_all_of_them_out(store: Store, wrong: dict[str, Any]) -> None:
    rows = [*(request_row(number) for number in range(2 * MANY)), request_row(99, **wrong)]
    with closing(store.place.connect()) as connection, pytest.raises(store.place.row_errors):
        enter_all(store, connection, rows)
    assert stored(store) == []


def enter_all(store: Store, connection: Connection, rows: list[RequestRow]) -> None:
    with store.place.transaction(connection):
        enter(store.place, connection, rows)


def test_sums_grow(store: Store) -> None:
    into = adding("budget_blocks", key=("budget_id", "start_ms", "holder"), sums=("drawn", "settled"))
    into = type(into)(into.table, (*into.names, "owner_id", "seen_at_ms"), into.rest)
    keys = [f"b{number}" for number in range(MANY + 1)]
    ones = [1] * len(keys)
    for _ in range(3):
        with store.place.writing() as connection:
            columns = [keys, ones, ["h"] * len(keys), ones, range(len(keys)), ["local"] * len(keys), ones]
            assert store.place.insert(connection, into, [tuple(column) for column in columns]) == len(keys)
    with store.place.opened() as connection:
        sums = connection.execute("SELECT budget_id, drawn, settled FROM budget_blocks").fetchall()
    assert {tuple(row) for row in sums} == {(key, 3, 3 * number) for number, key in enumerate(keys)}
