"""The checker of the vendors' TypedDicts, on shapes of our own."""

from collections.abc import Iterable
from typing import Any, Literal, Required

import pytest
from typing_extensions import TypedDict

from tests.upstreams.vendor_types import check, check_fields, fields_of


class Text(TypedDict, total=False):
    type: Required[Literal["text"]]
    text: Required[str]


class Picture(TypedDict, total=False):
    type: Required[Literal["picture"]]
    width: int


class Plain(TypedDict, total=False):
    type: Literal["plain"] | None
    name: Required[str]


class Body(TypedDict, total=False):
    parts: Required[str | Iterable[Text | Picture]]
    level: float | None
    mode: Literal["a", "b"]
    tools: Iterable[Plain | Picture]
    free: dict[str, object]


def problems(**body: Any) -> list[tuple[str, str]]:
    found = check_fields(fields_of(Body), body)
    return [(".".join(str(key) for key in problem.keys), problem.kind) for problem in found]


def test_accepts_what_fits() -> None:
    body = {
        "parts": [{"type": "text", "text": ""}, {"type": "picture", "width": 3}],
        "level": 1,
        "mode": "b",
        "tools": [{"name": "x"}, {"type": None, "name": "y"}, {"type": "picture"}],
        "free": {"anything": [1, None]},
    }
    assert problems(**body) == []
    assert problems(parts="text", level=None) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("parts", "missing")]),
        ({"parts": "x", "other": 1}, [("other", "extra")]),
        ({"parts": 7}, [("parts", "type")]),
        ({"parts": None}, [("parts", "type")]),
        ({"parts": [{"type": "sound"}]}, [("parts.0.type", "tag")]),
        ({"parts": [{"text": "x"}]}, [("parts.0.type", "missing")]),
        ({"parts": [{"type": "text", "text": "x", "bold": True}]}, [("parts.0.bold", "extra")]),
        ({"parts": [{"type": "text", "text": 1}]}, [("parts.0.text", "type")]),
        ({"parts": [{"type": "picture", "width": True}]}, [("parts.0.width", "type")]),
        ({"parts": [{"type": "picture", "width": 1.5}]}, [("parts.0.width", "type")]),
        ({"parts": "x", "level": "high"}, [("level", "type")]),
        ({"parts": "x", "level": True}, [("level", "type")]),
        ({"parts": "x", "mode": "c"}, [("mode", "literal")]),
        ({"parts": "x", "tools": [{"name": "x", "zoo": 1}]}, [("tools.0.zoo", "extra")]),
        ({"parts": "x", "free": []}, [("free", "type")]),
    ],
)
def test_names_what_does_not(body: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert problems(**body) == expected


def test_an_unknown_form_of_type_is_an_error_of_ours() -> None:
    with pytest.raises(TypeError, match="does not know"):
        check(bytes, b"x")
