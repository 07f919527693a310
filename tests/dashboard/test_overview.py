"""The overview: whether all is well at a glance, live figures and requests, the flow picture, and help where it is needed."""

from __future__ import annotations

import re
from socket import socket

import pytest
from playwright.sync_api import expect

from tests.dashboard.conftest import Opener
from tests.dashboard.stand import Stand
from tests.dashboard.tab import THEMES, WIDTHS, axe, pseudo, shot
from tests.upstreams import refused_port


def out_of_order(stand: Stand, model: str) -> tuple[socket, str]:
    """Add an account whose server takes no connection; return what holds its port, and its id."""
    held, port = refused_port()
    draft = {
        "name": "broken",
        "preset": "custom-openai",
        "base_url": f"http://127.0.0.1:{port}/v1",
        "models": [model],
    }
    return held, stand.api("POST", "/api/accounts", draft)["id"]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("data", ["seeded", "empty"])
def test_overview(request: pytest.FixtureRequest, page: Opener, data: str, width: int, theme: str) -> None:
    tab = page(request.getfixturevalue(data), "#/overview", theme=theme, width=width)
    if data == "empty":
        expect(tab.get_by_role("link", name="Set it up")).to_have_attribute("href", "#/setup")
    else:
        expect(tab.locator(".verdict strong")).to_have_text("Everything is fine.")
        expect(
            tab.get_by_role("region", name="Flow").get_by_role("link", name=re.compile("^openai-main,"))
        ).to_be_visible()
        expect(tab.locator(".tick")).to_have_count(12)
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= width
    axe(tab)
    shot(tab, f"overview-{data}-{theme}-{width}")


def test_every_text_is_in_a_catalogue(seeded: Stand, empty: Stand, page: Opener) -> None:
    pseudo(page(seeded, "#/overview"))
    pseudo(page(empty, "#/overview"))


def test_a_phone_says_at_its_top_whether_all_is_well(seeded: Stand, page: Opener) -> None:
    tab = page(seeded, "#/overview", width=390)
    box = tab.locator(".verdict strong").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 140


def test_the_figures_are_those_of_the_api(seeded: Stand, page: Opener) -> None:
    tab = page(seeded, "#/overview")
    midnight = tab.evaluate("() => new Date().setHours(0, 0, 0, 0)")
    today = seeded.api("GET", f"/api/usage/summary?since={midnight}")["now"]
    figure = tab.locator(".today-figure", has_text="Requests today")
    expect(figure.locator(".value")).to_have_text(f"{today['requests']:,}")
    expect(figure.get_by_role("link")).to_have_attribute("href", f"#/requests?since={midnight}")
    expect(tab.locator(".today-figure", has_text="Saved by caching").locator(".value")).to_contain_text("$")


def test_requests_arrive_as_they_are_answered(gateway: Stand, page: Opener) -> None:
    gateway.ask("gpt-5.4", "the first", key="laptop", headers={"user-agent": "opencode/1.18"})
    tab = page(gateway, "#/overview")
    expect(tab.locator(".live-state")).to_have_text("Live")
    ticks = tab.locator(".tick")
    gateway.ask("cheap", "now", key="laptop", headers={"user-agent": "claude-cli/2.1 (external)"})
    expect(ticks.first).to_contain_text("claude-cli")
    expect(ticks.first).to_contain_text("cheap")
    newest = gateway.api("GET", "/api/requests?limit=1")[0]
    expect(ticks.first.get_by_role("link")).to_have_attribute("href", f"#/requests/{newest['id']}")
    # The picture learns of the new way by itself: client, key, combo.
    picture = tab.get_by_role("region", name="Flow")
    for name in ("claude-cli", "laptop", "cheap"):
        expect(picture.get_by_role("link", name=re.compile(f"^{name},"))).to_be_visible()
    for turn in range(20):
        gateway.ask("gpt-5.4", f"turn {turn}", key="laptop")
    expect(ticks).to_have_count(12)


def test_the_list_rests_while_it_is_pointed_at(gateway: Stand, page: Opener) -> None:
    gateway.ask("gpt-5.4", "before", key="laptop")
    tab = page(gateway, "#/overview")
    expect(tab.locator(".live-state")).to_have_text("Live")
    ticks = tab.locator(".tick")
    before = ticks.first.get_by_role("link").get_attribute("href")
    ticks.first.hover()
    for turn in range(3):
        gateway.ask("gpt-5.4-mini", f"meanwhile {turn}", key="laptop")
    expect(tab.locator(".ticker-state")).to_have_text("held, 3 new")
    assert ticks.first.get_by_role("link").get_attribute("href") == before
    tab.get_by_role("heading", level=1).hover()
    expect(ticks.first).to_contain_text("gpt-5.4-mini")


