"""Every vector crosses into every other dialect and back; what changes must be a known loss.

`accepted_losses.toml` is the compatibility table: each row names a change, the vectors that show it
and the reason. The observed rows must equal the listed ones, so nothing is lost in silence and no row
outlives its case. A crossed stream must say what its crossed whole twin says.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

import pytest

from flowrouter.canonical import events as e
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.events import Event
from flowrouter.canonical.fold import fold
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.parts import Provenance
from flowrouter.canonical.response import Response
from flowrouter.dialects import available, codec
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.errors import CallerError
from tests.vectors.crossing import differences, tell_request, tell_response
from tests.vectors.loader import ROOT, Vector, vectors
from tests.vectors.test_streams import decode

TABLE = ROOT / "accepted_losses.toml"
ENCODE = EncodeOptions(include_usage=True)


class Row(NamedTuple):
    """One change seen on the way from one dialect into another.

    `what` is `request` or `reply`; `kind` is a loss's kind, `differs` for an aspect that comes back
    changed, or `refused` with the status; `path` is the loss's or the field's path, or the aspect.
    """

    origin: str
    target: str
    what: str
    kind: str
    path: str


class Accepted(NamedTuple):
    """What the table lists: the vectors that show each row, None for "at least one"."""

    rows: dict[Row, frozenset[str] | None]
    reasons: dict[Row, str]


@cache
def accepted() -> Accepted:
    rows: dict[Row, frozenset[str] | None] = {}
    reasons: dict[Row, str] = {}
    for entry in tomllib.loads(TABLE.read_text())["row"]:
        names = entry.get("vectors")
        for path in entry["paths"]:
            row = Row(entry["from"], entry["to"], entry["what"], entry["kind"], path)
            assert row not in rows, f"listed twice: {row}"
            rows[row] = None if names is None else frozenset(names)
            reasons[row] = entry["reason"]
    return Accepted(rows, reasons)


def others(dialect: Dialect) -> list[Dialect]:
    return [other for other in available() if other != dialect]


def crossings(kind: Any) -> list[tuple[Vector, Dialect]]:
    return [(vector, target) for vector in vectors(kind) for target in others(vector.dialect)]


def named(kind: Any) -> pytest.MarkDecorator:
    found = crossings(kind)
    ids = [f"{vector.dialect}-to-{target}-{vector.name}" for vector, target in found]
    return pytest.mark.parametrize(("vector", "target"), found, ids=ids)


def request_rows(vector: Vector, target: Dialect) -> set[Row]:
    """Return what happens to a request on its way."""
    place = (vector.dialect, target, "request")
    request = codec(vector.dialect).parse_request(vector.body)
    try:
        rendered = codec(target).render_request(request, request.model, Capabilities())
    except CallerError as error:
        return {Row(*place, f"refused {error.status}", general(error.param or ""))}
    back = codec(target).parse_request(rendered.body)
    changed = differences(tell_request(request), tell_request(back))
    return loss_rows(place, rendered.losses) | {Row(*place, "differs", aspect) for aspect in changed}


def reply_rows(vector: Vector, target: Dialect, whole: bytes) -> set[Row]:
    """Return what happens to a whole reply on its way."""
    place = (vector.dialect, target, "reply")
    response = codec(vector.dialect).parse_response(whole, Provenance(dialect=vector.dialect))
    rendered, back = crossed(response, target)
    changed = differences(tell_response(response), tell_response(back))
    return loss_rows(place, rendered) | {Row(*place, "differs", aspect) for aspect in changed}


def crossed(response: Response, target: Dialect) -> tuple[tuple[Loss, ...], Response]:
    rendered = codec(target).render_response(response, ENCODE)
    return rendered.losses, codec(target).parse_response(rendered.body, Provenance(dialect=target))


def loss_rows(place: tuple[str, str, str], losses: Iterable[Loss]) -> set[Row]:
    return {Row(*place, loss.kind, general(loss.path)) for loss in losses}


def general(path: str) -> str:
    """Return a path for all places of its kind."""
    return re.sub(r"\[\d+\]", "[*]", path)


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
        if row not in listed or (listed[row] is not None and vector.name not in listed[row])
    }
    assert not unknown, f"{vector.name} changes in a way {TABLE.name} does not list"
    gone = {row for row, names in listed.items() if names and vector.name in names and row not in seen}
    assert not gone, f"{TABLE.name} lists for {vector.name} what no longer happens"


@named("requests")
def test_request_crosses_with_known_losses_only(vector: Vector, target: Dialect) -> None:
    compare(request_rows(vector, target), vector, target, "request")


@named("responses")
def test_reply_crosses_with_known_losses_only(vector: Vector, target: Dialect) -> None:
    compare(reply_rows(vector, target, vector.body), vector, target, "reply")


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
    assert differences(tell_response(whole), tell_response(fold(again))) == []


def test_the_table_lists_only_what_happens() -> None:
    seen: dict[Row, set[str]] = {}
    for vector, target in crossings("requests"):
        for row in request_rows(vector, target):
            seen.setdefault(row, set()).add(vector.name)
    for vector, target in crossings("responses"):
        for row in reply_rows(vector, target, vector.body):
            seen.setdefault(row, set()).add(vector.name)
    for row, names in accepted().rows.items():
        assert row in seen, f"no vector shows {row}"
        assert names is None or names == seen[row], f"{row} names other vectors than those that show it"


def test_every_row_has_a_reason() -> None:
    assert all(len(reason.split()) >= 3 for reason in accepted().reasons.values())
