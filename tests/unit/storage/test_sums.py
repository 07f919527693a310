"""Kept sums say what the rows say: whatever is asked for, however time is cut, and in lists too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowrouter.clock import SystemClock
from flowrouter.gateway.ports import RequestFilter, RequestRow, UsageLine
from flowrouter.storage import open_store, usage_sums
from flowrouter.storage.database import Database
from flowrouter.storage.ledger import StoredLedger
from flowrouter.storage.postings import enter
from flowrouter.storage.requests import StoredRequests
from flowrouter.storage.sum_tables import request_days
from flowrouter.storage.usage import usage_lines
from tests.contracts.fakes import bare_row

HOUR = 3_600_000
START = 1_800_000_000_000 - 1_800_000_000_000 % (24 * HOUR)
END = START + 60 * HOUR
GROUPS = (
    "total", "day", "hour", "model", "preset", "account", "key", "client", "outcome", "combo", "session", "dialect",
)  # fmt: skip
VALUES: dict[str, list[Any]] = {
    "owner_id": ["local", "somebody"],
    "key_id": [None, "key_1", "key_2"],
    "account_id": ["acc_1", "acc_2", None],
    "preset": ["openai", "anthropic", None],
    "model": ["m1", "m2", "m3", None],
    "client_dialect": ["openai_chat", "anthropic"],
    "outcome": ["ok", "ok", "ok", "error", "cancelled", "partial"],
    "session_id": [None, "ses_1", "ses_2"],
}


def made(count: int = 600) -> list[RequestRow]:
    draw = Random(5)
    moments = [START, START + 15 * 60_000, START + HOUR, START + 24 * HOUR - 1, START + 24 * HOUR, END - 1]
    moments += [START + draw.randrange(60 * HOUR) for _ in range(count - len(moments))]
    return [
        bare_row(
            id=f"req_{number:04}", ts_ms=moment, endpoint="/v1/x", status=200, client=draw.choice([None, "sdk/1"]),
            combo=draw.choice([None, "smart"]), input_tokens=draw.choice([None, 7]), output_tokens=draw.randrange(9),
            cost_pusd=draw.choice([None, draw.randrange(10**12)]), charge_pusd=draw.choice([None, 0, 10**15]),
            **{name: draw.choice(values) for name, values in VALUES.items()},
        )
        for number, moment in enumerate(moments)
    ]  # fmt: skip


ROWS = made()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder: Path = tmp_path_factory.mktemp("sums")
    store = open_store(folder, master_key=None, clock=SystemClock())
    with store.place.writing() as connection:
        enter(store.place, connection, ROWS)
        enter(store.place, connection, ROWS)  # what is there already adds nothing
    made = Database(store.place)
    yield made
    made.close()


def ends() -> st.SearchStrategy[int | None]:
    near = [START, START + 24 * HOUR, START + 48 * HOUR, START + 5 * HOUR, START + 15 * 60_000]
    exact = st.sampled_from([*near, *(moment + 1 for moment in near), *(moment - 1 for moment in near)])
    return st.one_of(st.none(), exact, st.integers(START - HOUR, END + HOUR))


CHOSEN = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from([each for each in values if each]) for name, values in VALUES.items()}
)
ASKED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ASKED
@given(
    chosen=CHOSEN,
    since=ends(),
    until=ends(),
    group=st.sampled_from(GROUPS),
    offset=st.sampled_from([0, 60, -480, 330, 345, 15, 7]),
)
def test_sums_are_those_of_the_rows(
    database: Database, chosen: dict[str, Any], since: int | None, until: int | None, group: Any, offset: int
) -> None:
    which = RequestFilter(since_ms=since, until_ms=until, **chosen)
    with database.read() as connection:
        found = usage_lines(connection, which, group_by=group, offset_minutes=offset)
    assert found == by_hand(which, group, offset)


def by_hand(which: RequestFilter, group: str, offset: int) -> list[UsageLine]:
    """Return the sums as plain Python makes them."""
    groups: dict[Any, list[RequestRow]] = {None: []} if group == "total" else {}
    for row in chosen_by(which):
        groups.setdefault(named(row, group, offset), []).append(row)
    order = sorted(groups, key=lambda name: (name is not None, name))
    return [summed(name, groups[name]) for name in order]


def chosen_by(which: RequestFilter) -> list[RequestRow]:
    return [
        row
        for row in ROWS
        if all(getattr(which, name) in (None, getattr(row, name)) for name in VALUES)
        and (which.since_ms is None or row.ts_ms >= which.since_ms)
        and (which.until_ms is None or row.ts_ms < which.until_ms)
    ]


def named(row: RequestRow, group: str, offset: int) -> Any:
    if group == "total":
        return None
    if group in ("day", "hour"):
        span = 24 * HOUR if group == "day" else HOUR
        return row.ts_ms - (row.ts_ms + offset * 60_000) % span
    return getattr(row, usage_sums.GROUPS[group])  # type: ignore[index]


def summed(name: Any, rows: list[RequestRow]) -> UsageLine:
    tokens = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
    return UsageLine(
        group=name,
        requests=len(rows),
        errors=sum(row.outcome != "ok" for row in rows),
        **{each: sum(getattr(row, each) or 0 for row in rows) for each in tokens},
        cost_pusd=sum(row.cost_pusd or 0 for row in rows),
        cost_unknown=sum(row.cost_pusd is None for row in rows),
        charge_pusd=sum(row.charge_pusd or 0 for row in rows),
        charge_unknown=sum(row.charge_pusd is None for row in rows),
    )


@ASKED
@given(chosen=CHOSEN, since=ends(), until=ends(), limit=st.sampled_from([1, 7, 50, 1000]))
def test_lists_hold_every_row_once_whatever_is_chosen(
    database: Database, chosen: dict[str, Any], since: int | None, until: int | None, limit: int
) -> None:
    which = RequestFilter(since_ms=since, until_ms=until, **chosen)
    expected = sorted(chosen_by(which), key=lambda row: (row.ts_ms, row.id), reverse=True)
    found: list[RequestRow] = []
    cursor: str | None = None
    for _ in range(12 if limit == 1 else 1000):
        page = StoredRequests(database).list(which, limit=limit, cursor=cursor)
        assert len(page.rows) == limit or page.next_cursor is None, "no page is short but the last"
        found += page.rows
        cursor = page.next_cursor
        if cursor is None:
            assert found == expected
            break
    assert found == expected[: len(found)]


def test_what_only_rows_can_say_is_asked_of_as_few_of_them_as_can_be() -> None:
    which = RequestFilter(since_ms=START + 1, until_ms=END - 1)
    kept = {
        (part.kept, (part.until_ms or 0) - (part.since_ms or 0))
        for part in usage_sums.parts(which, "model", 0)
        if part.kept == "rows"
    }
    assert max(length for _, length in kept) < HOUR
    by_key = RequestFilter(key_id="key_1")
    widths = {
        "model": usage_sums.parts(RequestFilter(), "model", 0),
        "model of a key": usage_sums.parts(by_key, "model", 0),
        "day": usage_sums.parts(RequestFilter(), "day", 120),
        "day of a key": usage_sums.parts(by_key, "day", 120),
        "day, half hours": usage_sums.parts(RequestFilter(), "day", 330),
        "hour": usage_sums.parts(RequestFilter(), "hour", 0),
    }
    assert {name: [(part.kept, part.width_ms) for part in found] for name, found in widths.items()} == {
        "model": [("slots", 24 * HOUR)],
        "model of a key": [("days", 24 * HOUR)],
        "day": [("slots", HOUR)],
        "day of a key": [("slots", HOUR)],
        "day, half hours": [("slots", HOUR // 4)],
        "hour": [("slots", HOUR)],
    }
    assert [part.kept for part in usage_sums.parts(RequestFilter(), "day", 7)] == ["rows"]
    assert [part.kept for part in usage_sums.parts(RequestFilter(session_id="s"), "day", 0)] == ["rows"]


def test_the_check_of_the_books_finds_a_wrong_sum(database: Database) -> None:
    ledger = StoredLedger(database)
    assert ledger.verify(now_ms=END).findings == ()
    for table in ("request_days", "request_slots"):
        for change, back in (("output_tokens + 1", "output_tokens - 1"), ("cost_low + 5", "cost_low - 5")):
            name = change.partition(" ")[0]
            column = "day_ms" if table == "request_days" else "slot_ms"
            for formula in (change, back):
                with database.write() as connection:
                    connection.exec_driver_sql(
                        f"UPDATE {table} SET {name} = {formula}"
                        f" WHERE {column} = (SELECT max({column}) FROM {table})"
                    )
                found = {finding.check for finding in ledger.verify(now_ms=END).findings}
                assert found == ({"rollup"} if formula == change else set()), (table, name)


def test_sums_of_days_stay_when_their_rows_leave(database: Database) -> None:
    by_day = msgspec.to_builtins(StoredRequests(database).usage(RequestFilter(), group_by="day"))
    with database.read() as connection:
        kept = connection.execute(request_days.select()).mappings().all()
    assert sum(row["requests"] for row in kept) == sum(line["requests"] for line in by_day) == len(ROWS)