def test_many_clients_fold_into_one(gateway: Stand, page: Opener) -> None:
    for number in range(40):
        gateway.ask("gpt-5.4", "hello", key="laptop", headers={"user-agent": f"tool-{number:02}/1.{number}"})
    tab = page(gateway, "#/overview")
    picture = tab.get_by_role("region", name="Flow")
    expect(picture.get_by_role("link", name=re.compile(r"^\d+ others,"))).to_be_visible()
    assert 2 <= picture.get_by_role("link", name=re.compile(r"^(tool-|\d+ others)")).count() <= 7
    picture.get_by_role("link", name=re.compile("^openai-main,")).hover()
    expect(picture.locator(".strand.lit").first).to_be_attached()
    picture.get_by_role("link", name=re.compile("^openai-main,")).click()
    expect(tab).to_have_url(re.compile(rf"#/requests\?account={gateway.accounts['openai-main']}"))


def test_a_click_on_a_client_opens_its_requests(seeded: Stand, page: Opener) -> None:
    # What is seeded comes by day: late in it, a client may not have come within the longest window shown.
    seeded.ask("cheap", "now", key="laptop", headers={"user-agent": "claude-cli/2.1 (external)"})
    tab = page(seeded, "#/overview?window=1440")
    picture = tab.get_by_role("region", name="Flow")
    picture.get_by_role("link", name=re.compile("^claude-cli,")).click()
    expect(tab).to_have_url(re.compile(r"#/requests\?client=claude-cli&since=\d+$"))
    found = seeded.api("GET", f"/api/requests?{tab.url.partition('?')[2]}")
    assert found
    assert {row["client"].split("/")[0] for row in found} == {"claude-cli"}
    grid = tab.get_by_role("grid")
    expect(grid.get_by_role("row").nth(1)).to_contain_text("claude-cli")
    expect(grid).not_to_contain_text("codex")


def test_the_time_shown_is_in_the_address(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/overview?window=15")
    chosen = tab.get_by_label("Time shown")
    expect(chosen.locator("option:checked")).to_have_text("last 15 minutes")
    chosen.select_option(label="last 24 hours")
    expect(tab).to_have_url(re.compile("window=1440"))


def test_a_failed_attempt_and_its_pause_are_shown_and_mended(gateway: Stand, page: Opener) -> None:
    held, broken = out_of_order(gateway, "gpt-4.1")
    combo = {
        "name": "detour",
        "strategy": "priority",
        "members": [{"model": "broken/gpt-4.1"}, {"model": "openai-main/gpt-4.1"}],
    }
    combo_id = gateway.api("POST", "/api/combos", combo)["id"]
    try:
        status, answer = gateway.ask("detour", "hello", key="laptop")
        assert status == 200, answer
        tab = page(gateway, "#/overview")
        picture = tab.get_by_role("region", name="Flow")
        expect(picture.locator(".notch").first).to_be_visible()
        expect(picture.locator(".detour").first).to_be_attached()
        expect(tab.locator(".verdict strong")).to_contain_text("1 of 6 providers is out")
        warned = tab.get_by_role("region", name="What needs a look").get_by_role("status")
        expect(warned).to_contain_text("broken pauses")
        axe(tab)
        warned.get_by_role("button", name="End the pause").click()
        expect(tab.get_by_role("region", name="What needs a look")).to_have_count(0)
        assert all(row["state"] != "paused" for row in gateway.api("GET", "/api/health/targets?limit=200"))
    finally:
        gateway.api("DELETE", f"/api/combos/{combo_id}")
        gateway.api("DELETE", f"/api/accounts/{broken}")
        held.close()


def test_an_empty_gateway_leads_to_its_set_up(empty: Stand, page: Opener) -> None:
    tab = page(empty)
    expect(tab.get_by_role("heading", level=1)).to_have_text("Set-up")


def test_a_viewer_sees_all_and_ends_no_pause(guarded: Stand, page: Opener) -> None:
    held, broken = out_of_order(guarded, "nobody-else-has-it")
    guarded.ask("nobody-else-has-it", "hello", key="laptop")
    tab = page(guarded, "#/overview", user="viewer")
    button = tab.get_by_role("button", name="End the pause")
    expect(button).to_be_disabled()
    expect(button).to_have_attribute("title", "Your role may look at this, not change it.")
    guarded.api("DELETE", f"/api/accounts/{broken}")
    held.close()
