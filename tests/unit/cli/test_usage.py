from __future__ import annotations

from pathlib import Path

import pytest

from flowrouter import app, config
from flowrouter.cli import output
from flowrouter.gateway.ports import AttemptRow, RequestRow
from tests.unit.cli.conftest import Run

PICO = 1_000_000_000_000


def row(
    number: int, now_ms: int, *, model: str = "small", cost: int | None = PICO, ok: bool = True
) -> RequestRow:
    return RequestRow(
        id=f"req_{number}",
        ts_ms=now_ms,
        owner_id="local",
        client_dialect="openai_chat",
        endpoint="/v1/chat/completions",
        requested_model=model,
        account_id="config:box",
        preset="custom-openai",
        model=model,
        dialect="openai_chat",
        status=200 if ok else 502,
        outcome="ok" if ok else "error",
        error_type=None if ok else "upstream_connect",
        attempts=(
            AttemptRow(
                account_id="config:box",
                preset="custom-openai",
                model=model,
                dialect="openai_chat",
                outcome="ok",
            ),
        ),
        duration_ms=1_500,
        input_tokens=1_000,
        output_tokens=10,
        cost_pusd=cost,
        receipt=b'{"id":"x"}',
    )


@pytest.fixture
def filled(data: Path) -> None:
    data.mkdir()
    (data / "config.toml").write_text(
        "[[accounts]]\nname = 'box'\npreset = 'custom-openai'\nbase_url = 'http://127.0.0.1:1/v1'\n"
    )
    application = app.build(config.load({"data": str(data)}, environ={}))
    application.writer.start()
    now_ms = int(application.clock.now() * 1000)
    for number in range(3):
        application.writer.record(row(number, now_ms + number))
    application.writer.record(row(3, now_ms + 3, model="other", cost=None, ok=False))
    assert application.writer.drain(10)


@pytest.mark.usefixtures("filled")
def test_usage_is_summed_by_day_model_and_account(run: Run) -> None:
    (day,) = run("usage", "--json").json
    assert (day["requests"], day["errors"], day["input_tokens"], day["cost_unknown"]) == (4, 1, 4_000, 1)
    models = {line["group"]: line["requests"] for line in run("usage", "--by", "model", "--json").json}
    assert models == {"small": 3, "other": 1}
    shown = run("usage", "--by", "account").out
    assert "box" in shown
    assert "4,000" in shown
    assert "≥ $3.00" in shown
    assert "$3.00" in run("usage", "--by", "total").out


@pytest.mark.usefixtures("filled")
def test_requests_are_listed_newest_first_and_shown_whole(run: Run) -> None:
    rows = run("requests", "--json", "--limit", "2").json
    assert [row["id"] for row in rows] == ["req_3", "req_2"]
    shown = run("requests").out
    assert "box/small" in shown
    assert "upstream_connect" in shown
    assert "1.5 s" in shown
    whole = run("requests", "req_1").json
    assert whole["receipt"] == {"id": "x"}
    assert whole["attempts"][0]["account_id"] == "config:box"


@pytest.mark.parametrize(
    ("amount", "unknown", "shown"),
    [
        (0, 0, "$0.00"),
        (12_340_000_000, 0, "$0.0123"),
        (1_234_567_890_000_000, 0, "$1,234.57"),
        (0, 2, "—"),
        (PICO, 2, "≥ $1.00"),
        (None, 0, "—"),
    ],
)
def test_money_has_its_unit(amount: int | None, unknown: int, shown: str) -> None:
    assert output.money(amount, unknown=unknown) == shown


def test_durations_have_their_unit() -> None:
    assert [output.seconds(value) for value in (None, 12, 1_500)] == ["—", "12 ms", "1.5 s"]
