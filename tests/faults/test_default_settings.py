"""The sixteen faults a gateway must survive, and more, through a gateway as it comes, in every client dialect."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.faults.cases import CASES, Case
from tests.faults.stage import CLIENTS, Play, Stage, deaf_port, refused_port
from tests.upstreams import ScriptedUpstream

ELSE = {"chat": "claude", "responses": "gemini", "claude": "chat", "gemini": "responses"}
"""Whose dialect the other vendor speaks where the two differ."""
AT_ONCE = 96


def pairs(client: str) -> list[tuple[str, str]]:
    """Return the vendors a client's faults are played with: its own kind, and one that needs translation."""
    return [(client, client), (client, ELSE[client]), (ELSE[client], client)]


def route(first: str, second: str, address: str | None) -> str:
    name = f"from-{first}-to-{second}"
    return name if address is None else f"{address.replace(' ', '-').lower()}-{name}"


def plays(stage: Stage) -> list[tuple[str, Play]]:
    """Return every play, the longest first."""
    made: list[tuple[str, Play]] = []
    for name, case in CASES.items():
        for client in CLIENTS:
            for vendors in pairs(client):
                forms = (True, False) if case.whole_too and vendors[0] == vendors[1] else (True,)
                made += [(name, _play(stage, name, case, client, vendors, stream=form)) for form in forms]
    return sorted(made, key=lambda pair: -CASES[pair[0]].within - 100 * (CASES[pair[0]].asks > 1))


def _play(
    stage: Stage, name: str, case: Case, client: str, vendors: tuple[str, str], *, stream: bool
) -> Play:
    prefix = route(*vendors, case.address)
    play = Play(stage, f"{prefix}-{name.lower()}", client, stream=stream, vendors=vendors)
    if case.expected:
        play.expected, play.model = case.expected, f"{play.name}+{case.scenario}"
    elif case.scenario:
        play.model = f"{play.model}+{case.scenario}" if not case.fields else f"{play.name}+{case.scenario}"
    play.fields = case.fields.get(client, {})
    if case.outage:
        play.outage(case.outage)
    elif case.faults:
        play.script(*case.faults, then_healthy=case.then_healthy)
    return play


def perform(case: Case, play: Play) -> None:
    for number in range(case.asks):
        began = time.monotonic()
        play.ask()
        if number + 1 < case.asks:
            time.sleep(max(0.0, case.every - (time.monotonic() - began)))


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with ExitStack() as held:
        holder, closed = refused_port()
        held.callback(holder.close)
        plain = held.enter_context(ScriptedUpstream("openai_chat")).port
        addresses = {
            None: None,
            "unknown host": "http://no-such-host.invalid/v1",
            "not TLS": f"https://127.0.0.1:{plain}/v1",
            "deaf": f"http://127.0.0.1:{held.enter_context(deaf_port())}/v1",
            "refused": f"http://127.0.0.1:{closed}/v1",
        }
        routes = {
            route(first, second, kind): (first, second, address)
            for client in CLIENTS
            for first, second in pairs(client)
            for kind, address in addresses.items()
        }
        started = Stage().start(routes)
        yield started
        started.stop()


def complaints(name: str, play: Play) -> list[str]:
    """Return what is wrong with a play, in the words of the scorecard."""
    case = CASES[name]
    found: list[str] = []
    for run in play.runs:
        ended = {
            "whole": run.complete,
            "told": run.clean_error,
            "either": run.clean_error or run.error is None,
        }[case.ending]
        if not ended:
            found.append(f"the answer: {run.error!r} {run.asked!r}"[:600])
        if run.seconds > case.within:
            found.append(f"took {run.seconds:.1f} s, not {case.within:g}")
    said = case.conduct(play)
    return found if said is None else [*found, said]


@pytest.mark.timeout(420)
def test_every_fault_is_survived_with_default_settings(stage: Stage, subtests: pytest.Subtests) -> None:
    """All rows pass: nothing is hung, cut in silence, hammered, repeated or masked."""
    every = plays(stage)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda pair: perform(CASES[pair[0]], pair[1]), every))
    for name, play in every:
        with subtests.test(msg=f"{name} {CASES[name].title}", play=play.name):
            assert not complaints(name, play)


def test_who_answered_and_who_is_billed(stage: Stage, subtests: pytest.Subtests) -> None:
    """S16: the reply says who answered and what it cost; the failed attempt costs nothing."""
    for client in CLIENTS:
        for stream in (True, False):
            play = Play(
                stage,
                f"{route(client, client, None)}-s16-billed",
                client,
                stream=stream,
                vendors=(client, client),
            )
            play.script("fault-503", then_healthy=False)
            with subtests.test(play=play.name):
                status, headers, text = play.client.post("tell the story", stream=stream, model=play.model)
                assert status == 200, text
                assert headers["x-flowrouter-attempts"] == "2"
                receipt = json.loads(stage.gateway.get(f"/v1/receipts/{headers['x-request-id']}")[1])
                assert [attempt["verdict"] for attempt in receipt["attempts"]] == ["overloaded", "answered"]
                (answered,) = play.rescues
                assert receipt["answered_model"] == answered.model
                assert answered.model.encode() in text or client == "responses"
                assert receipt["usage"]["output"] > 40
                assert receipt["usage"]["input"] < 30, "the failed attempt's prompt is not counted"


def test_the_gateway_is_healthy_afterwards(stage: Stage) -> None:
    assert json.loads(stage.gateway.get("/readyz")[1])["ready"] is True
