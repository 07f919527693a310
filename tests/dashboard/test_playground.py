"""The playground: every dialect, streamed and whole, tools, pictures, stopping."""

from __future__ import annotations

import base64
import re

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Opener
from tests.dashboard.stand import Stand
from tests.dashboard.tab import THEMES, WIDTHS, axe, pseudo, settled, shot
from tests.dashboard.talk import DIALECTS, SLOW, answered, answers, ask, choose, message, slowly

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def slow(gateway: Stand) -> Stand:
    """Lend the gateway with an account more, whose models take their time."""
    return slowly(gateway)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("data", ["gateway", "empty"])
def test_playground(request: pytest.FixtureRequest, page: Opener, data: str, width: int, theme: str) -> None:
    tab = page(request.getfixturevalue(data), "#/playground", theme=theme, width=width)
    if data == "empty":
        expect(tab.get_by_role("link", name="Add a provider")).to_be_visible()
        expect(tab.get_by_text("Choose a model first.")).to_be_visible()
    else:
        expect(tab.get_by_role("combobox", name="Model, account or combo")).not_to_have_value("")
        ask(tab, "Hello!")
        expect(answered(tab, 1)).to_contain_text("You said: Hello!")
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= width
    axe(tab)
    shot(tab, f"playground-{data}-{theme}-{width}", whole=False)
    if data == "gateway":
        tab.get_by_role("tab", name="Four dialects").click()
        expect(tab.get_by_role("columnheader", name="Anthropic messages")).to_be_attached()
        assert tab.evaluate("() => document.documentElement.scrollWidth") <= width
        axe(tab)
        shot(tab, f"playground-as-{theme}-{width}", whole=False)


def test_every_text_is_in_a_catalogue(gateway: Stand, empty: Stand, guarded: Stand, page: Opener) -> None:
    tab = page(gateway, "#/playground?model=gpt-5.4&with=claude-sonnet-4-5")
    for name in ("Tools", "More fields"):
        tab.get_by_role("switch", name=name).click()
    tab.get_by_label("Put into the body").fill('{"seed": 7}')
    ask(tab, "What is the weather?")
    answered(tab, 2)
    pseudo(tab)
    for view in ("as", "code"):
        tab.evaluate(f"() => {{ location.hash = '#/playground?view={view}'; }}")
        pseudo(tab)
    pseudo(page(empty, "#/playground"))
    pseudo(page(guarded, "#/playground", user="viewer"))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_conversation_in_a_dialect(gateway: Stand, page: Opener, dialect: str) -> None:
    model, path = DIALECTS[dialect]
    before = len(gateway.vendor.calls)
    tab = page(gateway, f"#/playground?model={model}&dialect={dialect}")
    tab.get_by_label("System").fill("Be brief.")
    tab.get_by_label("Output limit").fill("2048")
    tab.get_by_label("Thinking", exact=True).select_option("Low")
    message(tab).fill("First words")
    tab.keyboard.press("Control+Enter")
    last = answered(tab, 1)
    expect(last).to_contain_text("You said: First words")
    expect(last.locator("footer")).to_contain_text(re.compile(r"first word .* in all.*\d+ in, \d+ out.*\$0"))
    if dialect != "openai_chat":  # OpenAI's Chat does not show what the model thinks
        thoughts = last.get_by_text("Thoughts")
        expect(last).not_to_contain_text("I should answer plainly")
        thoughts.click()
        expect(last).to_contain_text("I should answer plainly")

    tab.get_by_role("switch", name="Streaming").click()
    ask(tab, "Second words")
    last = answered(tab, 2)
    expect(last).to_contain_text("You said: Second words")
    expect(last.locator("footer")).not_to_contain_text("first word")

    first, second = gateway.vendor.calls[before:]
    assert (first.streaming, second.streaming) == (True, False)
    assert first.path.startswith(path)
    assert second.path.startswith(path)
    assert all(
        second.contains(words) for words in ("First words", "You said: First words", "Be brief.", "2048")
    )
    assert (first.refusal, second.refusal) == (None, None)

    href = last.get_by_role("link", name="Request", exact=True).get_attribute("href") or ""
    row = gateway.api("GET", f"/api/requests/{href.rpartition('/')[2]}")
    assert (row["client"], row["client_dialect"], row["outcome"]) == ("dashboard", dialect, "ok")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_round_of_tools(gateway: Stand, page: Opener, dialect: str) -> None:
    model, _ = DIALECTS[dialect]
    before = len(gateway.vendor.refused)
    tab = page(gateway, f"#/playground?model={model}&dialect={dialect}")
    tab.get_by_role("switch", name="Tools").click()
    ask(tab, "What is the weather in two cities?")
    results = tab.get_by_role("form", name="What the calls gave")
    expect(answers(tab).last.locator(".play-call")).to_have_count(2)
    expect(answers(tab).last).to_contain_text('city: "Rome"')
    fields = results.get_by_role("textbox")
    fields.nth(0).fill('{"celsius": 21}')
    fields.nth(1).fill("the station is closed")
    results.get_by_role("switch", name="It failed").nth(1).click()
    results.get_by_role("button", name="Send the results").click()
    expect(answers(tab)).to_have_count(2)
    expect(answered(tab, 2)).to_contain_text('get_weather said: {"celsius": 21}')
    assert gateway.vendor.calls[-1].contains("the station is closed")
    expect(tab.get_by_role("group", name="Results")).to_contain_text("the station is closed")
    ask(tab, "And thanks")
    expect(answered(tab, 3)).to_contain_text("You said: And thanks")
    assert len(gateway.vendor.refused) == before


