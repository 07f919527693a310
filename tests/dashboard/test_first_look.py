"""The dashboard opens: signed in, as a stranger, with data and without; and the watch over it is awake."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.dashboard.conftest import Opener
from tests.dashboard.stand import Stand
from tests.dashboard.tab import THEMES, WIDTHS, Watch, axe, pseudo, settled, shot


def test_the_seeded_requests_are_there(seeded: Stand) -> None:
    newest = seeded.api("GET", "/api/requests?limit=1")[0]
    assert newest["id"] == seeded.rows[-1].id
    usage = seeded.api("GET", "/api/usage?group_by=day")
    assert len(usage) > 35
    assert sum(row["requests"] for row in usage) == len(seeded.rows)
    assert seeded.api("GET", f"/api/requests/{newest['id']}")["receipt"]["complete"]


def test_the_vendor_answers_through_every_account(gateway: Stand) -> None:
    for model in ("gpt-5.4", "claude-sonnet-4-5", "gemini-2.5-flash", "deepseek-chat", "smart", "cheap"):
        status, answer = gateway.ask(model, f"hello {model}", key="laptop")
        assert status == 200, answer
        assert f"hello {model}" in answer["choices"][0]["message"]["content"]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("data", ["seeded", "empty"])
def test_it_opens(request: pytest.FixtureRequest, page: Opener, data: str, width: int, theme: str) -> None:
    tab = page(request.getfixturevalue(data), theme=theme, width=width)
    assert tab.evaluate("() => document.documentElement.dataset.theme") == theme
    expect(tab.get_by_role("navigation").first).to_be_visible()
    expect(tab.get_by_role("heading", level=1)).to_be_visible()
    axe(tab)
    shot(tab, f"first-look-{data}-{theme}-{width}")


def test_every_text_of_the_frame_is_in_a_catalogue(gateway: Stand, page: Opener) -> None:
    pseudo(page(gateway))


def test_a_stranger_is_asked_in(gateway: Stand, page: Opener) -> None:
    # The browser itself reports the answer by which the page learns that nobody is signed in.
    tab = page(gateway, signed_in=False, allow=("status of 401",))
    expect(tab.get_by_role("heading", level=1)).to_be_visible()
    expect(tab.get_by_role("navigation")).to_have_count(0)
    axe(tab)


def test_the_link_signs_a_browser_in(gateway: Stand, browser: Browser) -> None:
    """The code is gone from the address, and it works once."""
    context = browser.new_context()
    watch = Watch(context, gateway.url)
    tab = context.new_page()
    link = gateway.link()
    tab.goto(link)
    settled(tab)
    assert tab.url.split("#")[0] == f"{gateway.url}/"
    expect(tab.get_by_role("navigation").first).to_be_visible()
    other = browser.new_context()
    reply = other.request.get(link)
    assert (reply.status, "used before" in reply.text()) == (401, True)
    other.close()
    context.close()
    watch.check()


@pytest.mark.parametrize("role", ["admin", "operator", "viewer"])
def test_people_log_in_with_their_role(guarded: Stand, page: Opener, role: str) -> None:
    tab = page(guarded, user=role)
    expect(tab.get_by_role("navigation").first).to_be_visible()
    assert tab.evaluate("() => fetch('/api/me').then((reply) => reply.json())")["data"]["role"] == role
