"""A mark is found wherever it stands."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flowrouter.gateway.envelopes import holds_envelopes
from flowrouter.gateway.incoming import asks_to_reason
from flowrouter.wire.marks import holds

_LETTERS = st.lists(st.sampled_from([b"a", b"b", b"ab", b"\x00"]), max_size=12).map(b"".join)


@given(_LETTERS, _LETTERS)
def test_a_mark_is_held_where_it_stands(body: bytes, mark: bytes) -> None:
    assert holds(body, mark) == (mark in body)


@given(st.lists(st.sampled_from([b'"signature"', b":", b' ""', b'"x"', b",", b"flr1", b"."]), max_size=12))
def test_an_envelope_is_seen_among_others_of_its_kind(pieces: list[bytes]) -> None:
    body = b"".join(pieces)
    empty = any(
        rest.lstrip().startswith(b":") and rest.lstrip()[1:].lstrip().startswith(b'""')
        for rest in body.split(b'"signature"')[1:]
    )
    assert holds_envelopes(body, "anthropic") == (empty or b"flr1." in body)
    assert holds_envelopes(body, "openai_chat") == (b"flr1." in body)


def test_reasoning_is_asked_for_wherever_it_says_so() -> None:
    off, on = b'"reasoning":null,', b'"reasoning":{"effort":"high"},'
    for before in (b"", off):
        for behind in (b"", off):
            assert asks_to_reason(b"{" + before + on + behind + b"}")
            assert not asks_to_reason(b"{" + before + behind + b"}")
