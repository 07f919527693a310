"""The bill of a session: which turn, tool or cache miss cost what."""

from __future__ import annotations

from typing import Any

from flowrouter.usage.sessions import Turn, session_bill

RATE, CACHED, OUTPUT = 3 * 10**6, 3 * 10**5, 15 * 10**6


def turn(
    number: int, *, fresh: int, cached: int = 0, written: int = 0, output: int = 100, **more: Any
) -> Turn:
    return Turn(
        id=f"r{number}", ts_ms=number, model="m", fresh=fresh, cached=cached, written=written, output=output,
        charge_pusd=(fresh + written) * RATE + cached * CACHED + output * OUTPUT,
        fresh_rate=RATE, cached_rate=CACHED, output_rate=OUTPUT, **more,
    )  # fmt: skip


def test_a_tool_that_reads_much_is_named() -> None:
    found = session_bill(
        "s",
        [
            turn(1, fresh=2_000, written=4_000, tools=("Read",)),
            turn(2, fresh=60_000, cached=4_000, written=2_000),
        ],
    )
    assert [line.cause for line in found.lines] == ["first", "tool"]
    assert found.lines[1].tool == "Read"
    assert found.by_tool == {"Read": 62_000 * RATE}
    assert "turn 2 took" in found.sentence
    assert "for the result of Read (62,000 new tokens)" in found.sentence
    assert "reading results of Read took $0.19" in found.sentence


def test_a_cache_miss_is_found_and_priced() -> None:
    found = session_bill(
        "s", [turn(1, fresh=0, written=50_000), turn(2, fresh=100, cached=50_000), turn(3, fresh=51_000)]
    )
    missed = found.lines[2]
    assert (missed.cause, missed.missed_tokens) == ("cache_miss", 50_100)
    assert missed.missed_pusd == found.missed_pusd == 50_100 * (RATE - CACHED)
    assert "1 cache miss took $0.14" in found.sentence
    assert [line.missed_tokens for line in found.lines[:2]] == [0, 0]


def test_a_provider_without_a_cache_misses_nothing() -> None:
    found = session_bill("s", [turn(1, fresh=5_000), turn(2, fresh=10_000)])
    assert found.missed_pusd == 0
    assert [line.cause for line in found.lines] == ["first", "prompt"]


def test_what_was_written_may_be_the_dear_part() -> None:
    found = session_bill("s", [turn(1, fresh=100, output=20_000)])
    assert found.lines[0].cause == "output"


def test_what_nobody_knows_is_no_zero() -> None:
    unknown = Turn(id="r", ts_ms=1, model="m", charge_pusd=None, fresh=1, cached=0, written=0, output=1)
    found = session_bill("s", [turn(1, fresh=1_000), unknown])
    assert found.charge_unknown == 1
    assert "at least" in found.sentence
    assert session_bill("s", []).sentence == "The session has no turns."
