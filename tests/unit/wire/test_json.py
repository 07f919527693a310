"""The codec: strict where it can be, lenient where real hosts are wrong, and it never raises anything else."""

from __future__ import annotations

import json as stdlib
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flowrouter.wire import json
from flowrouter.wire.json import JsonError

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(plain)
def test_round_trip(value: Any) -> None:
    assert json.loads(json.dumps(value)) == value
    assert json.loads(json.dumps_text(value)) == value
    assert json.loads(stdlib.dumps(value).encode()) == value


@pytest.fixture
def in_pieces(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As beside the event loop, with pieces so small that every value has many."""
    monkeypatch.setattr(json, "_PIECE", 8)
    token = json.in_pieces.set(True)
    yield
    json.in_pieces.reset(token)


@pytest.mark.usefixtures("in_pieces")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plain, st.sampled_from([None, 1]))
def test_pieces_make_no_difference(value: Any, indent: int | None) -> None:
    text = stdlib.dumps(value, indent=indent).encode()
    assert json.loads(text) == value
    assert json.dumps(value) == msgspec.json.encode(value)


@pytest.mark.usefixtures("in_pieces")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60))
@example(b'{"a": [1, 2, {"b": tru}], "c": "long enough"}')
@example(b'{"twice": "some words", "twice": ["other words"]}')
@example(b'["\\ud800 alone, long enough", "\xff\xfe and more"]')
@example(b"[" * 5000)
def test_pieces_fail_as_the_whole_does(text: bytes) -> None:
    def outcome() -> tuple[str, Any]:
        try:
            return "value", repr(json.loads(text))
        except JsonError as error:
            return "error", str(error)

    pieces = outcome()
    token = json.in_pieces.set(False)
    try:
        assert pieces == outcome()
    finally:
        json.in_pieces.reset(token)


@given(st.binary(max_size=40))
def test_any_bytes_are_a_value_or_a_json_error(text: bytes) -> None:
    try:
        value = json.loads(text)
    except JsonError:
        return
    json.dumps(value).decode()


@given(st.text(max_size=40))
def test_any_text_is_a_value_or_a_json_error(text: str) -> None:
    try:
        json.loads(text)
    except JsonError:
        pass


@pytest.mark.parametrize(
    "text, value",
    [
        (b'"\\ud800"', "\ufffd"),
        (b'"a\\udc00b"', "a\ufffdb"),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'{"\\ud800":["\\udfff"]}', {"\ufffd": ["\ufffd"]}),
        (b'"caf\xe9"', "caf\ufffd"),
        (b'{"\xff":1}', {"\ufffd": 1}),
        (b'["\xed\xa0\x80"]', ["\ufffd\ufffd\ufffd"]),
        ('"\ud800"', "\ufffd"),
    ],
)
def test_bad_text_is_replaced(text: bytes | str, value: Any) -> None:
    """Tool output holds such bytes; they must neither crash a request nor reach an encoder."""
    assert json.loads(text) == value


@pytest.mark.parametrize(
    "text", [b"NaN", b"[Infinity]", b'{"a":-Infinity}', b'["\\ud800",NaN]', b'["\xff",NaN]', b"nan"]
)
def test_numbers_json_lacks_are_refused(text: bytes) -> None:
    with pytest.raises(JsonError):
        json.loads(text)


@pytest.mark.parametrize(
    "text",
    [b"", b" ", b"{", b'{"a":}', b"[1,]", b"{'a':1}", b"1 2", b'"a', b"\xff", b'{"a":1}}', b"[01]", b'"\n"'],
)
def test_malformed(text: bytes) -> None:
    with pytest.raises(JsonError) as caught:
        json.loads(text)
    assert caught.value.__cause__ is None or isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'["\\ud800",', b'["\xff",'])
@pytest.mark.parametrize("depth", [5_000, 200_000])
def test_deep_nesting_is_a_json_error(opening: bytes, depth: int) -> None:
    with pytest.raises(JsonError):
        json.loads(opening * depth)


def test_deep_values_are_a_json_error_on_the_way_out() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(JsonError, match="deep"):
        json.dumps(value)


def test_big_integers_keep_every_digit() -> None:
    text = b'{"id":123456789012345678901234567890,"neg":-98765432109876543210}'
    assert json.dumps(json.loads(text)) == text


def test_absurd_integers_are_refused_not_crashed_on() -> None:
    for text in (b"1" * 5_000, b'["\xff",' + b"1" * 5_000 + b"]"):
        with pytest.raises(JsonError):
            json.loads(text)


def test_last_of_duplicate_keys_counts() -> None:
    assert json.loads(b'{"a":1,"a":2}') == {"a": 2}
    assert json.loads(b'{"a":1,"a":2,"b":"\xff"}') == {"a": 2, "b": "\ufffd"}


def test_order_of_members_stands() -> None:
    text = b'{"z":1,"a":{"y":1,"b":2},"m":[]}'
    assert json.dumps(json.loads(text)) == text


def test_unencodable_text_is_replaced_on_the_way_out() -> None:
    assert json.dumps({"\ud800": ["a\udc00", ("\udfff",)]}).decode() == '{"\ufffd":["a\ufffd",["\ufffd"]]}'


def test_raw_slices_travel_untouched() -> None:
    assert json.dumps({"a": json.Raw(b'{ "x" : 1e2 }')}) == b'{"a":{ "x" : 1e2 }}'


def test_the_message_does_not_quote_the_text() -> None:
    for text in (b'{"key":"sk-secret" oops', b'["sk-secret\xff" oops', b'"sk-secret\\ud800" x'):
        with pytest.raises(JsonError) as caught:
            json.loads(text)
        assert "secret" not in str(caught.value)
