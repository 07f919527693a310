"""Providers: each account in the order it is asked, what is wrong with it, and everything that can be done with it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.accounts import made, row, told, undo
from tests.dashboard.conftest import Opener
from tests.dashboard.stand import Stand
from tests.dashboard.tab import THEMES, WIDTHS, axe, pseudo, settled, shot
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

NOWHERE = "http://127.0.0.1:9"


def never_sideways(tab: Page) -> None:
    assert tab.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


@pytest.fixture(scope="module")
def strange() -> Iterator[Stand]:
    """Lend a gateway with a declared account, a found key and a way out that leads nowhere."""
    with (
        ScriptedUpstream("all") as vendor,
        RunningGateway(
            [{"name": "declared", "preset": "openai", "api_key": "sk-declared-0123456789", "base_url": vendor.openai_url,
              "models": ["declared-model"], "priority": 2}],
            settings={"discovery": {"enabled": True}, "upstream": {"proxy": NOWHERE}},
            environ={"TOGETHER_API_KEY": "tgp-found-0123456789"},
        ) as running,
    ):  # fmt: skip
        yield Stand(running, vendor)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("data", ["seeded", "empty"])
def test_providers(request: pytest.FixtureRequest, page: Opener, data: str, width: int, theme: str) -> None:
    tab = page(request.getfixturevalue(data), "#/providers", theme=theme, width=width)
    expect(tab.get_by_role("heading", level=1)).to_have_text("Providers")
    if data == "seeded":
        expect(tab.locator("[data-row]")).to_have_count(5)
        expect(tab.get_by_role("switch", name="openai-main is on")).to_be_visible()
    else:
        expect(tab.get_by_role("heading", name="No provider yet")).to_be_visible()
    axe(tab)
    never_sideways(tab)
    shot(tab, f"providers-{data}-{theme}-{width}")


@pytest.mark.parametrize("width", WIDTHS)
def test_one_provider(seeded: Stand, page: Opener, width: int) -> None:
    theme = "dark" if width == 820 else "light"
    tab = page(seeded, f"#/providers/{seeded.accounts['openai-main']}", width=width, theme=theme)
    expect(tab.get_by_role("heading", level=1)).to_have_text("openai-main")
    expect(tab.get_by_role("grid", name="Models")).to_contain_text("gpt-4.1")
    expect(tab.get_by_text("key …6789").first).to_be_visible()
    expect(tab.locator("dl.facts")).to_contain_text(seeded.vendor.openai_url)
    axe(tab)
    never_sideways(tab)
    shot(tab, f"provider-{theme}-{width}")


@pytest.mark.parametrize(
    "where", ["", "/{id}?panel=edit", "?panel=add&preset=openai"], ids=["list", "edit", "add"]
)
def test_every_text_is_in_a_catalogue(gateway: Stand, page: Opener, where: str) -> None:
    tab = page(gateway, "#/providers" + where.format(id=gateway.accounts["spare"]))
    pseudo(tab)


def test_an_account_is_switched_off_at_once_and_on_again(gateway: Stand, page: Opener) -> None:
    spare = gateway.accounts["spare"]
    tab = page(gateway, "#/providers")
    switch = tab.get_by_role("switch", name="spare is on")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    expect(tab.get_by_text("spare is off.")).to_be_visible()
    assert not told(gateway, spare)["enabled"]
    undo(tab)
    expect(switch).to_have_attribute("aria-checked", "true")
    expect(tab.get_by_text("spare is on.")).to_be_visible()
    assert told(gateway, spare)["enabled"]


def test_several_are_selected_by_keys_and_switched_off(gateway: Stand, page: Opener) -> None:
    ids = [made(gateway, f"several-{number}") for number in (1, 2)]
    tab = page(gateway, "#/providers?q=several")
    expect(tab.locator("[data-row]")).to_have_count(2)
    tab.keyboard.press("j")
    tab.keyboard.press("x")
    tab.keyboard.press("j")
    tab.keyboard.press("x")
    chosen = tab.locator(".provider-chosen")
    expect(chosen).to_contain_text("2 selected")
    chosen.get_by_role("button", name="Disable").click()
    expect(tab.get_by_text("2 accounts are off.")).to_be_visible()
    assert not any(told(gateway, each)["enabled"] for each in ids)
    undo(tab)
    expect(tab.get_by_text("2 accounts are on.")).to_be_visible()
    assert all(told(gateway, each)["enabled"] for each in ids)


def test_a_provider_is_added_from_a_preset_and_tested(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/providers")
    tab.get_by_role("link", name="Add a provider").click()
    panel = tab.get_by_role("dialog", name="Add a provider")
    panel.get_by_role("searchbox").fill("custom openai chat")
    panel.get_by_role("button", name="Custom (OpenAI Chat)").click()
    panel.get_by_label("Name", exact=True).first.fill("workshop")
    panel.get_by_label("Base URL").fill(gateway.vendor.openai_url)
    panel.get_by_label("Key", exact=True).fill("workshop-key-9876543210")
    panel.get_by_text("More settings").click()
    models = panel.get_by_label("Models", exact=True)
    models.fill("workshop-model")
    models.press("Enter")
    panel.get_by_role("button", name="Add and test").click()
    test = tab.get_by_role("dialog", name="Test of workshop")
    expect(test).to_contain_text("It works")
    expect(test.locator(".test-steps li").first).to_be_visible()
    expect(test).to_contain_text("workshop-model answered in")
    axe(tab)
    account = next(each for each in gateway.api("GET", "/api/accounts") if each["name"] == "workshop")
    assert (account["preset"], account["key_tail"]) == ("custom-openai", "3210")
    assert account["models"] == ["workshop-model"]
    tab.keyboard.press("Escape")
    expect(test).to_have_count(0)
    expect(row(tab, account["id"])).to_contain_text("1 model")


def test_a_refused_field_is_named(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/providers?panel=add&preset=openai", allow=("status of 400",))
    panel = tab.get_by_role("dialog", name="Add a provider")
    panel.get_by_label("Name", exact=True).first.fill("no such name!")
    panel.get_by_label("Key", exact=True).fill("some-key-0123456789")
    panel.get_by_role("button", name="Add and test").click()
    expect(panel.locator(".field.refused")).to_contain_text("no account name")


def test_a_refused_key_is_told_in_plain_words_and_replaced(gateway: Stand, page: Opener) -> None:
    model = "o-refused+fault-401"
    account = made(gateway, "old-key", models=[model])
    assert gateway.ask(model)[0] == 502
    tab = page(gateway, "#/providers?state=look")
    line = row(tab, account).locator(".trouble")
    expect(line).to_contain_text("OpenAI refused the key (401). Paste a new one or disable this account.")
    line.get_by_role("button", name="Paste a new key").click()
    panel = tab.get_by_role("dialog", name="Edit old-key")
    panel.get_by_label("Key", exact=True).fill("fresh-key-0000000042")
    panel.get_by_role("button", name="Save").click()
    expect(tab.get_by_text("old-key is saved.")).to_be_visible()
    assert told(gateway, account)["key_tail"] == "0042"


def test_a_pause_is_ended(gateway: Stand, page: Opener) -> None:
    model = "purse+fault-402"
    account = made(gateway, "empty-purse", preset="deepseek", models=[model])
    assert gateway.ask(model)[0] == 502
    tab = page(gateway, f"#/providers/{account}")
    line = tab.locator(".trouble")
    expect(line).to_contain_text("DeepSeek says the account has no money left (402).")
    expect(line).to_contain_text("asked again in")
    line.get_by_role("button", name="End the pause").click()
    expect(tab.get_by_text("The pause of empty-purse is ended.")).to_be_visible()
    targets = gateway.api("GET", "/api/health/targets?limit=200")
    assert {each["state"] for each in targets if each["account_id"] == account} == {"ok"}


def test_a_test_that_fails_says_what_to_do(gateway: Stand, page: Opener) -> None:
    account = made(gateway, "bad-key", models=["o-bad+fault-401"])
    tab = page(gateway, f"#/providers/{account}")
    tab.get_by_role("button", name="Test", exact=True).click()
    test = tab.get_by_role("dialog", name="Test of bad-key")
    expect(test).to_contain_text("The test failed")
    expect(test).to_contain_text("Paste a new one or disable this account.")
    test.get_by_role("button", name="Edit").click()
    expect(tab.get_by_role("dialog", name="Edit bad-key")).to_be_visible()


def test_editing_sends_what_was_touched(gateway: Stand, page: Opener) -> None:
    account = made(gateway, "edited", headers={"x-team": "blue-secret"}, tags=["eu"])
    tab = page(gateway, f"#/providers/{account}?panel=edit")
    panel = tab.get_by_role("dialog", name="Edit edited")
    expect(panel.get_by_role("button", name="Save")).to_be_disabled()
    panel.get_by_label("Weight").fill("3")
    tags = panel.get_by_label("Tags", exact=True)
    tags.fill("tier:cheap")
    tags.press("Enter")
    panel.get_by_role("button", name="Remove the header x-team").click()
    panel.get_by_label("Name").last.fill("x-desk")
    panel.get_by_label("Value").fill("green-secret")
    panel.get_by_role("button", name="Add a header").click()
    panel.get_by_role("button", name="Add a limit").click()
    panel.get_by_label("Requests", exact=True).fill("500")
    panel.get_by_label("Reserve", exact=True).fill("20%")
    axe(tab)
    panel.get_by_role("button", name="Save").click()
    expect(panel).to_have_count(0)
    now = told(gateway, account)
    assert (now["weight"], now["tags"], now["header_names"]) == (3, ["eu", "tier:cheap"], ["x-desk"])
    assert (now["quota"], now["reserve"]) == ([{"window": "day", "requests": 500}], "20%")
    assert now["key_tail"] == "6789"
    assert "secret" not in tab.content()


def test_nobodys_change_is_overwritten(gateway: Stand, page: Opener) -> None:
    account = made(gateway, "shared")
    tab = page(gateway, f"#/providers/{account}?panel=edit", allow=("status of 412",))
    panel = tab.get_by_role("dialog", name="Edit shared")
    panel.get_by_label("Weight").fill("7")
    gateway.api("PATCH", f"/api/accounts/{account}", {"max_concurrency": 5})
    panel.get_by_role("button", name="Save").click()
    expect(panel).to_contain_text("Somebody changed this account meanwhile")
    expect(panel.get_by_label("Requests at once")).to_have_value("5")
    expect(panel.get_by_label("Weight")).to_have_value("7")
    assert told(gateway, account)["weight"] == 1
    panel.get_by_role("button", name="Save").click()
    expect(tab.get_by_text("shared is saved.")).to_be_visible()
    now = told(gateway, account)
    assert (now["weight"], now["max_concurrency"]) == (7, 5)
    undo(tab)
    expect(tab.locator("dl.facts")).to_contain_text(re.compile(r"Weight\s*1"))
    assert told(gateway, account)["max_concurrency"] == 5


def test_an_account_is_deleted_by_its_name(gateway: Stand, page: Opener) -> None:
    account = made(gateway, "doomed")
    tab = page(gateway, f"#/providers/{account}")
    tab.get_by_role("button", name="Actions of doomed").click()
    tab.get_by_role("menuitem", name="Delete").click()
    dialog = tab.get_by_role("alertdialog")
    expect(dialog.get_by_role("button", name="Delete")).to_be_disabled()
    dialog.get_by_role("textbox").fill("doomed")
    dialog.get_by_role("button", name="Delete").click()
    expect(tab.get_by_text("doomed is deleted.")).to_be_visible()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Providers")
    assert gateway.call("GET", f"/api/accounts/{account}")[0] == 404


def test_fields_of_a_file_are_locked_until_they_are_taken_over(gateway: Stand, page: Opener) -> None:
    text = (
        '[[accounts]]\nname = "of-file"\npreset = "openai"\napi_key = "env:KEY"\n'
        f'base_url = "{gateway.vendor.openai_url}"\nmodels = ["file-model"]\npriority = 970\n'
    )
    secrets = {"env:KEY": "sk-of-file-0123456789"}
    gateway.api("POST", "/api/apply", {"file": "team.toml", "text": text, "secrets": secrets})
    account = next(each["id"] for each in gateway.api("GET", "/api/accounts") if each["name"] == "of-file")
    tab = page(gateway, f"#/providers/{account}?panel=edit")
    panel = tab.get_by_role("dialog", name="Edit of-file")
    expect(panel).to_contain_text("Some of this is set by team.toml")
    expect(panel.get_by_label("Priority")).to_be_disabled()
    expect(panel.get_by_label("Weight")).to_be_enabled()
    panel.get_by_role("button", name="Change it here all the same").click()
    tab.get_by_role("alertdialog").get_by_role("button", name="Change it here all the same").click()
    panel.get_by_label("Priority").fill("971")
    panel.get_by_role("button", name="Save").click()
    expect(panel).to_have_count(0)
    assert told(gateway, account)["priority"] == 971


def test_what_a_file_declares_is_shown_and_cannot_be_changed(strange: Stand, page: Opener) -> None:
    tab = page(strange, "#/providers")
    expect(tab.get_by_role("switch", name="declared is on")).to_be_disabled()
    expect(row(tab, "config:declared")).to_contain_text("by file")
    tab.goto(f"{strange.url}/#/providers/config:declared?panel=edit")
    settled(tab)
    expect(tab.get_by_text(re.compile("Declared by .*config.toml"))).to_be_visible()
    expect(tab.get_by_role("dialog")).to_have_count(0)
    expect(tab.get_by_role("button", name="Edit")).to_have_count(0)


def test_a_found_one_is_dismissed_offered_again_and_adopted(strange: Stand, page: Opener) -> None:
    tab = page(strange, "#/providers")
    found = tab.locator(".provider-found")
    expect(found).to_contain_text("A key in TOGETHER_API_KEY")
    found.get_by_role("button", name="Not this one").click()
    expect(found).to_have_count(0)
    undo(tab)
    expect(found).to_be_visible()
    found.get_by_role("button", name="Use it").click()
    test = tab.get_by_role("dialog", name="Test of together")
    expect(test).to_contain_text("The test failed")  # nothing of it is reachable from here
    adopted = next(each for each in strange.api("GET", "/api/accounts") if each["name"] == "together")
    assert (adopted["source"], adopted["has_key"]) == ("store", True)


def test_the_palette_finds_and_switches_providers(gateway: Stand, page: Opener) -> None:
    account = made(gateway, "by-palette")
    tab = page(gateway, "#/about")
    tab.keyboard.press("Control+k")
    tab.get_by_role("combobox").fill("disable by-palette")
    expect(tab.get_by_role("option", name="disable by-palette")).to_have_attribute("aria-selected", "true")
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("by-palette is off.")).to_be_visible()
    assert not told(gateway, account)["enabled"]
    tab.keyboard.press("Control+k")
    tab.get_by_role("combobox").fill("test by-palette")
    tab.get_by_role("option", name="test by-palette").click()
    expect(tab.get_by_role("dialog", name="Test of by-palette")).to_contain_text("It works")


def test_a_viewer_looks_and_cannot_change(guarded: Stand, page: Opener) -> None:
    account = guarded.accounts["openai-main"]
    tab = page(guarded, f"#/providers/{account}?panel=edit", user="viewer")
    expect(tab.get_by_role("heading", level=1)).to_have_text("openai-main")
    expect(tab.get_by_role("dialog")).to_have_count(0)
    expect(tab.get_by_role("button", name="Edit")).to_be_disabled()
    expect(tab.get_by_role("button", name="Test", exact=True)).to_be_disabled()
    expect(tab.get_by_role("switch")).to_be_disabled()
    tab.get_by_role("link", name="Providers").first.click()
    expect(tab.locator("[data-row]")).to_have_count(5)
    expect(tab.get_by_role("link", name="Add a provider")).to_have_count(0)
    tab.get_by_role("button", name="Actions of spare").click()
    expect(tab.get_by_role("menuitem")).to_have_count(1)
