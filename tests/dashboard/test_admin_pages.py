"""Audit, logs and about: who changed what, what the gateway says, what it is made of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.dashboard.conftest import Opener
from tests.dashboard.stand import Stand, standing
from tests.dashboard.tab import THEMES, WIDTHS, axe, pseudo, shot

PAGES = ("audit", "logs", "about")


@pytest.fixture(scope="module")
def talking() -> Iterator[Stand]:
    """Lend a gateway that writes a line for each request."""
    with standing(settings={"logs": {"level": "info", "access": True}}) as stand:
        stand.furnish()
        yield stand


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("where", PAGES)
@pytest.mark.parametrize("data", ["seeded", "empty"])
def test_it_loads(
    request: pytest.FixtureRequest, page: Opener, data: str, where: str, width: int, theme: str
) -> None:
    tab = page(request.getfixturevalue(data), f"#/{where}", theme=theme, width=width)
    expect(tab.get_by_role("heading", level=1)).to_be_visible()
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= width
    axe(tab)
    shot(tab, f"{where}-{data}-{theme}-{width}")


@pytest.mark.parametrize("where", PAGES)
def test_its_texts_are_in_a_catalogue(gateway: Stand, page: Opener, where: str) -> None:
    pseudo(page(gateway, f"#/{where}"))


def test_a_change_is_in_the_book_with_what_it_was(gateway: Stand, page: Opener) -> None:
    account = gateway.accounts["spare"]
    gateway.api("PATCH", f"/api/accounts/{account}", {"priority": 7})
    tab = page(gateway, f"#/audit?target={account}")
    row = tab.get_by_role("row").filter(has_text="change account").first
    expect(row).to_be_visible()
    row.click()
    panel = tab.get_by_role("dialog", name="change account")
    expect(panel).to_contain_text("PATCH /api/accounts/")
    expect(panel).to_contain_text("priority")
    expect(panel).to_contain_text("7")
    axe(tab)
    tab.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    assert f"target={account}" in tab.url


def test_lines_arrive_and_can_be_held_back(talking: Stand, page: Opener) -> None:
    tab = page(talking, "#/logs?level=debug")
    log = tab.get_by_role("log")
    expect(log.locator("p").first).to_be_visible()
    talking.api("PUT", "/api/aliases/first", {"models": ["gpt-5.4"]})
    expect(log.get_by_text("/api/aliases/first").first).to_be_visible()
    tab.get_by_role("button", name="Pause").click()
    talking.api("PUT", "/api/aliases/second", {"models": ["gpt-5.4"]})
    expect(tab.get_by_role("button", name="new line")).to_be_visible()
    expect(log.get_by_text("/api/aliases/second")).to_have_count(0)
    tab.get_by_role("button", name="Resume").click()
    expect(log.get_by_text("/api/aliases/second").first).to_be_visible()


def test_the_log_can_be_searched_and_saved(talking: Stand, page: Opener) -> None:
    talking.api("PUT", "/api/aliases/third", {"models": ["gpt-5.4"]})
    tab = page(talking, "#/logs?level=debug")
    expect(tab.get_by_role("log").get_by_text("/api/aliases/third").first).to_be_visible()
    tab.get_by_role("searchbox", name="Filter the lines").fill("/api/aliases/third")
    lines = tab.get_by_role("log").locator("p")
    expect(lines.filter(has_not_text="/api/aliases/third")).to_have_count(0)
    with tab.expect_download() as saved:
        tab.get_by_role("button", name="Download").click()
    text = saved.value.path().read_text()
    assert text
    assert all("/api/aliases/third" in line for line in text.splitlines())


def test_about_names_whose_work_it_is(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/about")
    tab.get_by_role("searchbox", name="Filter").fill("uplot")
    row = tab.get_by_role("row").filter(has_text="uplot")
    expect(row).to_contain_text("MIT")
    expect(tab.get_by_text("Everything is fine.")).to_be_visible()
