"""Settings: changed in place and taken back, those of the file shown, backups, configuration as code, looks."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import Opener
from tests.dashboard.stand import Stand, standing
from tests.dashboard.tab import THEMES, WIDTHS, axe, pseudo, settled, shot

TABS = ("general", "logins", "backups", "retention", "network", "code", "look")
SETTINGS = {
    "backups": {"every_hours": 12},
    "egress": {"mode": "accounts", "hosts": ["10.0.0.0/8"]},
    "upstream": {"proxy": "http://me:proxy-canary-1177@proxy.example:3128", "direct": ["127.0.0.1"]},
}
DECLARED = """
[routing]
attempts = 5

[[keys]]
name = "nightly"
"""


@pytest.fixture(scope="module")
def told() -> Iterator[Stand]:
    """Lend a gateway whose file says something, and a backup."""
    with standing(settings=SETTINGS) as stand:
        stand.furnish()
        stand.api("POST", "/api/backups", {"note": "before the move"})
        yield stand


def go(tab: Page, where: str) -> Page:
    """Go to another place within the page."""
    tab.evaluate("(where) => { location.hash = where; }", where)
    return settled(tab)


def setting(tab: Page, name: str) -> Locator:
    return tab.locator(f'[data-setting="{name}"]')


def routing(stand: Stand) -> dict[str, Any]:
    return stand.api("GET", "/api/settings")["in_force"]["routing"]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("data", ["told", "empty"])
def test_it_loads(request: pytest.FixtureRequest, page: Opener, data: str, width: int, theme: str) -> None:
    tab = page(request.getfixturevalue(data), "#/settings", theme=theme, width=width)
    for name in TABS:
        go(tab, f"#/settings/{name}")
        expect(tab.get_by_role("tab", selected=True)).to_be_visible()
        expect(tab.get_by_role("heading", level=2).first).to_be_visible()
        assert tab.evaluate("() => document.documentElement.scrollWidth") <= width, name
        axe(tab)
        shot(tab, f"settings-{name}-{data}-{theme}-{width}")


def test_its_texts_are_in_a_catalogue(told: Stand, page: Opener) -> None:
    tab = page(told, "#/settings")
    for name in TABS:
        tab.goto(f"{told.url}/#/settings/{name}")
        tab.reload()
        settled(tab)
        pseudo(tab)


def test_a_choice_a_number_a_switch(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/settings/general")
    before = routing(gateway)
    setting(tab, "routing.rotation").get_by_role("combobox").select_option("One after the other")
    expect(tab.get_by_text("Accounts take turns is changed")).to_be_visible()
    assert routing(gateway)["rotation"] == "round_robin"
    tab.get_by_role("button", name="Undo").click()
    expect(setting(tab, "routing.rotation").get_by_role("combobox")).to_have_value("0")
    expect(setting(tab, "routing.rotation").get_by_role("button", name="Back to")).to_have_count(0)
    assert routing(gateway) == before
    wait = setting(tab, "routing.wait").get_by_role("spinbutton")
    wait.fill("9")
    wait.press("Enter")
    expect(tab.get_by_text("Wait for pausing accounts is changed")).to_be_visible()
    assert routing(gateway)["wait"] == 9
    wait.fill("77")
    wait.press("Escape")
    expect(wait).to_have_value("9")
    setting(tab, "routing.wait").get_by_role("button", name="Back to").click()
    expect(wait).to_have_value("5")
    assert routing(gateway)["wait"] == 5
    hedging = setting(tab, "routing.hedging.enabled").get_by_role("switch")
    hedging.click()
    late = setting(tab, "routing.hedging.quantile").get_by_role("spinbutton")
    late.fill("90")
    late.press("Enter")
    expect(tab.get_by_text("Late means later than is changed")).to_be_visible()
    assert routing(gateway)["hedging"]["quantile"] == 0.9
    hedging.click()
    expect(setting(tab, "routing.hedging.quantile")).to_have_count(0)


def test_what_cannot_be_is_refused(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/settings/general", allow=("status of 400",))
    attempts = setting(tab, "routing.attempts").get_by_role("spinbutton")
    attempts.fill("-3")
    attempts.press("Enter")
    expect(tab.get_by_text("routing.attempts").first).to_be_visible()
    expect(attempts).to_have_value("8")
    assert routing(gateway)["attempts"] == 8


def test_nobody_overwrites_what_they_have_not_seen(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/settings/general")
    pause = setting(tab, "routing.pause_max").get_by_role("spinbutton")
    expect(pause).to_have_value("1800")
    gateway.api("PATCH", "/api/settings", {"routing": {"pause_max": 60}})
    pause.fill("900")
    pause.press("Enter")
    expect(tab.get_by_text("Somebody else changed this meanwhile")).to_be_visible()
    expect(pause).to_have_value("60")
    assert routing(gateway)["pause_max"] == 60
    gateway.api("PATCH", "/api/settings", {"routing": {"pause_max": None}})


def test_tables_of_rows(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/settings/general")
    setting(tab, "routing.mapping").get_by_role("button", name="Edit").click()
    panel = tab.get_by_role("dialog", name="Table of names")
    panel.get_by_label("Name or glob").fill("claude-haiku-*")
    panel.get_by_label("Means").fill("gpt-5.4-mini")
    panel.get_by_text("Only when").click()
    panel.get_by_role("combobox", name="Pictures").select_option("no")
    panel.get_by_label("Up to tokens").fill("4000")
    axe(tab)
    panel.get_by_role("button", name="Save").click()
    expect(setting(tab, "routing.mapping").get_by_text("claude-haiku-* → gpt-5.4-mini")).to_be_visible()
    expect(tab.get_by_text("Table of names is changed")).to_be_visible()
    rows = gateway.api("GET", "/api/settings")["values"]["routing"]["mapping"]
    assert rows == [
        {"model": "claude-haiku-*", "to": "gpt-5.4-mini", "when": {"images": False, "max_tokens": 4000}}
    ]
    setting(tab, "routing.rotations").get_by_role("button", name="Edit").click()
    panel = tab.get_by_role("dialog", name="Turns by provider")
    panel.get_by_role("textbox", name="Provider").fill("anthropic")
    panel.get_by_role("button", name="Save").click()
    expect(setting(tab, "routing.rotations").get_by_text("anthropic · One after the other")).to_be_visible()
    setting(tab, "routing.rotations").get_by_role("button", name="Edit").click()
    panel.get_by_role("button", name="Remove").click()
    panel.get_by_role("button", name="Save").click()
    expect(setting(tab, "routing.rotations").get_by_text("None")).to_be_visible()
    eventually(lambda: routing(gateway)["rotations"] == {})
    gateway.api("PATCH", "/api/settings", {"routing": {"mapping": None}})


def test_settings_are_found(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/settings/general")
    tab.keyboard.press("/")
    tab.keyboard.type("heartbeat")
    expect(tab.locator("[data-setting]")).to_have_count(0)
    row = tab.locator(".file-setting").filter(has_text="Sign of life to clients")
    expect(row).to_be_visible()
    row.locator("summary").click()
    expect(row.locator("pre")).to_have_text("[timeouts]\nheartbeat = 15")
    expect(row.get_by_text("FLOW_ROUTER_TIMEOUTS_HEARTBEAT")).to_be_visible()
    tab.goto(f"{gateway.url}/#/settings/general?q=nothing%20like%20it")
    expect(tab.get_by_text("No setting fits")).to_be_visible()
    tab.get_by_role("button", name="Show all").click()
    expect(setting(tab, "reply_model")).to_be_visible()


def test_what_the_file_says_is_shown_without_credentials(told: Stand, page: Opener) -> None:
    tab = page(told, "#/settings/network")
    expect(tab.get_by_text("those of accounts")).to_be_visible()
    proxy = tab.locator(".file-setting").filter(has=tab.get_by_text("Proxy", exact=True))
    expect(proxy).to_contain_text("http://proxy.example:3128")
    assert "proxy-canary" not in tab.content()
    expect(tab.get_by_text(f"{told.url}/v1")).to_be_visible()
    tab.get_by_role("tab", name="Backups").click()
    expect(tab.locator(".file-setting").filter(has_text="Every")).to_contain_text("12 h")


def test_what_waits_for_the_next_start(told: Stand, page: Opener) -> None:
    file = told.running.data / "config.toml"
    before = file.read_text()
    tab = page(told, "#/settings/backups")
    expect(tab.get_by_text("this waits for the next start")).to_have_count(0)
    file.write_text(before.replace("every_hours = 12", "every_hours = 6"))
    eventually(lambda: config(told)["restart_needed"] != [])
    tab.reload()
    expect(tab.get_by_text("this waits for the next start")).to_be_visible()
    expect(tab.get_by_text("backups.every_hours")).to_be_visible()
    file.write_text(before.replace("[backups]", "[backups"))
    eventually(lambda: config(told)["error"] is not None)
    tab.reload()
    expect(tab.get_by_text("as it stands is not in force")).to_be_visible()
    file.write_text(before)
    eventually(lambda: config(told)["ok"] and config(told)["restart_needed"] == [])


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds at the gateway."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.1)


def config(stand: Stand) -> dict[str, Any]:
    return stand.api("GET", "/api/status")["config"]


def test_recording_says_what_it_does(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/settings/retention")
    setting(tab, "recording.mode").get_by_role("combobox").select_option("Everything")
    expect(tab.get_by_text("Everything that is said is kept.")).to_be_visible()
    assert gateway.api("GET", "/api/settings")["in_force"]["recording"]["mode"] == "all"
    tab.get_by_role("button", name="Undo").click()
    expect(tab.get_by_text("Everything that is said is kept.")).to_have_count(0)
    assert gateway.api("GET", "/api/settings")["in_force"]["recording"]["mode"] == "off"


def test_the_configuration_goes_out(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/settings/code", allow=("status of 400",))
    tab.get_by_role("button", name="Show the export").click()
    text = tab.get_by_label("The configuration", exact=True)
    expect(text).to_contain_text('name = "openai-main"')
    expect(text).to_contain_text("env:OPENAI_MAIN_API_KEY")
    assert "openai-main-key-0123456789" not in tab.content()
    sealed = tab.get_by_role("form", name="With secrets, sealed")
    sealed.get_by_label("Passphrase").fill("short")
    sealed.get_by_role("button", name="Download sealed").click()
    expect(sealed.get_by_role("alert")).to_be_visible()
    sealed.get_by_label("Passphrase").fill("a long and winding passphrase")
    with tab.expect_download() as saved:
        sealed.get_by_role("button", name="Download sealed").click()
    content = Path(saved.value.path()).read_text()
    assert "flow-router-sealed/" in content
    assert "openai-main" not in content
    form = tab.get_by_role("form", name="Apply a file")
    form.get_by_label("The file").fill(content)
    form.get_by_label("Passphrase").fill("a long and winding passphrase")
    form.get_by_role("button", name="Show what would change").click()
    expect(tab.get_by_role("status", name="What would change")).to_be_visible()


def test_a_file_is_applied_after_a_look(gateway: Stand, page: Opener, tmp_path: Path) -> None:
    tab = page(gateway, "#/settings/code", allow=("status of 400",))
    form = tab.get_by_role("form", name="Apply a file")
    file = tmp_path / "team.toml"
    file.write_text(DECLARED)
    form.get_by_label("Choose a file").set_input_files(file)
    expect(form.get_by_label("Known as")).to_have_value("team.toml")
    look = form.get_by_role("button", name="Show what would change")
    look.click()
    difference = tab.get_by_role("status", name="What would change")
    expect(difference).to_contain_text("2 added")
    expect(difference).to_contain_text("nightly")
    axe(tab)
    assert "nightly" not in [each["name"] for each in gateway.api("GET", "/api/keys")]
    form.get_by_label("The file").press("End")
    form.get_by_label("The file").type("\n")
    expect(tab.get_by_text("The text was changed: look again")).to_be_visible()
    look.click()
    form.get_by_role("button", name="Apply", exact=True).click()
    expect(tab.get_by_text("New keys: store them now")).to_be_visible()
    token = tab.get_by_label("nightly").inner_text()
    assert re.fullmatch(r"flr_[0-9a-f]{72}", token)
    assert routing(gateway)["attempts"] == 5

    go(tab, "#/settings/general")
    expect(setting(tab, "routing.attempts").get_by_role("spinbutton")).to_be_disabled()
    expect(setting(tab, "routing.attempts")).to_contain_text("team.toml")

    go(tab, "#/settings/code")
    form.get_by_label("The file").fill("[routing")
    look.click()
    expect(form.get_by_role("alert")).to_be_visible()
    form.get_by_label("Known as").fill("team.toml")
    form.get_by_label("The file").fill('[models.aliases]\nquick = "gpt-5.4-mini"\n')
    form.get_by_label("What is missing in it").select_option("Goes, if this file brought it")
    look.click()
    expect(difference).to_contain_text("2 removed")
    form.get_by_role("button", name="Apply and remove").click()
    tab.get_by_role("alertdialog").get_by_role("button", name="Apply and remove").click()
    expect(tab.get_by_text("3 changes are in force")).to_be_visible()
    assert routing(gateway)["attempts"] == 8
    gateway.api("POST", "/api/apply", {"file": "team.toml", "text": "[models.aliases]\n", "prune": "file"})


def test_secrets_are_asked_for(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/settings/code")
    form = tab.get_by_role("form", name="Apply a file")
    text = '[[accounts]]\nname = "extra"\npreset = "openai"\napi_key = "env:EXTRA_KEY"\nmodels = ["gpt-x"]\n'
    form.get_by_label("The file").fill(text)
    form.get_by_label("env:EXTRA_KEY").fill("sk-extra-secret-0123456789")
    form.get_by_role("button", name="Show what would change").click()
    difference = tab.get_by_role("status", name="What would change")
    expect(difference).to_contain_text("***")
    expect(difference).not_to_contain_text("sk-extra-secret")
    form.get_by_role("button", name="Apply", exact=True).click()
    expect(tab.get_by_text("1 change is in force")).to_be_visible()
    made = next(each for each in gateway.api("GET", "/api/accounts") if each["name"] == "extra")
    assert (made["has_key"], made["managed_in"]) == (True, "gateway.toml")
    gateway.api("DELETE", f"/api/accounts/{made['id']}?detach=true")


def test_looks(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/settings/look", theme="light")
    tab.get_by_role("group", name="Theme").get_by_role("button", name="Dark").click()
    expect(tab.locator("html")).to_have_attribute("data-theme", "dark")
    tab.reload()
    expect(tab.locator("html")).to_have_attribute("data-theme", "dark")
    expect(tab.get_by_role("combobox", name="Language")).to_be_visible()


def test_tabs_by_keys_and_by_palette(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/settings")
    tab.get_by_role("tab", name="General").focus()
    tab.keyboard.press("ArrowRight")
    expect(tab).to_have_url(re.compile("#/settings/logins$"))
    tab.keyboard.press("Control+k")
    tab.keyboard.type("settings network")
    expect(tab.get_by_role("option", name="Settings: Network")).to_be_visible()
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(re.compile("#/settings/network$"))


def test_a_viewer_looks(guarded: Stand, page: Opener) -> None:
    tab = page(guarded, "#/settings/general", user="viewer")
    expect(tab.get_by_text("Your role is viewer")).to_be_visible()
    row = setting(tab, "routing.rotation")
    expect(row.get_by_role("combobox")).to_be_disabled()
    expect(row.locator(".setting-control")).to_have_attribute("title", "Only an admin may change this")
    for control in tab.locator("[data-setting]").get_by_role("switch").all():
        expect(control).to_be_disabled()
    tab.get_by_role("tab", name="Backups").click()
    expect(tab.get_by_text("Only admins see backups.")).to_be_visible()
    expect(tab.get_by_role("button", name="Make one now")).to_have_count(0)
    tab.get_by_role("tab", name="Configuration as code").click()
    expect(tab.get_by_text("Only admins export and apply")).to_be_visible()
    page.watch(tab).allow("status of 403")
    refused = tab.evaluate(
        """async () => {
          const me = (await (await fetch('/api/me')).json()).data;
          const headers = {'content-type': 'application/json', 'x-csrf-token': me.csrf_token};
          const calls = [['PATCH', '/api/settings', '{"reply_model": "asked"}'], ['POST', '/api/backups', '{}'], ['POST', '/api/apply', '{"text": ""}'], ['GET', '/api/export'], ['GET', '/api/users']];
          return Promise.all(calls.map(async ([method, path, body]) => (await fetch(path, {method, headers, body})).status));
        }"""
    )
    assert refused == [403] * 5
