"""`/api/usage/series`, `latency`, `summary`, `flow` and `sessions`."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from flowrouter.storage import series
from tests.contracts.fakes import START, attempt_row, request_row
from tests.unit.api_admin.conftest import Gateway
from tests.unit.api_admin.test_accounts import error

NOW_MS = int(START * 1000)
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MIDNIGHT = NOW_MS - NOW_MS % DAY_MS


def fill(gateway: Gateway, *rows: Any) -> None:
    for row in rows:
        gateway.writer.record(row)
    assert gateway.writer.drain(30.0)


def asked(api: TestClient, what: str, **query: Any) -> dict[str, Any]:
    reply = api.get(f"/api/usage/{what}", params=query)
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


@pytest.fixture
def log(gateway: Gateway) -> Gateway:
    """Three requests of today, one of yesterday, one of bob's."""
    fill(
        gateway,
        request_row(1, ts_ms=NOW_MS - 1, charge_pusd=5, key_id="k1", cache_read_tokens=30),
        request_row(2, ts_ms=NOW_MS - 2, model="other", charge_pusd=10**12, account_id="config:filed"),
        request_row(3, ts_ms=NOW_MS - 3, model="third", outcome="error", output_tokens=None),
        request_row(4, ts_ms=NOW_MS - DAY_MS, charge_pusd=2),
        request_row(5, ts_ms=NOW_MS - 4, owner_id="bob"),
    )
    return gateway


def test_a_series_has_every_day(log: Gateway, api: TestClient) -> None:
    found = asked(api, "series")
    assert (found["span"], found["utc_offset_minutes"]) == ("day", 0)
    assert found["points"] == [MIDNIGHT - day * DAY_MS for day in reversed(range(30))]
    (line,) = found["series"]
    assert (line["group"], line["name"], line["rest"]) == (None, None, False)
    assert {len(values) for values in line.values() if isinstance(values, list)} == {30}
    assert line["requests"] == [0] * 28 + [1, 4]
    assert (line["errors"][-1], line["input_tokens"][-1], line["cache_read_tokens"][-1]) == (1, 40, 30)
    assert (line["charge_pusd"][-2:], line["charge_unknown"][-2:]) == ([2, 10**12 + 5], [0, 2])


def test_a_series_is_split(log: Gateway, api: TestClient) -> None:
    found = asked(api, "series", split="model", top=2, since=str(MIDNIGHT - DAY_MS))
    assert [(line["group"], line["rest"], line["requests"]) for line in found["series"]] == [
        ("other", False, [0, 1]),
        ("gpt-x", False, [1, 2]),
        (None, True, [0, 1]),
    ]
    by_account = asked(api, "series", split="account", span="hour", model="other")
    (line,) = by_account["series"]
    assert (line["group"], line["name"], line["requests"][-2:]) == ("config:filed", "filed", [1, 0])
    assert (len(by_account["points"]), sum(line["requests"])) == (48, 1)


def test_days_begin_where_people_live(log: Gateway, api: TestClient) -> None:
    found = asked(api, "series", utc_offset_minutes=330, since=str(NOW_MS - DAY_MS), until=str(NOW_MS))
    assert found["utc_offset_minutes"] == 330
    assert all((point + 330 * 60_000) % DAY_MS == 0 for point in found["points"])
    assert sum(found["series"][0]["requests"]) == 5
    assert asked(api, "series", utc_offset_minutes=330)["points"][-1] <= NOW_MS


def test_a_chart_that_only_many_rows_could_answer(
    log: Gateway, api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series, "ROWS_MAX", 1)
    reply = api.get("/api/usage/series", params={"split": "client", "model": "gpt-x"})
    assert error(reply) == (400, "too_many_rows", None)
    assert "less time" in reply.json()["error"]["fix"]
    assert asked(api, "series", split="model", key="k1")["series"][0]["requests"][-1] == 1


@pytest.mark.parametrize("what", ["series", "latency"])
def test_charts_have_so_many_points(api: TestClient, what: str) -> None:
    path = f"/api/usage/{what}"
    span = {"span": "hour", "until": str(MIDNIGHT), "utc_offset_minutes": 60}
    assert len(asked(api, what, **span, since=str(MIDNIGHT - 750 * HOUR_MS))["points"]) == 750
    for since in (MIDNIGHT - 751 * HOUR_MS, MIDNIGHT - 750 * HOUR_MS - 1):
        assert error(api.get(path, params={**span, "since": str(since)})) == (400, "too_many_points", "since")
    assert error(api.get(path, params={"since": "0001-01-01"})) == (400, "too_many_points", "since")
    assert error(api.get(path, params={"since": str(2**62)})) == (400, "no_time", "since")
    assert error(api.get(path, params={"span": "week"}))[2] == "span"


