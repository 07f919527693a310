"""The small C programs: faults of the mock, and a client that keeps its pace, hangs up or reads slowly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from harness.build import compile_all
from harness.cases import ANTHROPIC, OPENAI, Case, plain_case, stream_case
from harness.load import Client
from harness.meters import Running, free_port
from harness.systems import Place, System, bare, mock_upstream, reference_proxy


@pytest.fixture(scope="module")
def programs() -> dict[str, str]:
    try:
        return compile_all()
    except SystemExit as reason:
        pytest.skip(f"THE BENCHMARK'S PROGRAMS ARE NOT TESTED: {reason}")


@pytest.fixture(scope="module")
def mock(programs: dict[str, str], tmp_path_factory: Any) -> Iterator[Running]:
    place = Place(directory=tmp_path_factory.mktemp("mock"), port=free_port(), upstream_port=0, models={})
    running = Running(mock_upstream(programs), place, core=None)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def client(programs: dict[str, str]) -> Iterator[Client]:
    made = Client(programs["load"], core=None)
    yield made
    made.close()


def test_every_third_request_is_refused(client: Client, mock: Running) -> None:
    outcome = client.run(plain_case(OPENAI, OPENAI, tags="-e3"), mock.port, requests=9, connections=1)
    assert (outcome.completed, outcome.raw["errors"]) == (6, {"status": 3})


def test_every_second_stream_breaks_off(client: Client, mock: Running) -> None:
    case = stream_case(OPENAI, OPENAI, chunks=10, interval_ms=2, tags="-x2")
    outcome = client.run(case, mock.port, requests=4, connections=1)
    assert (outcome.completed, outcome.raw["errors"]) == (2, {"truncated": 2})


def test_a_head_is_kept_back(client: Client, mock: Running) -> None:
    outcome = client.run(plain_case(OPENAI, OPENAI, tags="-h200"), mock.port, requests=2, connections=1)
    assert outcome.completed == 2
    assert outcome.raw["latency_us"]["min"] >= 199_000


def test_an_error_may_be_huge(client: Client, mock: Running) -> None:
    outcome = client.run(plain_case(OPENAI, OPENAI, tags="-z3"), mock.port, requests=1, connections=1)
    assert outcome.raw["errors"] == {"status": 1}
    assert outcome.raw["body_bytes"] > 3_000_000


@pytest.mark.parametrize("make", [reference_proxy, lambda _: bare()], ids=["reference", "bare"])
def test_large_bodies_and_streams_pass_whoever_only_forwards(
    make: Callable[[dict[str, str]], System],
    programs: dict[str, str],
    client: Client,
    mock: Running,
    tmp_path: Any,
) -> None:
    place = Place(directory=tmp_path, port=free_port(), upstream_port=mock.port, models={})
    forwarder = Running(make(programs), place, core=None)
    try:
        forwarder.start()
        case = plain_case(OPENAI, OPENAI)
        large = Case(**{**vars(case), "body": case.body[:-1] + b',"more":"' + b"x" * 5_000_000 + b'"}'})
        stream = stream_case(ANTHROPIC, ANTHROPIC, chunks=20, interval_ms=2)
        outcomes = [client.run(each, place.port, requests=3, connections=1) for each in (large, stream)]
    finally:
        forwarder.stop()
    assert [(outcome.completed, outcome.failed) for outcome in outcomes] == [(3, 0), (3, 0)]


def test_the_client_keeps_its_pace(client: Client, mock: Running) -> None:
    outcome = client.run(plain_case(OPENAI, OPENAI), mock.port, seconds=1.0, rate=50, connections=4)
    assert 5 <= outcome.completed <= 51


def test_latency_counts_from_when_a_request_was_due(client: Client, mock: Running) -> None:
    """One connection, replies of 200 ms, a request every 50 ms: whoever counted from the sending saw 200 ms."""
    case = plain_case(OPENAI, OPENAI, tags="-h200")
    outcome = client.run(case, mock.port, seconds=1.5, rate=20, connections=1)
    assert outcome.raw["latency_us"]["max"] > 500_000


def test_the_client_hangs_up(client: Client, mock: Running) -> None:
    case = stream_case(OPENAI, OPENAI, chunks=1000, interval_ms=10)
    outcome = client.run(case, mock.port, seconds=0.6, connections=2, hangup_ms=100)
    assert outcome.raw["hung_up"] >= 2
    assert (outcome.completed, outcome.failed) == (0, 0)


def test_the_client_reads_slowly(client: Client, mock: Running) -> None:
    case = stream_case(OPENAI, OPENAI, chunks=300, interval_ms=1)
    outcome = client.run(case, mock.port, requests=1, connections=1, slow=100_000)
    assert (outcome.completed, outcome.failed) == (1, 0)
    assert outcome.seconds >= 0.8 * outcome.raw["body_bytes"] / 100_000


def test_chunks_that_come_in_heaps_are_late(client: Client, mock: Running) -> None:
    """A slow reader has them all, and between two reads there is little time; each is late all the same."""
    case = stream_case(OPENAI, OPENAI, chunks=300, interval_ms=1)
    late = client.run(case, mock.port, requests=1, connections=1, slow=100_000, interval_ms=1).raw["late_us"]
    assert late["count"] == 300
    assert late["max"] > 200_000
    assert late["min"] == 0
