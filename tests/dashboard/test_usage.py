"""Usage: figures, charts and sums are those of `/api`, and every view of them is a link."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import Opener
from tests.dashboard.stand import Stand
from tests.dashboard.tab import THEMES, WIDTHS, axe, pseudo, settled, shot

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("data", ["seeded", "empty"])
def test_it_loads(request: pytest.FixtureRequest, page: Opener, data: str, width: int, theme: str) -> None:
    tab = page(request.getfixturevalue(data), "#/usage", theme=theme, width=width)
    expect(tab.get_by_role("heading", level=1, name="Usage")).to_be_visible()
    if data == "seeded":
        expect(tab.locator(".chart canvas")).to_have_count(5)
        expect(tab.get_by_role("grid", name="Sums by provider")).to_contain_text("anthropic")
    else:
        expect(tab.get_by_role("heading", name="No requests yet")).to_be_visible()
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= width
    axe(tab)
    shot(tab, f"usage-{data}-{theme}-{width}")


def test_its_texts_are_in_a_catalogue(seeded: Stand, page: Opener) -> None:
    pseudo(page(seeded, "#/usage?split=outcome"))


def test_the_figures_are_those_of_the_api(seeded: Stand, page: Opener) -> None:
    """Tiles and table show what the API says of the same thirty days."""
    tab = page(seeded, "#/usage")
    since = _day(29)
    summary = seeded.api("GET", f"/api/usage/summary?since={since}")["now"]
    expect(_tile(tab, "Requests")).to_contain_text(f"{summary['requests']:,}")
    expect(_tile(tab, "Errors")).to_contain_text(f"{summary['errors']:,}")
    expect(_tile(tab, "Spend")).to_contain_text(f"${summary['charge_pusd'] / 1e12:.2f}")
    lines = seeded.api("GET", f"/api/usage?group_by=preset&since={since}")
    known = sorted((line for line in lines if line["charge_pusd"]), key=lambda line: -line["charge_pusd"])
    rows = tab.get_by_role("grid", name="Sums by provider").locator(".table-body > .table-row")
    expect(rows).to_have_count(len(lines))
    expect(rows.nth(0)).to_contain_text(known[0]["group"])
    expect(rows.nth(0)).to_contain_text(f"{known[0]['requests']:,}")
    # What the chart draws can be read, and adds up to the same.
    expect(_legend(tab, known[0]["group"])).to_contain_text(f"${known[0]['charge_pusd'] / 1e12:.2f}")


def test_what_is_chosen_is_in_the_address(seeded: Stand, page: Opener) -> None:
    tab = page(seeded, "#/usage")
    tab.get_by_role("button", name="7 d", exact=True).click()
    tab.get_by_role("button", name="Hours").click()
    tab.get_by_label("Split by").select_option(label="Model")
    tab.get_by_role("tab", name="Tokens").click()
    tab.get_by_role("button", name="Compare").click()
    expect(tab.get_by_role("grid", name="Sums by model")).to_contain_text("claude-sonnet-4-5")
    wanted = {"range": "7d", "span": "hour", "split": "model", "show": "tokens", "compare": "off"}
    assert _query(tab) == wanted
    # The same address shows the same to somebody else, and no thin line.
    other = page(seeded, f"#/usage?{urlencode(wanted)}")
    expect(other.get_by_role("tab", name="Tokens")).to_have_attribute("aria-selected", "true")
    expect(other.get_by_role("button", name="Hours")).to_have_attribute("aria-pressed", "true")
    expect(_legend(other, "claude-sonnet-4-5")).to_be_visible()
    expect(other.get_by_text("Period before")).to_have_count(0)
    other.keyboard.press("1")
    expect(other.get_by_role("button", name="24 h", exact=True)).to_have_attribute("aria-pressed", "true")
    assert _query(other)["range"] == "24h"


def test_a_brush_zooms_and_escape_leaves(seeded: Stand, page: Opener) -> None:
    tab = page(seeded, "#/usage")
    drawn = tab.locator(".usage-main .u-over").bounding_box()
    assert drawn is not None
    middle = drawn["y"] + drawn["height"] / 2
    tab.mouse.move(drawn["x"] + drawn["width"] * 0.5, middle)
    tab.mouse.down()
    tab.mouse.move(drawn["x"] + drawn["width"] * 0.7, middle, steps=4)
    tab.mouse.up()
    expect(tab.get_by_role("button", name="Back to 30 days")).to_be_visible()
    zoomed = _query(tab)
    assert 4 * DAY_MS < int(zoomed["until"]) - int(zoomed["since"]) < 9 * DAY_MS
    summary = seeded.api("GET", f"/api/usage/summary?since={zoomed['since']}&until={zoomed['until']}")["now"]
    expect(_tile(tab, "Requests")).to_contain_text(f"{summary['requests']:,}")
    settled(tab)
    tab.get_by_role("heading", level=1).click()
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("button", name="30 d", exact=True)).to_have_attribute("aria-pressed", "true")
    assert "since" not in _query(tab)


def test_a_row_leads_on(seeded: Stand, page: Opener) -> None:
    """Click: only that, split further. Its link: the requests behind it."""
    tab = page(seeded, "#/usage")
    grid = tab.get_by_role("grid", name="Sums by provider")
    grid.locator(".table-row", has_text="openai").get_by_text("openai").click()
    by_model = tab.get_by_role("grid", name="Sums by model")
    expect(by_model).to_contain_text("gpt-5.4-mini")
    expect(by_model).not_to_contain_text("claude")
    assert _query(tab) == {"preset": "openai", "split": "model"}
    lines = seeded.api("GET", f"/api/usage?group_by=total&preset=openai&since={_day(29)}")
    expect(_tile(tab, "Requests")).to_contain_text(f"{lines[0]['requests']:,}")
    tab.get_by_role("link", name="Requests of gpt-5.4-mini").click()
    expect(tab.get_by_role("heading", level=1, name="Requests")).to_be_visible()
    assert {"preset": "openai", "model": "gpt-5.4-mini"}.items() <= _query(tab).items()


def test_days_can_be_gone_into(seeded: Stand, page: Opener) -> None:
    tab = page(seeded, "#/usage?split=none&range=7d")
    grid = tab.get_by_role("grid", name="Sums by day")
    rows = grid.locator(".table-body > .table-row")
    expect(rows.first).to_be_visible()
    rows.nth(1).click()
    expect(tab.get_by_role("grid", name="Sums by hour")).to_be_visible()
    expect(tab.get_by_role("button", name="Hours")).to_have_attribute("aria-pressed", "true")
    day = _query(tab)
    assert int(day["until"]) - int(day["since"]) == DAY_MS
    assert int(day["since"]) % DAY_MS == 0


def test_sums_are_sorted_as_asked(seeded: Stand, page: Opener) -> None:
    tab = page(seeded, "#/usage?split=model")
    grid = tab.get_by_role("grid", name="Sums by model")
    grid.get_by_role("button", name="Requests").click()
    assert _query(tab)["sort"] == "-requests"
    lines = seeded.api("GET", f"/api/usage?group_by=model&since={_day(29)}")
    most = max(lines, key=lambda line: line["requests"])
    expect(grid.locator(".table-body > .table-row").first).to_contain_text(most["group"])
    expect(grid.get_by_role("columnheader", name="Requests", exact=True)).to_have_attribute(
        "aria-sort", "descending"
    )


def test_what_is_shown_can_be_saved(seeded: Stand, page: Opener) -> None:
    tab = page(seeded, "#/usage?split=model&preset=anthropic")
    asked = f"group_by=model&preset=anthropic&since={_day(29)}"
    lines = {line["group"]: line for line in seeded.api("GET", f"/api/usage?{asked}")}
    table = list(csv.DictReader(io.StringIO(_saved(tab, "By model as CSV"))))
    assert {row["group"]: int(row["requests"]) for row in table} == {
        group: line["requests"] for group, line in lines.items()
    }
    told = json.loads(_saved(tab, "By model as JSON"))["data"]
    assert {line["group"]: line["charge_pusd"] for line in told} == {
        group: line["charge_pusd"] for group, line in lines.items()
    }
    chart = json.loads(_saved(tab, "The chart as JSON"))
    assert len(chart["points"]) == 30
    assert sum(map(sum, (line["requests"] for line in chart["series"]))) == sum(
        line["requests"] for line in lines.values()
    )


def test_unknown_prices_are_told_with_a_way_to_set_them(seeded: Stand, page: Opener) -> None:
    tab = page(seeded, "#/usage")
    notice = tab.get_by_role("status").filter(has_text="unknown price")
    expect(notice).to_contain_text("deepseek-chat")
    expect(notice.get_by_role("link", name="Set prices")).to_have_attribute(
        "href", re.compile(r"#/models\?q=deepseek-chat")
    )
    row = tab.get_by_role("grid", name="Sums by provider").locator(".table-row", has_text="deepseek")
    expect(row).to_contain_text("—")


def test_a_chart_can_be_read_as_a_table_and_by_keys(seeded: Stand, page: Opener) -> None:
    tab = page(seeded, "#/usage?split=none&show=requests")
    main = tab.locator(".usage-main")
    surface = main.get_by_role("slider")
    surface.focus()
    tab.keyboard.press("End")
    newest = seeded.api("GET", f"/api/usage/series?split=none&since={_day(29)}")["series"][0]["requests"][-1]
    expect(surface).to_have_attribute("aria-valuetext", re.compile(rf"\b{newest}\b"))
    # One crosshair for all charts.
    expect(tab.locator(".usage-charts .chart-when").first).to_have_text(
        main.locator(".chart-when").inner_text()
    )
    expect(main.locator(".chart-when")).not_to_have_text("Whole period")
    main.get_by_role("button", name="Table").click()
    rows = main.locator(".table-body > .table-row")
    expect(rows.first).to_contain_text(str(newest))


def test_a_period_without_requests_says_so(seeded: Stand, page: Opener) -> None:
    tab = page(seeded, "#/usage?since=2020-01-01&until=2020-01-10&outcome=error")
    expect(tab.get_by_role("heading", name="No requests in this period")).to_be_visible()
    tab.get_by_role("button", name="Show 12 months").click()
    expect(_tile(tab, "Errors")).to_be_visible()
    assert _query(tab) == {"range": "12m", "outcome": "error"}


def test_days_are_the_calendars_where_clocks_change(seeded: Stand, page: Opener) -> None:
    """In a zone with summer time every point of a year is a day of the calendar, and none is there twice."""
    tab = page(seeded, "#/usage", locale="en-US")
    found = tab.evaluate(
        """async () => {
          const { onCalendar, viewOf } = await import('/static/pages/usage/view.js');
          const view = viewOf({ range: '12m' });
          const points = Array.from({ length: view.points }, (_, at) => view.since + at * 86_400_000);
          const days = onCalendar(points, 'day', 0).map((at) => new Date(at).toDateString());
          return { points: view.points, days: new Set(days).size, before: view.before.until - view.before.since };
        }"""
    )
    assert found == {"points": 365, "days": 365, "before": 365 * DAY_MS}


def _day(ago: int) -> int:
    """Return when the day began that was so many days ago, in UTC."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((today - timedelta(days=ago)).timestamp() * 1000)


def _tile(tab: Page, label: str) -> Locator:
    return tab.locator(".usage-figures .stat").filter(
        has=tab.locator(".label", has_text=re.compile(f"^{label}$"))
    )


def _legend(tab: Page, name: str) -> Locator:
    return tab.locator(".usage-main .chart-item", has_text=name).first


def _query(tab: Page) -> dict[str, Any]:
    query = urlsplit(urlsplit(tab.url).fragment).query
    return {name: values[0] for name, values in parse_qs(query).items()}


def _saved(tab: Page, item: str) -> str:
    tab.get_by_role("button", name="Export").click()
    with tab.expect_download() as saved:
        tab.get_by_role("menuitem", name=item).click()
    return saved.value.path().read_text("utf-8")
