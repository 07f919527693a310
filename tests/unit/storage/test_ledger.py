"""The ledger: what exchanges add to it, replays that add nothing, and a check that finds what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.gateway.ledger import Drawing
from flowrouter.gateway.ports import AttemptRow, RequestRow
from flowrouter.gateway.quota_keeping import Spent
from flowrouter.gateway.records import BudgetLine
from flowrouter.storage import Store, StoredBudgetBook, open_store
from flowrouter.storage.management import Management
from flowrouter.storage.postings import LINE, enter, lines_of
from flowrouter.storage.request_rows import columns_of
from flowrouter.storage.retention import Pruning, Retention
from flowrouter.storage.sqlite import opened
from tests.contracts.fakes import FakeClock, bare_row
from tests.support.stores import ENGINES, store_on

DAY = 86_400_000
DRAWING = Drawing(budget_id="b", start_ms=0, holder="local/0/x", owner_id="local")


def attempt(cost: int | None, charge: int | None, account: str = "a") -> AttemptRow:
    return AttemptRow(
        account_id=account, preset="openai", model="m", dialect="openai_chat", outcome="answered",
        cost_pusd=cost, charge_pusd=charge,
    )  # fmt: skip


def row(number: int, *attempts: AttemptRow, charge: int | None = 0, **more: Any) -> RequestRow:
    return bare_row(
        id=f"req_{number}", ts_ms=more.pop("ts_ms", 1_000 + number), owner_id="local", client_dialect="gemini",
        endpoint="/", status=200, outcome="ok", key_id="k", account_id="a", preset="openai", model="m",
        input_tokens=10, output_tokens=5, attempts=attempts, charge_pusd=charge, **more,
    )  # fmt: skip


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with store_on(request.param, request, tmp_path, clock=FakeClock()) as store:
        yield store


@pytest.fixture
def management(store: Store) -> Iterator[Management]:
    management = Management(store, clock=FakeClock())
    yield management
    management.close()


def write(store: Store, *rows: RequestRow) -> None:
    with store.place.writing() as connection:
        enter(store.place, connection, rows)


def execute(store: Store, statement: str) -> None:
    with store.place.opened() as connection:
        connection.execute(statement)


ROWS = (
    row(1, attempt(70, 0, "b"), attempt(100, 100), charge=100),
    row(2, attempt(None, None), charge=None),
    row(3),
    row(4, attempt(50, 50), charge=40, budgets=(BudgetLine(budget_id="b", start_ms=0, holder="local/0/x", amount=40),)),
)  # fmt: skip


def test_everything_adds_up_however_often_it_is_written(store: Store, management: Management) -> None:
    for _ in range(3):
        write(store, *ROWS, ROWS[0])
    found = management.ledger.verify(now_ms=2_000)
    assert found.faults == 0, found.findings
    assert (found.exchanges, found.unknown) == (4, 2)
    with store.place.opened() as connection:
        sums = connection.execute(
            "SELECT account_id, requests, cost_pusd, charge_pusd FROM rollups"
        ).fetchall()
        assert sorted(map(tuple, sums)) == [("a", 4, 150, 140), ("b", 0, 70, 0)]
        adjusted = connection.execute("SELECT amount_pusd FROM ledger WHERE kind = 'adjust'").fetchall()
        assert sorted(amount for (amount,) in adjusted) == [10, 70]


def test_what_an_account_used_is_all_kinds_of_tokens(store: Store, management: Management) -> None:
    kinds = {"cache_read_tokens": 100, "cache_write_tokens": 1_000, "reasoning_tokens": 10_000}
    moments = (DAY - 500, DAY + 500, 2 * DAY + 500)
    write(store, *(row(number, attempt(7, 0), ts_ms=ts_ms, **kinds) for number, ts_ms in enumerate(moments)))
    used = management.account_usage.since
    assert used("a", 2 * DAY, before_ms=3 * DAY - 1) == Spent(requests=1, tokens=11_115, pusd=7), "of lines"
    assert used("a", DAY, before_ms=2 * DAY) == Spent(requests=1, tokens=11_115, pusd=7), "of a day's sums"
    assert used("a", DAY - 600, before_ms=2 * DAY + 600) == Spent(requests=3, tokens=33_345, pusd=21)
    assert used("other", 0, before_ms=3 * DAY) == Spent()


@pytest.mark.parametrize(
    "damage, check",
    [
        ("UPDATE ledger SET amount_pusd = amount_pusd + 1 WHERE kind = 'cost'", "balance"),
        ("DELETE FROM ledger WHERE exchange_id = 'req_3'", "gap"),
        ("DELETE FROM ledger WHERE exchange_id = 'req_1' AND line = 1", "gap"),
        ("UPDATE requests SET charge_pusd = 7 WHERE id = 'req_4'", "balance"),
        ("UPDATE rollups SET requests = requests - 1", "rollup"),
        ("UPDATE budget_blocks SET settled = settled + 1", "budget"),
        ("DELETE FROM budget_lines", "budget"),
    ],
    ids=["amount", "request", "line", "charge", "sum", "counter", "spent"],
)
def test_what_is_wrong_is_found(store: Store, management: Management, damage: str, check: str) -> None:
    write(store, *ROWS)
    execute(store, damage)
    found = management.ledger.verify(now_ms=2_000)
    assert check in {finding.check for finding in found.findings}


def test_sums_outlast_the_rows(store: Store, management: Management) -> None:
    write(store, *(row(number, attempt(9, 9), charge=9, ts_ms=number * DAY) for number in range(1, 100)))
    with store.place.opened() as connection:
        pruning = Pruning(connection, Retention(request_days=10), now_ms=100 * DAY + 5)
        while pruning.step(store.place, connection):
            pass
        (days,) = connection.execute("SELECT count(*) FROM rollups").fetchone()
        (left,) = connection.execute("SELECT count(*) FROM requests").fetchone()
    assert (days, left) == (99, 9)
    found = management.ledger.verify(now_ms=100 * DAY)
    assert found.faults == 0, found.findings


async def test_what_a_dead_process_had_counts_until_it_is_released(
    store: Store, management: Management
) -> None:
    book = StoredBudgetBook(store.place)
    drawn = await book.draw(DRAWING, limit=100, least=1, most=60, now_ms=1_000)
    assert (drawn.granted, drawn.committed) == (60, 60)
    write(store, ROWS[3])
    again = msgspec.structs.replace(DRAWING, holder="local/0/y")
    refused = await book.draw(again, limit=100, least=50, most=50, now_ms=2_000)
    assert (refused.granted, refused.settled, refused.uncertain) == (0, 40, 20)
    assert management.ledger.verify(now_ms=100_000).uncertain == {"b": 20}
    assert management.ledger.release(now_ms=2_000) == {}, "it may still be alive"
    assert management.ledger.release(now_ms=100_000) == {"b": 20}
    assert (await book.draw(again, limit=100, least=50, most=50, now_ms=100_000)).granted == 50
    assert management.ledger.verify(now_ms=100_000).faults == 0


async def test_two_processes_never_draw_more_than_there_is(store: Store) -> None:
    import asyncio

    book = StoredBudgetBook(store.place)
    drawings = [msgspec.structs.replace(DRAWING, holder=f"local/{number}/x") for number in range(8)]
    drawn = await asyncio.gather(
        *(book.draw(drawing, limit=1_000, least=1, most=7, now_ms=0) for drawing in drawings * 20)
    )
    assert sum(each.granted for each in drawn) == 1_000


AMOUNT = st.none() | st.integers(0, 2**40)


@given(st.lists(st.tuples(AMOUNT, AMOUNT), max_size=4), AMOUNT)
def test_lines_balance(costs: list[tuple[int | None, int | None]], charge: int | None) -> None:
    exchange = row(1, *(attempt(*cost) for cost in costs), charge=charge)
    both = lines_of(columns_of([exchange]))
    lines = [dict(zip(LINE, line, strict=True)) for columns in both for line in zip(*columns, strict=True)]
    assert [line["line"] for line in lines] == list(range(len(lines)))
    amounts = [line["amount_pusd"] for line in lines]
    if None not in amounts:
        assert sum(amount or 0 for amount in amounts) == 0


def test_an_older_request_log_is_entered_by_the_upgrade(tmp_path: Path) -> None:
    from alembic import command

    from flowrouter.storage import migrating
    from flowrouter.storage.database import sqlite_engine
    from flowrouter.storage.sqlite import create_file, store_path

    path = store_path(tmp_path)
    create_file(path)
    engine = sqlite_engine(path)
    with engine.connect() as plain, plain.begin():
        config = migrating.alembic_config()
        config.attributes["connection"] = plain
        command.upgrade(config, "0006")
    engine.dispose()
    columns = "id, ts_ms, owner_id, client_dialect, endpoint, stream, status, outcome, usage_estimated"
    with opened(path) as connection:
        for number, (cost, charge) in enumerate([(100, 100), (70, 50), (None, None), (0, 0)]):
            connection.execute(
                f"INSERT INTO requests ({columns}, input_tokens, cost_pusd, charge_pusd)"
                " VALUES (?, ?, 'local', 'gemini', '/', 0, 200, 'ok', 0, 9, ?, ?)",
                (f"old_{number}", number * DAY, cost, charge),
            )
    migrating.run_migrations(path)
    store = open_store(tmp_path, master_key=None, clock=FakeClock())
    management = Management(store, clock=FakeClock())
    found = management.ledger.verify(now_ms=10 * DAY)
    assert (found.faults, found.exchanges, found.unknown) == (0, 4, 2), found.findings
    write(store, *ROWS)
    assert management.ledger.verify(now_ms=10 * DAY).faults == 0
    management.close()