def test_latency(gateway: Gateway, api: TestClient) -> None:
    rows = [
        request_row(number, ts_ms=NOW_MS - HOUR_MS - number, ttft_ms=number, duration_ms=10 * number)
        for number in range(1, 301)
    ]
    quick = [
        request_row(1000 + number, ts_ms=NOW_MS - DAY_MS, outcome="error", ttft_ms=None, duration_ms=1)
        for number in range(3)
    ]
    fill(gateway, *rows, *quick)
    found = asked(api, "latency", span="hour")
    assert (found["span"], len(found["points"])) == ("hour", 48)
    assert found["sampled"] == 203, "the newest two hundred, and the three that failed"
    place = found["points"].index((NOW_MS - HOUR_MS - 200) // HOUR_MS * HOUR_MS)
    for name, times in (("ttft_ms", 1), ("duration_ms", 10)):
        assert [found[name][percent][place] for percent in ("p50", "p95", "p99")] == [
            100 * times, 190 * times, 198 * times,
        ]  # fmt: skip
    failed = found["points"].index((NOW_MS - DAY_MS) // HOUR_MS * HOUR_MS)
    assert found["duration_ms"]["p50"][failed] is None, "a refusal is no answer, though it was quick"
    asked_for = asked(api, "latency", span="hour", outcome="error")
    assert (asked_for["duration_ms"]["p99"][failed], asked_for["ttft_ms"]["p99"][failed]) == (1, None)
    assert asked_for["sampled"] == 3


def test_a_summary_beside_the_time_before(log: Gateway, api: TestClient) -> None:
    found = asked(api, "summary")
    assert (found["since_ms"], found["until_ms"]) == (NOW_MS - DAY_MS, NOW_MS)
    assert (found["now"]["requests"], found["now"]["errors"], found["before"]["requests"]) == (5, 1, 0)
    hour = asked(api, "summary", since=str(NOW_MS - HOUR_MS), key="k1")
    assert (hour["now"]["requests"], hour["now"]["charge_usd"], hour["now"]["cost_unknown"]) == (
        1, "0.000000000005", 1,
    )  # fmt: skip
    shifted = asked(api, "summary", since=str(NOW_MS - DAY_MS + 1), until=str(NOW_MS))
    assert (shifted["now"]["requests"], shifted["before"]["requests"]) == (4, 1)
    assert error(api.get("/api/usage/summary", params={"since": str(NOW_MS)})) == (400, "no_time", "since")


def test_what_caches_saved(gateway: Gateway, api: TestClient, account: dict[str, Any]) -> None:
    def row(number: int, **changes: Any) -> Any:
        ts_ms = NOW_MS - number * HOUR_MS
        return request_row(number, **({"ts_ms": ts_ms, "account_id": account["id"]} | changes))

    for name, price in {
        "gpt-x": {"input": 2, "output": 8, "cache_read": 0.5, "cache_write": 3},
        "openai/shared": {"input": 2, "output": 8, "cache_read": 1, "cache_write": 2},
        "groq/shared": {"input": 4, "output": 8, "cache_read": 0, "cache_write": 4},
    }.items():
        reply = api.put(f"/api/prices/{name.replace('/', '%2F')}", json=price)
        assert reply.status_code == 200, reply.text
    fill(
        gateway,
        row(1, model="secret", cache_read_tokens=10**6),
        row(2, cache_read_tokens=1_000_000, cache_write_tokens=200_000),
        row(3, cache_write_tokens=2_000_000, session_id="s"),
        row(4, model="shared", cache_read_tokens=300_000),
        row(5, model="shared", cache_read_tokens=100_000, account_id="config:filed", preset="groq"),
    )

    def saved(hours: float, **query: Any) -> Any:
        return asked(api, "summary", since=str(NOW_MS - int(hours * HOUR_MS)), **query)["now"]

    assert saved(0.5)["cache_saved_pusd"] == 0
    assert (saved(1)["cache_saved_pusd"], saved(1)["cache_saved_usd"]) == (None, None)
    assert saved(2)["cache_saved_usd"] == "1.3", "1.5 for what was read, less 0.2 for what was written"
    assert saved(2)["cache_saved_pusd"] == 13 * 10**11
    assert saved(3)["cache_saved_usd"] == "-0.7"
    assert saved(3, session="s")["cache_saved_usd"] == "-2"
    assert saved(5)["cache_saved_usd"] == "0", "0.3 at the one and 0.4 at the other"


def test_the_flow(gateway: Gateway, api: TestClient, account: dict[str, Any]) -> None:
    key = api.post("/api/keys", json={"name": "laptop"}).json()["data"]["id"]
    mine = {"client": "curl/8", "key_id": key, "combo": "team", "account_id": account["id"]}
    fill(
        gateway,
        request_row(1, ts_ms=NOW_MS - 1, **mine, charge_pusd=5),
        request_row(
            2,
            ts_ms=NOW_MS - 2,
            **mine,
            attempts=(
                attempt_row(account_id="config:filed", preset="groq", outcome="overloaded"),
                attempt_row(),
            ),
        ),
        request_row(3, ts_ms=NOW_MS - 3, outcome="error", account_id=None, preset=None, attempts=()),
        request_row(4, ts_ms=NOW_MS - 61 * 60_000),
    )
    found = asked(api, "flow")
    assert (found["since_ms"], found["sampled"], found["truncated"]) == (NOW_MS - HOUR_MS, 3, False)
    wide, bare, notch = found["links"]
    assert wide == {
        "client": "curl/8", "key_id": key, "key": "laptop", "combo": "team", "preset": "openai",
        "account_id": account["id"], "account": "main",
        "requests": 2, "errors": 0, "failed_attempts": 0, "tokens": 60, "charge_pusd": 5,
    }  # fmt: skip
    assert (bare["requests"], bare["errors"], bare["account_id"]) == (1, 1, None)
    assert (notch["account"], notch["requests"], notch["failed_attempts"]) == ("filed", 0, 1)
    assert notch["key"] == "laptop"
    assert asked(api, "flow", minutes=1440)["sampled"] == 4
    for minutes in (0, 1441):
        assert error(api.get("/api/usage/flow", params={"minutes": minutes}))[2] == "minutes"


def test_the_flow_of_a_busy_gateway(
    gateway: Gateway, api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(gateway, *(request_row(number, ts_ms=NOW_MS - 1) for number in range(3)))
    monkeypatch.setattr("flowrouter.api.admin.usage_traffic.PASSAGES_MAX", 2)
    found = asked(api, "flow")
    assert (found["sampled"], found["truncated"], found["links"][0]["requests"]) == (2, True, 2)


def test_sessions(gateway: Gateway, api: TestClient) -> None:
    fill(
        gateway,
        request_row(1, session_id="a", client="cli/1", cache_read_tokens=30, charge_pusd=7, cost_pusd=10**12),
        request_row(2, session_id="b", input_tokens=None),
        request_row(3, session_id="a", client="cli/2", model="other", outcome="error"),
        request_row(4, session_id="a"),
        request_row(5),
    )
    page = api.get("/api/usage/sessions", params={"limit": 1}).json()
    (first,) = page["data"]
    assert first == {
        "session_id": "a", "client": None, "models": ["gpt-x", "other"],
        "first_ms": NOW_MS + 1, "last_ms": NOW_MS + 4, "requests": 3, "errors": 1,
        "input_tokens": 30, "cache_read_tokens": 30, "cache_write_tokens": 0, "output_tokens": 60,
        "reasoning_tokens": 0, "cost_pusd": 10**12, "cost_usd": "1", "cost_unknown": 2,
        "charge_pusd": 7, "charge_usd": "0.000000000007", "charge_unknown": 2,
        "cached_share": 0.5, "truncated": False,
    }  # fmt: skip
    assert page["has_more"] is True
    rest = api.get("/api/usage/sessions", params={"cursor": page["next_cursor"]}).json()
    assert [(row["session_id"], row["cached_share"]) for row in rest["data"]] == [("b", None)]
    assert (rest["has_more"], rest["next_cursor"]) == (False, None)
    of_model = api.get("/api/usage/sessions", params={"model": "other"}).json()["data"]
    assert [(row["session_id"], row["requests"], row["client"]) for row in of_model] == [("a", 1, "cli/2")]
    assert error(api.get("/api/usage/sessions", params={"cursor": "x"})) == (400, "invalid_request", "cursor")
    assert api.get("/api/usage/sessions/a").json()["data"]["turns"] == 3


def test_owners_see_their_own(log: Gateway) -> None:
    gateway = log
    bob = gateway.client(gateway.admin_key("bob"))
    assert sum(asked(bob, "series", split="model")["series"][0]["requests"]) == 1
    assert len(asked(bob, "series", split="key")["series"]) == 1
    assert asked(bob, "latency")["sampled"] == 1
    assert asked(bob, "summary")["now"]["requests"] == 1
    assert asked(bob, "flow")["sampled"] == 1
    assert bob.get("/api/usage/sessions").json()["data"] == []


@pytest.mark.parametrize("what", ["series", "latency", "summary", "flow", "sessions"])
def test_strangers_and_unknown_filters_are_refused(gateway: Gateway, api: TestClient, what: str) -> None:
    assert error(gateway.client().get(f"/api/usage/{what}"))[0] == 401
    assert error(api.get(f"/api/usage/{what}", params={"modle": "x"})) == (400, "unknown_field", "modle")
