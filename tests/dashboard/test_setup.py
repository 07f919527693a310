"""The first run: from an empty gateway to the first answer, by clicks that are counted."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.contracts.fakes import wait_until
from tests.dashboard.conftest import Opener
from tests.dashboard.stand import Stand, standing
from tests.dashboard.tab import THEMES, WIDTHS, axe, pseudo, shot
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream, refused_port

MOST_CLICKS = 8


@pytest.fixture
def fresh() -> Iterator[Stand]:
    """Lend a gateway with nothing in it, for one test."""
    with standing() as stand:
        yield stand


@pytest.fixture
def finding() -> Iterator[Stand]:
    """Lend a gateway that finds a key in its environment, and has no way to the internet."""
    held, port = refused_port()
    settings = {
        "discovery": {"enabled": True},
        "upstream": {"client": "http1", "proxy": f"http://127.0.0.1:{port}"},
    }
    environ = {"GROQ_API_KEY": "gsk_0123456789abcdefghij"}
    with (
        held,
        ScriptedUpstream("all") as vendor,
        RunningGateway(settings=settings, environ=environ) as running,
    ):
        yield Stand(running, vendor)


class Clicks:
    """Clicks as a person does, and counts."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, target: Locator) -> None:
        target.click()
        self.count += 1


def step(tab: Page, title: str) -> Locator:
    return tab.get_by_role("listitem").filter(has=tab.get_by_role("heading", level=2, name=title))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("data", ["gateway", "empty"])
def test_setup(request: pytest.FixtureRequest, page: Opener, data: str, width: int, theme: str) -> None:
    tab = page(request.getfixturevalue(data), "#/setup", theme=theme, width=width)
    if data == "empty":
        expect(tab.get_by_role("button", name="OpenAI premium")).to_be_visible()
        expect(step(tab, "Ask it something").get_by_role("button")).to_have_count(0)
    else:
        expect(tab.get_by_role("button", name="Send")).to_be_enabled()
        expect(tab.get_by_role("tab", name="Claude Code")).to_be_visible()
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= width
    axe(tab)
    shot(tab, f"setup-{data}-{theme}-{width}")


def test_every_text_is_in_a_catalogue(gateway: Stand, empty: Stand, page: Opener) -> None:
    pseudo(page(gateway, "#/setup?client=other"))
    pseudo(page(empty, "#/setup"))
    pseudo(page(empty, "#/setup?preset=openai"))


def test_from_nothing_to_the_first_answer(fresh: Stand, page: Opener) -> None:
    tab, click = page(fresh), Clicks()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Set-up")

    click(tab.get_by_role("button", name="OpenAI premium"))
    tab.get_by_label("Key", exact=True).fill("sk-scripted-0123456789")
    click(
        tab.get_by_role("button", name="Other address or name")
    )  # only because the vendor is a scripted one
    tab.get_by_label("Base URL").fill(fresh.vendor.openai_url)
    click(tab.get_by_role("button", name="Save and test"))
    expect(step(tab, "Give it a provider")).to_contain_text("openai works:")

    click(tab.get_by_role("button", name="Send"))
    expect(tab.locator(".setup-answer")).to_contain_text("You said: Say hello in five words.")
    expect(tab.locator(".setup-answer")).to_contain_text("Answered by openai/")
    wait_until(lambda: bool(fresh.api("GET", "/api/requests")))
    first = fresh.api("GET", "/api/requests?limit=1")[0]
    assert (first["client"], first["outcome"], first["account_id"]) == (
        "dashboard", "ok", fresh.api("GET", "/api/accounts")[0]["id"],
    )  # fmt: skip
    assert click.count <= MOST_CLICKS
    answered = click.count

    # And on to a tool of one's own, with a key of its own.
    waiting = tab.locator(".setup-waiting")
    expect(waiting).to_contain_text("Waiting for your first request")
    click(tab.get_by_role("tab", name="curl"))
    expect(tab.locator(".code")).to_contain_text("Bearer any")
    click(tab.get_by_role("button", name="Make a key"))
    expect(tab.locator(".code")).to_contain_text("Bearer flr_")
    lines = tab.locator(".code pre").inner_text()
    fresh.keys["curl"] = re.findall(r"flr_\w+", lines)[0]
    model = re.findall(r'"model":"([^"]+)"', lines)[0]
    assert f"{fresh.url}/v1/chat/completions" in lines
    axe(tab)
    status, answer = fresh.ask(model, "hello from a tool", key="curl", headers={"user-agent": "curl/8.14"})
    assert status == 200, answer
    expect(waiting).to_contain_text("It works.")
    expect(waiting).to_have_class(re.compile("arrived"))
    click(waiting.get_by_role("link", name="To the overview"))
    expect(
        tab.get_by_role("region", name="Flow").get_by_role("link", name=re.compile("^curl,")).first
    ).to_be_visible()
    assert (answered, click.count) == (4, 7)
    assert [key["name"] for key in fresh.api("GET", "/api/keys")] == ["curl"]


