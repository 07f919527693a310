"""Coding agents and command lines, each over each upstream dialect: a file is read and written by their own tools."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.clients.agent import DONE, read_prompt, text_editor, tool_user, turned
from tests.clients.agents import PROGRAMS, Program
from tests.clients.cells import Cell
from tests.clients.lab import PACE, Lab, Place
from tests.clients.limits import ALIKE, LIMITS, NOT_APPLICABLE
from tests.clients.roster import INSTALLED, UPSTREAMS
from tests.clients.workshop import TARGET, WORD, Workshop
from tests.upstreams import Answer, Received

pytestmark = pytest.mark.clients

ORDER = "Read notes.txt and write what you make of it to result.txt."
QUESTION = "What can you do?"


@dataclass(frozen=True)
class Seen:
    """What came of a run."""

    shop: Workshop
    code: int
    said: str

    @property
    def statuses(self) -> list[int | None]:
        """Return what the vendor answered."""
        return [call.status for call in self.shop.place.up.calls]


def works(program: Program, shop: Workshop) -> Callable[[Received], Any]:
    """Return the vendor's part of the tool round."""
    if program.files is None:
        return text_editor(target=TARGET)
    return tool_user(shop.place.up, program.files, source=shop.source, target=shop.target)


def talks(program: Program, shop: Workshop, *, faults: list[str]) -> Callable[[Received], Any]:
    """Return a vendor that only talks, when it has used up its `faults` on the main conversation."""

    def answer(received: Received) -> Any:
        offered = {tool.name for tool in read_prompt(shop.place.up, received).tools}
        if program.files is not None and program.files.write not in offered:
            return Answer(text="A short title")
        return faults.pop() if faults else Answer(text=DONE)

    return answer


def wrote(seen: Seen) -> None:
    assert seen.code == 0, seen.said[-2000:]
    written = Path(seen.shop.target)
    assert written.exists(), f"nothing was written:\n{seen.said[-2000:]}"
    assert written.read_text().strip() == turned(WORD)


def spoke(seen: Seen) -> None:
    assert seen.code == 0, seen.said[-2000:]
    assert DONE in seen.said, seen.said[-2000:]


def asked_again(seen: Seen) -> None:
    spoke(seen)
    assert 429 in seen.statuses, seen.statuses


def noticed(seen: Seen) -> None:
    """See that the program asked again and got its answer, or failed.

    What it says is no proof: some speak of errors that have nothing to do with the stream.
    """
    assert seen.code != 0 or DONE in seen.said, (
        f"a broken stream was taken for a whole answer:\n{seen.said[-2000:]}"
    )


SCENARIOS: dict[str, tuple[str, str | None, Callable[[Seen], None]]] = {
    "text": (QUESTION, None, spoke),
    "tools": (ORDER, "", wrote),
    "retry": (QUESTION, "fault-429-retry-after", asked_again),
    "midstream": (QUESTION, "fault-midstream-error", noticed),
}
ROWS = [
    pytest.param(program, upstream, id=f"{program.name}-over-{upstream}")
    for program in PROGRAMS
    for upstream in UPSTREAMS
]


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(("program", "upstream"), ROWS)
def test_program(
    program: Program, upstream: str, *, scenario: str, lab: Lab, cell: Cell, tmp_path: Path
) -> None:
    cell.client, cell.upstream, cell.scenario = program.name, upstream, scenario
    absent = NOT_APPLICABLE.get((program.name, scenario))
    if absent is not None:
        cell.state, cell.note = "n/a", absent
        pytest.skip(absent)
    place = lab.place(upstream)
    limit = LIMITS.get((program.name, scenario))
    try:
        play(scenario, program, place, home=tmp_path / "gateway")
    except AssertionError as failure:
        if limit is None:
            raise
        with pytest.raises(AssertionError, match=re.escape(str(failure)[:ALIKE])):
            play(scenario, program, lab.place(program.dialect, direct=True), home=tmp_path / "direct")
        cell.state, cell.note = "limit", limit
        return
    assert limit is None or program.dialect != upstream, "the limit is none any more; strike it out"
    cell.passed(place)


def play(scenario: str, program: Program, place: Place, *, home: Path) -> None:
    """Run a program once; raises what is wrong, with the story of what the vendor was asked."""
    prompt, first, check = SCENARIOS[scenario]
    shop = Workshop(place, home)
    faults = [first] if first else []
    vendor = works(program, shop) if scenario == "tools" else talks(program, shop, faults=faults)
    place.up.always(vendor)
    place.up.gap = PACE if scenario == "midstream" else 0.0
    started = program.start(shop, prompt, program.models[place.dialect])
    said = ""
    try:
        code, said = shop.run(started.program, started.arguments, started.environ)
        assert not faults, f"the vendor was never asked:\n{said[-2000:]}"
        check(Seen(shop, code, said))
        place.check()
    except (AssertionError, subprocess.TimeoutExpired) as error:
        story = INSTALLED / "stories" / f"{program.name}-{place.dialect}-{scenario}.txt"
        story.parent.mkdir(exist_ok=True)
        story.write_text(f"{error}\n{said}\n{place.story()}\n")
        raise AssertionError(f"{str(error)[:600]}\nSee {story}") from error
