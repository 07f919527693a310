"""A browser in front of a running gateway.

How to write a test:

    from tests.dashboard.stand import Stand
    from tests.dashboard.tab import THEMES, WIDTHS, axe, pseudo, settled, shot

    @pytest.mark.parametrize("theme", THEMES)
    @pytest.mark.parametrize("width", WIDTHS)
    def test_requests(seeded: Stand, page: Opener, theme: str, width: int) -> None:
        tab = page(seeded, "#/requests?outcome=error", theme=theme, width=width)
        expect(tab.get_by_role("table")).to_be_visible()
        axe(tab)
        shot(tab, f"requests-{theme}-{width}")

Gateways (one process per module, on loopback, login off, a scripted vendor behind it as `.vendor`):
`gateway` has five accounts, two combos and three keys; `seeded` besides some thousand requests of forty days
(`.rows`); `empty` has nothing; `guarded` asks for a login, and has the users admin, operator and viewer with the
password PASSWORD of `stand` (`page(guarded, user="viewer")`). Each is a `Stand`: `.url`, `.api(method, path, body)`, `.ask(model, text)`
sends a request through the data plane, `.accounts`, `.combos`, `.keys` by name. For settings of your own use
`standing(settings={...})` in a fixture of your module.

`page(stand, where, *, theme, width, height, signed_in, user, allow, motion, locale)` opens a tab and returns
Playwright's `Page`, signed in by the handover link unless `signed_in=False`, and waits until it is settled.
When the test ends it fails on console errors, uncaught errors and rejections, violations of the content
security policy, and requests to other hosts. A test that means a failure says so: `allow=("status of 401",)`.
`page.watch(tab).allow(...)` does it later. `axe(tab)`, `pseudo(tab)` and `shot(tab, name)` are functions of
`tests.dashboard.tab`; pictures are saved only where DASHBOARD_SHOTS names a folder. `browser` is Playwright's
own browser, for contexts of your own.

All tests here are marked `dashboard` and have 180 seconds; those that `make test` leaves to `make dashboard` are
marked `pages`. Of the looks (theme and width) of a page `.ci/run` takes two: all others are marked `looks`. Without a
Chromium they are skipped.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.dashboard.seed import seed
from tests.dashboard.stand import PASSWORD, Stand, standing
from tests.dashboard.tab import WIDTHS, Watch, settled

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TIMEOUT_MS = 15_000


_SHORT = ("test_shell", "test_watch", "test_first_look", "test_setup")
_TWO_LOOKS = {1440: "light", 390: "dark"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what is in this folder; `make test` runs its short form, without the marker `pages`."""
    here = Path(__file__).parent
    for item in items:
        if not item.path.is_relative_to(here):
            continue
        item.add_marker(pytest.mark.dashboard)
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(180))
        chosen = getattr(item, "callspec", None)
        params: dict[str, Any] = {} if chosen is None else chosen.params
        theme = _TWO_LOOKS.get(params.get("width", 1440))
        another = theme is None or params.get("theme", theme) != theme
        if another:
            item.add_marker(pytest.mark.looks)
        if item.path.stem not in _SHORT or another:
            item.add_marker(pytest.mark.pages)


class _Driver:
    """Playwright with its event loop, which counts as running only while a test here uses it.

    Its synchronous interface leaves the loop registered in the thread; an async test that ran later in the same
    process could not start its own.
    """

    def __init__(self) -> None:
        self.playwright: Playwright = sync_playwright().start()
        self._loop = asyncio._get_running_loop()
        self.leave()

    def enter(self) -> None:
        asyncio._set_running_loop(self._loop)

    def leave(self) -> None:
        asyncio._set_running_loop(None)

    def stop(self) -> None:
        self.enter()
        self.playwright.stop()
        self.leave()


@pytest.fixture(scope="session")
def _driver() -> Iterator[_Driver]:
    driver = _Driver()
    yield driver
    driver.stop()


