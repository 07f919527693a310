"""What all pages stand on: streams however they are cut up, reads beside changes, what is modal, tabs unseen."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Opener
from tests.dashboard.stand import Stand
from tests.dashboard.tab import settled

FRAMES = """async () => {
  const { stream } = await import('/static/core/api.js');
  const text = ': hello\\r\\n\\r\\nevent: line\\r\\ndata: {"a":\\r\\ndata: "ä–😀"}\\r\\n\\r\\ndata: two\\n\\ndata:three\\n\\ndata: cut';
  const bytes = new TextEncoder().encode(text);
  const heard = [];
  for (const size of [1, 2, 3, 7, bytes.length]) {
    const body = new ReadableStream({ start(to) {
      for (let at = 0; at < bytes.length; at += size) to.enqueue(bytes.slice(at, at + size));
      to.close();
    } });
    window.fetch = async () => new Response(body);
    const events = [];
    await stream('/api/nothing', { onEvents: (batch) => events.push(...batch) });
    heard.push(JSON.stringify(events));
  }
  return [...new Set(heard)];
}"""

ENDINGS = """async () => {
  const { get, stream } = await import('/static/core/api.js');
  const named = (work) => work.then(() => 'went well', (error) => (error instanceof DOMException ? error.name : error.code));
  const silent = ({ signal }) => new Response(new ReadableStream({ start(to) {
    signal.addEventListener('abort', () => to.error(signal.reason));
    if (signal.aborted) to.error(signal.reason);
  } }));
  const said = {};
  window.fetch = async (_, { signal }) => { signal.throwIfAborted(); return silent({ signal }); };
  said.ended_before = await named(stream('/api/a', { onEvents() {}, signal: AbortSignal.abort() }));
  said.silent = await named(stream('/api/a', { onEvents() {}, silence: 30 }));
  window.fetch = async () => new Response('{"data": {"half');
  said.cut = await named(get('/api/a'));
  window.fetch = async () => new Response(null, { status: 204 });
  said.empty = await named(get('/api/a'));
  return said;
}"""

READS = """async () => {
  const { html, render } = await import('/static/core/ui.js');
  const { forget, useData } = await import('/static/core/resource.js');
  const until = async (what) => { while (!what()) await new Promise((resolve) => setTimeout(resolve, 5)); };
  let stored = 'old';
  const open = [];
  window.fetch = (url) => new Promise((resolve) => {
    const seen = stored;
    open.push(() => resolve(new Response(JSON.stringify({ data: seen }))));
  });
  const place = document.createElement('div');
  const Probe = () => html`<p>${useData('/api/probe').data ?? '…'}</p>`;
  const told = [];
  render(html`<${Probe} />`, place);
  void forget('/api/probe');  // before its effects ran: what was drawn is no longer what is read
  await until(() => open.length > 0);
  stored = 'new';
  const done = forget('/api/probe');  // while a read is under way that began before the change
  open.shift()();
  await until(() => open.length > 0);
  while (open.length) { open.shift()(); await new Promise((resolve) => setTimeout(resolve, 20)); }
  await done;
  await until(() => place.textContent !== '…');
  const seen = place.textContent;
  render(null, place);
  return seen;
}"""


def test_streams_are_read_however_they_are_cut_up(empty: Stand, page: Opener) -> None:
    tab = page(empty, "#/about")
    (told,) = tab.evaluate(FRAMES)
    assert told == (
        '[{"event":"line","data":"{\\"a\\":\\n\\"ä–😀\\"}"},'
        '{"event":"message","data":"two"},{"event":"message","data":"three"}]'
    )


def test_what_ends_early_is_a_failure(empty: Stand, page: Opener) -> None:
    tab = page(empty, "#/about")
    assert tab.evaluate(ENDINGS) == {
        "ended_before": "AbortError", "silent": "AbortError", "cut": "unreadable", "empty": "went well",
    }  # fmt: skip


def test_a_change_beside_a_read_is_seen(empty: Stand, page: Opener) -> None:
    tab = page(empty, "#/about")
    assert tab.evaluate(READS) == "new"


def test_no_token_is_left_out(empty: Stand, page: Opener) -> None:
    tab = page(empty, "#/about")
    row = {
        "input_tokens": 1,
        "cache_read_tokens": 20,
        "cache_write_tokens": 300,
        "output_tokens": 4000,
        "reasoning_tokens": 50_000,
    }
    script = """async (row) => {
      const { readOf, tokensOf, writtenOf } = await import('/static/core/tokens.js');
      return [readOf(row), writtenOf(row), tokensOf(row), writtenOf({ output_tokens: null, reasoning_tokens: null })];
    }"""
    assert tab.evaluate(script, row) == [321, 54_000, 54_321, None]


def test_what_is_modal_keeps_keys_and_focus(empty: Stand, page: Opener) -> None:
    tab = page(empty, "#/about")
    tab.keyboard.press("?")
    dialog = tab.get_by_role("alertdialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    tab.keyboard.press("g")
    tab.keyboard.press("r")
    expect(tab.get_by_role("heading", level=1)).to_have_text("About")
    # A selection that began inside and ended outside is no click beside it.
    box = dialog.bounding_box()
    assert box is not None
    tab.mouse.move(box["x"] + 20, box["y"] + 20)
    tab.mouse.down()
    tab.mouse.move(5, 5)
    tab.mouse.up()
    expect(dialog).to_be_visible()
    # What had the focus is gone, as where a button is disabled while it works.
    tab.evaluate("() => document.activeElement.blur()")
    tab.keyboard.press("Tab")
    assert tab.evaluate(
        "() => document.activeElement === document.body || document.querySelector('.dialog').contains(document.activeElement)"
    )
    tab.mouse.click(5, 5)
    expect(dialog).to_have_count(0)


def test_a_menu_gives_the_focus_back(empty: Stand, page: Opener) -> None:
    tab = page(empty, "#/about")
    button = tab.get_by_role("button", name="Theme")
    button.click()
    expect(tab.get_by_role("menuitemradio").first).to_be_focused()
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("menu")).to_have_count(0)
    expect(button).to_be_focused()


@pytest.mark.parametrize("hidden", [True, False], ids=["unseen", "asleep"])
def test_a_tab_comes_back_with_what_it_missed(gateway: Stand, page: Opener, hidden: bool) -> None:
    """One that nobody looked at had given its connection back; one that slept does not trust its own."""
    tab = page(gateway, "#/overview?window=60")
    expect(tab.get_by_title("Traffic is shown as it happens")).to_be_visible()
    tab.clock.install()
    if hidden:
        seen(tab, False)
        tab.clock.fast_forward(61_000)
        expect(tab.get_by_title("The stream was cut")).to_be_attached()
    else:  # cut for half a second only: too short to be sure to see it
        with tab.expect_request(lambda request: "/api/usage/stream" in request.url):
            tab.clock.fast_forward(61_000)
    before = gateway.api("GET", "/api/requests?limit=1")
    gateway.ask("auto")
    while (row := gateway.api("GET", "/api/requests?limit=1")) == before:  # rows are stored in batches
        time.sleep(0.05)
    if hidden:
        seen(tab, True)
    expect(tab.get_by_title("Traffic is shown as it happens")).to_be_visible()
    expect(tab.locator(f".tick a[href$='{row[0]['id']}']")).to_be_visible()
    settled(tab)


def seen(tab: Page, well: bool) -> None:
    """Show or hide a tab, as far as its page can tell."""
    tab.evaluate(
        """(well) => {
          Object.defineProperty(document, 'hidden', { configurable: true, get: () => !well });
          document.dispatchEvent(new Event('visibilitychange'));
        }""",
        well,
    )
