"""The contract of `Traffic`: charts say what the rows of the request log say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest

from flowrouter.errors import CallerError
from flowrouter.gateway.ports import RequestFilter, RequestLog, RequestRow
from flowrouter.gateway.traffic import SeriesLine, SeriesSpan, SeriesSplit, ServedLine, Traffic
from flowrouter.storage import series as chart
from flowrouter.storage import session_list
from tests.contracts.fakes import attempt_row, request_row

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MIDNIGHT = 20_000 * DAY_MS
FIELDS: dict[SeriesSplit, str] = {
    "preset": "preset",
    "account": "account_id",
    "model": "model",
    "key": "key_id",
    "client": "client",
    "combo": "combo",
    "outcome": "outcome",
}


def some_rows(count: int = 120, *, days: int = 4) -> list[RequestRow]:
    """Return rows of all kinds, spread over days; the same ones every time."""
    draw = Random(5)
    return [
        request_row(
            number,
            ts_ms=MIDNIGHT + draw.randrange(days * DAY_MS),
            owner_id=draw.choice(["local", "bob"]),
            key_id=draw.choice([None, "k1", "k2"]),
            client=draw.choice([None, "a/1", "b/2"]),
            preset=draw.choice(["openai", "groq"]),
            account_id=draw.choice(["acc_1", "acc_2"]),
            model=draw.choice([None, "m1", "m2", "m3", "m4"]),
            combo=draw.choice([None, "team"]),
            outcome=draw.choice(["ok", "ok", "error"]),
            charge_pusd=draw.choice([None, 10**13 + 1, 7]),
            cache_read_tokens=draw.randrange(100),
            session_id=draw.choice([None, "s1", "s2", "s3"]),
            ttft_ms=draw.choice([None, 5, 50]),
            duration_ms=draw.randrange(1000),
        )
        for number in range(count)
    ]


def told(line: SeriesLine) -> dict[int, tuple[int, int, int, int]]:
    """Return what a line says of each moment that has any request."""
    return {
        moment: (sums.requests, sums.errors, sums.cache_read_tokens, sums.charge_pusd)
        for moment, sums in line.points.items()
        if sums.requests
    }


def by_hand(rows: Sequence[RequestRow], length: int, offset_minutes: int) -> dict[int, Any]:
    """Return the same out of the rows."""
    found: dict[int, tuple[int, int, int, int]] = {}
    for row in rows:
        moment = row.ts_ms - (row.ts_ms + offset_minutes * 60_000) % length
        new = (1, int(row.outcome != "ok"), row.cache_read_tokens or 0, row.charge_pusd or 0)
        had = found.get(moment, (0, 0, 0, 0))
        found[moment] = (had[0] + new[0], had[1] + new[1], had[2] + new[2], had[3] + new[3])
    return found


class TrafficContract:
    """Subclass it and override `log` and `traffic`, both of one empty store."""

    @pytest.fixture
    def log(self) -> RequestLog:
        raise NotImplementedError

    @pytest.fixture
    def traffic(self) -> Traffic:
        raise NotImplementedError

    @pytest.fixture
    def fill(self, log: RequestLog) -> Callable[..., None]:
        """Record rows and have them stored; once per test."""

        def fill(*rows: RequestRow) -> None:
            for row in rows:
                log.record(row)
            assert log.drain(30.0)

        return fill

    def test_lines_are_the_rows(self, fill: Any, traffic: Traffic) -> None:
        rows = some_rows()
        fill(*rows)
        lengths: dict[SeriesSpan, int] = {"day": DAY_MS, "hour": HOUR_MS}
        filters = (
            {},
            {"owner_id": "local"},
            {"key_id": "k1"},
            {"model": "m1", "preset": "openai"},
            {"session_id": "s1"},
            {"since_ms": MIDNIGHT + 5_000_000, "until_ms": MIDNIGHT + 3 * DAY_MS + 77},
        )
        for split, field in FIELDS.items():
            for span, length in lengths.items():
                for offset in (0, 60, -210, 330):
                    for chosen in filters:
                        which = RequestFilter(**chosen)
                        held = [row for row in rows if _holds(row, which)]
                        found = traffic.series(which, split=split, span=span, offset_minutes=offset, top=2)
                        assert found.offset_minutes == offset
                        shown = [line.group for line in found.lines if not line.rest]
                        for line in found.lines:
                            own = [
                                row
                                for row in held
                                if (
                                    getattr(row, field) == line.group
                                    if not line.rest
                                    else getattr(row, field) not in shown
                                )
                            ]
                            assert told(line) == by_hand(own, length, offset), (split, span, offset, chosen)
                        groups = {getattr(row, field) for row in held}
                        assert len(found.lines) == min(len(groups), 3)

    def test_the_dearest_come_first(self, fill: Any, traffic: Traffic) -> None:
        fill(
            request_row(1, model="cheap", charge_pusd=5),
            request_row(2, model="dear", charge_pusd=9),
            request_row(3, model="unknown", charge_pusd=None),
            request_row(4, model="unknown", charge_pusd=None),
            request_row(5, model="rare", charge_pusd=None),
        )
        found = traffic.series(RequestFilter(), split="model", span="day", top=3)
        assert [(line.group, line.rest) for line in found.lines] == [
            ("dear", False), ("cheap", False), ("unknown", False), (None, True),
        ]  # fmt: skip
        (whole,) = traffic.series(RequestFilter(), split="none", span="day").lines
        (sums,) = whole.points.values()
        assert (sums.requests, sums.charge_pusd, sums.charge_unknown) == (5, 14, 3)
        assert traffic.series(RequestFilter(owner_id="x"), split="model", span="day").lines == []

    def test_what_would_take_long_is_told_otherwise_or_refused(
        self, fill: Any, traffic: Traffic, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rows = some_rows()
        fill(*rows)
        monkeypatch.setattr(chart, "ROWS_MAX", 20)
        india = traffic.series(RequestFilter(), split="model", span="day", offset_minutes=330)
        assert india.offset_minutes == 300
        assert told(india.lines[0]) == by_hand(
            [row for row in rows if row.model == india.lines[0].group], DAY_MS, 300
        )
        berlin = traffic.series(RequestFilter(key_id="k1"), split="model", span="day", offset_minutes=60)
        assert berlin.offset_minutes == 0
        assert (
            traffic.series(RequestFilter(), split="none", span="day", offset_minutes=330).offset_minutes
            == 330
        )
        with pytest.raises(CallerError) as refused:
            traffic.series(RequestFilter(key_id="k1"), split="client", span="day")
        assert refused.value.code == "too_many_rows"
        few = RequestFilter(key_id="k1", since_ms=MIDNIGHT, until_ms=MIDNIGHT + DAY_MS // 4)
        assert traffic.series(few, split="client", span="hour").lines

    def test_who_served_with_a_cache(self, fill: Any, traffic: Traffic) -> None:
        fill(
            request_row(1, ts_ms=MIDNIGHT + 1, cache_read_tokens=5, session_id="s"),
            request_row(2, ts_ms=MIDNIGHT + 2, cache_read_tokens=6, cache_write_tokens=1),
            request_row(3, ts_ms=MIDNIGHT + 3, model="none", cache_read_tokens=0),
            request_row(4, ts_ms=MIDNIGHT - 1, cache_read_tokens=9),
            request_row(5, ts_ms=MIDNIGHT + 4, account_id=None, preset=None, cache_read_tokens=2),
        )
        since = MIDNIGHT + DAY_MS // 2
        found = traffic.served(RequestFilter(since_ms=since, until_ms=since + 1))
        assert sorted((each.account_id or "", each.cache_read_tokens, each.cache_write_tokens) for each in found) == [
            ("", 2, 0), ("acc_1", 11, 1),
        ]  # fmt: skip
        assert list(traffic.served(RequestFilter(session_id="s"))) == [
            ServedLine(
                account_id="acc_1", preset="openai", model="gpt-x", cache_read_tokens=5, cache_write_tokens=0
            )
        ]

    def test_the_newest_of_each_stretch_are_timed(self, fill: Any, traffic: Traffic) -> None:
        rows = some_rows(200)
        fill(*rows)
        edges = [MIDNIGHT + day * DAY_MS for day in range(5)]
        for which in (
            RequestFilter(),
            RequestFilter(key_id="k1"),
            RequestFilter(preset="groq"),
            RequestFilter(model="m1", outcome="error"),
            RequestFilter(since_ms=MIDNIGHT + DAY_MS + 9_999, until_ms=MIDNIGHT + 3 * DAY_MS - 9_999),
        ):
            found = traffic.timings(which, edges=edges, count=7)
            assert len(found) == 4
            for day, sample in enumerate(found):
                held = [
                    row for row in rows if _holds(row, which) and edges[day] <= row.ts_ms < edges[day + 1]
                ]
                newest = sorted(held, key=lambda row: (row.ts_ms, row.id), reverse=True)[:7]
                assert [(each.ttft_ms, each.duration_ms, each.ok) for each in sample] == [
                    (row.ttft_ms, row.duration_ms, row.outcome == "ok") for row in newest
                ]

    def test_passages(self, fill: Any, traffic: Traffic) -> None:
        fill(
            request_row(
                1,
                client="a",
                key_id="k",
                combo="team",
                reasoning_tokens=1,
                cache_read_tokens=2,
                charge_pusd=3,
            ),
            request_row(
                2, outcome="error", attempts=(attempt_row(outcome="auth"), attempt_row(account_id="b"))
            ),
            request_row(3, owner_id="bob", attempts=()),
        )
        second, first = traffic.passages(RequestFilter(owner_id="local"), limit=9)
        assert (first.client, first.key_id, first.combo, first.tokens, first.charge_pusd, first.ok) == (
            "a", "k", "team", 33, 3, True,
        )  # fmt: skip
        assert second.ok is False
        assert [(each.account_id, each.outcome) for each in second.attempts] == [
            ("acc_1", "auth"),
            ("b", "ok"),
        ]
        (bob,) = traffic.passages(RequestFilter(), limit=1)
        assert bob.attempts == ()

    def test_sessions_by_their_last_request(self, fill: Any, traffic: Traffic) -> None:
        rows = some_rows()
        fill(*rows)
        for which in (
            RequestFilter(),
            RequestFilter(owner_id="bob"),
            RequestFilter(key_id="k1", model="m1"),
            RequestFilter(preset="openai", since_ms=MIDNIGHT + DAY_MS, until_ms=MIDNIGHT + 2 * DAY_MS),
        ):
            found = list(_pages(traffic, which, limit=2))
            held = [row for row in rows if row.session_id is not None and _holds(row, which)]
            last = {row.session_id: row for row in sorted(held, key=lambda row: (row.ts_ms, row.id))}
            assert [line.session_id for line in found] == sorted(
                last, key=lambda name: (last[name].ts_ms, last[name].id), reverse=True
            )
            for line in found:
                own = [row for row in held if row.session_id == line.session_id]
                assert (line.first_ms, line.last_ms) == (min(r.ts_ms for r in own), max(r.ts_ms for r in own))
                assert line.client == last[line.session_id].client
                assert set(line.models) == {row.model for row in own if row.model}
                assert line.usage.requests == len(own)
                assert line.usage.errors == sum(row.outcome != "ok" for row in own)
                assert line.usage.charge_pusd == sum(row.charge_pusd or 0 for row in own)
                assert line.usage.charge_unknown == sum(row.charge_pusd is None for row in own)
                assert not line.truncated

    def test_a_page_of_sessions_is_bounded_work(
        self, fill: Any, traffic: Traffic, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rows = [
            request_row(number, session_id="long" if number >= 10 else f"s{number}") for number in range(60)
        ]
        fill(*rows)
        monkeypatch.setattr(session_list, "_STEP", 5)
        monkeypatch.setattr(session_list, "WALK_MAX", 20)
        monkeypatch.setattr(session_list, "TURNS_MAX", 30)
        first = traffic.sessions(RequestFilter(), limit=3)
        (long,) = first.rows
        assert (long.session_id, long.usage.requests, long.truncated) == ("long", 30, True)
        assert first.next_cursor is not None, "more may follow"
        names = [line.session_id for line in _pages(traffic, RequestFilter(), limit=3)]
        assert names == ["long", *(f"s{number}" for number in reversed(range(10)))]

    def test_no_sessions(self, fill: Any, traffic: Traffic) -> None:
        assert traffic.sessions(RequestFilter()).rows == ()
        fill(request_row(1))
        assert traffic.sessions(RequestFilter()).next_cursor is None
        for cursor in ("x", f"{10**18}.req_1"):
            with pytest.raises(ValueError):
                traffic.sessions(RequestFilter(), cursor=cursor)


def _holds(row: RequestRow, which: RequestFilter) -> bool:
    names = ("owner_id", "key_id", "account_id", "preset", "model", "outcome", "session_id")
    if any(getattr(which, name) not in (None, getattr(row, name)) for name in names):
        return False
    return (which.since_ms is None or row.ts_ms >= which.since_ms) and (
        which.until_ms is None or row.ts_ms < which.until_ms
    )


def _pages(traffic: Traffic, which: RequestFilter, *, limit: int) -> Any:
    cursor = None
    while True:
        page = traffic.sessions(which, limit=limit, cursor=cursor)
        yield from page.rows
        cursor = page.next_cursor
        if cursor is None:
            return
