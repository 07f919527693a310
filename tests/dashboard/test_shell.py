"""The frame: getting about by keys, finding things, themes, and a live state that comes back by itself."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.dashboard.conftest import Opener
from tests.dashboard.stand import Stand
from tests.dashboard.tab import settled

PLACES = (
    ("o", "Overview"), ("r", "Requests"), ("s", "Sessions"), ("p", "Providers"), ("m", "Models"), ("c", "Combos"), ("u", "Usage"),
    ("b", "Budgets"), ("q", "Quotas"), ("y", "Playground"), ("k", "Keys"), (",", "Settings"), ("a", "Audit"), ("l", "Logs"), ("i", "About"),
)  # fmt: skip


def test_every_page_is_two_keys_away(gateway: Stand, page: Opener) -> None:
    tab = page(gateway)
    for key, title in PLACES:
        tab.keyboard.press("g")
        tab.keyboard.press(key)
        expect(tab.get_by_role("heading", level=1)).to_have_text(title)
        expect(tab.get_by_role("navigation").first.get_by_role("link", name=title)).to_have_attribute(
            "aria-current", "page"
        )
    assert tab.title() == "About · Flow Router"


def test_keys_mean_nothing_while_somebody_types(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/about")
    tab.get_by_role("searchbox", name="Filter").fill("")
    tab.keyboard.type("go")
    expect(tab.get_by_role("heading", level=1)).to_have_text("About")


def test_the_palette_finds_pages_and_runs_actions(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/about")
    tab.keyboard.press("Control+k")
    tab.keyboard.type("usa")
    expect(tab.get_by_role("dialog").get_by_role("option").first).to_contain_text("Usage")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Usage")
    expect(tab.get_by_role("dialog")).to_have_count(0)

    tab.keyboard.press("Control+k")
    tab.keyboard.type("dark")
    expect(tab.get_by_role("dialog").get_by_role("option").first).to_contain_text("Dark")
    tab.keyboard.press("Enter")
    expect(tab.locator("html")).to_have_attribute("data-theme", "dark")
    tab.reload()
    expect(tab.locator("html")).to_have_attribute("data-theme", "dark")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Usage")  # keys are heard from here on

    tab.keyboard.press("Control+k")
    tab.keyboard.type("no such thing anywhere")
    expect(tab.get_by_text("Nothing found")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("dialog")).to_have_count(0)


def test_the_list_of_keys_opens_and_gives_the_focus_back(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/about")
    tab.get_by_role("searchbox", name="Filter").press("Escape")
    tab.get_by_role("link", name="About").first.focus()
    tab.keyboard.press("?")
    dialog = tab.get_by_role("alertdialog", name="Keyboard shortcuts")
    expect(dialog).to_contain_text("Go to Requests")
    tab.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(tab.get_by_role("link", name="About").first).to_be_focused()


def test_the_first_tab_stop_skips_to_the_content(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/about")
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("link", name="Skip to the content")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("main")).to_be_focused()


def test_a_phone_has_a_bar_at_its_foot(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/about", width=390)
    bar = tab.get_by_role("navigation").last
    bar.get_by_role("button", name="More").click()
    tab.get_by_role("menuitem", name="Keys").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Keys")
    width = tab.evaluate("() => document.documentElement.scrollWidth")
    assert width <= 390


def test_a_page_that_is_not_there_says_so(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/nowhere")
    tab.get_by_role("link", name="To the overview").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Overview")


def test_live_views_come_back_after_a_restart(page: Opener, gateway: Stand) -> None:
    """What was on show is read again; nobody needs to reload."""
    refused = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_INCOMPLETE_CHUNKED", "ERR_EMPTY_RESPONSE", "status of 503")  # fmt: skip
    tab = page(gateway, "#/about", allow=refused)
    expect(tab.get_by_title("Traffic is shown as it happens")).to_be_visible()
    gateway.running.stop()
    expect(tab.get_by_title("The stream was cut")).to_be_visible()
    gateway.running.start()
    expect(tab.get_by_title("Traffic is shown as it happens")).to_be_visible(timeout=30_000)
    settled(tab)
    expect(tab.get_by_text(re.compile(r"^\d.* m?s$"))).to_be_visible()


def test_logging_out_shows_the_way_in(guarded: Stand, page: Opener) -> None:
    tab = page(guarded, "#/about", user="admin", allow=("status of 401",))
    tab.get_by_role("button", name="Signed in as admin").click()
    tab.get_by_role("menuitem", name="Log out").click()
    expect(tab.get_by_role("heading", name="Log in")).to_be_visible()
    expect(tab.get_by_role("navigation")).to_have_count(0)
