"""Edits in place: the member we own changes, nothing else does."""

from __future__ import annotations

import json as stdlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.wire import splice as wire_splice
from flowrouter.wire.json import JsonError, loads, repeats
from flowrouter.wire.splice import once, splice, unambiguous

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def set_model(body: bytes, value: bytes = b'"new"') -> bytes:
    """Splice as an envelope does: the skim has read the member's present raw value."""
    present = {key: bytes(raw) for key, raw in _members.decode(body).items() if key == "model"}
    return splice(body, {"model": value}, old=present)


leaves = (
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.sampled_from(["model", "a", '"model": "a"', "é", "\n", "}"])
)
bodies = st.dictionaries(
    st.sampled_from(["model", "messages", "metadata", "stream", "modèle"]),
    st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["model", "b"]), inner, max_size=2)
        ),
        max_leaves=6,
    ),
    max_size=5,
)
styles = st.sampled_from(
    [
        {"separators": (",", ":")},
        {},
        {"indent": 1},
        {"ensure_ascii": False},
        {"separators": (" ,\t", "\r\n: ")},
    ]
)


@given(bodies, styles)
def test_only_the_owned_member_differs(value: dict[str, Any], style: dict[str, Any]) -> None:
    body = stdlib.dumps(value, **style).encode()
    assert loads(set_model(body)) == {**value, "model": "new"}


@given(bodies, styles)
def test_other_members_keep_their_bytes(value: dict[str, Any], style: dict[str, Any]) -> None:
    body = stdlib.dumps(value, **style).encode()
    before, after = _members.decode(body), _members.decode(set_model(body))
    for key, raw in before.items():
        assert key == "model" or bytes(after[key]) == bytes(raw)


@given(bodies.filter(lambda value: str(value).count("model") <= 1), styles)
def test_unambiguous_edits_touch_no_other_byte(value: dict[str, Any], style: dict[str, Any]) -> None:
    value = {"model": "old", **{key: held for key, held in value.items() if key != "model"}}
    body = stdlib.dumps(value, **style).encode()
    old = b'"old"'
    if body.count(b'"model"') == 1:
        at = body.index(old)
        assert set_model(body) == body[:at] + b'"new"' + body[at + len(old) :]


def test_white_space_around_is_kept() -> None:
    body = b' \n{ "a" : 1 ,\t"model"\r\n:\t"old" , "b":[ ] } \n'
    assert set_model(body) == body.replace(b'"old"', b'"new"')


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"old","metadata":{"model":"old"}}',
        b'{"metadata":{"model":"old"},"model":"old"}',
        b'{"model":"first","model":"old"}',
        b'{"kind":"model","model":"old"}',
        b'{"mod\\u0065l":"old"}',
        b'{"mod\\u0065l":"old","metadata":{"model":"old"}}',
        b'{"model":"old","mod\\u0065l":"old"}',
        b'{"mod\\u0065l":"x","model":"old"}',
        b'{"\\u006d\\u006F\\u0064\\u0065\\u006C":"old","a":"\\u00e9"}',
        b'{"text":"\\"model\\":\\"old\\"","model":"old"}',
    ],
)
def test_ambiguous_bodies(body: bytes) -> None:
    """Whatever a reader takes for the model must be what we wrote: an alias may stand for a limit."""
    edited = set_model(body)
    assert loads(edited) == {**loads(body), "model": "new"}
    assert stdlib.loads(edited)["model"] == "new"
    pairs: list[tuple[str, Any]] = stdlib.JSONDecoder(object_pairs_hook=list).decode(edited.decode())
    assert {value for key, value in pairs if key == "model"} == {"new"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"a","x":"\xff","model":"old"}',
        b'{"\xff":1,"model":"a","model":"old"}',
        b'{"\\ud800":1,"model":"a","model":"old"}',
        b'{"x":"\\udc00","model":"a","model":"old"}',
    ],
)
def test_bad_text_elsewhere_does_not_stop_an_ambiguous_edit(body: bytes) -> None:
    assert loads(splice(body, {"model": b'"new"'}, old={"model": b'"old"'}))["model"] == "new"


def test_large_numbers_survive_a_rebuild() -> None:
    body = b'{"model":"a","n":1.0000000000000000001e5,"model":"b"}'
    assert b'"n":1.0000000000000000001e5' in set_model(body)


@pytest.mark.parametrize(
    "body, result",
    [
        (b"{}", b'{"k":1}'),
        (b" { } ", b' {"k":1 } '),
        (b'{"a":2}', b'{"k":1,"a":2}'),
        (b'{\n  "a": 2\n}', b'{"k":1,\n  "a": 2\n}'),
        (b'{"b":{"k":0}}', b'{"k":1,"b":{"k":0}}'),
    ],
)
def test_new_member_goes_to_the_front(body: bytes, result: bytes) -> None:
    assert splice(body, {"k": b"1"}, old={}) == result


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b'["{"]', b'"{"', b"null"])
def test_only_objects_take_members(body: bytes) -> None:
    with pytest.raises(JsonError):
        splice(body, {"k": b"1"}, old={})


