"""`/api/requests`, `/api/receipts`, `/api/usage`, `/api/models`, `/api/plan` and `/api/presets`."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from starlette.testclient import TestClient

from flowrouter.api.admin import request_sift
from flowrouter.api.admin.request_log import usd
from flowrouter.errors import StorageError
from tests.contracts.fakes import START, request_row
from tests.unit.api_admin.conftest import Gateway
from tests.unit.api_admin.test_accounts import error

NOW_MS = int(START * 1000)


@pytest.fixture
def log(gateway: Gateway) -> Gateway:
    """Six requests, the last one bob's."""
    rows = [
        request_row(1, receipt=b'{"request_id": "req_00000001", "summary": "all fields passed"}'),
        request_row(2, model="other", key_id="key_1", cost_pusd=1_500_000, charge_pusd=10**12),
        request_row(3, outcome="error", status=502, error_type="upstream", error_text="it broke"),
        request_row(4, session_id="s-1", account_id="config:filed"),
        request_row(5, ts_ms=NOW_MS + 86_400_000, client_dialect="anthropic"),
        request_row(6, owner_id="bob"),
    ]
    for row in rows:
        gateway.writer.record(row)
    assert gateway.writer.drain(30.0)
    return gateway


def ids(reply: Any) -> list[int]:
    assert reply.status_code == 200, reply.text
    return [int(row["id"].removeprefix("req_")) for row in reply.json()["data"]]


def test_requests_newest_first_in_pages(log: Gateway, api: TestClient) -> None:
    assert ids(api.get("/api/requests")) == [5, 6, 4, 3, 2, 1]
    page = api.get("/api/requests", params={"limit": 4})
    assert ids(page) == [5, 6, 4, 3]
    assert page.json()["has_more"] is True
    last = api.get("/api/requests", params={"cursor": page.json()["next_cursor"]})
    assert ids(last) == [2, 1]
    assert (last.json()["has_more"], last.json()["next_cursor"]) == (False, None)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"outcome": "error"}, [3]),
        ({"model": "other"}, [2]),
        ({"account": "filed"}, [4]),
        ({"account": "config:filed"}, [4]),
        ({"account": "nobody"}, []),
        ({"key": "key_1"}, [2]),
        ({"session": "s-1"}, [4]),
        ({"dialect": "anthropic"}, [5]),
        ({"since": str(NOW_MS + 4)}, [5, 6, 4]),
        ({"until": str(NOW_MS + 2)}, [1]),
        ({"since": "2027-01-15T08:00:00.004Z", "until": "2027-01-15"}, []),
        ({"since": "2027-01-15T10:00:00.004+02:00"}, [5, 6, 4]),
        ({"since": "2027-01-16"}, [5]),
    ],
)
def test_requests_are_found(log: Gateway, api: TestClient, query: dict[str, str], found: list[int]) -> None:
    assert ids(api.get("/api/requests", params=query)) == found


@pytest.fixture
def mixed(gateway: Gateway) -> Gateway:
    """Requests of two programs and a combo; the rare one is far behind the others."""
    rows = [request_row(1, client="opencode/1.18", combo="smart")]
    rows += [request_row(number, client=f"claude-cli/2.{number} (external)") for number in range(2, 260)]
    rows += [request_row(260, client="claude-cli-next/1"), request_row(261, client="opencode", combo="cheap")]
    for row in rows:
        gateway.writer.record(row)
    assert gateway.writer.drain(30.0)
    return gateway


def test_requests_of_a_client_or_a_combo_are_found(mixed: Gateway, api: TestClient) -> None:
    assert ids(api.get("/api/requests", params={"client": "opencode"})) == [261, 1]
    assert ids(api.get("/api/requests", params={"client": "opencode/1.18"})) == [1]
    assert ids(api.get("/api/requests", params={"client": "open"})) == []
    assert ids(api.get("/api/requests", params={"combo": "smart", "client": "opencode"})) == [1]
    assert ids(api.get("/api/requests", params={"combo": "smart", "outcome": "error"})) == []
    sheet = api.get("/api/requests.csv", params={"combo": "cheap"})
    assert [line.split(",")[0] for line in sheet.text.splitlines()[1:]] == ["req_00000261"]


