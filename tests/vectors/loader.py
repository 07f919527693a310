"""Finds the vectors: recorded or written bodies and streams, one file each, named for what they show.

`tests/vectors/DIALECT/requests/NAME.json`, `…/responses/NAME.json`, and `…/streams/NAME.sse` with a
twin `NAME.json` beside it: the whole answer the stream folds to. A stream without a twin ends in an
error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import pytest

from flowrouter.canonical.dialect import Dialect
from flowrouter.dialects import available

ROOT = Path(__file__).parent

Kind = Literal["requests", "responses", "streams"]


class Vector(NamedTuple):
    """One vector; `name` is its file's stem."""

    dialect: Dialect
    kind: Kind
    name: str
    path: Path

    @property
    def body(self) -> bytes:
        """Return the file's bytes."""
        return self.path.read_bytes()

    @property
    def twin(self) -> bytes | None:
        """Return the whole answer that a stream folds to; None for one that ends in an error."""
        path = self.path.with_suffix(".json")
        return path.read_bytes() if path.exists() else None


def vectors(kind: Kind, dialect: Dialect | None = None) -> list[Vector]:
    """Return the vectors of `kind`, of one dialect or of all this build speaks, in a fixed order."""
    suffix = ".sse" if kind == "streams" else ".json"
    return [
        Vector(spoken, kind, path.stem, path)
        for spoken in available()
        if dialect in {None, spoken}
        for path in sorted((ROOT / spoken / kind).glob(f"*{suffix}"))
    ]


def each(kind: Kind, dialect: Dialect | None = None) -> pytest.MarkDecorator:
    """Return a decorator that runs a test once for each vector, under the vector's name."""
    found = vectors(kind, dialect)
    return pytest.mark.parametrize("vector", found, ids=[f"{v.dialect}-{v.name}" for v in found])


__all__ = ["ROOT", "Kind", "Vector", "each", "vectors"]
