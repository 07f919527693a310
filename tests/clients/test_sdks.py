"""The vendors' SDKs and the frameworks, each over each upstream dialect, in every scenario of the table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.clients.cells import Cell
from tests.clients.driver import Drivers
from tests.clients.lab import KEY, Lab, Place
from tests.clients.limits import ALIKE, HIDDEN, LIMITS, NOT_APPLICABLE, NOTES
from tests.clients.roster import CLIENTS, INSTALLED, UPSTREAMS, Client
from tests.clients.scenarios import SCENARIOS, Scenario, Trial, hides_reasoning, lay_out

pytestmark = pytest.mark.clients

STORIES = INSTALLED / "stories"
"""What the vendor was asked where a cell failed."""

ROWS = [
    pytest.param(
        client, upstream, id=f"{client.name}-over-{upstream}", marks=pytest.mark.xdist_group(client.name)
    )
    for client in CLIENTS
    for upstream in UPSTREAMS
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario.name for scenario in SCENARIOS])
@pytest.mark.parametrize(("client", "upstream"), ROWS)
def test_scenario(
    client: Client,
    upstream: str,
    *,
    scenario: Scenario,
    lab: Lab,
    drivers: Drivers,
    cell: Cell,
    tmp_path: Path,
) -> None:
    cell.client, cell.upstream, cell.scenario = client.name, upstream, scenario.name
    absent = NOT_APPLICABLE.get((client.name, scenario.name))
    if absent is not None:
        cell.state, cell.note = "n/a", absent
        pytest.skip(absent)
    place = lab.place(upstream)
    limit = LIMITS.get((client.name, scenario.name))
    try:
        play(scenario, client, place, drivers=drivers, folder=tmp_path)
    except AssertionError as failure:
        if limit is None:
            raise
        direct = lab.place(client.dialect, direct=True)
        with pytest.raises(AssertionError, match=re.escape(str(failure)[:ALIKE])):
            play(scenario, client, direct, drivers=drivers, folder=tmp_path)
        cell.state, cell.note = "limit", limit
        return
    assert limit is None or client.dialect != upstream, "the limit is none any more; strike it out"
    hidden = scenario.name == "thinking" and hides_reasoning(client.dialect, upstream)
    cell.passed(place, NOTES.get((client.name, scenario.name)) or (HIDDEN if hidden else ""))


def play(scenario: Scenario, client: Client, place: Place, *, drivers: Drivers, folder: Path) -> None:
    """Run one scenario; raises what is wrong, with the story of what the vendor was asked."""
    lay_out(folder)
    trial = Trial(client.dialect, place, folder)
    scenario.prepare(trial)
    try:
        scenario.check(trial, drivers.ask(client, scenario.job(trial, KEY)))
        place.check()
    except (AssertionError, TimeoutError) as error:
        story = STORIES / f"{client.name}-{place.dialect}-{scenario.name}.txt"
        story.parent.mkdir(exist_ok=True)
        story.write_text(f"{error}\n{place.story()}\n")
        raise AssertionError(f"{str(error)[:500]}\nSee {story}") from error
