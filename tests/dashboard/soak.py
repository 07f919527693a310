"""What the dashboard weighs: `python -m tests.dashboard.soak --minutes 60 --rate 200` (`make dashboard-soak`).

Overview and Requests stay open in two tabs while requests arrive at a steady rate; each minute the heaps are
collected and told, with the nodes and listeners of each page and the longest frame. Before that it measures the
first paint, the bytes of each page, and scrolling through ten thousand rows. Nothing is asserted: the figures are
for docs/measurements.md.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright

from tests.dashboard.conftest import ARGUMENTS
from tests.dashboard.seed import seed
from tests.dashboard.stand import Stand, standing

CHROMIUM = "/usr/bin/chromium"
PAGES = (
    "overview", "requests", "sessions", "providers", "models", "combos", "usage", "budgets", "quotas", "playground",
    "keys", "settings", "audit", "logs", "about",
)  # fmt: skip
_PAINT = """
() => new Promise((resolve) => new PerformanceObserver((list) => {
  const [paint] = list.getEntriesByName('first-contentful-paint');
  if (paint) resolve(paint.startTime);
}).observe({type: 'paint', buffered: true}))
"""
_BYTES = "() => performance.getEntriesByType('resource').filter(({name}) => name.includes('/static/')).reduce((sum, {encodedBodySize}) => sum + encodedBodySize, 0)"
_SCROLL = """
async () => {
  const frames = [];
  let last = performance.now();
  const end = last + 4000;
  while (performance.now() < end) {
    window.scrollBy(0, 400);
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    frames.push(now - last);
    last = now;
  }
  frames.sort((a, b) => a - b);
  return {frames: frames.length, p50: frames[frames.length >> 1], p95: frames[Math.floor(frames.length * 0.95)], longest: frames.at(-1)};
}
"""


def main() -> None:
    """Measure, then watch the heaps."""
    given = _arguments()
    with sync_playwright() as driver, standing() as stand:
        stand.furnish()
        seed(stand)
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGUMENTS, "--js-flags=--expose-gc"]
        )
        _first_looks(browser, stand)
        _rows(browser, stand)
        _watch(browser, stand, minutes=given.minutes, rate=given.rate)
        browser.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.dashboard.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=200, help="requests a second")
    return parser.parse_args()


def _context(browser: Browser, stand: Stand) -> BrowserContext:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    if not stand.cookies:
        context.request.get(stand.link(), max_redirects=0)
        stand.cookies = list(context.cookies())
    context.add_cookies(stand.cookies)
    return context


def _first_looks(browser: Browser, stand: Stand) -> None:
    print("page            first paint ms   again ms   kB packed")
    for name in PAGES:
        context = _context(browser, stand)
        tab = context.new_page()
        tab.goto(f"{stand.url}/#/{name}")
        first = tab.evaluate(_PAINT)
        tab.wait_for_timeout(1500)
        size = tab.evaluate(_BYTES) / 1000
        tab.reload()
        print(f"{name:15} {first:14.0f} {tab.evaluate(_PAINT):10.0f} {size:11.0f}", flush=True)
        context.close()


def _rows(browser: Browser, stand: Stand) -> None:
    """Scroll through the requests; the table fetches more as it goes."""
    context = _context(browser, stand)
    tab = context.new_page()
    tab.goto(f"{stand.url}/#/requests")
    tab.wait_for_selector("[role=row]")
    told = tab.evaluate(_SCROLL)
    rows = tab.evaluate("() => Number(document.querySelector('[role=grid]').getAttribute('aria-rowcount'))")
    print(f"scrolling requests ({rows} rows): {told['frames']} frames in 4 s, p50 {told['p50']:.1f} ms, p95 {told['p95']:.1f}, longest {told['longest']:.1f}", flush=True)  # fmt: skip
    context.close()


def _watch(browser: Browser, stand: Stand, *, minutes: float, rate: float) -> None:
    tabs = {name: _context(browser, stand).new_page() for name in ("overview", "requests")}
    sessions: dict[str, CDPSession] = {}
    for name, tab in tabs.items():
        tab.goto(f"{stand.url}/#/{name}")
        sessions[name] = tab.context.new_cdp_session(tab)
        sessions[name].send("Performance.enable")
    print("minute  " + "  ".join(f"{name}: heap MB, nodes, listeners, longest frame ms" for name in tabs))
    with _traffic(stand, rate) as sent:
        begun = time.monotonic()
        minute = 0
        while minute <= minutes:
            told = [_heap(sessions[name], tab) for name, tab in tabs.items()]
            print(f"{minute:6}  " + "  ".join(told) + f"  ({sent()} sent)", flush=True)
            minute += 1
            while time.monotonic() < begun + minute * 60 and minute <= minutes:
                next(iter(tabs.values())).wait_for_timeout(500)


def _heap(session: CDPSession, tab: Page) -> str:
    frame = tab.evaluate(
        "async () => { let longest = 0, last = performance.now(); const end = last + 2000; while (performance.now() < end) "
        "{ await new Promise(requestAnimationFrame); const now = performance.now(); longest = Math.max(longest, now - last); last = now; } return longest; }"
    )
    session.send("HeapProfiler.collectGarbage")
    found = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return f"{found['JSHeapUsedSize'] / 1e6:6.1f} {found['Nodes']:6.0f} {found['JSEventListeners']:5.0f} {frame:5.0f}"


@contextmanager
def _traffic(stand: Stand, rate: float) -> Iterator[object]:
    """Send requests of several clients at a steady rate, from threads."""
    ended = threading.Event()
    turns = count()
    sent = 0
    models = ("gpt-5.4", "claude-sonnet-4-5", "smart", "cheap", "gemini-2.5-flash", "deepseek-chat")

    def send() -> None:
        nonlocal sent
        while not ended.is_set():
            turn = next(turns)
            due = begun + turn / rate
            ended.wait(max(0.0, due - time.monotonic()))
            key = ("laptop", "notebooks")[turn % 2]
            agent = {"user-agent": f"client-{turn % 9}/1.0"}
            stand.ask(models[turn % len(models)], f"turn {turn}", key=key, headers=agent)
            sent += 1

    begun = time.monotonic()
    threads = [threading.Thread(target=send, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    yield lambda: sent
    ended.set()
    for thread in threads:
        thread.join(5)


if __name__ == "__main__":
    main()
