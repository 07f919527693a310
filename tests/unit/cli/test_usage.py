from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest

from flowrouter import app, config
from flowrouter.cli import output
from flowrouter.cli.sparkline import sparkline, squeezed
from flowrouter.cli.style import Style
from flowrouter.cli.tail import line_of
from flowrouter.gateway.ports import AttemptRow, RequestRow
from tests.contracts.fakes import bare_row
from tests.unit.cli.conftest import Run

LOSS = {
    "path": "seed",
    "kind": "dropped",
    "reason": "the target has no such field",
    "rule": "openai_chat>anthropic:seed:dropped",
}
RECEIPT = msgspec.json.encode(
    {
        "request_id": "req_1",
        "summary": "translated with 1 loss",
        "asked_model": "small",
        "dialect": "openai_chat",
        "lane": "translate",
        "attempts": [
            {
                "account": "box", "model": "small-2", "dialect": "anthropic", "status": 200,
                "verdict": "answered", "duration_ms": 41.6, "reason": None,
            }
        ],
        "fields": [
            {"field": "model", "fate": "passed", "rules": []},
            {"field": "seed", "fate": "dropped", "rules": [LOSS["rule"]]},
        ],
        "request_losses": [LOSS],
        "reply_losses": [],
    }
)  # fmt: skip
PICO = 1_000_000_000_000


def row(
    number: int, now_ms: int, *, model: str = "small", cost: int | None = PICO, ok: bool = True
) -> RequestRow:
    return bare_row(
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
        receipt=RECEIPT,
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
    assert "small → box" in shown
    assert "1,000→10" in shown
    assert "upstream_connect" in shown
    assert "1.5 s" in shown
    whole = run("requests", "req_1").json
    assert whole["receipt"]["summary"] == "translated with 1 loss"
    assert whole["attempts"][0]["account_id"] == "config:box"


@pytest.mark.usefixtures("filled")
def test_usage_is_drawn_with_its_total_and_its_span(run: Run) -> None:
    shown = run("usage").out.splitlines()
    charts = [line for line in shown if line.startswith("Requests  ")]
    assert charts == ["Requests  " + "▁" * 29 + "█"]
    models = run("usage", "--by", "model", "--since", "3d").out
    assert "Trend" in models
    assert models.splitlines()[-1].split()[:3] == ["Total", "4", "1"]
    assert run("usage", "--since", "2999-01-01").err.startswith("No request since 2999-01-01")
    assert run("usage", "--since", "12h", "--json").json[0]["requests"] == 4


@pytest.mark.parametrize(
    ("arguments", "said"), [(["--since", "soon"], "7d"), (["--since", "7d", "--days", "3"], "one of them")]
)
def test_a_time_that_is_none_is_said(run: Run, arguments: list[str], said: str) -> None:
    wrong = run("usage", *arguments)
    assert wrong.code == 2
    assert said in wrong.err


@pytest.mark.usefixtures("filled")
def test_requests_go_by_several_ways(run: Run) -> None:
    listed = run("requests", "list", "--json").json
    assert run("requests", "--json").json == listed
    assert [row["id"] for row in run("requests", "--errors", "--json").json] == ["req_3"]
    assert run("requests", "show", "req_3").json["error_type"] == "upstream_connect"
    several = run("requests", "req_")
    assert several.code == 1
    misspelt = run("requests", "tial")
    assert misspelt.code == 2
    assert "tail" in misspelt.err


def test_a_request_is_found_by_its_beginning(run: Run, data: Path) -> None:
    application = app.build(config.load({"data": str(data)}, environ={}))
    application.writer.start()
    now_ms = int(application.clock.now() * 1000)
    for name in ("aaaa1", "aaaa2", "bbbb1"):
        application.writer.record(msgspec.structs.replace(row(0, now_ms), id=f"req_{name}"))
    assert application.writer.drain(10)
    assert run("requests", "req_bb").json["id"] == "req_bbbb1"
    several = run("requests", "req_aaaa")
    assert several.code == 2
    assert "req_aaaa2" in several.err


def test_a_line_fits_the_terminal_and_keeps_the_reason() -> None:
    class Terminal(Style):
        width = 80

    style = Terminal(io.StringIO())
    style.terminal, style.coloured, style.unicode = True, False, True
    failed = msgspec.structs.replace(
        row(7, 0, model="a-model-with-a-very-long-name-indeed", ok=False), id="req_0123456789"
    )
    line = line_of(failed, {"config:box": "box"}, style)
    assert len(line) < 80
    assert "upstream_connect" in line
    assert "req_01234567 " in line


@pytest.mark.parametrize(
    ("values", "drawn"),
    [([], ""), ([0, 0], "▁▁"), ([0, 1, 50, 100], "▁▂▅█"), ([3], "█")],
)
def test_a_sparkline_tells_little_from_nothing(values: list[float], drawn: str) -> None:
    assert sparkline(values) == drawn
    plain = sparkline(values, unicode=False)
    assert len(plain) == len(values)
    assert plain.isascii()


def test_a_long_sparkline_is_squeezed_without_losing_anything() -> None:
    assert squeezed([1, 2, 3, 4, 5], 2) == [3, 12]
    assert squeezed([1, 2], 10) == [1, 2]
    assert sum(squeezed(list(range(100)), 7)) == sum(range(100))
    assert len(squeezed(list(range(100)), 7)) <= 7
    assert squeezed([1], 0) == []


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


def test_a_request_is_explained_from_its_receipt(run: Run, filled: None) -> None:
    told = run("explain", "--request", "req_1")
    assert told.code == 0, told.err
    assert "translated with 1 loss" in told.out
    assert "small-2" in told.out
    assert told.out.index("openai_chat>anthropic:seed:dropped") < told.out.index("passed"), "the worst first"
    assert run("explain", "--request", "req_1", "--json").json["fields"][1]["fate"] == "dropped"
    assert run("explain", "req_1").out == told.out
    assert run("explain", "--request", "req_none").code != 0
    assert run("explain").code == 2


def test_giving_budgets_back_is_written_down(run: Run) -> None:
    assert run("usage", "release", "--json").json == {}
    (entry,) = run("audit", "--json").json
    assert (entry["action"], entry["via"], entry["after"]) == ("release_budget", "cli", {})
