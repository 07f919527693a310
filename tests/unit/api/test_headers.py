"""What a request's headers come to: names in lower case, repeated ones joined."""

from __future__ import annotations

import os

from flowrouter.api import call
from flowrouter.api.call import headers_of


def test_names_and_values() -> None:
    raw = [(b"Host", b"a"), (b"x-odd", b"caf\xe9"), (b"x-empty", b"")]
    assert headers_of({"headers": raw}) == {"host": "a", "x-odd": "caf\xe9", "x-empty": ""}
    assert headers_of({"headers": []}) == {}


def test_repeated_ones_are_joined_in_their_order() -> None:
    raw = [(b"accept", b"a"), (b"host", b"h"), (b"Accept", b"b"), (b"ACCEPT", b"c")]
    assert headers_of({"headers": raw}) == {"accept": "a, b, c", "host": "h"}


def test_names_of_strangers_are_not_kept_without_end() -> None:
    for _ in range(3_000):
        name = os.urandom(8).hex().encode()
        assert headers_of({"headers": [(name, b"x")]}) == {name.decode(): "x"}
    assert len(call._names) < 1_000
    long = b"x" * 10_000
    assert headers_of({"headers": [(long, b"x")]}) == {long.decode(): "x"}
    assert long not in call._names