@pytest.fixture(scope="session")
def _browser(_driver: _Driver) -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(
            "NO BROWSER: the dashboard is not tested. Install Chromium (Debian: apt install chromium)"
        )
    _driver.enter()
    browser = _driver.playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
    _driver.leave()
    yield browser
    _driver.enter()
    browser.close()
    _driver.leave()


@pytest.fixture
def browser(_driver: _Driver, _browser: Browser) -> Iterator[Browser]:
    """Lend the worker's browser."""
    _driver.enter()
    yield _browser
    _driver.leave()


@pytest.fixture(scope="module")
def gateway() -> Iterator[Stand]:
    """Lend a gateway with accounts, combos and keys, and no traffic yet."""
    with standing() as stand:
        stand.furnish()
        yield stand


@pytest.fixture(scope="module")
def seeded() -> Iterator[Stand]:
    """Lend a gateway with accounts, combos, keys and forty days of requests."""
    with standing() as stand:
        stand.furnish()
        stand.rows = seed(stand)
        yield stand


@pytest.fixture(scope="module")
def empty() -> Iterator[Stand]:
    """Lend a gateway with nothing in it."""
    with standing() as stand:
        yield stand


@pytest.fixture(scope="module")
def guarded() -> Iterator[Stand]:
    """Lend a gateway with accounts, combos and keys where people of each role log in."""
    with standing(settings={"admin": {"login": "on"}}) as stand:
        stand.furnish()
        for role in ("admin", "operator", "viewer"):
            stand.api("POST", "/api/users", {"name": role, "role": role, "password": PASSWORD})
        yield stand


class Opener:
    """Opens tabs, each in a context of its own, and looks at the end whether all were well."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._watches: dict[BrowserContext, Watch] = {}

    def __call__(
        self,
        stand: Stand,
        where: str = "",
        *,
        theme: Literal["light", "dark"] | str = "light",
        width: int = 1440,
        height: int | None = None,
        signed_in: bool = True,
        user: str | None = None,
        allow: Sequence[str] = (),
        motion: bool = False,
        locale: str = "en-US",
    ) -> Page:
        """Open the dashboard of `stand` at `where` (`#/requests`); see the module."""
        context = self._browser.new_context(
            viewport={"width": width, "height": height or WIDTHS.get(width, 900)},
            color_scheme=theme,  # type: ignore[arg-type]
            reduced_motion="no-preference" if motion else "reduce",
            is_mobile=width < 640,
            has_touch=width < 640,
            locale=locale,
            timezone_id="UTC",
        )
        context.set_default_timeout(TIMEOUT_MS)
        context.set_default_navigation_timeout(TIMEOUT_MS)
        self._watches[context] = Watch(context, stand.url, allow)
        if user is not None:
            said = {"name": user, "password": PASSWORD}
            assert context.request.post(f"{stand.url}/api/login", data=said).status == 200
        elif signed_in:
            self._sign_in(context, stand)
        tab = context.new_page()
        tab.goto(f"{stand.url}/{where.lstrip('/')}")
        return settled(tab)

    def watch(self, tab: Page) -> Watch:
        """Return what hears of the tab's problems."""
        return self._watches[tab.context]

    def close(self) -> None:
        """Close all tabs, and fail if one was not well."""
        for context in self._watches:
            context.close()
        for watch in self._watches.values():
            watch.check()

    @staticmethod
    def _sign_in(context: BrowserContext, stand: Stand) -> None:
        if not stand.cookies:
            reply = context.request.get(stand.link(), max_redirects=0)
            assert reply.status == 303, reply.text()
            stand.cookies = list(context.cookies())
        context.add_cookies(stand.cookies)


@pytest.fixture
def page(browser: Browser) -> Iterator[Opener]:
    """Lend what opens tabs."""
    opener = Opener(browser)
    yield opener
    opener.close()
