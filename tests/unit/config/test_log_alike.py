"""Lines of one kind are made together: byte for byte what they are one by one, in the ring too, and without secrets."""

from __future__ import annotations

import io
from random import Random
from typing import Any

import pytest

from flowrouter import logs
from flowrouter.logs import Level, Sink


class Odd:
    """Nothing that JSON knows."""

    def __init__(self, *, told: bool) -> None:
        self._told = told

    def __repr__(self) -> str:
        if not self._told:
            raise RuntimeError("no")
        return 'an "odd" thing\n'


class Text(str):
    """Not quite a text."""

    __slots__ = ()


SECRETS = ("hunter22", "12345678", 'quo"ted')
NAMES = ("request_id", "model", "status", "token", "time", "message", 'é"', "\ud801", "note")
MESSAGES = ("exchange", "exchange", 'said "x"\n', "m" * 120, "token=abcdefgh", "hunter22", "\ud802", "")
LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")
PLAIN = ("oa", "an", "", None, 0, 200, 1.5, True)
OTHERS: tuple[Any, ...] = (
    "x" * 101, "sk-canary-5e0b7c61d2f94a8390", 'é漢"\\\n\x00\u2028', "\ud800", "token", "monkey=3", "hunter22",
    'quo"ted', "z" * 20_000, 12345678, 2**63, 2**70, float("nan"), float("inf"), -0.0, 1e22, ("a", "b"), [1, 2],
    {"token": "abcdefgh"}, Odd(told=True), Odd(told=False), Text("hunter22"), b"ab",
)  # fmt: skip


class Clock:
    def __init__(self, random: Random) -> None:
        self._random = random
        self._now = 1_700_000_000.25

    def now(self) -> float:
        self._now += self._random.choice((0, 0, 0.0001, 0.00037, 0.01, 1.3))
        return self._now

    def monotonic(self) -> float:
        return 0.0


def story(seed: int) -> tuple[str, list[tuple[object, ...]]]:
    """Return what a sink wrote and kept of a few runs of lines."""
    random, stream = Random(seed), io.StringIO()
    sink = Sink(Clock(random))
    sink.configure(level="debug", as_json=random.random() < 0.75, stream=stream)
    for _ in range(random.randrange(1, 4)):
        if random.random() < 0.4:
            sink.hide(random.choice(SECRETS))
        for _ in range(random.randrange(1, 4)):
            put(sink, random)
        sink.flush()
    return stream.getvalue(), [
        (line.number, line.ts_ms, line.level, line.text) for line in sink.ring.recent("debug", limit=5_000)
    ]


def put(sink: Sink, random: Random) -> None:
    """Log lines with the same names, most of them with the same values."""
    names = random.sample(NAMES, random.randrange(0, 5))
    level, logger, message = random.choice(LEVELS), random.choice(("access", 'o"d')), random.choice(MESSAGES)
    odd = random.choice((0.0, 0.0, 0.05, 0.5))
    usual = {name: random.choice(PLAIN) for name in names}
    for _ in range(random.choice((1, 3, 4, 9, 40))):
        other: dict[str, Any] = {
            name: random.choice(OTHERS if random.random() < odd else PLAIN)
            for name in names
            if random.random() < 0.3
        }
        sink.put(level, logger, message, fields={**usual, **other})


@pytest.mark.parametrize("seed", range(60))
def test_together_they_are_as_one_by_one(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for part in range(10):
        monkeypatch.setattr(logs, "_MANY", 7)
        monkeypatch.setattr(logs, "_FEW", 4)
        together = story(10 * seed + part)
        monkeypatch.setattr(logs, "_FEW", 1_000_000)
        assert story(10 * seed + part) == together


def test_the_usual_line_of_a_request_is_made_together(monkeypatch: pytest.MonkeyPatch) -> None:
    def alone(_: object) -> str:
        raise AssertionError("a line was made by itself")

    monkeypatch.setattr(logs, "as_json", alone)
    stream = io.StringIO()
    sink = Sink(Clock(Random(1)))
    sink.configure(level="info", as_json=True, stream=stream)
    for number in range(1_200):
        fields = {"request_id": f"req_{number}", "model": "oa", "answered_by": None, "status": 200, "ms": 1}
        sink.put("info", "access", "exchange", fields=fields)
    sink.flush()
    assert stream.getvalue().count('"request_id":"req_') == 1_200
    assert sink.ring.newest == 1_200


def test_a_secret_that_becomes_known_while_lines_are_made_is_in_none_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.StringIO()
    sink = Sink(Clock(Random(1)))
    sink.configure(level="info", as_json=True, stream=stream)
    made = logs.alike_as_json  # pyright: ignore[reportPrivateImportUsage] - where the other thread comes in

    def hiding(records: list[Any]) -> list[str] | None:
        lines = made(records)
        sink.hide("hunter22")
        return lines

    said = ""
    for _ in range(2):  # what was said before is not searched again
        for _ in range(8):
            sink.put("info", "access", "exchange", fields={"model": "hunter22", "status": 200})
        before, _ = stream.getvalue(), sink.flush()
        said = stream.getvalue().removeprefix(before)
        monkeypatch.setattr(logs, "alike_as_json", hiding)
    assert said.count('"status":200') == 8
    assert "hunter22" not in said
    assert "hunter22" not in "".join(kept.text for kept in sink.ring.recent("info", limit=8))