def test_what_is_wrong_is_said_and_mended_in_place(fresh: Stand, page: Opener) -> None:
    held, port = refused_port()
    with held:
        tab = page(fresh, "#/setup?preset=custom-openai")
        tab.get_by_label("Base URL").fill(f"http://127.0.0.1:{port}/v1")
        tab.get_by_role("button", name="Save and test").click()
        expect(tab.get_by_role("alert")).to_contain_text("check the base URL")
    axe(tab)
    tab.get_by_label("Base URL").fill(fresh.vendor.openai_url)
    tab.get_by_label("Key", exact=True).fill("sk-scripted-0123456789")
    tab.get_by_role("button", name="Save and test").click()
    expect(step(tab, "Give it a provider")).to_contain_text("custom-openai works:")
    accounts = fresh.api("GET", "/api/accounts")
    assert [(one["name"], one["base_url"]) for one in accounts] == [
        ("custom-openai", fresh.vendor.openai_url)
    ]


def test_a_refused_field_says_so_beside_it(fresh: Stand, page: Opener) -> None:
    tab = page(fresh, "#/setup?preset=custom-openai", allow=("status of 400",))
    tab.get_by_label("Base URL").fill("not an address")
    tab.get_by_role("button", name="Save and test").click()
    expect(tab.locator(".field.refused")).to_contain_text("base URL")
    assert fresh.api("GET", "/api/accounts") == []


def test_providers_are_found_by_words_and_tags(empty: Stand, page: Opener) -> None:
    tab = page(empty, "#/setup")
    choices = tab.locator(".setup-preset")
    everything = choices.count()
    tab.get_by_role("group", name="Kinds of providers").get_by_role("button", name="local").click()
    expect(choices.first).to_have_text(re.compile("Ollama"))
    local = choices.count()
    assert 0 < local < everything
    tab.get_by_role("group", name="Kinds of providers").get_by_role("button", name="local").click()
    tab.keyboard.press("/")
    tab.keyboard.type("claude")
    expect(choices.first).to_contain_text("Anthropic")
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(re.compile("preset=anthropic"))
    expect(tab.get_by_label("Key", exact=True)).to_be_focused()
    expect(tab.get_by_role("button", name="Save and test")).to_be_disabled()
    tab.get_by_role("button", name="Back to all providers").click()
    expect(choices).to_have_count(everything)


def test_what_was_found_is_taken_up(finding: Stand, page: Opener) -> None:
    tab = page(finding, "#/setup")
    found = tab.locator(".setup-row", has_text="GROQ_API_KEY")
    found.get_by_role("button", name="Use it").click()
    # There is no internet here: the account is taken up, and what its test found is said.
    expect(tab.get_by_role("alert")).to_be_visible()
    stored = next(one for one in finding.api("GET", "/api/accounts") if one["preset"] == "groq")
    assert (stored["source"], stored["has_key"], stored["key_tail"]) == ("store", True, "ghij")
    tab.get_by_role("button", name="Remove it").click()
    expect(tab.get_by_role("alert")).to_have_count(0)
    assert not any(one["source"] == "store" for one in finding.api("GET", "/api/accounts"))


@pytest.mark.parametrize(
    ("client", "words"),
    [
        ("claude-code", ("ANTHROPIC_BASE_URL={url}\n", "ANTHROPIC_MODEL=gpt-5.4 ")),
        ("codex", ('base_url = "{url}/v1"', 'wire_api = "responses"', 'model = "gpt-5.4"')),
        ("gemini-cli", ("GOOGLE_GEMINI_BASE_URL={url} ", "-m gpt-5.4 ")),
        ("opencode", ('"baseURL": "{url}/v1"', "flow-router/gpt-5.4 ")),
        ("aider", ("OPENAI_API_BASE={url}/v1 ", "openai/gpt-5.4")),
        ("python", ('base_url="{url}/v1"',)),
        ("javascript", ('baseURL: "{url}/v1"',)),
        ("other", ("{url}/v1", "YOUR_KEY")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_tool_has_its_lines(gateway: Stand, page: Opener, client: str, words: tuple[str, ...]) -> None:
    tab = page(gateway, f"#/setup?client={client}&model=gpt-5.4")
    shown = "\n".join(tab.locator(".setup-step").nth(2).locator("pre, code").all_inner_texts()) + "\n"
    for word in words:
        assert word.format(url=gateway.url) in shown, shown


def test_a_viewer_reads_the_lines_and_changes_nothing(guarded: Stand, page: Opener) -> None:
    tab = page(guarded, "#/setup", user="viewer")
    expect(tab.get_by_text("Your role may look, not change")).to_be_visible()
    expect(tab.locator(".code").first).to_contain_text("ANTHROPIC_BASE_URL")
    for name in ("Send", "Make a key", "Add another", "Save and test"):
        expect(tab.get_by_role("button", name=name)).to_have_count(0)
