"""The requests page: the list alive and filtered, one request with all that is known of it, replayed and compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import Opener
from tests.dashboard.seed import seed
from tests.dashboard.stand import Stand, standing
from tests.dashboard.tab import THEMES, WIDTHS, axe, pseudo, settled, shot

ROWS = 10_000


@pytest.fixture(scope="module")
def recorded() -> Iterator[Stand]:
    """Lend a gateway that records everything."""
    with standing() as stand:
        stand.furnish()
        stand.api("PATCH", "/api/settings", {"recording": {"mode": "all"}})
        yield stand


@pytest.fixture(autouse=True)
def _calm(request: pytest.FixtureRequest) -> Iterator[None]:
    """End what a test made fail or pause."""
    yield
    if "recorded" in request.fixturenames:
        stand: Stand = request.getfixturevalue("recorded")
        stand.vendor.reset()
        for account_id in stand.accounts.values():
            stand.call("POST", f"/api/accounts/{account_id}/resume", {})


def asked(stand: Stand, model: str, text: str = "hello", **more: Any) -> str:
    """Send a request and return its id once it is in the log."""
    before = {row["id"] for row in stand.api("GET", "/api/requests?limit=20")}
    stand.ask(model, text, key="laptop", **more)
    for _ in range(100):
        new = [row["id"] for row in stand.api("GET", "/api/requests?limit=20") if row["id"] not in before]
        if new:
            return str(new[0])
    raise AssertionError("the request is not in the log")


def rows_of(tab: Page) -> Locator:
    return tab.get_by_role("grid", name="Requests").locator("[data-index]")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("data", ["seeded", "empty"])
def test_it_loads(request: pytest.FixtureRequest, page: Opener, data: str, width: int, theme: str) -> None:
    tab = page(request.getfixturevalue(data), "#/requests", theme=theme, width=width)
    if data == "empty":
        expect(tab.get_by_role("heading", name="No requests yet")).to_be_visible()
    else:
        expect(rows_of(tab).first).to_be_visible()
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
    axe(tab)
    shot(tab, f"requests-{data}-{theme}-{width}")


@pytest.mark.parametrize(
    ("theme", "width"), [("light", 1440), ("dark", 820), ("light", 390)], ids=["light-1440", "dark-820", "light-390"]
)  # fmt: skip
def test_one_request_loads(recorded: Stand, page: Opener, theme: str, width: int) -> None:
    recorded.vendor.script(["fault-500", "fault-overloaded"])
    request_id = asked(recorded, "smart", "sixty words", stream=True)
    tab = page(recorded, f"#/requests/{request_id}?view=conversation", theme=theme, width=width)
    expect(tab.locator(".waterfall li")).to_have_count(3)
    expect(tab.get_by_text("sixty words", exact=True)).to_be_visible()
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
    axe(tab)
    shot(tab, f"request-{theme}-{width}")


def test_all_texts_are_in_a_catalogue(seeded: Stand, recorded: Stand, page: Opener) -> None:
    pseudo(page(seeded, "#/requests?outcome=ok&since=30d"))
    request_id = asked(recorded, "claude-sonnet-4-5", "hello", logit_bias={"1": 2}, stream=True)
    for view in ("conversation", "request", "answer", "attempt-1"):
        pseudo(page(recorded, f"#/requests/{request_id}?view={view}"))


def test_requests_arrive_and_wait_while_somebody_reads(seeded: Stand, page: Opener) -> None:
    tab = page(seeded, "#/requests")
    expect(rows_of(tab).first).to_be_visible()
    request_id = asked(seeded, "claude-haiku-4-5")
    expect(tab.locator('[data-index="0"]')).to_contain_text("claude-haiku-4-5")
    rows_of(tab).first.click()
    expect(tab.get_by_role("heading", level=1)).to_have_text(request_id)

    tab.keyboard.press("Escape")
    expect(rows_of(tab).first).to_be_visible()
    tab.evaluate("scrollTo(0, 1500)")
    expect(tab.locator('[data-index="45"]')).to_be_visible()
    asked(seeded, "gpt-5.4")
    asked(seeded, "gpt-5.4")
    pill = tab.get_by_role("button", name="2 new")
    expect(pill).to_be_visible()
    pill.click()
    expect(pill).to_have_count(0)
    expect(tab.locator('[data-index="1"]')).to_contain_text("gpt-5.4")
    newest = seeded.api("GET", "/api/requests?limit=1")[0]
    tab.locator('[data-index="0"]').click()
    expect(tab.get_by_role("heading", level=1)).to_have_text(newest["id"])


def test_paused_it_stands_still(seeded: Stand, page: Opener) -> None:
    tab = page(seeded, "#/requests")
    expect(rows_of(tab).first).to_be_visible()
    tab.keyboard.press("p")
    asked(seeded, "gpt-4.1")
    expect(tab.get_by_role("button", name="1 new")).to_be_visible()
    expect(tab.locator('[data-index="0"]')).not_to_contain_text("gpt-4.1")
    tab.get_by_role("button", name="Resume").click()
    expect(tab.locator('[data-index="0"]')).to_contain_text("gpt-4.1")


def test_filters_stand_in_the_address(seeded: Stand, page: Opener) -> None:
    tab = page(seeded, "#/requests")
    expect(rows_of(tab).first).to_be_visible()
    tab.keyboard.press("/")
    tab.keyboard.type("failed")
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(re.compile(r"#/requests\?outcome=error"))
    failed = seeded.api("GET", "/api/requests?outcome=error&limit=200")
    expect(tab.get_by_role("grid", name="Requests")).to_have_attribute(
        "aria-rowcount", re.compile(f"^(-1|{len(failed) + 1})$")
    )
    assert all("503" in text or "403" in text for text in rows_of(tab).all_inner_texts())
    asked(seeded, "gpt-5.4")  # it succeeds, and does not belong here

    other = page(seeded, f"#/requests?outcome=error&account=anthropic-main&key={seeded.key_ids['laptop']}")
    wanted = seeded.api(
        "GET", f"/api/requests?outcome=error&account=anthropic-main&key={seeded.key_ids['laptop']}&limit=100"
    )
    expect(rows_of(other)).to_have_count(min(len(wanted), rows_of(other).count() or 1))
    rows_of(other).first.click()
    expect(other.get_by_role("heading", level=1)).to_have_text(wanted[0]["id"])

    with other.expect_download() as download:
        other.go_back()
        other.get_by_role("button", name="CSV").click()
    text = download.value.path().read_text()
    assert len(text.splitlines()) == len(wanted) + 1
    assert all(row["id"] in text for row in wanted)


def test_the_keyboard_goes_through_requests(seeded: Stand, page: Opener) -> None:
    ids = [row["id"] for row in seeded.api("GET", "/api/requests?outcome=ok&model=gemini-2.5-pro&limit=3")]
    tab = page(seeded, "#/requests?outcome=ok&model=gemini-2.5-pro")
    expect(rows_of(tab).first).to_be_visible()
    heading = tab.get_by_role("heading", level=1)
    for key in ("j", "Enter"):
        tab.keyboard.press(key)
    expect(heading).to_have_text(ids[0])
    tab.keyboard.press("j")
    expect(heading).to_have_text(ids[1])
    tab.keyboard.press("k")
    expect(heading).to_have_text(ids[0])
    tab.keyboard.press("Escape")
    expect(tab).to_have_url(re.compile("model=gemini-2.5-pro"))
    expect(rows_of(tab).first).to_be_visible()

    tab.keyboard.press("Control+k")
    tab.keyboard.type(ids[2])
    expect(tab.get_by_role("option", name=ids[2])).to_be_visible()
    tab.keyboard.press("Enter")
    expect(heading).to_have_text(ids[2])


def test_two_requests_are_compared(seeded: Stand, page: Opener) -> None:
    tab = page(seeded, "#/requests?outcome=ok")
    expect(rows_of(tab).first).to_be_visible()
    for key in ("j", "x", "j", "x"):
        tab.keyboard.press(key)
    tab.get_by_role("button", name="Compare").click()
    dialog = tab.get_by_role("dialog", name="Two requests compared")
    expect(dialog.get_by_role("table")).to_contain_text("ts_ms")


def test_a_failover_is_told_attempt_by_attempt(recorded: Stand, page: Opener) -> None:
    recorded.vendor.script(["fault-500", "fault-overloaded"])
    request_id = asked(recorded, "smart", "please")
    receipt = recorded.api("GET", f"/api/receipts/{request_id}")
    assert [note["verdict"] for note in receipt["attempts"]] == ["server", "overloaded", "answered"]
    assert receipt["attempts"][1]["paused_ms"] > 4_000
    assert receipt["attempts"][2]["head_ms"] >= receipt["attempts"][2]["started_ms"]
    tab = page(recorded, f"#/requests/{request_id}")
    lines = tab.locator(".waterfall li")
    expect(lines).to_have_count(3)
    expect(lines.nth(0)).to_contain_text(re.compile("anthropic-main.*server error 500", re.DOTALL))
    expect(lines.nth(1)).to_contain_text(re.compile("overloaded 529.*pauses for", re.DOTALL))
    expect(lines.nth(2)).to_contain_text(re.compile("openai-main.*answered 200", re.DOTALL))
    bars = lines.nth(2).locator(".phase")
    first, last = lines.nth(0).locator(".phase.failed").bounding_box(), bars.last.bounding_box()
    assert first is not None
    assert last is not None
    assert first["x"] < last["x"]
    trail = tab.locator(".trail").first
    expect(trail.locator("li.ok")).to_contain_text("openai-main/gpt-5.4")
    expect(trail.locator("li.bad")).to_contain_text("anthropic-main/claude-sonnet-4-5")


def test_losses_are_told(recorded: Stand, page: Opener) -> None:
    request_id = asked(recorded, "claude-sonnet-4-5", "hello", logit_bias={"1": 2}, temperature=0.5)
    tab = page(recorded, f"#/requests/{request_id}")
    fates = tab.locator("section", has=tab.get_by_role("heading", name="What became of the request"))
    expect(fates.locator(".fates", has_text="dropped")).to_contain_text("logit_bias")
    expect(fates.locator(".losses")).to_contain_text("no counterpart at Anthropic")


def test_what_was_said_is_read_and_scrubbed(recorded: Stand, page: Opener) -> None:
    recorded.vendor.script(["sixty-words"])
    request_id = asked(recorded, "gpt-5.4", "Tell me of the sea", stream=True)
    tab = page(recorded, f"#/requests/{request_id}")
    expect(tab.get_by_text("Tell me of the sea")).to_have_count(0)
    tab.get_by_role("button", name="Show", exact=True).click()
    expect(tab.locator(".said.user")).to_contain_text("Tell me of the sea")
    whole = tab.locator(".said.assistant").inner_text()
    assert len(whole.split()) >= 60

    tab.get_by_role("tab", name="Answer").click()
    expect(tab).to_have_url(re.compile("view=answer"))
    scrubber = tab.get_by_role("slider", name="Events of the stream")
    scrubber.focus()
    tab.keyboard.press("Home")
    expect(tab.get_by_role("region", name="The answer so far")).to_contain_text("Nothing yet")
    for _ in range(4):
        tab.keyboard.press("ArrowRight")
    partly = tab.get_by_role("region", name="The answer so far").locator(".words").inner_text()
    assert 0 < len(partly) < len(whole)
    assert partly in whole
    tab.keyboard.press("End")
    expect(tab.get_by_role("region", name="Event", exact=True)).to_contain_text("[DONE]")

    tab.get_by_role("button", name="Remove the recording").click()
    tab.get_by_role("button", name="Remove", exact=True).click()
    expect(tab.get_by_role("heading", name="What was said was not recorded")).to_be_visible()
    assert recorded.api("GET", f"/api/requests/{request_id}")["recorded"] is False


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_request_is_replayed_and_compared(recorded: Stand, page: Opener, streamed: bool) -> None:
    recorded.vendor.script(["sixty-words"])
    request_id = asked(recorded, "gpt-5.4", "Once more", stream=streamed)
    tab = page(recorded, f"#/requests/{request_id}")
    tab.get_by_role("button", name="Replay").click()
    dialog = tab.get_by_role("dialog", name="Replay")
    dialog.get_by_label("To").fill("anthropic-main/claude-haiku-4-5")
    dialog.get_by_role("button", name="Send").click()
    replayed = dialog.get_by_role("region", name="The replay")
    expect(replayed).to_contain_text("Once more")
    expect(replayed).to_contain_text("claude-haiku-4-5")  # from the row, as soon as it is settled
    difference = dialog.get_by_role("region", name="Difference")
    expect(difference.get_by_role("table")).to_contain_text("Once more")
    difference.get_by_role("tab", name="JSON").click()
    expect(difference.get_by_role("table")).to_be_visible()
    axe(tab)
    dialog.get_by_role("link", name="Open as a request").click()
    heading = tab.get_by_role("heading", level=1)
    expect(heading).not_to_have_text(request_id)
    row = recorded.api("GET", f"/api/requests/{heading.inner_text()}")
    assert (row["model"], row["stream"], row["key_id"]) == ("claude-haiku-4-5", streamed, None)


def test_a_refused_replay_says_why(recorded: Stand, page: Opener) -> None:
    request_id = asked(recorded, "gpt-5.4")
    tab = page(recorded, f"#/requests/{request_id}", allow=("status of 404",))
    tab.get_by_role("button", name="Replay").click()
    dialog = tab.get_by_role("dialog", name="Replay")
    dialog.get_by_label("To").fill("nobody-has-this")
    tab.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("nobody-has-this")


@pytest.mark.parametrize("dialect", ["anthropic", "responses", "gemini"])
def test_every_dialect_is_read_as_a_conversation(recorded: Stand, page: Opener, dialect: str) -> None:
    path, body = {
        "anthropic": ("/v1/messages", {"model": "gpt-5.4", "max_tokens": 200, "system": "Be brief", "stream": True, "messages": [{"role": "user", "content": "read me"}]}),
        "responses": ("/v1/responses", {"model": "gpt-5.4", "instructions": "Be brief", "input": "read me", "stream": True}),
        "gemini": ("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", {"systemInstruction": {"parts": [{"text": "Be brief"}]}, "contents": [{"role": "user", "parts": [{"text": "read me"}]}]}),
    }[dialect]  # fmt: skip
    status, _ = recorded.call("POST", path, body, {"authorization": f"Bearer {recorded.keys['laptop']}"})
    assert status == 200
    tab = page(recorded, "#/requests?since=1h")
    expect(tab.locator('[data-index="0"]')).to_contain_text(
        "gemini-2.5-flash" if dialect == "gemini" else "gpt-5.4"
    )
    newest = recorded.api("GET", "/api/requests?limit=1")[0]
    tab.goto(f"{recorded.url}/#/requests/{newest['id']}?view=conversation")
    settled(tab)
    expect(tab.locator(".said.system")).to_contain_text("Be brief")
    expect(tab.locator(".said.user")).to_contain_text("read me")
    expect(tab.locator(".said.last")).to_contain_text("read me")


def test_recording_is_switched_on_from_a_request(seeded: Stand, page: Opener) -> None:
    newest = seeded.rows[-1].id
    tab = page(seeded, f"#/requests/{newest}")
    expect(tab.get_by_role("button", name="Replay")).to_be_disabled()
    tab.get_by_role("button", name="Record everything").click()
    expect(tab.get_by_text("Recording is on: everything.")).to_be_visible()
    assert seeded.api("GET", "/api/settings")["in_force"]["recording"]["mode"] == "all"
    tab.get_by_role("button", name="Undo").click()
    expect(tab.get_by_role("button", name="Record everything")).to_be_visible()
    assert seeded.api("GET", "/api/settings")["in_force"]["recording"]["mode"] == "off"


def test_it_is_copied_as_curl(recorded: Stand, page: Opener) -> None:
    request_id = asked(recorded, "gpt-5.4", "it's me")
    tab = page(recorded, f"#/requests/{request_id}")
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.get_by_role("button", name="Copy as curl").click()
    expect(tab.get_by_text("Set FLOW_ROUTER_KEY")).to_be_visible()
    copied = tab.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"curl '{recorded.url}/v1/chat/completions'")
    assert "it'\\''s me" in copied


def test_a_request_that_is_not_there(gateway: Stand, page: Opener) -> None:
    tab = page(gateway, f"#/requests/req_{'0' * 24}", allow=("status of 404",))
    expect(tab.get_by_role("heading", name="This request is not in the log")).to_be_visible()


def test_ten_thousand_rows(page: Opener, record_property: Any) -> None:
    """Few of them are in the page at a time; how fast they scroll is measured, and never asserted."""
    with standing() as stand:
        stand.furnish()
        stand.rows = seed(stand, count=ROWS)
        tab = page(stand, "#/requests", motion=True)
        grid = tab.get_by_role("grid", name="Requests")
        expect(rows_of(tab).first).to_be_visible()
        tab.evaluate(_TO_THE_END)
        expect(grid).to_have_attribute("aria-rowcount", str(len(stand.rows) + 1), timeout=60_000)
        assert rows_of(tab).count() < 150
        frames = tab.evaluate(_SCROLLED)
        assert len(frames) > 50
        frames.sort()
        figures = {
            "median": frames[len(frames) // 2],
            "p95": frames[int(len(frames) * 0.95)],
            "worst": frames[-1],
        }
        record_property("scroll_frame_ms", figures)
        print(f"scrolling {len(stand.rows)} rows, milliseconds a frame: {figures}")
        tab.close()


_TO_THE_END = """
async () => {
  const grid = document.querySelector('[role=grid]');
  while (grid.getAttribute('aria-rowcount') === '-1') {
    scrollTo(0, document.documentElement.scrollHeight);
    await new Promise(requestAnimationFrame);
  }
}
"""
_SCROLLED = """
async () => {
  const times = [];
  let before = await new Promise(requestAnimationFrame);
  for (let frame = 0; frame < 120; frame += 1) {
    scrollTo(0, 20_000 + frame * 300);
    const now = await new Promise(requestAnimationFrame);
    times.push(now - before);
    before = now;
  }
  return times;
}
"""
