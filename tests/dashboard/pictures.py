"""The pictures of the dashboard in the guide: `python -m tests.dashboard.pictures` writes docs/images/dashboard-*.png.

They show a gateway of its own with forty days of made-up requests, so nobody's data is in them.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from random import Random

from playwright.sync_api import Browser, Page, sync_playwright

from tests.dashboard.seed import seed
from tests.dashboard.soak import CHROMIUM
from tests.dashboard.stand import Stand, standing
from tests.dashboard.tab import settled

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--force-color-profile=srgb",
)


def main() -> None:
    """Take them all."""
    with sync_playwright() as driver, standing() as stand:
        stand.furnish()
        stand.rows = seed(stand)
        ended = threading.Event()
        coming = threading.Thread(target=_traffic, args=(stand, ended))
        coming.start()
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(_ARGUMENTS))
        try:
            _take(browser, stand)
        finally:
            ended.set()
            coming.join()
            browser.close()


def _take(browser: Browser, stand: Stand) -> None:
    failed = next(row for row in reversed(stand.rows) if len(row.attempts) > 1)
    session = max(stand.api("GET", "/api/usage/sessions?limit=40"), key=lambda each: each["requests"])
    time.sleep(6)
    _picture(browser, stand, "overview", "#/overview")
    _picture(browser, stand, "overview-dark", "#/overview", theme="dark")
    _picture(browser, stand, "request", f"#/requests/{failed.id}")
    _picture(browser, stand, "session", f"#/sessions/{session['session_id']}", theme="dark")
    _picture(browser, stand, "usage", "#/usage")
    _picture(browser, stand, "combo", f"#/combos/{stand.combos['smart']}")


def _picture(
    browser: Browser, stand: Stand, name: str, where: str, *, theme: str = "light", width: int = 1280, height: int = 800
) -> None:  # fmt: skip
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,  # type: ignore[arg-type]
        is_mobile=width < 640,
        has_touch=width < 640,
        locale="en-US",
    )
    context.request.get(stand.link(), max_redirects=0)
    tab: Page = context.new_page()
    tab.goto(f"{stand.url}/{where}")
    settled(tab)
    tab.wait_for_timeout(1500)
    tab.screenshot(path=FOLDER / f"dashboard-{name}.png")
    print(FOLDER / f"dashboard-{name}.png")
    context.close()


def _traffic(stand: Stand, ended: threading.Event) -> None:
    """Send a request now and then, so that live views have something to show."""
    chance = Random(7)
    agents = (
        "claude-cli/2.1.197 (external, cli)",
        "opencode/1.18.33",
        "codex_cli_rs/0.98.0",
        "OpenAI/Python 3.54.0",
    )
    models = ("claude-sonnet-4-5", "smart", "gpt-5.4", "cheap", "gemini-2.5-flash")
    while not ended.wait(0.25):
        turn = chance.randrange(len(models))
        text = "word " * chance.randrange(40, 900)
        stand.ask(
            models[turn],
            text,
            key=chance.choice(("laptop", "notebooks")),
            headers={"user-agent": agents[turn % 4]},
        )


if __name__ == "__main__":
    main()
