"""What a request's headers come to (names in lower case, repeated ones joined), and an answer's as lines."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from flowrouter.httpkit import fields
from flowrouter.httpkit.fields import lines_of, pairs_of


def headers_of(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    return fields.headers_of([name for name, _ in raw], [value for _, value in raw])


def test_names_and_values() -> None:
    raw = [(b"Host", b"a"), (b"x-odd", b"caf\xe9"), (b"x-empty", b"")]
    assert headers_of(raw) == {"host": "a", "x-odd": "caf\xe9", "x-empty": ""}
    assert headers_of([]) == {}


def test_repeated_ones_are_joined_in_their_order() -> None:
    raw = [(b"accept", b"a"), (b"host", b"h"), (b"Accept", b"b"), (b"ACCEPT", b"c")]
    assert headers_of(raw) == {"accept": "a, b, c", "host": "h"}


def test_names_of_strangers_are_not_kept_without_end() -> None:
    for _ in range(3_000):
        name = os.urandom(8).hex().encode()
        assert headers_of([(name, b"x")]) == {name.decode(): "x"}
    assert len(fields._names) < 1_000
    long = b"x" * 10_000
    assert headers_of([(long, b"x")]) == {long.decode(): "x"}
    assert long not in fields._names


NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"], include_characters="-"), min_size=1)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126))


@given(st.lists(st.tuples(NAMES, VALUES)))
def test_lines_are_the_pairs_they_were_made_of(texts: list[tuple[str, str]]) -> None:
    pairs = [(name.encode(), value.encode()) for name, value in texts]
    assert pairs_of(lines_of(pairs)) == pairs
