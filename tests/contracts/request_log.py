"""The contract of `RequestLog` with what is read back through `ReceiptStore` and `Requests`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from flowrouter.canonical.loss import Loss
from flowrouter.gateway.ports import (
    NotFoundError,
    ReceiptStore,
    RequestFilter,
    RequestLog,
    RequestRow,
    Requests,
    UsageLine,
)
from tests.contracts.fakes import START, attempt_row, bare_row, request_row

DAY_MS = 86_400_000


class RequestLogContract:
    """Subclass it and override `log`, `receipts`, `requests`, all of one empty store."""

    @pytest.fixture
    def log(self) -> RequestLog:
        raise NotImplementedError

    @pytest.fixture
    def receipts(self, log: RequestLog) -> ReceiptStore:
        raise NotImplementedError

    @pytest.fixture
    def receipts_elsewhere(self) -> ReceiptStore:
        """Return the receipts of the same store as another process sees them."""
        raise NotImplementedError

    @pytest.fixture
    def requests(self) -> Requests:
        raise NotImplementedError

    @pytest.fixture
    def fill(self, log: RequestLog) -> Callable[..., None]:
        """Record rows and have them stored; once per test."""

        def fill(*rows: RequestRow) -> None:
            for row in rows:
                log.record(row)
            assert log.drain(30.0)
            assert log.health().queued == 0

        return fill

    def test_every_field_comes_back(self, fill: Any, requests: Requests) -> None:
        full = request_row(
            key_id="key_1",
            client="sdk/1",
            stream=True,
            outcome="partial",
            error_type="upstream_error",
            error_text="broke off — 中途",
            attempts=(attempt_row(outcome="error", status=529, error="overloaded"), attempt_row(cost_pusd=7)),
            losses=(Loss(path="logit_bias", kind="dropped", reason="no such field"),),
            ttft_ms=3,
            overhead_us=250,
            cache_read_tokens=1,
            cache_write_tokens=2,
            cache_write_1h_tokens=1,
            reasoning_tokens=4,
            usage_estimated=True,
            cost_pusd=9_000_000_000_000_000_000,
            charge_pusd=0,
            session_id="s1",
            request_bytes=120_000,
            response_bytes=900,
            receipt=b'{"lane":"passthrough"}',
        )
        bare = bare_row(
            id="bare", ts_ms=1, owner_id="o", client_dialect="anthropic", endpoint="/v1/messages",
            status=400, outcome="error",
        )  # fmt: skip
        fill(full, bare)
        assert requests.get(full.id) == full
        assert requests.get("bare") == bare
        listed = requests.list(RequestFilter()).rows
        assert listed == (msgspec.structs.replace(full, receipt=None), bare)

    def test_once_is_enough(self, fill: Any, requests: Requests) -> None:
        fill(request_row(1), request_row(1, status=500), request_row(1))
        assert [row.status for row in requests.list(RequestFilter()).rows] == [200]

    def test_pages_hold_every_row_once(self, fill: Any, requests: Requests) -> None:
        rows = [request_row(number // 3, id=f"r{number:03d}") for number in range(50)]
        fill(*rows)
        seen: list[str] = []
        cursor = None
        while True:
            page = requests.list(RequestFilter(), limit=7, cursor=cursor)
            seen += [row.id for row in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == sorted((row.id for row in rows), reverse=True)

    @pytest.mark.parametrize("cursor", ["", "x", "12", "12.", "-1.req", "١.req'; DROP TABLE requests --"])
    def test_foreign_cursor(self, requests: Requests, cursor: str) -> None:
        if cursor.startswith("١"):
            assert requests.list(RequestFilter(), cursor=cursor).rows == ()
        else:
            with pytest.raises(ValueError):
                requests.list(RequestFilter(), cursor=cursor)

    @pytest.mark.parametrize(
        "name,value",
        [
            ("owner_id", "o2"),
            ("key_id", "k2"),
            ("account_id", "a2"),
            ("preset", "groq"),
            ("model", "m2"),
            ("client_dialect", "anthropic"),
            ("outcome", "error"),
            ("session_id", "s2"),
        ],
    )
    def test_filter(self, fill: Any, requests: Requests, name: str, value: str) -> None:
        fill(request_row(1), request_row(2, **{name: value}), request_row(3))
        assert [row.id for row in requests.list(RequestFilter(**{name: value})).rows] == ["req_00000002"]
        assert requests.list(RequestFilter(**{name: value, "until_ms": 5})).rows == ()

    def test_filter_by_time(self, fill: Any, requests: Requests) -> None:
        start = int(START * 1000)
        fill(*(request_row(number) for number in range(5)))
        page = requests.list(RequestFilter(since_ms=start + 1, until_ms=start + 3))
        assert [row.ts_ms - start for row in page.rows] == [2, 1]

    def test_other_owners_do_not_exist(self, fill: Any, requests: Requests) -> None:
        fill(request_row(1, owner_id="a"))
        assert requests.get("req_00000001", owner_id="a").owner_id == "a"
        for owner_id, request_id in [("b", "req_00000001"), (None, "req_00000009")]:
            with pytest.raises(NotFoundError):
                requests.get(request_id, owner_id=owner_id)

    async def test_receipt_at_once_and_later(self, log: RequestLog, receipts: ReceiptStore) -> None:
        log.record(request_row(1, owner_id="a", receipt=b'{"n":1}'))
        log.record(request_row(2, owner_id="a"))
        for _ in range(2):
            assert await receipts.get("req_00000001", owner_id="a") == b'{"n":1}'
            assert await receipts.get("req_00000001", owner_id=None) == b'{"n":1}'
            assert await receipts.get("req_00000001", owner_id="b") is None
            assert await receipts.get("req_00000002", owner_id="a") is None
            assert log.drain(30.0)

    async def test_a_receipt_is_the_same_elsewhere(
        self, log: RequestLog, receipts: ReceiptStore, receipts_elsewhere: ReceiptStore
    ) -> None:
        rest = (
            b'[1234.0,null,"m-1",["combo c","",[],["work/m"],[]],[["work",12.0,1200.0,340.0,true,20.5]],null]'
        )
        log.record(request_row(1, owner_id="a", attempts=(attempt_row(),), receipt=rest))
        here = await receipts.get("req_00000001", owner_id="a")
        assert here is not None
        assert b'"duration_ms":12.34' in here
        assert log.drain(30.0)
        for owner_id in ("a", None):
            assert await receipts_elsewhere.get("req_00000001", owner_id=owner_id) == here
        assert await receipts_elsewhere.get("req_00000001", owner_id="b") is None

    def test_sums(self, fill: Any, requests: Requests) -> None:
        fill(
            request_row(1, cost_pusd=9_000_000_000_000_000_001, charge_pusd=1_500_000, reasoning_tokens=3),
            request_row(2, cost_pusd=9_000_000_000_000_000_002, outcome="cancelled"),
            request_row(3, cost_pusd=None, input_tokens=None),
        )
        (line,) = requests.usage(RequestFilter(), group_by="total")
        assert line == UsageLine(
            group=None,
            requests=3,
            errors=1,
            input_tokens=20,
            cache_read_tokens=0,
            cache_write_tokens=0,
            output_tokens=60,
            reasoning_tokens=3,
            cost_pusd=18_000_000_000_000_000_003,
            cost_unknown=1,
            charge_pusd=1_500_000,
            charge_unknown=2,
        )

    def test_sums_of_nothing(self, requests: Requests) -> None:
        (line,) = requests.usage(RequestFilter(), group_by="total")
        assert (line.requests, line.cost_pusd, line.cost_unknown) == (0, 0, 0)
        assert requests.usage(RequestFilter(), group_by="day") == []

    @pytest.mark.parametrize(
        "group_by,field",
        [
            ("model", "model"),
            ("preset", "preset"),
            ("account", "account_id"),
            ("key", "key_id"),
            ("client", "client"),
        ],
    )
    def test_groups(self, fill: Any, requests: Requests, group_by: Any, field: str) -> None:
        fill(*(request_row(number, **{field: name}) for number, name in enumerate(["x", "y", "x"])))
        lines = requests.usage(RequestFilter(), group_by=group_by)
        assert {line.group: line.requests for line in lines} == {"x": 2, "y": 1}

    def test_days_begin_where_people_live(self, fill: Any, requests: Requests) -> None:
        midnight = 20_000 * DAY_MS
        for_hours = [request_row(hour, ts_ms=midnight + hour * 3_600_000) for hour in (0, 1, 23, 24)]
        fill(*for_hours)
        utc = requests.usage(RequestFilter(), group_by="day")
        assert [(line.group, line.requests) for line in utc] == [(midnight, 3), (midnight + DAY_MS, 1)]
        east = requests.usage(RequestFilter(), group_by="day", offset_minutes=90)
        begin = midnight - 90 * 60_000
        assert [(line.group, line.requests) for line in east] == [(begin, 2), (begin + DAY_MS, 2)]
        assert len(requests.usage(RequestFilter(), group_by="hour")) == 4
