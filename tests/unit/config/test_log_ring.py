"""The newest lines of the log, in memory: bounded, without secrets, the grave ones apart."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from flowrouter.logs import Level, Logger, Sink
from flowrouter.logs.ring import LONGEST, MOST, Kept

SECRET = "sk-canary-5e0b7c61d2f94a8390"


class Clock:
    def now(self) -> float:
        return 1_700_000_000.25

    def monotonic(self) -> float:
        return 0.0


def sink(*, as_json: bool = True, level: Level = "debug") -> tuple[Sink, Logger, io.StringIO]:
    stream = io.StringIO()
    made = Sink(Clock())
    made.configure(level=level, as_json=as_json, stream=stream)
    return made, Logger("unit", made), stream


def messages(lines: list[Kept]) -> list[str]:
    return [json.loads(line.text)["message"] for line in lines]


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
def test_lines_are_kept_as_json_whatever_is_written(as_json: bool) -> None:
    made, log, stream = sink(as_json=as_json)
    log.info("served", status=200, names=("a", "b"))
    made.flush()
    (line,) = made.ring.recent("info", limit=10)
    told = json.loads(line.text)
    assert (line.level, line.ts_ms) == ("info", 1_700_000_000_250)
    assert (told["logger"], told["message"], told["status"], told["names"]) == (
        "unit",
        "served",
        200,
        ["a", "b"],
    )
    assert stream.getvalue().startswith("{") is as_json


def test_the_newest_come_first_and_of_the_level_asked_for() -> None:
    made, log, _ = sink()
    for name in ("debug", "info", "warning", "error"):
        getattr(log, name)(f"a {name}")
    made.flush()
    assert messages(made.ring.recent("debug", limit=10)) == ["a error", "a warning", "a info", "a debug"]
    assert messages(made.ring.recent("warning", limit=10)) == ["a error", "a warning"]
    assert messages(made.ring.recent("debug", limit=1)) == ["a error"]
    assert messages(made.ring.since(2, "debug")) == ["a warning", "a error"]
    assert made.ring.since(made.ring.newest, "debug") == []


def test_a_flood_is_bounded_and_leaves_the_warnings() -> None:
    made, log, _ = sink()
    log.warning("look here")
    for number in range(3 * MOST):
        text = f"line {number}"
        log.info(text)
    made.flush()
    kept = made.ring.recent("debug", limit=10 * MOST)
    assert len(kept) < MOST
    assert messages(kept)[0] == f"line {3 * MOST - 1}"
    assert messages(kept)[-1] == "look here"
    for number in range(2 * MOST):
        text = f"error {number}"
        log.error(text)
    made.flush()
    assert len(made.ring.recent("debug", limit=10 * MOST)) == MOST


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
def test_no_secret_is_kept(as_json: bool) -> None:
    made, log, _ = sink(as_json=as_json)
    made.hide("a-token-without-a-form")
    log.error("bad", error=ValueError(f"the key {SECRET}"), header={"authorization": f"Bearer {SECRET}"})
    log.info("also a-token-without-a-form", url=f"https://x.example/?key={SECRET}")
    made.flush()
    text = "".join(line.text for line in made.ring.recent("debug", limit=10))
    assert "canary" not in text
    assert "without-a-form" not in text
    assert "bad" in text


def test_a_long_line_keeps_the_beginning_of_each_field() -> None:
    made, log, _ = sink()
    log.info(
        "long", short=7, text="y" * 4 * LONGEST, many=list(range(LONGEST)), secret=f"{SECRET} " * LONGEST
    )
    made.flush()
    (line,) = made.ring.recent("info", limit=1)
    told: dict[str, Any] = json.loads(line.text)
    assert len(line.text) < LONGEST
    assert (told["message"], told["short"], told["text"][:3]) == ("long", 7, "yyy")
    assert told["many"].startswith("[0,1,2")
    assert "canary" not in line.text


def test_ids_are_those_of_the_process() -> None:
    made, log, _ = sink()
    other, _, _ = sink()
    log.info("one")
    log.info("two")
    made.flush()
    second, first = made.ring.recent("info", limit=2)
    assert made.ring.place_of(first.id) == 1
    assert made.ring.place_of(second.id) == 2
    for wrong in ("", "x", "2", f"{first.id}x", f"{first.id.partition('-')[0]}-{'9' * 40}"):
        assert made.ring.place_of(wrong) is None
    assert other.ring.place_of(first.id) is None


def test_fields_that_cannot_be_shown_end_neither_writer_nor_ring() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    made, log, _ = sink()
    log.info("odd", value=Odd())
    log.info("after")
    made.flush()
    assert messages(made.ring.recent("info", limit=2))[0] == "after"
    assert messages(made.ring.recent("info", limit=2))[1].startswith("odd (fields not shown")
