"""Logging in and out: by password, through a provider, with a wait after wrong ones; people, sessions, roles."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import Opener
from tests.dashboard.stand import PASSWORD, Stand, standing
from tests.dashboard.tab import THEMES, WIDTHS, axe, pseudo, settled, shot
from tests.support.oidc_provider import CLIENT_ID, CLIENT_SECRET, RunningProvider

UNAUTHORISED = "status of 401"
NEXT = "a completely different horse"


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningProvider]:
    with RunningProvider() as running:
        yield running


@pytest.fixture(scope="module")
def house(provider: RunningProvider) -> Iterator[Stand]:
    """Lend a gateway where people log in by password or through a provider."""
    oidc = {
        "issuer": provider.issuer, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "label": "Example",
        "emails": {"ann@example.com": "operator"}, "roles": {"router-admins": "admin"},
    }  # fmt: skip
    with standing(settings={"admin": {"login": "on", "free_attempts": 50, "oidc": oidc}}) as stand:
        stand.furnish()
        for role in ("admin", "operator", "viewer"):
            stand.api("POST", "/api/users", {"name": role, "role": role, "password": PASSWORD})
        yield stand


def log_in(tab: Page, name: str, password: str = PASSWORD) -> None:
    tab.get_by_label("Name", exact=True).fill(name)
    tab.get_by_label("Password", exact=True).fill(password)
    tab.get_by_role("button", name="Log in", exact=True).click()


def go(tab: Page, where: str) -> Page:
    tab.evaluate("(where) => { location.hash = where; }", where)
    return settled(tab)


def person(tab: Page, name: str) -> Locator:
    return tab.locator(f'[data-user="{name}"]')


def pick(item: Locator, name: str) -> None:
    item.get_by_role("button", name="More actions").click()
    item.get_by_role("menuitem", name=name).click()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_it_loads(house: Stand, page: Opener, width: int, theme: str) -> None:
    tab = page(house, "", theme=theme, width=width, signed_in=False, allow=(UNAUTHORISED,))
    expect(tab.get_by_label("Password", exact=True)).to_be_visible()
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= width
    axe(tab)
    shot(tab, f"login-{theme}-{width}")
    log_in(tab, "admin")
    go(tab, "#/settings/logins")
    expect(person(tab, "operator")).to_be_visible()
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= width
    axe(tab)
    shot(tab, f"settings-people-{theme}-{width}")


def test_its_texts_are_in_a_catalogue(house: Stand, page: Opener) -> None:
    pseudo(page(house, "", signed_in=False, allow=(UNAUTHORISED,)))
    pseudo(page(house, "#/settings/logins", user="admin"))


def test_in_by_password_to_where_one_wanted_and_out(house: Stand, page: Opener) -> None:
    tab = page(house, "#/keys?state=off", signed_in=False, allow=(UNAUTHORISED,))
    log_in(tab, "operator", "not the password")
    expect(tab.get_by_role("alert")).to_be_visible()
    log_in(tab, "operator")
    expect(tab.get_by_role("heading", name="Keys", level=1)).to_be_visible()
    assert tab.url.endswith("#/keys?state=off")
    tab.get_by_role("button", name="Signed in as operator (operator)").click()
    tab.get_by_role("menuitem", name="Log out").click()
    expect(tab.get_by_label("Password", exact=True)).to_be_visible()
    assert tab.context.request.get(f"{house.url}/api/me").status == 401


def test_wrong_passwords_have_to_wait(page: Opener) -> None:
    with standing(settings={"admin": {"login": "on", "free_attempts": 2}}) as stand:
        stand.api("POST", "/api/users", {"name": "admin", "role": "admin", "password": PASSWORD})
        tab = page(stand, "", signed_in=False, allow=(UNAUTHORISED, "status of 429"))
        said = tab.get_by_role("alert")
        for _ in range(8):  # a slow machine may take longer for a guess than the first waits are
            with tab.expect_response("**/api/login") as answer:
                log_in(tab, "admin", "guess")
            if answer.value.status == 429:
                break
        expect(said).to_contain_text(re.compile("too many|wait", re.IGNORECASE))
        assert tab.context.request.get(f"{stand.url}/api/me").status == 401


def test_a_session_that_ended_leads_back(house: Stand, page: Opener) -> None:
    tab = page(house, "#/keys", user="operator", allow=(UNAUTHORISED,))
    expect(tab.get_by_text("laptop").first).to_be_visible()
    for session in house.api("GET", "/api/sessions"):
        house.api("DELETE", f"/api/sessions/{session['id']}")
    house.cookies.clear()
    go_quietly(tab, f"#/keys/{house.key_ids['laptop']}")
    expect(tab.get_by_label("Password", exact=True)).to_be_visible()
    log_in(tab, "operator")
    expect(tab.get_by_role("heading", name="laptop", level=1)).to_be_visible()


def go_quietly(tab: Page, where: str) -> None:
    tab.evaluate("(where) => { location.hash = where; }", where)


def test_through_a_provider_and_back(house: Stand, provider: RunningProvider, page: Opener) -> None:
    there = re.escape(provider.issuer)
    tab = page(
        house, "#/keys?q=lap", signed_in=False, allow=(UNAUTHORISED, f"another host: {there}", "favicon")
    )
    tab.get_by_role("link", name="Example").click()
    expect(tab.get_by_role("heading", name="Keys", level=1)).to_be_visible()
    expect(tab).to_have_url(re.compile(r"#/keys\?q=lap$"))
    settled(tab)
    me = tab.evaluate("async () => (await (await fetch('/api/me')).json()).data")
    assert (me["name"], me["role"], me["via"]) == ("ann@example.com", "operator", "oidc")
    expect(tab.get_by_role("link", name="Make a key")).to_be_visible()
    assert any(path.startswith("POST /token") for path in provider.asked)


def test_the_provider_is_tried(house: Stand, page: Opener) -> None:
    tab = page(house, "#/settings/logins", user="admin")
    expect(tab.get_by_role("code").filter(has_text="ann@example.com")).to_be_visible()
    assert CLIENT_SECRET not in tab.content()
    tab.get_by_role("button", name="Try it").click()
    expect(tab.get_by_text("It answers: 1 keys to sign with.")).to_be_visible()


def test_people_are_made_changed_and_removed(house: Stand, page: Opener) -> None:
    tab = page(house, "#/settings/logins", user="admin", allow=("status of 400", UNAUTHORISED))
    tab.get_by_role("button", name="Add a person").click()
    panel = tab.get_by_role("dialog", name="Add a person")
    panel.get_by_label("Name").fill("bea")
    panel.get_by_role("combobox", name="Role").select_option(index=1)
    panel.get_by_label("Password", exact=True).fill("short")
    panel.get_by_role("button", name="Add", exact=True).click()
    expect(panel.get_by_role("alert")).to_be_visible()
    panel.get_by_label("Password", exact=True).fill(PASSWORD)
    panel.get_by_role("button", name="Add", exact=True).click()
    expect(person(tab, "bea")).to_be_visible()
    person(tab, "bea").get_by_role("combobox").select_option("viewer")
    expect(tab.get_by_text("bea is viewer now")).to_be_visible()
    assert role_of(house, "bea") == "viewer"
    tab.get_by_role("button", name="Undo").click()
    expect(tab.get_by_text("bea is operator now")).to_be_visible()
    assert role_of(house, "bea") == "operator"
    pick(person(tab, "bea"), "New password")
    tab.get_by_role("dialog").get_by_label("Password", exact=True).fill(NEXT)
    tab.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(tab.get_by_text("bea has a new password")).to_be_visible()
    said = tab.context.request.post(f"{house.url}/api/login", data={"name": "bea", "password": NEXT})
    assert said.status == 200
    tab.context.clear_cookies()
    tab = page(house, "#/settings/logins", user="admin")
    pick(person(tab, "bea"), "Switch off")
    expect(person(tab, "bea").get_by_text("switched off", exact=True)).to_be_visible()
    refused = tab.request.post(f"{house.url}/api/login", data={"name": "bea", "password": NEXT})
    assert refused.status == 401
    pick(person(tab, "bea"), "Remove")
    tab.get_by_role("alertdialog").get_by_role("textbox").fill("bea")
    tab.get_by_role("alertdialog").get_by_role("button", name="Remove").click()
    expect(person(tab, "bea")).to_have_count(0)
    # Nobody locks themselves out.
    expect(person(tab, "admin").get_by_role("combobox")).to_be_disabled()


def role_of(stand: Stand, name: str) -> str:
    return next(each["role"] for each in stand.api("GET", "/api/users") if each["name"] == name)


def test_ones_own_password(house: Stand, page: Opener) -> None:
    house.api("POST", "/api/users", {"name": "cal", "role": "viewer", "password": PASSWORD})
    tab = page(house, "", signed_in=False, allow=(UNAUTHORISED,))
    log_in(tab, "cal")
    tab.get_by_role("button", name=re.compile("Signed in as cal")).click()
    tab.get_by_role("menuitem", name="Change password").click()
    form = tab.get_by_role("form", name="Your password")
    expect(form.get_by_label("Present password")).to_be_focused()
    form.get_by_label("Present password").fill("wrong")
    form.get_by_label("New password").fill(NEXT)
    form.get_by_label("Once more").fill("another one")
    expect(form.get_by_text("These two differ")).to_be_visible()
    expect(form.get_by_role("button", name="Change it")).to_be_disabled()
    form.get_by_label("Once more").fill(NEXT)
    form.get_by_role("button", name="Change it").click()
    expect(form.get_by_role("alert")).to_be_visible()
    form.get_by_label("Present password").fill(PASSWORD)
    form.get_by_role("button", name="Change it").click()
    expect(tab.get_by_text("Your password is changed")).to_be_visible()
    # The new session's proof is in use at once.
    tab.get_by_role("button", name=re.compile("Signed in as cal")).click()
    tab.get_by_role("menuitem", name="Log out").click()
    expect(tab.get_by_label("Password", exact=True)).to_be_visible()
    log_in(tab, "cal", NEXT)
    expect(tab.get_by_role("tab", name="Logins")).to_be_visible()


def test_signed_in_browsers(house: Stand, page: Opener) -> None:
    other = page(house, "#/about", user="operator", allow=(UNAUTHORISED,))
    tab = page(house, "#/settings/logins", user="admin")
    sessions = tab.locator("section").filter(has=tab.get_by_role("heading", name="Signed-in browsers"))
    expect(sessions.get_by_text("this browser")).to_be_visible()
    sessions.get_by_role("button", name="Sign out: operator").first.click()
    expect(tab.get_by_text("operator is signed out there")).to_be_visible()
    for session in house.api("GET", "/api/sessions"):
        if session["name"] == "operator":
            house.api("DELETE", f"/api/sessions/{session['id']}")
    other.reload()
    expect(other.get_by_label("Password", exact=True)).to_be_visible()
    sessions.get_by_role("button", name="Link for one more browser").click()
    link = sessions.get_by_label("Link for one more browser").inner_text()
    assert link.startswith(f"{house.url}/?token=")
    third = page(house, link.removeprefix(f"{house.url}/"), signed_in=False)
    expect(third.get_by_role("heading", name="Overview", level=1)).to_be_visible()


def test_a_viewer_cannot_change_who_gets_in(house: Stand, page: Opener) -> None:
    tab = page(house, "#/settings/logins", user="viewer")
    expect(tab.get_by_text("Only admins see who may log in.")).to_be_visible()
    expect(tab.get_by_role("button", name="Add a person")).to_have_count(0)
    expect(tab.get_by_role("button", name="Link for one more browser")).to_have_count(0)
    expect(tab.get_by_role("button", name="Try it")).to_be_disabled()
    expect(tab.get_by_text("only admins see this").first).to_be_visible()
    assert "ann@example.com" not in tab.content()
    page.watch(tab).allow("status of 403")
    refused = tab.evaluate(
        """async () => {
          const me = (await (await fetch('/api/me')).json()).data;
          const headers = {'content-type': 'application/json', 'x-csrf-token': me.csrf_token};
          const calls = [['POST', '/api/users', '{"name": "x", "password": "correct horse battery"}'], ['POST', '/api/handover', '{}'], ['POST', '/api/login/oidc/check', '{}']];
          return Promise.all(calls.map(async ([method, path, body]) => (await fetch(path, {method, headers, body})).status));
        }"""
    )
    assert refused == [403] * 3


def test_logging_in_is_off(empty: Stand, page: Opener) -> None:
    tab = page(empty, "#/settings/logins")
    expect(tab.get_by_text("Logging in is off")).to_be_visible()
    expect(tab.get_by_text('[admin]\nlogin = "on"')).to_be_visible()
    expect(tab.get_by_role("heading", name="Nobody has a password yet")).to_be_visible()
