"""The pace of a beginning: known as soon as enough came, too slow if it did not within the watch."""

from __future__ import annotations

import math

import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.parts import Text
from flowrouter.gateway.pace import WATCH, Pace

TOKEN = e.PartDelta(index=0, text="word")


def test_nothing_is_timed_before_the_first_word() -> None:
    assert Pace(5).by == math.inf


def test_a_fast_stream_is_known_at_once() -> None:
    pace = Pace(5)
    for count in range(1, 30):
        pace.note([TOKEN], count / 100)
        if pace.known:
            break
    assert count == pytest.approx(5 * WATCH * 3.6 / 4, abs=1)


def test_a_slow_stream_is_not_known_when_its_time_is_over() -> None:
    pace = Pace(5)
    pace.note([e.PartStart(index=0, part=Text(text=""))], 10.0)
    for second in range(4):
        pace.note([TOKEN], 10.0 + second)
    assert not pace.known
    assert pace.by == 10.0 + WATCH
    assert pace.too_slow().kind == "timeout"
    assert "4 tokens in 4 s" in pace.too_slow().message


def test_an_answer_that_ends_is_known() -> None:
    pace = Pace(1000)
    pace.note([TOKEN, e.Finish(reason="stop")], 0.0)
    assert pace.known
