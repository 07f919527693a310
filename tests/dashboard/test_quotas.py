"""Quotas: what is left of every account, the scarcest first, whether it lasts, and limits of one's own."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.dashboard.conftest import Opener
from tests.dashboard.stand import Stand
from tests.dashboard.tab import THEMES, WIDTHS, axe, pseudo, shot

HOUR_MS = 3_600_000


def limited(stand: Stand, name: str, **more: Any) -> str:
    draft = {
        "name": name, "preset": "custom-openai", "api_key": f"{name}-key-0123456789", "base_url": stand.vendor.openai_url, "models": [f"{name}-model"],
        "priority": 900, **more,
    }  # fmt: skip
    return str(stand.api("POST", "/api/accounts", draft)["id"])


def names(tab: Page) -> list[str]:
    return tab.locator("article.quota-card header a").all_inner_texts()


@pytest.fixture(scope="module")
def counted(seeded: Stand) -> Stand:
    """Lend the seeded gateway with two accounts that have limits, one of them nearly used up."""
    limited(seeded, "plan-roomy", quota=[{"window": "week", "tokens": 1_000_000}])
    limited(
        seeded,
        "plan-tight",
        quota=[{"window": "5h", "requests": 10}, {"window": "month", "usd": "20"}],
        reserve="10%",
    )
    for _ in range(8):
        assert seeded.ask("plan-tight-model")[0] == 200
    return seeded


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("data", ["counted", "empty"])
def test_quotas(request: pytest.FixtureRequest, page: Opener, data: str, width: int, theme: str) -> None:
    tab = page(request.getfixturevalue(data), "#/quotas", theme=theme, width=width)
    expect(tab.get_by_role("heading", level=1)).to_have_text("Quotas")
    if data == "counted":
        expect(tab.get_by_role("article", name="Windows of plan-tight")).to_contain_text(
            "2 of 10 requests left"
        )
    else:
        expect(tab.get_by_role("heading", name="No provider yet")).to_be_visible()
    axe(tab)
    assert tab.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    shot(tab, f"quotas-{data}-{theme}-{width}")


def test_every_text_is_in_a_catalogue(counted: Stand, page: Opener) -> None:
    account = next(each["id"] for each in counted.api("GET", "/api/accounts") if each["name"] == "plan-tight")
    pseudo(page(counted, f"#/quotas?minute=1&limits={account}"))


def test_the_scarcest_stands_first(counted: Stand, page: Opener) -> None:
    tab = page(counted, "#/quotas")
    card = tab.get_by_role("article", name="Windows of plan-tight")
    expect(card).to_contain_text("1 kept back")
    expect(card).to_contain_text("own count")
    expect(card).to_contain_text("resets in")
    assert names(tab).index("plan-tight") < names(tab).index("plan-roomy")
    tab.get_by_role("searchbox").fill("roomy")
    expect(card).to_have_count(0)
    assert names(tab) == ["plan-roomy"]
    assert tab.url.endswith("#/quotas?q=roomy")


def test_limits_are_set_and_given_back(counted: Stand, page: Opener) -> None:
    account = limited(counted, "plan-new")
    tab = page(counted, "#/quotas")
    tab.locator(".quota-untold li", has_text="plan-new").get_by_role("button", name="Set limits").click()
    panel = tab.get_by_role("dialog", name="Limits and reserve of plan-new")
    panel.get_by_role("button", name="Add a limit").click()
    panel.get_by_label("Per", exact=True).fill("5h")
    panel.get_by_label("Requests", exact=True).fill("40")
    panel.get_by_label("Reserve", exact=True).fill("25%")
    panel.get_by_role("button", name="Save").click()
    card = tab.get_by_role("article", name="Windows of plan-new")
    expect(card).to_contain_text("40 of 40 requests left")
    now = counted.api("GET", f"/api/accounts/{account}")
    assert (now["quota"], now["reserve"]) == ([{"window": "5h", "requests": 40}], "25%")
    tab.locator(".toasts").get_by_role("button", name="Undo").click()
    expect(card).to_have_count(0)
    now = counted.api("GET", f"/api/accounts/{account}")
    assert (now["quota"], now["reserve"]) == ([], "")


def test_a_limit_that_is_refused_says_why(counted: Stand, page: Opener) -> None:
    account = limited(counted, "plan-wrong")
    tab = page(counted, f"#/quotas?limits={account}", allow=("status of 400",))
    panel = tab.get_by_role("dialog")
    panel.get_by_label("Reserve", exact=True).fill("a lot")
    panel.get_by_role("button", name="Save").click()
    expect(panel.locator(".field.refused")).to_contain_text("is not understood")
    panel.get_by_role("button", name="Cancel").click()
    expect(panel).to_have_count(0)


def test_a_provider_is_asked_what_is_left(counted: Stand, page: Opener) -> None:
    tab = page(counted, "#/quotas?q=deepseek")
    tab.get_by_role("button", name="Ask now what is left of deepseek").click()
    card = tab.get_by_role("article", name="Windows of deepseek")
    expect(card).to_contain_text("110 CNY left")
    expect(tab.get_by_text("deepseek: asked just now.")).to_be_visible()
    card.get_by_role("button", name="Ask now what is left of deepseek").click()
    expect(tab.get_by_text("deepseek was asked within the last minute.")).to_be_visible()


def test_it_is_told_when_a_window_ends_before_its_reset(counted: Stand, page: Opener) -> None:
    """A forecast needs minutes of use, so what `/api` would say is put in its place."""
    now = int(time.time() * 1000)
    window = {
        "name": "plan/5h", "span": "5h", "unit": "percent", "models": "", "state": "ok", "limit": 100.0, "used": 60.0,
        "remaining": 40.0, "remaining_share": 0.4, "kept_back": 20.0, "resets_at_ms": now + 4 * HOUR_MS, "reset": False,
        "runs_out_at_ms": now + 2 * HOUR_MS, "lasts": False, "source": "header", "as_of_ms": now,
    }  # fmt: skip
    lasts = {
        **window,
        "name": "plan/7d",
        "span": "week",
        "remaining": 5.0,
        "remaining_share": 0.05,
        "state": "low",
        "lasts": True,
    }
    ended = {
        **window,
        "name": "key",
        "span": "month",
        "unit": "usd",
        "remaining": 0.0,
        "remaining_share": 0.0,
        "state": "used_up",
    }
    quota = {"owner_id": "local", "reserve": "", "tells": False, "error": None, "preset": "anthropic"}
    rows = [
        {**quota, "account_id": counted.accounts[name], "account": name, "state": state, "windows": windows}
        for name, state, windows in (
            ("openai-main", "ok", [window]), ("spare", "low", [lasts]), ("anthropic-main", "used_up", [ended]),
        )
    ]  # fmt: skip

    def answer(route: Route) -> None:
        route.fulfill(json={"data": rows, "next_cursor": None, "has_more": False})

    tab = page(counted, "#/about")
    tab.route("**/api/quotas*", answer)
    tab.goto(f"{counted.url}/#/quotas")
    expect(tab.get_by_role("article")).to_have_count(3)
    assert names(tab) == ["anthropic-main", "spare", "openai-main"]
    early = tab.get_by_role("article", name="Windows of openai-main")
    expect(early).to_contain_text("40% left")
    expect(early).to_contain_text("2 h 0 min before it resets")
    expect(tab.get_by_role("article", name="Windows of spare")).to_contain_text("lasts until the reset")
    expect(tab.get_by_role("article", name="Windows of anthropic-main")).to_contain_text("nothing left")
    tab.keyboard.press("j")
    tab.keyboard.press("j")
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"**/#/providers/{counted.accounts['spare']}")


def test_a_viewer_looks_and_cannot_change(guarded: Stand, page: Opener) -> None:
    account = guarded.accounts["openai-main"]
    guarded.api("PATCH", f"/api/accounts/{account}", {"quota": [{"window": "day", "requests": 100}]})
    tab = page(guarded, f"#/quotas?limits={account}", user="viewer")
    card = tab.get_by_role("article", name="Windows of openai-main")
    expect(card.get_by_role("button", name="Limits and reserve of openai-main")).to_be_disabled()
    expect(tab.get_by_role("dialog")).to_have_count(0)
    assert json.dumps(guarded.api("GET", "/api/quotas")).count("own/requests/day") == 1
