"""Budgets: how they stand, what they block for real, and making, changing, removing and releasing them."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPException
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import Opener
from tests.dashboard.stand import Stand, address, standing
from tests.dashboard.tab import THEMES, WIDTHS, axe, pseudo, shot

MODEL = "gpt-5.4-mini"
HANGS = "fault-hang-headers"
DATABASE = "flow-router.sqlite"


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("data", ["spent", "empty"])
def test_it_loads(request: pytest.FixtureRequest, page: Opener, data: str, width: int, theme: str) -> None:
    tab = page(request.getfixturevalue(data), "#/budgets", theme=theme, width=width)
    expect(tab.get_by_role("heading", level=1, name="Budgets")).to_be_visible()
    if data == "spent":
        expect(_card(tab, "house")).to_contain_text("of $400.00 a month")
        expect(_card(tab, "laptop")).to_contain_text("used up")
        expect(_card(tab, "laptop")).to_contain_text("1 request refused in this period")
    else:
        expect(tab.get_by_role("heading", name="No budget yet")).to_be_visible()
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= width
    axe(tab)
    shot(tab, f"budgets-{data}-{theme}-{width}")


@pytest.mark.parametrize("where", ["#/budgets", "#/budgets?new=1"], ids=["list", "form"])
def test_its_texts_are_in_a_catalogue(spent: Stand, page: Opener, where: str) -> None:
    pseudo(page(spent, where))


def test_a_budget_blocks_a_real_request_until_it_is_raised(gateway: Stand, page: Opener) -> None:
    """Made in the browser, spent by a client, seen at once, raised, and put back by undo."""
    tab = page(gateway, "#/budgets")
    tab.get_by_role("button", name="New budget").click()
    form = tab.get_by_role("dialog", name="New budget")
    form.get_by_label("Who may use it").select_option(label="notebooks")
    form.get_by_label("Amount").fill("2")
    form.get_by_label("Of", exact=True).select_option(label="requests")
    form.get_by_label("Each").select_option(label="day")
    form.get_by_label("How strict").select_option(label="hard")
    expect(form).to_contain_text("Whoever holds the key notebooks may use 2 requests a day")
    axe(tab)
    form.get_by_role("button", name="Save the budget").click()
    card = _card(tab, "notebooks")
    expect(card).to_contain_text("0 requests of 2 requests a day")
    (rule,) = _policy(gateway, "notebooks")
    assert (rule["metric"], rule["amount"], rule["period"], rule["mode"]) == ("requests", "2", "day", "hard")

    statuses = [gateway.ask(MODEL, key="notebooks")[0] for _ in range(3)]
    assert statuses == [200, 200, 402]
    expect(card).to_contain_text("Every request with this key is refused until")
    expect(card).to_contain_text("1 request refused in this period")
    expect(tab.get_by_text("1 of 4 budgets is used up.")).to_be_visible()

    card.get_by_role("button", name="Raise it").click()
    raising = tab.get_by_role("dialog", name="Budget of notebooks")
    raising.get_by_label("Amount").fill("5")
    raising.get_by_role("button", name="Save the budget").click()
    expect(card).to_contain_text("2 requests of 5 requests a day")
    assert gateway.ask(MODEL, key="notebooks")[0] == 200

    # The toast of the latest change comes last.
    tab.get_by_role("button", name="Undo").last.click()
    expect(card).to_contain_text("of 2 requests a day")
    assert gateway.ask(MODEL, key="notebooks")[0] == 402
    card.get_by_role("link", name="See them").click()
    expect(tab.get_by_role("heading", level=1, name="Requests")).to_be_visible()
    assert f"key={gateway.key_ids['notebooks']}" in tab.url


def test_a_budget_of_the_gateway_is_a_setting(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/budgets?new=1")
    form = tab.get_by_role("dialog", name="New budget")
    form.get_by_role("button", name="Save the budget").click()
    expect(form).to_contain_text("A budget of the gateway needs a name")
    form.get_by_label("Name").fill("house")
    form.get_by_label("Amount").fill("30")
    form.get_by_role("button", name="Save the budget").click()
    expect(form).to_contain_text("There is a budget of this name")
    form.get_by_label("Name").fill("march")
    form.get_by_label("Once it is used up").select_option(label="ask another model")
    form.get_by_label("Model or combo to ask").fill("cheap")
    form.get_by_label("Models of unknown price").select_option(label="let them pass, uncounted")
    form.get_by_role("button", name="Save the budget").click()
    card = _card(tab, "march")
    expect(card).to_contain_text("of $30.00 a month")
    expect(card).to_contain_text("cheap is asked instead")
    stored = gateway.api("GET", "/api/settings")["values"]["budgets"]["march"]
    assert (stored["amount"], stored["downgrade"], stored["unpriced"]) == (30, "cheap", "allow")

    card.get_by_role("button", name="Change the budget march").click()
    changing = tab.get_by_role("dialog", name="Budget of march")
    expect(changing.get_by_label("Amount")).to_have_value("30")
    changing.get_by_label("Once it is used up").select_option(label="refuse requests")
    changing.get_by_role("button", name="Save the budget").click()
    expect(card).to_contain_text("requests are refused")
    assert gateway.api("GET", "/api/settings")["values"]["budgets"]["march"].get("downgrade") is None

    card.get_by_role("button", name="More for march").click()
    tab.get_by_role("menuitem", name="Remove").click()
    expect(card).to_have_count(0)
    assert "march" not in gateway.api("GET", "/api/settings")["values"]["budgets"]
    toast = tab.locator(".toast", has_text="Budget of march removed.")
    toast.get_by_role("button", name="Undo").click()
    expect(card).to_contain_text("of $30.00 a month")
    stored = gateway.api("GET", "/api/settings")["values"]["budgets"]["march"]
    assert float(stored["amount"]) == 30


def test_what_the_gateway_refuses_is_told_in_the_form(gateway: Stand, page: Opener) -> None:
    """A second budget of one metric and period is no budget."""
    tab = page(gateway, f"#/budgets?new={gateway.key_ids['ci']}", allow=("status of 4(00|22)",))
    form = tab.get_by_role("dialog", name="New budget")
    expect(form.get_by_label("Who may use it")).to_have_value(re.compile(r"\d+"))
    form.get_by_label("Amount").fill("9")
    form.get_by_label("Each").select_option(label="day")
    form.get_by_role("button", name="Save the budget").click()
    expect(form.get_by_role("alert")).to_contain_text("two budgets of one metric and period")
    assert len(_policy(gateway, "ci")) == 1
    tab.keyboard.press("Escape")
    expect(form).to_have_count(0)


def test_a_form_is_reached_and_left_by_keys(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/budgets")
    tab.keyboard.press("n")
    form = tab.get_by_role("dialog", name="New budget")
    expect(form.get_by_label("Who may use it")).to_be_visible()
    assert "new=1" in tab.url
    tab.keyboard.press("Escape")
    expect(form).to_have_count(0)
    assert "new" not in tab.url


def test_a_viewer_looks_and_an_operator_changes_keys_only(guarded: Stand, page: Opener) -> None:
    viewer = page(guarded, "#/budgets", user="viewer")
    expect(_card(viewer, "house")).to_be_visible()
    expect(viewer.get_by_role("button", name="New budget")).to_be_disabled()
    expect(_card(viewer, "ci").get_by_role("button", name="Change the budget ci")).to_be_disabled()
    viewer.keyboard.press("n")
    expect(viewer.get_by_role("dialog")).to_have_count(0)
    operator = page(guarded, "#/budgets", user="operator")
    house = _card(operator, "house").get_by_role("button", name="Change the budget house")
    expect(house).to_be_disabled()
    expect(house).to_have_attribute("title", re.compile("Only admins"))
    _card(operator, "ci").get_by_role("button", name="Change the budget ci").click()
    form = operator.get_by_role("dialog", name="Budget of ci")
    form.get_by_label("Amount").fill("7")
    form.get_by_role("button", name="Save the budget").click()
    expect(_card(operator, "ci")).to_contain_text("of $7.00 a day")
    assert _policy(guarded, "ci")[0]["amount"] == "7"


def test_what_a_killed_process_held_can_be_given_back(crashed: Stand, page: Opener) -> None:
    (before,) = crashed.api("GET", "/api/budgets")
    assert before["uncertain"] == 1
    tab = page(crashed, "#/budgets")
    card = _card(tab, "doomed")
    expect(card).to_contain_text("In doubt: 1 request")
    _give_back(tab)
    expect(tab.get_by_text("a process counts as gone a minute after")).to_be_visible()
    _a_minute_passes(crashed)
    _give_back(tab)
    expect(card).not_to_contain_text("In doubt")
    expect(tab.get_by_text("1 request given back to doomed.")).to_be_visible()
    (after,) = crashed.api("GET", "/api/budgets")
    assert (after["uncertain"], after["left"]) == (0, 50)


@pytest.fixture(scope="module")
def spent() -> Iterator[Stand]:
    """Lend a gateway with one budget that is used up, one that nearly is, and some that are not."""
    with standing() as stand:
        stand.furnish()
        rules = [{"metric": "requests", "amount": 2, "period": "day", "mode": "hard"}]
        near = [{"metric": "requests", "amount": 5, "period": "week", "downgrade": "cheap"}]
        stand.api("PATCH", f"/api/keys/{stand.key_ids['laptop']}", {"policy": {"budgets": rules}})
        stand.api("PATCH", f"/api/keys/{stand.key_ids['notebooks']}", {"policy": {"budgets": near}})
        assert [stand.ask(MODEL, key="laptop")[0] for _ in range(3)] == [200, 200, 402]
        assert [stand.ask(MODEL, key="notebooks")[0] for _ in range(4)] == [200] * 4
        yield stand


@pytest.fixture(scope="module")
def crashed() -> Iterator[Stand]:
    """Lend a gateway whose process was killed while a request was under way, and started again."""
    with standing() as stand:
        account = {"name": "slow", "preset": "openai", "api_key": "slow-key-0123456789", "models": [HANGS]}
        stand.api("POST", "/api/accounts", {**account, "base_url": address(stand.vendor, "openai")})
        rules = [{"metric": "requests", "amount": 50, "period": "day"}]
        made = stand.api("POST", "/api/keys", {"name": "doomed", "policy": {"budgets": rules}})
        stand.keys["doomed"] = made["token"]
        asking = threading.Thread(target=_ask_in_vain, args=(stand,))
        asking.start()
        deadline = time.monotonic() + 20
        while not stand.vendor.in_flight and time.monotonic() < deadline:
            time.sleep(0.02)
        stand.running.kill()
        asking.join()
        stand.running.start()
        yield stand


def _card(tab: Page, name: str) -> Locator:
    return tab.get_by_role("article", name=name, exact=True)


def _policy(stand: Stand, key: str) -> list[dict[str, Any]]:
    return list(stand.api("GET", f"/api/keys/{stand.key_ids[key]}")["policy"]["budgets"])


def _give_back(tab: Page) -> None:
    _card(tab, "doomed").get_by_role("button", name="Give back").click()
    question = tab.get_by_role("alertdialog")
    expect(question).to_contain_text("what is given back can be spent again")
    question.get_by_role("button", name="Give back").click()
    expect(question).to_have_count(0)


def _a_minute_passes(stand: Stand) -> None:
    """Let the killed process have been silent for longer."""
    with closing(sqlite3.connect(stand.running.data / DATABASE)) as database, database:
        database.execute("UPDATE budget_blocks SET seen_at_ms = seen_at_ms - 61000 WHERE drawn > settled")


def _ask_in_vain(stand: Stand) -> None:
    with suppress(OSError, HTTPException):  # the gateway is killed meanwhile
        stand.ask(HANGS, key="doomed")