def test_tools_that_are_no_json_hold_the_message_back(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/playground?model=gpt-5.4")
    tab.get_by_role("switch", name="Tools").click()
    tab.get_by_label("Tools as JSON").fill('[{"nam": 1}]')
    message(tab).fill("Hello")
    expect(tab.get_by_text("This cannot be read: [0].name")).to_be_visible()
    expect(tab.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    tab.get_by_role("button", name="Back to the example").click()
    expect(tab.get_by_role("button", name="Send", exact=True)).to_be_enabled()


def test_a_picture_and_a_draft_that_stays(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/playground?model=claude-sonnet-4-5")
    tab.locator("input[type=file]").set_input_files(
        [{"name": "notes.txt", "mimeType": "text/plain", "buffer": b"words"}]
    )
    expect(tab.get_by_text("notes.txt is no PNG, JPEG, GIF or WebP picture")).to_be_visible()
    paste(tab, "dot.png", PNG)
    expect(tab.get_by_alt_text("dot.png")).to_be_visible()
    message(tab).fill("What is it?")
    tab.get_by_label("System").fill("Look closely.")
    # What was written a moment ago must be there after the page was left.
    tab.reload()
    settled(tab)
    expect(message(tab)).to_have_value("What is it?")
    expect(tab.get_by_label("System")).to_have_value("Look closely.")
    expect(tab.get_by_alt_text("dot.png")).to_be_visible()
    stored = tab.evaluate("() => JSON.stringify(localStorage)")
    assert not any(key in stored for key in ("csrf", "token", *gateway.keys.values()))
    tab.get_by_role("button", name="Send", exact=True).click()
    expect(answered(tab, 1)).to_contain_text(f"image/png of {len(PNG)} bytes")
    expect(message(tab)).to_have_value("")
    tab.reload()
    settled(tab)
    expect(answers(tab)).to_contain_text(f"image/png of {len(PNG)} bytes")
    tab.get_by_role("button", name="Take back and edit").click(force=True)
    expect(message(tab)).to_have_value("What is it?")
    expect(answers(tab)).to_have_count(0)
    tab.get_by_role("button", name="Undo").click()
    expect(answers(tab)).to_have_count(1)


def paste(tab: Page, name: str, data: bytes) -> None:
    """Paste a picture as the clipboard gives it."""
    message(tab).evaluate(
        """(field, {name, data}) => {
          const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
          const clipboardData = new DataTransfer();
          clipboardData.items.add(new File([bytes], name, {type: 'image/png'}));
          field.dispatchEvent(new ClipboardEvent('paste', {clipboardData, bubbles: true, cancelable: true}));
        }""",
        {"name": name, "data": base64.b64encode(data).decode()},
    )


def test_stopping_ends_the_call_and_streaming_draws_little(slow: Stand, page: Opener) -> None:
    tab = page(slow, "#/playground?model=gpt-5.4")
    ask(tab, "Before it")
    answered(tab, 1)
    choose(tab, SLOW[0])
    before = len(slow.vendor.disconnects)
    ask(tab, "Write much")
    words = tab.locator(".play-turn").last.locator(".play-words")
    expect(words).to_contain_text("word100")
    drawn: dict[str, int] = tab.evaluate(
        """async () => {
          const drawn = {frames: 0, changes: 0, earlier: 0};
          const [first, last] = document.querySelectorAll('.play-turn');
          const all = {subtree: true, childList: true, characterData: true, attributes: true};
          new MutationObserver(() => (drawn.changes += 1)).observe(last, all);
          new MutationObserver(() => (drawn.earlier += 1)).observe(first, all);
          while (drawn.frames < 30) {
            await new Promise((next) => requestAnimationFrame(next));
            drawn.frames += 1;
          }
          return drawn;
        }"""
    )
    assert 0 < drawn["changes"] <= drawn["frames"] + 1
    assert drawn["earlier"] == 0
    tab.keyboard.press("Escape")
    expect(tab.get_by_text("Stopped by you.")).to_be_visible()
    slow.vendor.wait_for(lambda: len(slow.vendor.disconnects) > before)
    expect(words).not_to_contain_text("word1999")
    href = answered(tab, 2).get_by_role("link", name="Request").get_attribute("href") or ""
    assert slow.api("GET", f"/api/requests/{href.rpartition('/')[2]}")["outcome"] == "cancelled"


def test_a_target_is_found_by_typing_and_stands_in_the_address(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, "#/playground?model=claude-haiku-4-5")
    field = tab.get_by_role("combobox", name="Model, account or combo")
    expect(field).to_have_value("claude-haiku-4-5")
    field.click()
    expect(tab.get_by_role("option").first).to_contain_text("combo")
    field.fill("spare 5.4")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    expect(field).to_have_value("spare/gpt-5.4-mini")
    expect(tab).to_have_url(re.compile("model=spare%2Fgpt-5.4-mini"))
    ask(tab, "Hello")
    expect(answered(tab, 1)).to_contain_text("spare/gpt-5.4-mini")
    row = gateway.api("GET", "/api/requests?limit=1")[0]
    assert row["account_id"] == gateway.accounts["spare"]
    choose(tab, "anything-at-all")
    choose(tab, "smart")
    ask(tab, "To the combo")
    expect(answered(tab, 2)).to_contain_text("anthropic-main/claude-sonnet-4-5")
