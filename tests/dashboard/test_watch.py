"""What watches over the dashboard's pages notices each thing that it is there for, and lets good pages pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as PlaywrightError

from flowrouter.api.dashboard import POLICY
from tests.dashboard.stand import Stand
from tests.dashboard.tab import Watch, axe, pseudo

GOOD = "<!doctype html><html lang=en><title>t</title><main><h1>Hello</h1></main>"


class Room:
    """A tab that shows pages of the test's own, under the dashboard's policy."""

    def __init__(self, browser: Browser, stand: Stand) -> None:
        self.context = browser.new_context()
        self.watch = Watch(self.context, stand.url)
        self._address = f"{stand.url}/page-of-a-test"

    def show(self, html: str, script: str = "") -> Page:
        headers = {"content-security-policy": POLICY, "content-type": "text/html; charset=utf-8"}
        self.context.route(self._address, lambda route: route.fulfill(body=html, headers=headers))
        self.context.route(
            f"{self._address}.js",
            lambda route: route.fulfill(body=script, headers={"content-type": "text/javascript"}),
        )
        tab = self.context.new_page()
        with suppress(PlaywrightError):  # a page that leaves tears its own navigation off
            tab.goto(self._address)
        return tab

    def wait(self) -> None:
        """Wait until something was noticed, or for long enough to say that nothing was."""
        (tab,) = self.context.pages
        for _ in range(50):
            if self.watch.problems:
                return
            tab.wait_for_timeout(100)


@pytest.fixture
def room(browser: Browser, empty: Stand) -> Iterator[Room]:
    made = Room(browser, empty)
    yield made
    made.context.close()


LOADS = f"{GOOD}<script src='/page-of-a-test.js'></script>"


@pytest.mark.parametrize(
    ("html", "script", "said"),
    [
        (LOADS, "console.error('it broke')", "it broke"),
        (LOADS, "setTimeout(() => { throw new Error('thrown late') })", "thrown late"),
        (LOADS, "Promise.reject(new Error('nobody caught'))", "nobody caught"),
        (LOADS, "fetch('/static/nothing.js')", "404"),
        (LOADS, "eval('1')", "CSP|unsafe-eval"),
        (f"{GOOD}<script>1</script>", "", "CSP"),
        (f"{GOOD}<p style='color: red'>x</p>", "", "CSP"),
        (f"{GOOD}<img alt='' src='http://127.0.0.1:9/x.png'>", "", "another host|CSP"),
        (LOADS, "location = 'http://localhost:9/'", "another host"),
    ],
    ids=["console", "error", "rejection", "missing file", "eval", "inline script", "inline style", "image", "leaving"],
)  # fmt: skip
def test_what_is_wrong_is_noticed(room: Room, html: str, script: str, said: str) -> None:
    room.show(html, script)
    room.wait()
    with pytest.raises(AssertionError, match=said):
        room.watch.check()


def test_a_good_page_passes(room: Room) -> None:
    tab = room.show(LOADS, "document.querySelector('h1').style.color = 'rgb(0, 0, 0)'")
    axe(tab)
    room.watch.check()


def test_what_a_test_means_to_see_is_let_pass(room: Room) -> None:
    room.show(LOADS, "console.error('as expected')")
    room.wait()
    room.watch.allow("as expected")
    room.watch.check()


def test_axe_finds_what_cannot_be_used(room: Room) -> None:
    tab = room.show(f"{GOOD}<button></button><img src='data:,'>")
    with pytest.raises(AssertionError, match=r"(?s)button-name.*image-alt|image-alt.*button-name"):
        axe(tab)
    axe(tab, ignore=["button-name", "image-alt"])
    room.watch.check()


BRACKETED = "<!doctype html><html lang=en><title>t</title><body>"


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ("<p>⟦Hélló⟧</p><p>12.5 %</p><p translate=no>openai-main</p><code>curl</code>", None),
        ("<p>⟦Séé⟧ <b translate=no>gpt-5</b> ⟦fór móré⟧</p>", None),
        ("<p hidden>Hello</p><p>⟦Héy⟧</p>", None),
        ("<p>⟦Hélló⟧</p><p>World</p>", "p: World"),
        ("<p>⟦Hélló⟧ world</p>", "world"),
        ("<p>⟦Hélló⟧</p><button aria-label='Close'>×</button>", r"button\[aria-label\]: Close"),
    ],
    ids=["all told", "in pieces", "hidden", "bare", "half bare", "label"],
)
def test_texts_of_no_catalogue_are_found(room: Room, html: str, found: str | None) -> None:
    tab = room.show(f"{BRACKETED}<main>{html}</main>")
    if found is None:
        pseudo(tab)
    else:
        with pytest.raises(AssertionError, match=found):
            pseudo(tab)
