"""The request log for a spreadsheet, and what the receipt tells of an attempt's times and of the pause it began."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest

from tests.dashboard.stand import Stand, standing

FORMULA = "=1+2"


@pytest.fixture(scope="module")
def house() -> Iterator[Stand]:
    with standing() as stand:
        stand.furnish()
        yield stand


def sheet(house: Stand, query: str = "") -> list[dict[str, str]]:
    token = (house.running.data / "local.token").read_text().strip()
    status, body = house.running.get(f"/api/requests.csv{query}", {"authorization": f"Bearer {token}"})
    assert status == 200, body
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


def test_the_sheet_has_every_request_once(house: Stand) -> None:
    """More than one page of the store is read for it."""
    for _ in range(204):
        status, _ = house.ask("gpt-5.4-mini", key="laptop")
        assert status == 200
    house.ask(FORMULA, key="laptop")
    rows = sheet(house)
    for _ in range(200):  # a row is written soon after its answer, not before
        rows = rows if len(rows) == 205 else sheet(house)
    first = house.call("GET", "/api/requests?limit=200")[1]
    rest = house.call("GET", f"/api/requests?limit=200&cursor={first['next_cursor']}")[1]
    listed = [row["id"] for row in first["data"] + rest["data"]]
    assert [row["id"] for row in rows] == listed
    failed = sheet(house, "?outcome=error")
    assert [row["requested_model"] for row in failed] == [f"'{FORMULA}"]
    assert {(row["attempts"], row["losses"]) for row in rows[1:]} == {("1", "0")}


def test_a_receipt_tells_when_the_reply_began_and_for_how_long_its_target_pauses(house: Stand) -> None:
    house.vendor.script(["fault-500", "fault-overloaded"])
    _, answer = house.ask("smart", key="laptop")
    assert answer["model"] == "gpt-5.4"
    row = None
    for _ in range(200):  # a row is written soon after its answer, not before
        row = row or next((row for row in sheet(house, "?model=gpt-5.4") if row["attempts"] == "3"), None)
    assert row is not None
    server, overloaded, answered = house.api("GET", f"/api/receipts/{row['id']}")["attempts"]
    assert (server["verdict"], server["paused_ms"]) == ("server", None)  # it was asked again
    assert 4_000 < overloaded["paused_ms"] <= 6_000
    for note in (server, overloaded, answered):
        assert note["started_ms"] <= note["head_ms"] <= note["started_ms"] + note["duration_ms"] + 0.02
    assert answered["paused_ms"] is None
