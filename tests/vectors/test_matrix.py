"""Every vector crosses into every other dialect and back; what changes must be a known loss.

`accepted_losses.toml` is the compatibility table: each row names a change, the vectors that show it
and the reason. The observed rows must equal the listed ones, so nothing is lost in silence and no row
outlives its case. A crossed stream must say what its crossed whole twin says.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.events import Event
from flowrouter.canonical.fold import fold
from flowrouter.dialects import codec
from tests.vectors.crossing import differences, tell_response
from tests.vectors.loader import Vector
from tests.vectors.matrix import (
    ENCODE,
    TABLE,
    Row,
    accepted,
    crossed,
    crossings,
    observed,
    reasons_for,
    reply_rows,
    request_rows,
    written,
)
from tests.vectors.test_streams import decode


def named(kind: Any) -> pytest.MarkDecorator:
    found = crossings(kind)
    ids = [f"{vector.dialect}-to-{target}-{vector.name}" for vector, target in found]
    return pytest.mark.parametrize(("vector", "target"), found, ids=ids)


def compare(seen: set[Row], vector: Vector, target: Dialect, what: str) -> None:
    """Require that the seen rows are the listed ones."""
    listed = {
        row: names
        for row, names in accepted().rows.items()
        if (row.origin, row.target, row.what) == (vector.dialect, target, what)
    }
    unknown = {
        row
        for row in seen
        if row not in listed or ((names := listed[row]) is not None and vector.name not in names)
    }
    assert not unknown, f"{vector.name} changes in a way {TABLE.name} does not list"
    gone = {row for row, names in listed.items() if names and vector.name in names and row not in seen}
    assert not gone, f"{TABLE.name} lists for {vector.name} what no longer happens"


@named("requests")
def test_request_crosses_with_known_losses_only(vector: Vector, target: Dialect) -> None:
    compare(request_rows(vector, target), vector, target, "request")


@named("responses")
def test_reply_crosses_with_known_losses_only(vector: Vector, target: Dialect) -> None:
    compare(reply_rows(vector, target), vector, target, "reply")


def retold(events: Iterable[Event], target: Dialect) -> list[Event]:
    encoder = codec(target).encoder(ENCODE)
    return decode(target, [encoder.feed(event) for event in events])


@named("streams")
def test_stream_crosses_as_its_whole_twin_does(vector: Vector, target: Dialect) -> None:
    events = decode(vector.dialect, [vector.body])
    again = retold(events, target)
    if vector.twin is None:
        assert isinstance(again[-1], e.StreamError)
        return
    _, whole = crossed(fold(events), target)
    expected, told = tell_response(whole), tell_response(fold(again))
    if target == "openai_chat":
        # A whole Chat message has one place each for reasoning, words and calls, a stream tells them in turn.
        expected["order"], told["order"] = set(expected["order"]), set(told["order"])
    assert differences(expected, told) == []


def test_the_table_lists_only_what_happens() -> None:
    seen = observed()
    for row, names in accepted().rows.items():
        assert row in seen, f"no vector shows {row}"
        assert names is None or names == seen[row], f"{row} names other vectors than those that show it"


def test_every_row_has_a_reason() -> None:
    wanting = [row for row, reason in accepted().reasons.items() if len(reason.split()) < 3]
    assert not wanting, "somebody must look at these and say why they may be"


def test_the_table_is_written_as_it_is_read() -> None:
    """What `python -m tests.vectors.matrix` would write from the rows of now is the file itself."""
    seen = observed()
    assert written(seen, reasons_for(seen, accepted().reasons)) == TABLE.read_text("utf-8")


def test_a_new_row_takes_the_reason_of_its_like_or_none() -> None:
    known = {Row("openai_chat", "anthropic", "request", "dropped", "seed"): "Anthropic has no such control."}
    like = Row("gemini", "anthropic", "request", "dropped", "generationConfig.seed")
    other = Row("gemini", "openai_chat", "request", "dropped", "generationConfig.seed")
    assert reasons_for([like, other], known) == {like: "Anthropic has no such control.", other: ""}
