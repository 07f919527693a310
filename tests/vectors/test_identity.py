"""What a dialect's own client sent or own vendor answered leaves for it exactly as it came."""

from __future__ import annotations

import pytest

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.parts import Provenance
from flowrouter.dialects import available, codec
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.wire.json import loads
from tests.vectors.loader import Vector, each, vectors


@each("requests")
def test_request_returns_as_it_came(vector: Vector) -> None:
    """But for the owned fields, which both lanes set alike."""
    spoken = codec(vector.dialect)
    head = spoken.skim(vector.body)
    rendered = spoken.render_request(spoken.parse_request(vector.body), head.model, Capabilities())
    assert loads(rendered.body) == loads(spoken.prepare(vector.body, head, head.model, True))
    assert rendered.losses == ()
    assert not rendered.edits


@each("requests")
def test_without_usage_wanted_nothing_but_the_model_changes(vector: Vector) -> None:
    spoken = codec(vector.dialect)
    head = spoken.skim(vector.body)
    assert spoken.prepare(vector.body, head, head.model, False) == vector.body
    if not head.model:
        # The address carries the model, so the body leaves as it came under any name.
        assert spoken.prepare(vector.body, head, "another/model", False) == vector.body
        return
    renamed = loads(spoken.prepare(vector.body, head, "another/model", False))
    assert renamed == {**loads(vector.body), "model": "another/model"}
    rendered = spoken.render_request(spoken.parse_request(vector.body), "another/model", Capabilities())
    assert loads(rendered.body)["model"] == "another/model"


@each("responses")
def test_response_returns_as_it_came(vector: Vector) -> None:
    spoken = codec(vector.dialect)
    response = spoken.parse_response(vector.body, Provenance(dialect=vector.dialect))
    rendered = spoken.render_response(response, EncodeOptions())
    assert loads(rendered.body) == loads(vector.body)
    assert rendered.losses == ()


@each("streams")
def test_twin_of_a_stream_returns_as_it_came(vector: Vector) -> None:
    if vector.twin is None:
        return
    spoken = codec(vector.dialect)
    response = spoken.parse_response(vector.twin, Provenance(dialect=vector.dialect))
    assert loads(spoken.render_response(response, EncodeOptions()).body) == loads(vector.twin)


@pytest.mark.parametrize("dialect", available())
def test_there_are_vectors_enough(dialect: Dialect) -> None:
    counts = [len(vectors(kind, dialect)) for kind in ("requests", "responses", "streams")]
    assert counts[0] >= 35
    assert counts[1] >= 10
    assert counts[2] >= 12
