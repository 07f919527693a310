"""Browser tabs that notice whatever is wrong with a page, and what tests ask of them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

WIDTHS = {1440: 900, 820: 1180, 390: 844}
"""The widths that pages are looked at in, with a height that goes with each."""
THEMES = ("light", "dark")

LOUD = """
addEventListener('securitypolicyviolation', (event) =>
  console.error(`CSP: ${event.violatedDirective} forbids ${event.blockedURI} ${event.sample}`));
addEventListener('unhandledrejection', (event) =>
  console.error(`unhandled rejection: ${event.reason?.stack ?? event.reason}`));
"""

_AXE = """
async (options) => {
  const found = await axe.run(document, options);
  return found.violations.map(({id, impact, help, nodes}) => ({
    id, impact, help, nodes: nodes.slice(0, 6).map(({target, failureSummary}) => `${target.join(' ')}: ${failureSummary}`),
  }));
}
"""

_BARE = r"""
() => {
  const bare = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const text = node.data.trim();
    const at = node.parentElement;
    if (!/\p{L}/u.test(text) || at.closest('[translate=no], script, style, noscript, code, pre, kbd')) continue;
    if (!at.checkVisibility({checkOpacity: false, visibilityProperty: true})) continue;
    if (/^⟦[^⟦⟧]*⟧$/u.test(text)) continue;
    // A text may stand in pieces; then the brackets are around all of what its element says.
    const whole = (at.closest('[data-text]') ?? at).textContent.trim();
    if (/^(?:[^\p{L}⟦⟧]*⟦[^⟦⟧]*⟧)+[^\p{L}⟦⟧]*$/u.test(whole)) continue;
    bare.push(`${at.tagName.toLowerCase()}${at.className ? '.' + at.className : ''}: ${text.slice(0, 80)}`);
  }
  for (const at of document.querySelectorAll('[aria-label], [title], [placeholder], [alt]')) {
    if (at.closest('[translate=no]')) continue;
    for (const name of ['aria-label', 'title', 'placeholder', 'alt']) {
      const text = at.getAttribute(name) ?? '';
      if (/\p{L}/u.test(text) && !text.includes('⟦')) bare.push(`${at.tagName.toLowerCase()}[${name}]: ${text.slice(0, 80)}`);
    }
  }
  return bare;
}
"""


class Watch:
    """Hears of all that is wrong in a context's tabs; `allow` takes regular expressions of what a test means."""

    def __init__(self, context: BrowserContext, url: str, allow: Sequence[str] = ()) -> None:
        self._host = urlsplit(url).netloc
        self._allowed = [re.compile(each) for each in allow]
        self.problems: list[str] = []
        context.add_init_script(LOUD)
        context.on("console", self._said)
        context.on("weberror", lambda error: self.problems.append(f"uncaught: {error.error}"))
        context.on("request", self._asked)

    def allow(self, *patterns: str) -> None:
        """Let what matches pass from now on, and what matched so far."""
        self._allowed += [re.compile(each) for each in patterns]

    def check(self) -> None:
        """Fail with everything that was wrong."""
        wrong = [each for each in self.problems if not any(each_.search(each) for each_ in self._allowed)]
        assert not wrong, "The page is not well:\n" + "\n".join(f"  {each}" for each in wrong)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _asked(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.netloc != self._host:
            self.problems.append(f"another host: {request.url}")


def settled(tab: Page) -> Page:
    """Wait until the page shows something and is no longer busy: no skeletons, no `aria-busy`."""
    tab.wait_for_function(
        "() => document.body?.innerText.trim() && !document.querySelector('[aria-busy=true], .skeleton')"
        " && document.querySelector('main, .login')?.childElementCount > 0"
    )
    tab.evaluate("() => document.fonts.ready.then(() => true)")
    return tab


def axe(tab: Page, *, ignore: Sequence[str] = ()) -> None:
    """Fail on serious and critical findings of axe-core; `ignore` names rules, for a reason the test tells."""
    # By the debugger's way in, which no policy of the page can stop.
    if not tab.evaluate("() => 'axe' in window"):
        tab.evaluate(f"() => {{ {AXE_SCRIPT}\n }}")
    # Without `preload` it does not try to load style sheets into the page a second time.
    options: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
    if ignore:
        options["rules"] = {rule: {"enabled": False} for rule in ignore}
    found = tab.evaluate(_AXE, options)
    bad = [each for each in found if each["impact"] in ("serious", "critical")]
    told = [
        f"{each['impact']} {each['id']}: {each['help']}\n    " + "\n    ".join(each["nodes"]) for each in bad
    ]
    assert not bad, f"{tab.url} is not accessible:\n" + "\n".join(told)


def pseudo(tab: Page) -> None:
    """Show the page in the pseudo-locale and fail if any of its texts is not of a catalogue."""
    tab.evaluate("() => localStorage.setItem('flow-router.locale', 'pseudo')")
    tab.reload()
    settled(tab)
    bare = tab.evaluate(_BARE)
    tab.evaluate("() => localStorage.removeItem('flow-router.locale')")
    assert not bare, f"{tab.url} shows texts that no catalogue has:\n" + "\n".join(
        f"  {each}" for each in bare
    )


def shot(tab: Page, name: str, *, whole: bool = True) -> None:
    """Save a picture as `NAME.png` in the folder that DASHBOARD_SHOTS names; without it, do nothing."""
    folder = os.environ.get("DASHBOARD_SHOTS")
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    tab.screenshot(path=Path(folder) / f"{name}.png", full_page=whole, animations="disabled")


__all__ = ["LOUD", "THEMES", "WIDTHS", "Watch", "axe", "pseudo", "settled", "shot"]