def test_several_edits_at_once() -> None:
    body = b'{"model":"a","stream_options":{"x":1},"max_tokens":5}'
    edits = {"model": b'"b"', "stream_options": b'{"x":1,"include_usage":true}', "seed": b"7"}
    old = {"model": b'"a"', "stream_options": b'{"x":1}'}
    assert splice(body, edits, old=old) == (
        b'{"seed":7,"model":"b","stream_options":{"x":1,"include_usage":true},"max_tokens":5}'
    )


def test_no_edit_no_change() -> None:
    assert splice(b' {"a" : 1}', {}, old={}) == b' {"a" : 1}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"cheap","model":"dear"}',
        b'{"mod\\u0065l":"cheap","model":"dear"}',
        b'{"model":"cheap","\\u006dodel":"dear"}',
        b'{"model" : "cheap", "a": {"model": 1}, "model":"dear"}',
    ],
)
def test_a_member_that_stands_twice_leaves_as_it_is_read(body: bytes) -> None:
    one = unambiguous(body, ("model", "stream"))
    assert one.count(b'"dear"') == 1
    assert b"cheap" not in one
    assert msgspec.json.decode(one)["model"] == msgspec.json.decode(body)["model"]


@pytest.mark.parametrize("stretch", [1, 2, 3, 7, 19])
@pytest.mark.parametrize(
    "body",
    [
        b'{"model" \n \t  :"dear", "text":"a,b,,c", "deep":[{"model"  :"dear"}]}',
        b'{"stream":true,"a":{"b":{"stream"\r\n:false}}}',
        b'{"text":"no comma to cut at \\"model\\" : or so","model":"dear"}',
        b'{"model":"dear","x":1,"y":2,"z":3}',
    ],
    ids=["spaced", "deep", "quoted", "plain"],
)
def test_long_bodies_are_looked_at_in_stretches(
    body: bytes, stretch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = unambiguous(body, ("model", "stream"))
    monkeypatch.setattr(wire_splice, "_STRETCH", stretch)
    assert unambiguous(body, ("model", "stream")) == whole


@pytest.mark.parametrize("body", [b'{"model": "a",  "stream":true}', b'{"text":"\\u00e9 model"}', b"{}"])
def test_a_clear_body_keeps_its_bytes(body: bytes) -> None:
    assert unambiguous(body, ("model", "stream")) is body


def test_a_name_deeper_down_is_no_second_one() -> None:
    body = b'{"model": "a",  "tools":[{"properties":{"model": {"type":"string"}, "n": 1.50}}], "n":1}'
    assert unambiguous(body, ("model", "n")) is body


def test_a_member_deeper_down_that_stands_twice_leaves_as_it_is_read() -> None:
    body = b'{"generationConfig":{"maxOutputTokens":9,"maxOutputTokens":5}}'
    assert unambiguous(body, ("maxOutputTokens",)) == b'{"generationConfig":{"maxOutputTokens":5}}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"b":{"a":1}}',
        b'[{"a":1},{"a":1}]',
        b'{"a": "\\"a\\":1, \\"a\\":2", "b": ":)"}',
        b'{"a":12345678901234567890123,"b":1e5}',
        b'"text"',
    ],
    ids=["deeper", "list", "in-a-text", "numbers", "text"],
)
def test_a_body_with_each_member_once_is_the_same(body: bytes) -> None:
    assert once(body) is body


@pytest.mark.parametrize(
    "body",
    [
        b'[{"a":1,"b":2,"a":3}]',
        b'{"a":1,"\\u0061":3}',
        b'{"\\ud800":1,"\\udfff":3}',
        b'{"\xff":1,"\xfe":3}',
        b'{"a":1}' * 2,
    ],
    ids=["deeper", "escaped", "surrogates", "no-utf-8", "not-one-value"],
)
def test_members_that_stand_twice_are_seen(body: bytes) -> None:
    assert repeats(body)


@given(
    st.recursive(
        st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.lists(st.tuples(st.text(max_size=1), inner)),
    )
)
def test_whatever_stands_twice_the_last_one_is_what_both_kinds_of_reader_find(made: Any) -> None:
    def written(value: Any) -> str:
        match value:
            case list() if value and isinstance(value[0], tuple):
                members = ",".join(f"{stdlib.dumps(name)}:{written(inner)}" for name, inner in value)
                return f"{{{members}}}"
            case list():
                return f"[{','.join(map(written, value))}]"
            case _:
                return stdlib.dumps(value)

    body = written(made).encode()
    one = once(body)
    assert loads(one) == loads(body)
    assert stdlib.loads(one, object_pairs_hook=lambda pairs: dict(reversed(pairs))) == loads(body)
