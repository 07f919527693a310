"""The page of the table: `python -m tests.clients.table DATE` writes docs/compatibility.md from the cells of a run."""

from __future__ import annotations

import json
import sys
from collections import Counter

from flowrouter import __version__
from tests.clients.agents import PROGRAMS
from tests.clients.cells import GATHERED, Cell
from tests.clients.roster import CLIENTS, ROOT, UPSTREAMS, version_of
from tests.clients.scenarios import SCENARIOS
from tests.clients.test_programs import SCENARIOS as PROGRAM_SCENARIOS

PAGE = ROOT / "docs" / "compatibility.md"
VENDORS = {
    "openai_chat": "OpenAI Chat",
    "openai_responses": "OpenAI Responses",
    "anthropic": "Anthropic Messages",
    "gemini": "Gemini",
}
TITLES = {scenario.name: scenario.title for scenario in SCENARIOS}
WORDS = {"ok": "yes", "n/a": "–", "limit": "limit", "failed": "**no**"}
INTRODUCTION = """# Compatibility

Real clients through a running gateway, each over each of the four dialects a provider may speak. The provider is a \
scripted one: it checks every request against the vendor's own types and rules, signs its reasoning and refuses what \
does not come back as it left. `make conformance` repeats the run and writes this page.

Run on {date} with Flow Router {version}: {counts}.

- **yes**: done, and the provider refused nothing. With a number: the note says what is not shown, or which optional \
field the provider refused once before the gateway asked again without it.
- **limit**: the client cannot do it at its own vendor either, without a gateway. The run tried both; the note says \
what it is.
- **–**: makes no sense for this client.

In each scenario the client's user must see the right thing: words that came through whole, files that its own tools \
read and wrote, an error where the provider broke off, a connection to the provider that ends when the client hangs up.
"""


class Page:
    """The page in the making; notes are numbered as they come up."""

    def __init__(self, cells: dict[str, Cell]) -> None:
        self._cells = cells
        self._notes: dict[str, int] = {}

    def text(self, date: str) -> str:
        """Return the whole page."""
        sections = [self._section(upstream) for upstream in UPSTREAMS]
        counts = Counter(cell.state for cell in self._cells.values())
        told = ", ".join(
            f"{counts[state]} {name}"
            for state, name in (
                ("ok", "yes"),
                ("limit", "limits of a client"),
                ("n/a", "not applicable"),
                ("failed", "no"),
            )
        )
        notes = [f"{number}. {note}" for note, number in self._notes.items()]
        head = INTRODUCTION.format(date=date, version=__version__, counts=told)
        return "\n".join([head, *sections, "## Notes\n", *notes, ""])

    def _section(self, upstream: str) -> str:
        lines = [f"## Over {VENDORS[upstream]}\n", "### SDKs and frameworks\n"]
        lines += self._table(
            [(client.name, version_of(client.package, client.home)) for client in CLIENTS],
            list(TITLES),
            upstream=upstream,
        )
        lines.append("\n### Coding agents and command lines\n")
        programs = [(program.name, version_of(program.package, program.home)) for program in PROGRAMS]
        lines += self._table(programs, list(PROGRAM_SCENARIOS), upstream=upstream)
        return "\n".join([*lines, ""])

    def _table(self, clients: list[tuple[str, str]], scenarios: list[str], *, upstream: str) -> list[str]:
        lines = [
            f"| client | version | {' | '.join(TITLES[name] for name in scenarios)} |",
            "|---|---|" + "---|" * len(scenarios),
        ]
        for client, version in clients:
            words = [self._word(client, upstream, scenario=scenario) for scenario in scenarios]
            lines.append(f"| {client} | {version} | {' | '.join(words)} |")
        return lines

    def _word(self, client: str, upstream: str, *, scenario: str) -> str:
        cell = self._cells.get(Cell(client, upstream, scenario).key)
        if cell is None:
            return "not run"
        word = WORDS[cell.state]
        if not cell.note or cell.state == "n/a":
            return word
        return f"{word} ({self._notes.setdefault(cell.note, len(self._notes) + 1)})"


def main(date: str) -> None:
    """Write the page."""
    cells = {key: Cell(**value) for key, value in json.loads(GATHERED.read_text()).items()}
    PAGE.write_text(Page(cells).text(date))


if __name__ == "__main__":
    main(sys.argv[1])
