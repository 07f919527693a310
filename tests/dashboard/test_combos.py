"""Combos: the list, and the builder with its preview, by keyboard and by pointer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import Opener
from tests.dashboard.stand import Stand, standing
from tests.dashboard.tab import THEMES, WIDTHS, axe, pseudo, settled, shot

FILED = {
    "strategy": "cost_optimal",
    "members": [{"model": "gpt-5.4-mini"}, {"model": "cheap", "when": {"max_tokens": 8000, "tools": False}}],
}


@pytest.fixture(scope="module")
def declared() -> Iterator[Stand]:
    with standing(settings={"routing": {"combos": {"from-file": FILED}}}) as stand:
        stand.furnish()
        yield stand


def combo(stand: Stand, name: str, *models: str, **more: Any) -> Any:
    """Make a combo through `/api`, replacing what has its name."""
    for row in stand.api("GET", "/api/combos"):
        if row["name"] == name:
            stand.api("DELETE", f"/api/combos/{row['id']}")
    members = [{"model": model} for model in models]
    return stand.api("POST", "/api/combos", {"name": name, "members": members, **more})


def members(stand: Stand, name: str) -> list[tuple[str, int]]:
    return [(one["model"], one["weight"]) for one in stand.api("GET", f"/api/combos/{name}")["members"]]


def rail(tab: Page) -> Locator:
    return tab.get_by_role("list", name="Order of tries").get_by_role("listitem")


@pytest.mark.parametrize("width", WIDTHS, ids=str)
@pytest.mark.parametrize("theme", THEMES)
def test_looks(seeded: Stand, empty: Stand, page: Opener, theme: str, width: int) -> None:
    tab = page(seeded, "#/combos", theme=theme, width=width)
    expect(tab.get_by_role("row").filter(has_text="smart")).to_be_visible()
    axe(tab)
    shot(tab, f"combos-{theme}-{width}")
    tab.goto(f"{seeded.url}/#/combos/{seeded.combos['cheap']}")
    expect(rail(tab).first).to_be_visible()
    tab.get_by_role("button", name="Conditions of gemini-2.5-flash").click()
    axe(tab)
    shot(tab, f"combo-{theme}-{width}")
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= width
    bare = page(empty, "#/combos", theme=theme, width=width)
    expect(bare.get_by_role("heading", name="No combo yet")).to_be_visible()
    axe(bare)
    shot(bare, f"combos-empty-{theme}-{width}")


def test_every_text_is_of_a_catalogue(declared: Stand, page: Opener) -> None:
    pseudo(page(declared, "#/combos"))
    tab = page(declared, f"#/combos/{declared.combos['cheap']}")
    expect(rail(tab).first).to_be_visible()
    pseudo(tab)
    tab.goto(f"{declared.url}/#/combos/from-file")
    settled(tab)
    pseudo(tab)


def test_one_is_built_by_keyboard_alone_and_falls_back(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/combos")
    keyboard = tab.keyboard
    expect(tab.get_by_role("row").filter(has_text="smart")).to_be_visible()
    keyboard.press("n")
    expect(tab.get_by_label("Name", exact=True)).to_be_focused()
    keyboard.type("nightly")
    keyboard.press("Tab")
    expect(tab.get_by_label("Who comes first")).to_be_focused()
    keyboard.press("Tab")
    finder = tab.get_by_role("combobox", name="Add a member")
    expect(finder).to_be_focused()
    found = tab.get_by_role("listbox", name="Add a member").get_by_role("option")
    expect(found.first).to_be_visible()
    keyboard.type("sonnet")
    expect(found.first).to_contain_text("claude-sonnet-4-5")
    keyboard.press("Enter")
    listed = tab.get_by_role("list", name="Members", exact=True).get_by_role("listitem")
    expect(listed).to_have_count(1)
    keyboard.type("openai-main/gpt-5.4")
    keyboard.press("Enter")
    expect(listed).to_have_count(2)
    expect(rail(tab).first).to_contain_text("claude-sonnet-4-5")
    keyboard.press("Tab")
    keyboard.press("ArrowDown")
    grip = tab.get_by_role("button", name="openai-main/gpt-5.4, 2 of 2")
    expect(grip).to_be_focused()
    keyboard.press("Alt+ArrowUp")
    expect(tab.get_by_role("button", name="openai-main/gpt-5.4, 1 of 2")).to_be_focused()
    expect(rail(tab).first).to_contain_text("openai-main")
    keyboard.press("Control+Enter")
    expect(tab.get_by_role("heading", name="nightly")).to_be_visible()
    assert members(gateway, "nightly") == [("openai-main/gpt-5.4", 1), ("claude-sonnet-4-5", 1)]
    gateway.vendor.script(["fault-overloaded"])
    status, answer = gateway.ask("nightly")
    assert (status, answer["model"]) == (200, "claude-sonnet-4-5"), answer
    tab.get_by_role("button", name="More actions").click()
    tab.get_by_role("menuitem", name="Requests").click()
    expect(tab.get_by_role("row").filter(has_text="claude-sonnet-4-5")).to_be_visible()
    (row,) = gateway.api("GET", "/api/requests?combo=nightly")
    assert [attempt["model"] for attempt in row["attempts"]] == ["gpt-5.4", "claude-sonnet-4-5"]
    assert row["attempts"][0]["outcome"] != "answered"


def test_a_draft_is_previewed_for_a_request_that_is_typed(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/combos/new?members=gpt-5.4,nobody-has-it,claude-haiku-4-5")
    expect(rail(tab)).to_have_count(3)
    out = tab.get_by_role("listitem").filter(has_text="no account answers it")
    expect(out).to_contain_text("nobody-has-it")
    tab.get_by_role("button", name="Conditions of gpt-5.4").click()
    tab.get_by_label("Tools", exact=True).select_option("only with")
    expect(tab.get_by_text("Nobody would answer.")).to_have_count(0)
    tab.get_by_label("What is asked").fill("What is the capital of France?")
    expect(tab.get_by_text("meant for requests with tools")).to_be_visible()
    expect(rail(tab)).to_have_count(1)
    expect(rail(tab).first).to_contain_text("≈")
    tab.get_by_role("button", name="tools", exact=True).click()
    expect(rail(tab)).to_have_count(3)
    tab.get_by_role("button", name="As JSON").click()
    tab.get_by_label("The request’s body").fill('{"messages": ')
    expect(tab.get_by_text("This is no JSON yet.")).to_be_visible()
    tab.get_by_label("The request’s body").fill('{"messages": [{"role": "user", "content": "hi"}]}')
    expect(rail(tab)).to_have_count(1)
    assert all(row["name"] != "new-combo" for row in gateway.api("GET", "/api/combos")), "nothing is kept"


def test_changes_are_saved_over_what_was_seen_and_taken_back(gateway: Stand, page: Opener) -> None:
    made = combo(gateway, "shares", "gpt-5.4", "claude-haiku-4-5", strategy="weighted")
    tab = page(gateway, f"#/combos/{made['id']}", allow=("status of 412",))
    tab.get_by_role("spinbutton", name="Weight of gpt-5.4").fill("3")
    expect(tab.get_by_text("75%", exact=True)).to_be_visible()
    tab.get_by_text("Tries, waiting, broken answers").click()
    tab.get_by_label("Most tries of one request").fill("2")
    tab.get_by_role("button", name="Save").click()
    expect(tab.get_by_text("Combo shares saved")).to_be_visible()
    row = gateway.api("GET", "/api/combos/shares")
    assert (row["attempts"], members(gateway, "shares")[0]) == (2, ("gpt-5.4", 3))
    tab.get_by_role("button", name="Undo").click()
    expect(tab.get_by_text("Taken back")).to_be_visible()
    expect(tab.get_by_role("spinbutton", name="Weight of gpt-5.4")).to_have_value("1")
    assert gateway.api("GET", "/api/combos/shares")["attempts"] is None
    gateway.api("PATCH", f"/api/combos/{made['id']}", {"strategy": "random"})
    tab.get_by_role("spinbutton", name="Weight of gpt-5.4").fill("5")
    tab.get_by_role("button", name="Save").click()
    expect(tab.get_by_text("Somebody changed this combo meanwhile")).to_be_visible()
    tab.get_by_role("button", name="Show theirs").click()
    expect(tab.get_by_role("spinbutton", name="Weight of gpt-5.4")).to_have_value("1")
    expect(tab.get_by_label("Who comes first").locator("option:checked")).to_contain_text("Drawn")
    gateway.api("PATCH", f"/api/combos/{made['id']}", {"strategy": "sticky"})
    tab.get_by_role("spinbutton", name="Weight of gpt-5.4").fill("5")
    tab.get_by_role("button", name="Save").click()
    tab.get_by_role("button", name="Save mine over it").click()
    expect(tab.get_by_text("not saved")).to_have_count(0)
    expect(tab.get_by_text("Somebody changed this combo meanwhile")).to_have_count(0)
    expect(tab.get_by_role("button", name="Save")).to_be_disabled()
    row = gateway.api("GET", "/api/combos/shares")
    assert (row["strategy"], row["members"][0]["weight"]) == ("random", 5)


def test_members_are_dragged_and_taken_out(gateway: Stand, page: Opener) -> None:
    made = combo(gateway, "dragged", "gpt-5.4", "claude-haiku-4-5", "deepseek-chat")
    tab = page(gateway, f"#/combos/{made['id']}")
    grip = tab.get_by_role("button", name="deepseek-chat, 3 of 3")
    to = tab.get_by_role("button", name="gpt-5.4, 1 of 3").bounding_box()
    at = grip.bounding_box()
    assert to is not None
    assert at is not None
    tab.mouse.move(at["x"] + 8, at["y"] + 16)
    tab.mouse.down()
    tab.mouse.move(at["x"] + 8, to["y"] + 4, steps=8)
    tab.mouse.up()
    expect(tab.get_by_role("button", name="deepseek-chat, 1 of 3")).to_be_visible()
    tab.get_by_role("button", name="Remove claude-haiku-4-5").click()
    tab.keyboard.press("Control+s")
    expect(tab.get_by_text("Combo dragged saved")).to_be_visible()
    assert [name for name, _ in members(gateway, "dragged")] == ["deepseek-chat", "gpt-5.4"]


def test_what_was_begun_waits_and_deleting_asks(gateway: Stand, page: Opener) -> None:
    made = combo(gateway, "short-lived", "gpt-5.4", "deepseek-chat")
    tab = page(gateway, f"#/combos/{made['id']}")
    tab.get_by_role("button", name="Remove deepseek-chat").click()
    expect(tab.get_by_text("not saved")).to_be_visible()
    tab.get_by_role("link", name="All combos").click()
    tab.get_by_role("row").filter(has_text="short-lived").click()
    expect(tab.get_by_text("not saved")).to_be_visible()
    tab.get_by_role("button", name="Discard changes").click()
    expect(tab.get_by_role("button", name="Remove deepseek-chat")).to_be_visible()
    tab.get_by_role("button", name="More actions").click()
    tab.get_by_role("menuitem", name="Delete").click()
    tab.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(tab.get_by_role("heading", name="Combos")).to_be_visible()
    expect(tab.get_by_role("row").filter(has_text="short-lived")).to_have_count(0)
    assert gateway.call("GET", f"/api/combos/{made['id']}")[0] == 404


def test_one_of_the_file_is_locked_and_can_be_copied(declared: Stand, page: Opener) -> None:
    tab = page(declared, "#/combos")
    row = tab.get_by_role("row").filter(has_text="from-file")
    expect(row).to_contain_text("in the configuration file")
    row.click()
    expect(tab.get_by_text("This combo stands in")).to_be_visible()
    expect(tab.get_by_label("Name", exact=True)).to_be_disabled()
    expect(tab.get_by_role("button", name="Save")).to_have_count(0)
    expect(tab.get_by_text("only up to 8,000 tokens, without tools")).to_be_visible()
    tab.get_by_role("link", name="Duplicate").click()
    expect(tab.get_by_label("Name", exact=True)).to_have_value("from-file-copy")
    tab.get_by_role("button", name="Create combo").click()
    expect(tab.get_by_role("heading", name="from-file-copy")).to_be_visible()
    made = declared.api("GET", "/api/combos/from-file-copy")
    assert (made["strategy"], made["members"][1]["when"]["max_tokens"]) == ("cost_optimal", 8000)


def test_a_refusal_is_told_and_viewers_only_look(gateway: Stand, guarded: Stand, page: Opener) -> None:
    tab = page(gateway, "#/combos/new?members=gpt-5.4", allow=("status of 4",))
    tab.get_by_label("Name", exact=True).fill("smart")
    tab.get_by_role("button", name="Create combo").click()
    expect(tab.get_by_role("alert")).to_contain_text(re.compile("smart", re.IGNORECASE))
    seen = page(guarded, f"#/combos/{guarded.combos['smart']}", user="viewer")
    expect(seen.get_by_text("Your role may look at combos")).to_be_visible()
    expect(seen.get_by_role("button", name="Save")).to_have_count(0)
    expect(rail(seen).first).to_contain_text("anthropic-main")
    seen.goto(f"{guarded.url}/#/combos")
    expect(seen.get_by_role("row").filter(has_text="smart")).to_be_visible()
    expect(seen.get_by_role("link", name="New combo")).to_have_count(0)


def test_the_palette_finds_combos(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/about")
    tab.keyboard.press("Control+k")
    tab.keyboard.type("smart")
    tab.get_by_role("option", name="smart", exact=False).first.click()
    expect(tab.get_by_role("heading", name="smart")).to_be_visible()
