"""The sessions page: runs of agents, and one of them turn by turn."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.dashboard.conftest import Opener
from tests.dashboard.stand import Stand
from tests.dashboard.tab import THEMES, WIDTHS, axe, pseudo, shot


def longest(stand: Stand) -> dict[str, Any]:
    """Return the session with the most requests among the newest."""
    sessions: list[dict[str, Any]] = stand.api("GET", "/api/usage/sessions?limit=50")
    return max(sessions, key=lambda session: session["requests"])


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("data", ["seeded", "empty"])
def test_it_loads(request: pytest.FixtureRequest, page: Opener, data: str, width: int, theme: str) -> None:
    tab = page(request.getfixturevalue(data), "#/sessions", theme=theme, width=width)
    if data == "empty":
        expect(tab.get_by_role("heading", name="No sessions yet")).to_be_visible()
    else:
        expect(tab.locator('[data-index="0"]')).to_be_visible()
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
    axe(tab)
    shot(tab, f"sessions-{data}-{theme}-{width}")


@pytest.mark.parametrize(
    ("theme", "width"), [("dark", 1440), ("light", 820), ("dark", 390)], ids=["dark-1440", "light-820", "dark-390"]
)  # fmt: skip
def test_a_run_is_told_turn_by_turn(seeded: Stand, page: Opener, theme: str, width: int) -> None:
    session = longest(seeded)
    bill = seeded.api("GET", f"/api/usage/sessions/{session['session_id']}")
    tab = page(seeded, f"#/sessions/{session['session_id']}", theme=theme, width=width)
    expect(tab.locator(".sentence")).to_have_text(bill["sentence"])
    expect(tab.locator(".strip svg > g")).to_have_count(bill["turns"])
    rows = bill["turns"] + (0 if width == 390 else 1)
    expect(tab.get_by_role("grid", name="Turns")).to_have_attribute("aria-rowcount", str(rows))
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
    axe(tab)
    shot(tab, f"session-{theme}-{width}")


def test_all_texts_are_in_a_catalogue(seeded: Stand, page: Opener) -> None:
    pseudo(page(seeded, "#/sessions"))
    pseudo(page(seeded, f"#/sessions/{longest(seeded)['session_id']}"))


def test_from_the_list_to_a_turn_by_keys(seeded: Stand, page: Opener) -> None:
    newest = seeded.api("GET", "/api/usage/sessions?limit=1")[0]
    tab = page(seeded, "#/sessions")
    expect(tab.locator('[data-index="0"]')).to_be_visible()
    for key in ("j", "Enter"):
        tab.keyboard.press(key)
    expect(tab.get_by_role("heading", level=1)).to_have_text(newest["session_id"])
    bill = seeded.api("GET", f"/api/usage/sessions/{newest['session_id']}")

    strip = tab.get_by_role("slider")
    strip.focus()
    tab.keyboard.press("Home")
    expect(strip).to_have_attribute("aria-valuetext", re.compile("^Turn 1,"))
    tab.keyboard.press("ArrowRight")
    expect(strip).to_have_attribute("aria-valuetext", re.compile("^Turn 2,"))
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", level=1)).to_have_text(bill["lines"][1]["id"])
    tab.get_by_role("link", name=newest["session_id"]).click()
    expect(tab.locator(".sentence")).to_be_visible()
    tab.get_by_role("link", name="As a list of requests").click()
    grid = tab.get_by_role("grid", name="Requests")
    expect(grid).to_have_attribute("aria-rowcount", str(newest["requests"] + 1))


def test_a_session_under_way_grows_by_itself(gateway: Stand, page: Opener) -> None:
    headers = {"session-id": "run-of-today"}
    tab = page(gateway, "#/sessions")
    expect(tab.get_by_role("heading", name="No sessions yet")).to_be_visible()
    gateway.ask("gpt-5.4", "first", headers=headers)
    expect(tab.locator('[data-index="0"]')).to_contain_text("run-of-today", timeout=15_000)
    tab.locator('[data-index="0"]').click()
    expect(tab.locator(".strip svg > g")).to_have_count(1)
    gateway.ask("gpt-5.4", "second", headers=headers)
    expect(tab.locator(".strip svg > g")).to_have_count(2, timeout=15_000)
    expect(tab.locator(".sentence")).to_contain_text("2 turns")


def test_filters_stand_in_the_address(seeded: Stand, page: Opener) -> None:
    tab = page(seeded, "#/sessions?model=gpt-5.4&since=30d")
    expect(tab.locator('[data-index="0"]')).to_contain_text("gpt-5.4")
    tab.get_by_role("button", name="Clear all").click()
    expect(tab).to_have_url(re.compile("#/sessions$"))
    expect(tab.locator('[data-index="0"]')).to_be_visible()


def test_a_session_that_is_not_there(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/sessions/nobody", allow=("status of 404",))
    expect(tab.get_by_role("heading", name="No requests of this session")).to_be_visible()