def test_pages_of_a_client_miss_none_and_repeat_none(mixed: Gateway, api: TestClient) -> None:
    found: list[int] = []
    cursor = None
    while True:
        reply = api.get(
            "/api/requests",
            params={"client": "claude-cli", "limit": 37, **({"cursor": cursor} if cursor else {})},
        )
        found += ids(reply)
        cursor = reply.json()["next_cursor"]
        if cursor is None:
            break
    assert found == list(range(259, 1, -1))


def test_what_comes_meanwhile_moves_no_page(
    mixed: Gateway, api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = request_sift.fits

    def slowly(*asked: Any) -> bool:
        if (number := next(coming, None)) is not None:
            mixed.writer.record(request_row(number, client="claude-cli/3"))
            assert mixed.writer.drain(30.0)
        return fits(*asked)

    coming = iter(range(300, 303))
    monkeypatch.setattr(request_sift, "fits", slowly)
    query = {"client": "claude-cli", "limit": "10"}
    first = api.get("/api/requests", params=query)
    rest = api.get("/api/requests", params={**query, "cursor": first.json()["next_cursor"]})
    assert ids(first) + ids(rest) == list(range(259, 239, -1))


def test_a_page_looks_at_so_many_rows_and_goes_on(
    mixed: Gateway, api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_sift, "PAGES", 1)
    first = api.get("/api/requests", params={"client": "opencode"})
    assert (ids(first), first.json()["has_more"]) == ([261], True)
    rest = api.get("/api/requests", params={"client": "opencode", "cursor": first.json()["next_cursor"]})
    assert (ids(rest), rest.json()["has_more"]) == ([1], False)


@pytest.mark.parametrize(
    ("client", "cell"),
    [
        ("=1+2", "'=1+2"),
        (" \t=1+2", "' \t'=1+2"),
        ("x;=1+2;y", "x;'=1+2;y"),
        ("\uff1d1+2", "'\uff1d1+2"),
        ("cli/1.2 (a; b=c; d-e)", "cli/1.2 (a; b=c; d-e)"),
    ],
    ids=["plain", "blank", "semicolon", "wide", "harmless"],
)
def test_no_cell_is_a_formula(gateway: Gateway, api: TestClient, client: str, cell: str) -> None:
    """Where a comma divides numbers, spreadsheets divide cells by semicolons, whatever the file does."""
    gateway.writer.record(request_row(1, client=client))
    assert gateway.writer.drain(30.0)
    (row,) = csv.DictReader(io.StringIO(api.get("/api/requests.csv").text, newline=""))
    assert row["client"] == cell


def test_a_sheet_is_not_begun_while_the_store_is_away(
    log: Gateway, api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_asked: Any, **_more: Any) -> Any:
        raise StorageError("away")

    monkeypatch.setattr(type(log.management.requests), "list", away)
    assert error(api.get("/api/requests.csv"))[:2] == (503, "store_unavailable")


@pytest.mark.parametrize("path", ["/api/requests", "/api/requests?client=x", "/api/usage/sessions"])
def test_a_cursor_beyond_all_numbers_is_refused(api: TestClient, path: str) -> None:
    reply = api.get(path, params={"cursor": f"{10**20}.req_1", **({"client": "x"} if "?" in path else {})})
    assert error(reply)[2] == "cursor"


def test_a_plus_lost_in_the_query_is_found(log: Gateway, api: TestClient) -> None:
    assert ids(api.get("/api/requests?since=2027-01-15T10:00:00.004+02:00")) == [5, 6, 4]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"outcome": "eror"}, "outcome"),
        ({"since": "yesterday"}, "since"),
        ({"until": "12"}, "until"),
        ({"modle": "x"}, "modle"),
        ({"cursor": "x"}, "cursor"),
        ({"limit": "1000"}, "limit"),
    ],
)
def test_a_bad_question_is_refused(api: TestClient, query: dict[str, str], param: str) -> None:
    status, _, named = error(api.get("/api/requests", params=query))
    assert (status, named) == (400, param)


def test_one_request_with_its_receipt(log: Gateway, api: TestClient) -> None:
    row = api.get("/api/requests/req_00000001").json()["data"]
    assert row["receipt"] == {"request_id": "req_00000001", "summary": "all fields passed"}
    assert row["attempts"][0]["model"] == "gpt-x"
    assert api.get("/api/receipts/req_00000001").json() == {"data": row["receipt"]}
    other = api.get("/api/requests/req_00000002").json()["data"]
    assert other["receipt"] is None
    assert (other["cost_usd"], other["charge_usd"]) == ("0.0000015", "1")
    assert error(api.get("/api/receipts/req_00000002")) == (404, "receipt_not_found", None)
    assert error(api.get("/api/requests/none")) == (404, "not_found", None)


