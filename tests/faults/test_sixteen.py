"""The sixteen faults a gateway must survive, each in both client dialects over both vendors' dialects."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.faults.stage import BOUND, CLIENTS, Play, Run, Stage

TABLE: dict[str, dict[str, str]] = tomllib.loads(Path(__file__).with_name("outcomes.toml").read_text("utf-8"))


class Conduct(NamedTuple):
    """What the vendors' logs show: checks that must hold, and those that are advice."""

    must: bool
    advised: bool = True


class Case(NamedTuple):
    """A fault: what the first vendor does to its attempts, and how a good gateway behaves."""

    faults: tuple[str | None, ...]
    then_healthy: bool
    conduct: Callable[[Play], Conduct]


def tried(most: int, least: int = 1) -> Callable[[Play], Conduct]:
    """Return a check of how often the first vendor was asked; too seldom is only advised against."""
    return lambda play: Conduct(must=len(play.attempts) <= most, advised=len(play.attempts) >= least)


def exactly_once(play: Play) -> Conduct:
    return Conduct(must=len(play.attempts) == 1)


def waited(play: Play) -> Conduct:
    times = [received.at for received in play.attempts]
    hammered = len([at for at in times if at - times[0] < 1.5]) > 2
    return Conduct(must=not hammered, advised=len(times) >= 2 and times[1] - times[0] >= 1.8)


def backed_off(play: Play) -> Conduct:
    times = [received.at for received in play.attempts]
    return Conduct(must=len(times) <= 6 and len([at for at in times if at - times[0] < 3]) <= 4)


def in_place(play: Play) -> Conduct:
    """Nothing was missing, so nobody else needed to be asked (a whole reply of this fault is a broken one)."""
    return Conduct(must=len(play.attempts) <= 6, advised=not play.rescues or not play.stream)


CASES: dict[str, Case] = {
    "S01": Case(("fault-429-retry-after",), True, waited),
    "S02": Case(("fault-429",), False, backed_off),
    "S03": Case(("fault-500",), True, tried(6, least=2)),
    "S04": Case(("fault-503",), False, tried(6)),
    "S05": Case(("fault-reset",), True, tried(6)),
    "S06": Case(("fault-hang-headers",), False, tried(1)),
    "S07": Case(("fault-slow-first-token",), False, tried(6)),
    "S08": Case(("fault-cut@40",), False, tried(6)),
    "S09": Case(("fault-stall@20",), False, tried(6)),
    "S10": Case(("fault-badjson-frame@9",), False, in_place),
    "S11": Case(("fault-no-terminator",), False, in_place),
    "S12": Case(("fault-context-length",), False, exactly_once),
    "S13": Case(("fault-content-policy",), False, exactly_once),
    "S14": Case(("fault-cut@40",), False, tried(6)),
    "S16": Case(("fault-503",), False, tried(6)),
}
REASONS = ("usage policy", "content filtering policy")

CLIENT = pytest.mark.parametrize("client", CLIENTS)
PAIR = pytest.mark.parametrize("pair", ["chat", "claude"])
FORM = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])


def outcome(case: str, run: Run, conduct: Conduct) -> str:
    """Judge a run in the scorecard's words."""
    if case == "S13":
        told = (
            run.clean_error and run.error.status_code == 400 and any(r in run.error.message for r in REASONS)
        )
        return "pass" if told and conduct.must else "partial" if run.complete else "fail"
    if run.complete and conduct.must:
        return "pass" if conduct.advised else "partial"
    return "safe" if run.clean_error and conduct.must else "fail"


@FORM
@PAIR
@CLIENT
@pytest.mark.parametrize("case", CASES)
def test_the_fault_s_outcome_is_the_table_s(
    stage: Stage, case: str, client: str, pair: str, stream: bool
) -> None:
    faults, then_healthy, conduct = CASES[case]
    play = Play(stage, case, client, pair=pair, stream=stream).script(*faults, then_healthy=then_healthy)
    if case == "S14":
        play.model = play.model.replace("+", "+no-prefill+")
        play.script(*faults, then_healthy=False)
    run = play.ask()
    expected = TABLE[case]["streamed" if stream else "whole"]
    seen = outcome(case, run, conduct(play))
    assert seen == expected, (run, conduct(play), len(play.attempts), len(play.rescues))
    assert run.seconds < BOUND


@PAIR
@CLIENT
@pytest.mark.parametrize("case", ["S09", "S10"])
def test_the_gateway_is_healthy_afterwards(stage: Stage, case: str, client: str, pair: str) -> None:
    play = Play(stage, f"{case}-after", client, pair=pair, stream=True)
    play.script(*CASES[case].faults, then_healthy=True).ask()
    assert play.ask().complete
    assert json.loads(stage.gateway.get("/readyz")[1])["ready"] is True


@FORM
@PAIR
@CLIENT
def test_an_outage_during_a_series(stage: Stage, client: str, pair: str, stream: bool) -> None:
    """S15: everybody is answered during the outage, without a flood, and the first vendor is used again."""
    play = Play(stage, "S15", client, pair=pair, stream=stream)
    play.script(*["fault-503"] * 10, then_healthy=True)
    for _ in range(20):
        assert play.ask().complete
    assert TABLE["S15"]["streamed" if stream else "whole"] == "pass"
    assert len(play.attempts) <= 20
    assert play.attempts[-1].status == 200
    assert len(play.rescues) >= 10


@FORM
@PAIR
@CLIENT
def test_who_answered_and_who_is_billed(stage: Stage, client: str, pair: str, stream: bool) -> None:
    """S16: the reply says who answered and what it cost; the failed attempt costs nothing."""
    play = Play(stage, "S16-billed", client, pair=pair, stream=stream)
    play.script("fault-503", then_healthy=False)
    body: dict[str, Any] = {
        "model": play.model,
        "messages": [{"role": "user", "content": "tell the story"}],
        "stream": stream,
    }
    if client == "openai":
        body["stream_options"] = {"include_usage": True}
        if not stream:
            del body["stream_options"]
    else:
        body["max_tokens"] = 500
    path = "/v1/chat/completions" if client == "openai" else "/v1/messages"
    status, headers, text = play.client.call(path, body)
    assert status == 200
    assert headers["x-flowrouter-target"].startswith(f"{pair}-second/")
    assert headers["x-flowrouter-attempts"] == "2"
    assert b'"completion_tokens":' in text or b'"output_tokens":' in text
    receipt = json.loads(stage.gateway.get(f"/v1/receipts/{headers['x-request-id']}")[1])
    assert [attempt["verdict"] for attempt in receipt["attempts"]] == ["overloaded", "answered"]
    (answered,) = play.rescues
    assert receipt["answered_model"] == answered.model
    assert receipt["usage"]["output"] > 50
    assert receipt["usage"]["input"] < 30, "the failed attempt's prompt is not counted"


def test_every_row_is_played() -> None:
    """The table has all sixteen, and each row that is not yet `pass` says what it waits for."""
    assert list(TABLE) == [f"S{number:02}" for number in range(1, 17)]
    assert set(TABLE) == {*CASES, "S15"}
    for name, row in TABLE.items():
        perfect = row["streamed"] == row["whole"] == "pass"
        assert perfect or row.get("next"), f"{name}: what is it waiting for?"
        assert {row["streamed"], row["whole"]} <= {"pass", "partial", "safe"}
