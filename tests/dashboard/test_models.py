"""Models: the merged list, one in its panel, prices, aliases, hiding."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import Opener
from tests.dashboard.stand import Stand, address, standing
from tests.dashboard.tab import THEMES, WIDTHS, axe, pseudo, settled, shot

UNPRICED = "house/own-model"


@pytest.fixture(scope="module")
def stocked() -> Iterator[Stand]:
    """Lend a gateway with many models, one alias in the file, and a model that no list prices."""
    with standing(settings={"models": {"aliases": {"filed": "gpt-5.4-mini"}}}) as stand:
        stand.furnish()
        names = [UNPRICED, *(f"vendor-{n % 7}/model-{n:04}" for n in range(450))]
        draft = {
            "name": "house",
            "preset": "custom-openai",
            "api_key": "house-key-0123456789",
            "models": names,
        }
        stand.api("POST", "/api/accounts", {**draft, "base_url": address(stand.vendor, "openai")})
        stand.api("PUT", "/api/aliases/big", {"models": ["claude-sonnet-4-5", "gpt-5.4"]})
        yield stand


def row(tab: Page, name: str) -> Locator:
    return tab.get_by_role("row").filter(has=tab.get_by_text(name, exact=True))


def ids(stand: Stand, query: str = "") -> set[str]:
    return {one["id"] for one in stand.api("GET", f"/api/models?limit=200&search=gpt{query}")}


@pytest.mark.parametrize("width", WIDTHS, ids=str)
@pytest.mark.parametrize("theme", THEMES)
def test_looks(stocked: Stand, empty: Stand, page: Opener, theme: str, width: int) -> None:
    tab = page(stocked, "#/models", theme=theme, width=width)
    expect(row(tab, "claude-sonnet-4-5").first).to_be_visible()
    axe(tab)
    shot(tab, f"models-{theme}-{width}", whole=False)
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= width
    tab.goto(f"{stocked.url}/#/models/gpt-5.4")
    expect(tab.get_by_role("list", name="Order of tries")).to_be_visible()
    axe(tab)
    shot(tab, f"model-{theme}-{width}", whole=False)
    bare = page(empty, "#/models", theme=theme, width=width)
    expect(bare.get_by_role("heading", name="No model yet")).to_be_visible()
    axe(bare)
    shot(bare, f"models-empty-{theme}-{width}")


def test_every_text_is_of_a_catalogue(stocked: Stand, page: Opener) -> None:
    for where in ("", f"/{UNPRICED.replace('/', '%2F')}?price={UNPRICED}", "/big", "/gpt-5.4", "?new=alias"):
        tab = page(stocked, f"#/models{where}")
        pseudo(tab)
        tab.context.close()


def test_the_list_is_narrowed_by_words_and_choices(stocked: Stand, page: Opener) -> None:
    tab = page(stocked, "#/models")
    table = tab.get_by_role("grid", name="Models")
    expect(tab.get_by_text(re.compile(r"^46\d names$"))).to_be_visible()
    expect(row(tab, "gpt-5.4")).to_contain_text("1.05M")
    expect(row(tab, "gpt-5.4")).to_contain_text("$2.50")
    expect(tab.get_by_text("big → claude-sonnet-4-5, gpt-5.4")).to_be_visible()
    tab.keyboard.press("/")
    tab.keyboard.type("model-0449")
    expect(row(tab, "vendor-1/model-0449")).to_be_visible()
    expect(table).to_have_attribute("aria-rowcount", "2")
    assert "q=model-0449" in tab.url
    tab.get_by_label("Search models").fill("")
    tab.get_by_label("Provider", exact=True).select_option("gemini-team")
    expect(table).to_have_attribute("aria-rowcount", "3")
    tab.get_by_label("Ability", exact=True).select_option("audio")
    expect(row(tab, "gemini-2.5-pro")).to_be_visible()
    tab.goto(f"{stocked.url}/#/models?show=alias")
    expect(row(tab, "filed → gpt-5.4-mini")).to_be_visible()
    expect(table).to_have_attribute("aria-rowcount", "3")
    tab.get_by_label("Search models").fill("big")
    expect(table).to_have_attribute("aria-rowcount", "2")
    tab.get_by_label("Search models").press("Escape")
    expect(table).to_have_attribute("aria-rowcount", "3")


def test_a_model_is_opened_by_key_and_tells_all(stocked: Stand, page: Opener) -> None:
    tab = page(stocked, "#/models?q=gpt-5.4&show=model")
    expect(row(tab, "gpt-5.4")).to_be_visible()
    tab.keyboard.press("j")
    tab.keyboard.press("Enter")
    panel = tab.get_by_role("dialog", name="gpt-5.4")
    expect(panel).to_contain_text("calls tools, several at once")
    expect(panel).to_contain_text("price list of openai")
    expect(panel).to_contain_text("Known from")
    expect(panel.get_by_role("link", name="smart")).to_be_visible()
    targets = panel.get_by_role("list", name="Order of tries").get_by_role("listitem")
    expect(targets).to_have_count(2)
    expect(targets.first).to_contain_text("openai-main")
    expect(panel.get_by_text("translated")).to_have_count(0)
    panel.get_by_label("Client speaks").select_option("Anthropic")
    expect(panel.get_by_text("translated").first).to_be_visible()
    expect(panel.get_by_role("link", name="Try it")).to_have_attribute("href", "#/playground?model=gpt-5.4")
    tab.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    assert "q=gpt-5.4" in tab.url


def test_a_price_is_set_and_taken_back(stocked: Stand, page: Opener) -> None:
    tab = page(stocked, "#/models?q=own-model")
    row(tab, UNPRICED).get_by_role("button", name="Set price").click()
    panel = tab.get_by_role("dialog", name=UNPRICED)
    expect(panel).to_contain_text("No price is known")
    panel.get_by_label("Input", exact=True).fill("1.5")
    panel.get_by_label("Output", exact=True).fill("6")
    panel.get_by_role("button", name="Save price").click()
    expect(panel).to_contain_text(f"your price {UNPRICED}")
    expect(panel).to_contain_text("$1.50")
    assert stocked.api("GET", f"/api/prices/{UNPRICED}")["output"] == 6
    tab.get_by_role("button", name="Undo").click()
    expect(panel).to_contain_text("No price is known")
    assert stocked.call("GET", f"/api/prices/{UNPRICED}")[0] == 404
    stocked.api("PUT", "/api/prices/house/*", {"input": 2, "output": 3})
    tab.reload()
    settled(tab)
    expect(row(tab, UNPRICED)).to_contain_text("$2.00")
    panel.get_by_role("button", name="Change").click()
    expect(panel.get_by_label("Applies to")).to_have_value("house/*")
    panel.get_by_role("button", name="Remove my price").click()
    expect(panel).to_contain_text("No price is known")
    assert stocked.api("GET", "/api/prices") == []


def test_an_alias_is_made_changed_and_removed(stocked: Stand, page: Opener) -> None:
    tab = page(stocked, "#/models/gpt-5.4-mini")
    panel = tab.get_by_role("dialog", name="gpt-5.4-mini")
    panel.get_by_role("textbox", name="Add an alias").fill("quick")
    panel.get_by_role("textbox", name="Add an alias").press("Enter")
    expect(panel.get_by_role("link", name="quick")).to_be_visible()
    assert stocked.api("GET", "/api/aliases/quick")["models"] == ["gpt-5.4-mini"]
    assert stocked.ask("quick")[0] == 200

    panel.get_by_role("link", name="quick").click()
    alias = tab.get_by_role("dialog", name="quick")
    alias.get_by_role("combobox", name="Add a model").fill("haiku")
    alias.get_by_role("combobox", name="Add a model").press("Enter")
    alias.get_by_role("button", name="Move claude-haiku-4-5 up").click()
    alias.get_by_role("button", name="Save alias").click()
    expect(alias).to_have_count(0)
    assert stocked.api("GET", "/api/aliases/quick")["models"] == ["claude-haiku-4-5", "gpt-5.4-mini"]

    tab.goto(f"{stocked.url}/#/models/quick")
    alias.get_by_role("button", name="Remove", exact=True).click()
    expect(alias).to_have_count(0)
    assert stocked.call("GET", "/api/aliases/quick")[0] == 404
    tab.get_by_role("status").get_by_role("button", name="Undo").last.click()
    expect(tab.get_by_text("Taken back")).to_be_visible()
    assert stocked.api("GET", "/api/aliases/quick")["models"] == ["claude-haiku-4-5", "gpt-5.4-mini"]


def test_an_alias_of_the_file_is_locked_and_a_new_one_can_be_refused(stocked: Stand, page: Opener) -> None:
    tab = page(stocked, "#/models/filed", allow=("status of 4",))
    expect(tab.get_by_role("dialog", name="filed")).to_contain_text("is changed there")
    expect(tab.get_by_role("button", name="Save alias")).to_have_count(0)
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("dialog")).to_have_count(0)
    tab.keyboard.press("n")
    panel = tab.get_by_role("dialog", name="New alias")
    panel.get_by_label("Name").fill("big")
    panel.get_by_role("combobox", name="Add a model").fill("gpt-5.4")
    panel.get_by_role("combobox", name="Add a model").press("Enter")
    panel.get_by_role("button", name="Save alias").click()
    expect(panel.get_by_role("alert")).to_contain_text("there already")
    assert len(stocked.api("GET", "/api/aliases/big")["models"]) == 2, "nothing was replaced"


def test_models_are_hidden_and_shown_again(stocked: Stand, page: Opener) -> None:
    tab = page(stocked, "#/models?q=gpt&show=model")
    expect(row(tab, "gpt-4.1")).to_be_visible()
    for _ in range(2):
        tab.keyboard.press("j")
        tab.keyboard.press("x")
    tab.get_by_role("button", name="Hide them").click()
    expect(tab.get_by_text("2 models are hidden.")).to_be_visible()
    expect(row(tab, "gpt-4.1")).to_have_count(0)
    assert not {"gpt-4.1", "gpt-5.4"} & ids(stocked)
    tab.get_by_label("Show", exact=True).select_option("Hidden")
    row(tab, "gpt-4.1").click()
    panel = tab.get_by_role("dialog", name="gpt-4.1")
    expect(panel).to_contain_text("nobody can ask for it")
    panel.get_by_role("button", name="Show again").click()
    expect(panel.get_by_role("link", name="Try it")).to_be_visible()
    assert "gpt-4.1" in ids(stocked)
    tab.get_by_role("button", name="Undo").first.click()
    expect(tab.get_by_text("2 models can be asked for again.")).to_be_visible()
    assert {"gpt-4.1", "gpt-5.4"} <= ids(stocked)


def test_selected_models_become_a_combo(stocked: Stand, page: Opener) -> None:
    tab = page(stocked, "#/models?account=gemini-team")
    expect(row(tab, "gemini-2.5-pro")).to_be_visible()
    tab.get_by_role("checkbox", name="Select all rows").check()
    tab.get_by_role("link", name="Make a combo of them").click()
    expect(tab.get_by_role("heading", name="New combo")).to_be_visible()
    expect(tab.get_by_role("list", name="Members", exact=True).get_by_role("listitem")).to_have_count(2)


def test_names_that_nobody_lists_and_names_of_combos(stocked: Stand, page: Opener) -> None:
    tab = page(stocked, "#/models/gpt-5.4-maxi")
    panel = tab.get_by_role("dialog", name="gpt-5.4-maxi")
    expect(panel).to_contain_text("No provider lists this name")
    expect(panel).to_contain_text("Nobody would answer.")
    panel.get_by_role("link", name="gpt-5.4-mini").click()
    expect(tab.get_by_role("dialog", name="gpt-5.4-mini")).to_be_visible()
    tab.goto(f"{stocked.url}/#/models/smart")
    expect(tab.get_by_role("heading", name="smart")).to_be_visible()
    tab.keyboard.press("Control+k")
    tab.keyboard.type("haiku")
    tab.get_by_role("option", name=re.compile("^claude-haiku-4-5")).first.click()
    expect(tab.get_by_role("dialog", name="claude-haiku-4-5")).to_be_visible()


def test_who_may_do_what(guarded: Stand, page: Opener) -> None:
    seen = page(guarded, "#/models/gpt-5.4", user="viewer")
    panel = seen.get_by_role("dialog", name="gpt-5.4")
    expect(panel.get_by_role("list", name="Order of tries")).to_be_visible()
    for name in ("Set price", "Add an alias", "Show again"):
        expect(panel.get_by_role("button", name=name)).to_have_count(0)
    seen.keyboard.press("Escape")
    expect(seen.get_by_role("button", name="New alias")).to_have_count(0)
    expect(seen.get_by_role("checkbox")).to_have_count(0)
    works = page(guarded, "#/models/gpt-5.4", user="operator").get_by_role("dialog", name="gpt-5.4")
    expect(works.get_by_role("button", name="Add an alias")).to_be_visible()
    expect(works.get_by_role("button", name="Set price")).to_have_count(0)