def test_owners_see_their_own_requests(log: Gateway) -> None:
    bob = log.client(log.admin_key("bob"))
    assert ids(bob.get("/api/requests")) == [6]
    assert bob.get("/api/requests/req_00000001").status_code == 404
    assert bob.get("/api/receipts/req_00000001").status_code == 404
    assert bob.get("/api/usage", params={"group_by": "total"}).json()["data"][0]["requests"] == 1


def test_usage(log: Gateway, api: TestClient) -> None:
    (total,) = api.get("/api/usage", params={"group_by": "total"}).json()["data"]
    assert (total["requests"], total["errors"], total["input_tokens"]) == (6, 1, 60)
    assert (total["cost_usd"], total["cost_unknown"], total["charge_usd"]) == ("0.0000015", 5, "1")
    by_account = api.get("/api/usage", params={"group_by": "account"}).json()
    assert {(line["group"], line["name"]) for line in by_account["data"]} == {
        ("acc_1", None),
        ("config:filed", "filed"),
    }
    assert (by_account["has_more"], by_account["next_cursor"]) == (False, None)
    days = api.get("/api/usage").json()["data"]
    assert [line["requests"] for line in sorted(days, key=lambda line: line["group"])] == [5, 1]
    only = api.get("/api/usage", params={"group_by": "model", "model": "other"}).json()["data"]
    assert [(line["group"], line["requests"]) for line in only] == [("other", 1)]
    assert error(api.get("/api/usage", params={"group_by": "modle"})) == (400, "invalid_request", "group_by")
    assert error(api.get("/api/usage", params={"utc_offset_minutes": 900}))[2] == "utc_offset_minutes"


@pytest.mark.parametrize(
    ("pusd", "text"),
    [(0, "0"), (1, "0.000000000001"), (10**12, "1"), (10**14, "100"), (9_007_199_254_740_993, "9007.199254740993"), (None, None)],
)  # fmt: skip
def test_money_is_exact(pusd: int | None, text: str | None) -> None:
    assert usd(pusd) == text


def test_models(api: TestClient, account: dict[str, Any]) -> None:
    rows = api.get("/api/models").json()["data"]
    assert [row["id"] for row in rows] == ["fast", "gpt-x", "llama-x"]
    assert rows[1]["accounts"] == ["main"]


def test_plan(api: TestClient, account: dict[str, Any]) -> None:
    plan = api.get("/api/plan", params={"model": "gpt-x", "dialect": "anthropic"}).json()["data"]
    assert plan["step"] == "exact name"
    (target,) = plan["targets"]
    assert (target["account"], target["dialect"], target["lane"]) == ("main", "openai_responses", "translate")
    (same,) = api.get("/api/plan", params={"model": "main/gpt-x"}).json()["data"]["targets"]
    assert same["lane"] == "passthrough"
    none = api.get("/api/plan", params={"model": "gpt-xx"}).json()["data"]
    assert (none["targets"], none["suggestions"]) == ([], ["gpt-x"])
    assert error(api.get("/api/plan")) == (400, "missing_field", "model")
    assert error(api.get("/api/plan", params={"model": "x", "dialect": "antropic"}))[2] == "dialect"
    assert error(api.get("/api/plan", params={"model": "x", "dialect": "openai_completions"}))[2] == "dialect"


def test_presets(api: TestClient) -> None:
    rows = api.get("/api/presets").json()["data"]
    names = [row["id"] for row in rows]
    assert names == sorted(names)
    assert {"openai", "anthropic", "custom-openai"} <= set(names)
    assert "local" not in names, "no account is made of the embedded model"
    custom = api.get("/api/presets/custom-openai").json()["data"]
    assert (custom["needs_base_url"], custom["dialects"], custom["class"]) == (
        True,
        {"openai_chat": None},
        "a",
    )
    assert api.get("/api/presets/ollama-local").json()["data"]["id"] == "ollama"
    reply = api.get("/api/presets/opnai")
    assert error(reply) == (404, "preset_not_found", None)
    assert "`openai`" in reply.json()["error"]["fix"]
