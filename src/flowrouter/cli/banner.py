"""The start-up card of `serve`: where it listens, what it has, what it found, and what to do next.

Plain text without a library, because the serving process stays small; at most 80 columns, except where an
address or a path is longer, which is never cut.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from flowrouter import __version__
from flowrouter.cli.style import Style
from flowrouter.features.local import weights
from flowrouter.routing import AccountFacts
from flowrouter.routing.names import AUTO, leads_somewhere

_WIDTH = 80
_MARGIN = "  "
_LABEL = 11
_NAMES_SHOWN = 8


class Card:
    """The card of one running application; `address` is the URL that reaches it from this machine."""

    def __init__(self, application: Any, *, address: str, style: Style) -> None:
        self._application = application
        self._address = address
        self._style = style
        self._world = application.configuration.world
        accounts: Sequence[AccountFacts] = self._world.facts.accounts
        self._usable = [account for account in accounts if account.enabled and not account.problem]
        self._found = [each for each in self._world.accounts.values() if each.source == "found"]

    def lines(self) -> Iterator[str]:
        """Yield the lines to show."""
        address = self._style.paint(self._address, "bold", "cyan")
        title = self._style.paint(f"Flow Router {__version__}", "bold")
        yield ""
        yield f"{_MARGIN}{title} is listening on {address}"
        yield ""
        yield from self._row("OpenAI", f"base URL {self._address}/v1")
        yield from self._row("Anthropic", f"base URL {self._address}")
        yield from self._row("Accounts", self._accounts())
        yield from self._row("Models", self._models())
        yield from self._row("Keys", self._keys())
        yield from self._workers()
        yield from self._row("Data", _short(self._application.config.data))
        yield from self._finds()
        for problem in self._world.problems:
            yield from self._row("Problem", problem, "yellow")
        yield ""
        yield f"{_MARGIN}Dashboard (this link signs one browser in):"
        yield f"{_MARGIN}{self._address}/?token={self._application.handover.handover_code()}"
        yield ""
        yield from (f"{_MARGIN}{line}".rstrip() for line in self._next_step())
        yield ""
        yield f"{_MARGIN}Ctrl-C stops it."
        yield ""

    def _row(self, label: str, text: str, *paints: str) -> Iterator[str]:
        wrapped = textwrap.wrap(
            text, _WIDTH - len(_MARGIN) - _LABEL, break_long_words=False, break_on_hyphens=False
        )
        for line in wrapped:
            shown = self._style.paint(line, *paints)
            yield f"{_MARGIN}{self._style.paint(label.ljust(_LABEL), 'dim')}{shown}"
            label = ""

    def _accounts(self) -> str:
        named = [_named(account) for account in self._usable[:_NAMES_SHOWN]]
        left = len(self._usable) - len(named)
        return ", ".join([*named, *([f"and {left} more"] if left else [])]) or "none yet"

    def _models(self) -> str:
        names = {name for account in self._usable for name in account.names}
        waiting = [a for a in self._usable if a.models is None and not a.patterns]
        if not names:
            return "being asked for" if waiting else "none yet"
        return f"{len(names)}{', more are being asked for' if waiting else ''} (flow-router models)"

    def _keys(self) -> str:
        count = len(self._world.ring)
        return f"{count}, every call needs one" if count else "none, calls from this machine need none"

    def _workers(self) -> Iterator[str]:
        count = self._application.config.server.workers
        if count > 1:
            yield from self._row("Workers", f"{count}, in step through {self._application.state.place}")

    def _finds(self) -> Iterator[str]:
        wide = max((len(account.name) for account in self._found), default=0)
        label = "Found"
        for account in self._found[:_NAMES_SHOWN]:
            yield from self._row(label, f"{account.name.ljust(wide)}  {account.found_in}", "yellow")
            label = ""
        if self._found:
            yield from self._row("", "Not in use yet. Take one up: flow-router providers adopt NAME")

    def _next_step(self) -> list[str]:
        """Return a call that works now, or how to get to one."""
        if not self._usable:
            return [self._first_account()]
        if not leads_somewhere(self._world.facts, AUTO):
            return ["See what can be asked for: flow-router models"]
        call = [
            "Try it:",
            f"curl {self._address}/v1/chat/completions \\",
            "  -H 'content-type: application/json' \\",
            f'  -d \'{{"model": "{AUTO}", "messages": [{{"role": "user", "content": "Hello"}}]}}\'',
        ]
        if all(account.reserved for account in self._usable):
            call += ["", self._first_account()]
        return call

    def _first_account(self) -> str:
        if self._found:
            return f"Take up what was found: flow-router providers adopt {self._found[0].name}"
        add = "Add an account: flow-router providers add"
        return add if self._usable else f"{add} (or a tiny model: flow-router local pull)"


def text(application: Any, *, address: str, style: Style) -> str:
    """Return the card as text."""
    return "\n".join(Card(application, address=address, style=style).lines())


def _named(account: AccountFacts) -> str:
    if account.reserved:
        return f"{account.name} ({weights.LABEL})"
    return account.name if account.name == account.preset else f"{account.name} ({account.preset})"


def _short(path: str) -> str:
    """Return `path` with the home folder as `~`."""
    try:
        return str(Path("~") / Path(path).relative_to(Path.home()))
    except (ValueError, RuntimeError):
        return path


__all__ = ["Card", "text"]
