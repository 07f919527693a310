"""Keys: listed, made, changed, switched off and on, revoked; what a file owns stays, and roles hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import Opener
from tests.dashboard.stand import Stand
from tests.dashboard.tab import THEMES, WIDTHS, axe, pseudo, settled, shot

DECLARED = """
[[keys]]
name = "team-ci"

[keys.policy]
models = ["gpt-*"]
limits = { requests_per_minute = 60 }
"""


def go(tab: Page, where: str) -> Page:
    """Go to another place within the page."""
    tab.evaluate("(where) => { location.hash = where; }", where)
    return settled(tab)


def row(tab: Page, name: str) -> Locator:
    return tab.get_by_role("row").filter(has_text=name)


@pytest.fixture
def key(gateway: Stand) -> Iterator[dict[str, Any]]:
    """Lend a key that the test may do anything with."""
    made = gateway.api("POST", "/api/keys", {"name": "robot"})
    yield made
    if gateway.api("GET", f"/api/keys/{made['id']}")["state"] != "revoked":
        gateway.api("DELETE", f"/api/keys/{made['id']}")


@pytest.fixture(scope="module")
def owned(guarded: Stand) -> dict[str, Any]:
    """Lend a key that belongs to a file."""
    guarded.api("POST", "/api/apply", {"file": "gateway.toml", "text": DECLARED})
    return next(each for each in guarded.api("GET", "/api/keys") if each["name"] == "team-ci")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("data", ["seeded", "empty"])
def test_it_loads(request: pytest.FixtureRequest, page: Opener, data: str, width: int, theme: str) -> None:
    stand: Stand = request.getfixturevalue(data)
    tab = page(stand, "#/keys", theme=theme, width=width)
    expect(tab.get_by_role("heading", name="Keys", level=1)).to_be_visible()
    if data == "empty":
        expect(tab.get_by_role("heading", name="No key yet")).to_be_visible()
        look(tab, f"keys-empty-{theme}-{width}", width)
        return
    expect(row(tab, "laptop")).to_be_visible()
    look(tab, f"keys-{theme}-{width}", width)
    go(tab, f"#/keys/{stand.key_ids['ci']}")
    expect(tab.get_by_role("heading", name="ci", level=1)).to_be_visible()
    expect(tab.get_by_text("of $5.00 a day").first).to_be_visible()
    look(tab, f"key-{theme}-{width}", width)
    go(tab, f"#/keys/{stand.key_ids['ci']}?panel=edit")
    expect(tab.get_by_role("dialog", name="Edit ci").get_by_label("Requests a minute")).to_have_value("60")
    look(tab, f"key-edit-{theme}-{width}", width)


def look(tab: Page, name: str, width: int) -> None:
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= width
    axe(tab)
    shot(tab, name)


def test_its_texts_are_in_a_catalogue(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/keys")
    pseudo(tab)
    for where in (f"#/keys/{gateway.key_ids['ci']}?panel=edit", "#/keys?panel=make", "#/keys/nobody"):
        page.watch(tab).allow("status of 404")
        tab.goto(f"{gateway.url}/{where}")
        tab.reload()
        settled(tab)
        pseudo(tab)


def test_a_key_is_made_and_works(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/keys")
    tab.keyboard.press("n")
    form = tab.get_by_role("dialog", name="Make a key")
    form.get_by_label("Name", exact=True).fill("night runs")
    form.get_by_label("Models", exact=True).fill("gpt-5.4-mini,cheap")
    form.get_by_label("Models", exact=True).press("Enter")
    form.get_by_role("combobox", name="Ends").select_option("In 30 days")
    form.get_by_label("Requests a minute").fill("30")
    form.get_by_role("button", name="Add a budget").click()
    form.get_by_label("Amount").fill("2.5")
    form.get_by_role("combobox", name="Mode", exact=True).select_option("Hard: never spend more")
    form.get_by_text("How its requests are treated").click()
    form.get_by_label("Tags", exact=True).fill("night")
    form.get_by_label("Tags", exact=True).press("Enter")
    form.get_by_role("combobox", name="Recording").select_option("Never record")
    form.get_by_role("button", name="Make a key").click()

    made = tab.get_by_role("dialog", name="Key night runs")
    token = made.locator("pre").first.inner_text()
    assert re.fullmatch(r"flr_[0-9a-f]{72}", token)
    expect(made.get_by_label("In a shell")).to_contain_text(f"ANTHROPIC_AUTH_TOKEN={token}")
    made.get_by_role("tab", name="curl").click()
    expect(made.get_by_label("In a shell")).to_contain_text(token)
    axe(tab)
    made.get_by_role("button", name="I have stored it").click()
    expect(tab.get_by_role("heading", name="night runs", level=1)).to_be_visible()
    expect(tab.get_by_text(token)).to_have_count(0)

    stored = next(each for each in gateway.api("GET", "/api/keys") if each["name"] == "night runs")
    policy = stored["policy"]
    assert (policy["models"], policy["limits"]) == (["gpt-5.4-mini", "cheap"], {"requests_per_minute": 30})
    assert policy["budgets"] == [{"amount": "2.5", "mode": "hard"}]
    assert (policy["tags"], policy["recording"]) == (["night"], False)
    assert stored["expires_at_ms"] > stored["created_at_ms"] + 29 * 86_400_000
    gateway.keys["night runs"] = token
    assert gateway.ask("gpt-5.4-mini", key="night runs")[0] == 200
    assert gateway.ask("claude-sonnet-4-5", key="night runs")[0] == 403
    gateway.api("DELETE", f"/api/keys/{stored['id']}")
    del gateway.keys["night runs"]


def test_it_is_not_closed_by_mistake(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/keys?panel=make")
    tab.get_by_role("dialog").get_by_label("Name", exact=True).fill("forgotten")
    tab.get_by_role("dialog").get_by_label("Name", exact=True).press("Enter")
    made = tab.get_by_role("dialog", name="Key forgotten")
    expect(made).to_be_visible()
    tab.keyboard.press("Escape")
    question = tab.get_by_role("alertdialog")
    question.get_by_role("button", name="Cancel").click()
    expect(made).to_be_visible()
    made.get_by_role("button", name="Copy the key").click()
    tab.keyboard.press("Escape")
    expect(made).to_have_count(0)
    expect(tab.get_by_role("heading", name="forgotten", level=1)).to_be_visible()
    gateway.api("DELETE", "/api/keys/" + tab.url.rpartition("/")[2])


def test_what_is_refused_is_said_at_its_place(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/keys?panel=make", allow=("status of 400",))
    form = tab.get_by_role("dialog")
    form.get_by_label("Name", exact=True).fill("wrong")
    form.get_by_role("button", name="Add a budget").click()
    form.get_by_role("button", name="Make a key").click()
    expect(form.get_by_role("alert")).to_contain_text("amount")
    assert "wrong" not in [each["name"] for each in gateway.api("GET", "/api/keys")]


def test_a_change_and_its_way_back(gateway: Stand, page: Opener, key: dict[str, Any]) -> None:
    tab = page(gateway, f"#/keys/{key['id']}")
    tab.keyboard.press("e")
    form = tab.get_by_role("dialog", name="Edit robot")
    save = form.get_by_role("button", name="Save")
    expect(save).to_be_disabled()
    form.get_by_label("Name", exact=True).fill("android")
    form.get_by_label("Requests at once").fill("4")
    form.get_by_role("checkbox", name="anthropic").check()
    save.click()
    expect(tab.get_by_role("heading", name="android", level=1)).to_be_visible()
    expect(tab.get_by_text("4 at once")).to_be_visible()
    path = f"/api/keys/{key['id']}"
    assert gateway.api("GET", path)["policy"] == {"limits": {"concurrent": 4}, "dialects": ["anthropic"]}
    tab.get_by_role("button", name="Undo").click()
    expect(tab.get_by_role("heading", name="robot", level=1)).to_be_visible()
    assert gateway.api("GET", path)["policy"] == {}


def test_nobody_overwrites_what_they_have_not_seen(gateway: Stand, page: Opener, key: dict[str, Any]) -> None:
    tab = page(gateway, f"#/keys/{key['id']}?panel=edit", allow=("status of 412",))
    form = tab.get_by_role("dialog", name="Edit robot")
    form.get_by_label("Requests a day").fill("7")
    gateway.api("PATCH", f"/api/keys/{key['id']}", {"policy": {"tags": ["theirs"]}})
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("alert")).to_be_visible()
    assert gateway.api("GET", f"/api/keys/{key['id']}")["policy"] == {"tags": ["theirs"]}


def test_off_and_on_again(gateway: Stand, page: Opener, key: dict[str, Any]) -> None:
    gateway.keys["robot"] = key["token"]
    assert gateway.ask("gpt-5.4", key="robot")[0] == 200
    tab = page(gateway, f"#/keys/{key['id']}")
    tab.get_by_role("button", name="Disable").click()
    expect(tab.get_by_role("button", name="Enable")).to_be_visible()
    assert gateway.ask("gpt-5.4", key="robot")[0] == 401
    tab.get_by_role("button", name="Undo").click()
    expect(tab.get_by_role("button", name="Disable")).to_be_visible()
    assert gateway.ask("gpt-5.4", key="robot")[0] == 200
    del gateway.keys["robot"]


def test_revoking_asks_for_the_name(gateway: Stand, page: Opener, key: dict[str, Any]) -> None:
    tab = page(gateway, f"#/keys/{key['id']}")
    tab.get_by_role("button", name="Revoke").click()
    question = tab.get_by_role("alertdialog", name="Revoke robot?")
    sure = question.get_by_role("button", name="Revoke")
    expect(sure).to_be_disabled()
    question.get_by_role("textbox").fill("robot")
    sure.click()
    expect(tab.get_by_text("revoked", exact=True).first).to_be_visible()
    assert gateway.api("GET", f"/api/keys/{key['id']}")["state"] == "revoked"
    expect(tab.get_by_role("button", name="Edit")).to_be_disabled()
    expect(tab.get_by_role("button", name="Edit")).to_have_attribute(
        "title", "A revoked key cannot be changed"
    )


def test_by_keyboard(gateway: Stand, page: Opener, key: dict[str, Any]) -> None:
    tab = page(gateway, "#/keys")
    tab.keyboard.press("/")
    tab.keyboard.type("robot")
    expect(tab.get_by_role("row")).to_have_count(2)
    assert "q=robot" in tab.url
    tab.keyboard.press("Escape")
    for pressed in "jxd":
        tab.keyboard.press(pressed)
    expect(row(tab, "robot")).to_contain_text("switched off")
    assert gateway.api("GET", f"/api/keys/{key['id']}")["state"] == "disabled"
    tab.keyboard.press("d")
    expect(row(tab, "robot")).to_contain_text("working")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", name="robot", level=1)).to_be_visible()
    tab.keyboard.press("Control+k")
    tab.keyboard.type("make a key")
    tab.get_by_role("option", name="Make a key").click()
    expect(tab.get_by_role("dialog", name="Make a key")).to_be_visible()


def test_what_it_used_and_where_that_is_seen(seeded: Stand, page: Opener) -> None:
    tab = page(seeded, f"#/keys/{seeded.key_ids['laptop']}")
    month = seeded.api("GET", f"/api/usage/summary?key={seeded.key_ids['laptop']}")
    assert month["now"]["requests"] >= 0
    expect(tab.get_by_role("link").filter(has_text="Spend")).to_contain_text("$")
    expect(tab.get_by_role("heading", name="Spend a day, by model")).to_be_visible()
    tab.get_by_role("link", name="Its requests").click()
    expect(tab).to_have_url(re.compile(rf"#/requests\?key={seeded.key_ids['laptop']}"))


def test_what_a_file_owns_stays(guarded: Stand, page: Opener, owned: dict[str, Any]) -> None:
    tab = page(guarded, f"#/keys/{owned['id']}?panel=edit", user="operator")
    form = tab.get_by_role("dialog", name="Edit team-ci")
    expect(form.get_by_text("gateway.toml")).to_be_visible()
    expect(form.get_by_label("Name", exact=True)).to_be_disabled()
    expect(form.get_by_label("Requests a minute")).to_be_disabled()
    form.get_by_role("button", name="Add a budget").click()
    form.get_by_label("Amount").fill("3")
    form.get_by_role("button", name="Save").click()
    expect(form).to_have_count(0)
    policy = guarded.api("GET", f"/api/keys/{owned['id']}")["policy"]
    assert (policy["models"], policy["budgets"]) == (["gpt-*"], [{"amount": "3"}])
    revoke = tab.get_by_role("button", name="Revoke")
    expect(revoke).to_be_disabled()
    expect(revoke).to_have_attribute("title", re.compile("gateway.toml"))


def test_an_operator_leaves_admins_keys_alone(guarded: Stand, page: Opener) -> None:
    made = guarded.api("POST", "/api/keys", {"name": "chief", "scopes": ["admin"]})
    tab = page(guarded, f"#/keys/{made['id']}", user="operator")
    expect(tab.get_by_role("button", name="Edit")).to_be_disabled()
    expect(tab.get_by_role("button", name="Edit")).to_have_attribute("title", re.compile("admins only"))
    tab.get_by_role("button", name="Disable").click()
    expect(tab.get_by_role("button", name="Enable")).to_be_disabled()
    assert guarded.api("GET", f"/api/keys/{made['id']}")["state"] == "disabled"
    go(tab, "#/keys?panel=make")
    tab.get_by_text("How its requests are treated").click()
    expect(tab.get_by_role("checkbox", name="May use the management API")).to_be_disabled()


def test_a_viewer_looks(guarded: Stand, page: Opener) -> None:
    tab = page(guarded, "#/keys?panel=make", user="viewer")
    expect(row(tab, "laptop")).to_be_visible()
    expect(tab.get_by_role("dialog")).to_have_count(0)
    expect(tab.get_by_role("link", name="Make a key")).to_have_count(0)
    go(tab, f"#/keys/{guarded.key_ids['laptop']}")
    for name in ("Edit", "Disable", "Revoke"):
        button = tab.get_by_role("button", name=name)
        expect(button).to_be_disabled()
        expect(button).to_have_attribute("title", re.compile("Your role is viewer"))
    page.watch(tab).allow("status of 403")
    refused = tab.evaluate(
        """async (id) => {
          const me = (await (await fetch('/api/me')).json()).data;
          const headers = {'content-type': 'application/json', 'x-csrf-token': me.csrf_token};
          const calls = [['PATCH', `/api/keys/${id}`, '{"enabled": false}'], ['DELETE', `/api/keys/${id}`], ['POST', '/api/keys', '{"name": "mine"}']];
          return Promise.all(calls.map(async ([method, path, body]) => {
            const reply = await fetch(path, {method, headers, body});
            return [reply.status, (await reply.json()).error.code];
          }));
        }""",
        guarded.key_ids["laptop"],
    )
    assert refused == [[403, "role_needed"]] * 3
