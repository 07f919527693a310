"""Arguments that come piecemeal, put together by their paths."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.dialects.gemini.partial_args import PartialArguments


def put_together(*entries: Any) -> dict[str, Any]:
    arguments = PartialArguments()
    for entry in entries:
        arguments.take([entry])
    return arguments.value


def said(path: str, words: str, *, more: bool = False) -> dict[str, Any]:
    return {"jsonPath": path, "stringValue": words, **({"willContinue": True} if more else {})}


@pytest.mark.parametrize(
    ("entries", "value"),
    [
        ([said("$.a", "x", more=True), said("$.a", "y", more=True), said("$.a", "")], {"a": "xy"}),
        ([said("$.a", "x"), said("$.a", "y")], {"a": "y"}),
        ([said("$.a", "x", more=True), said("$.b", "z"), said("$.a", "y")], {"a": "y", "b": "z"}),
        ([{"jsonPath": "$.a.b", "numberValue": 3.0}, {"jsonPath": "$.a.c", "numberValue": 0.5}], {"a": {"b": 3, "c": 0.5}}),
        ([{"jsonPath": "$.l[1]", "boolValue": False}, {"jsonPath": "$.l[0].x", "numberValue": 1}], {"l": [{"x": 1}, False]}),
        ([{"jsonPath": "$.m[0][1]", "numberValue": 2}], {"m": [[None, 2]]}),
        ([{"jsonPath": "$['a b'].c", "stringValue": "x"}, {"jsonPath": '$["d.e"]', "nullValue": "NULL_VALUE"}], {"a b": {"c": "x"}, "d.e": None}),
        ([said("$.a", "x"), {"jsonPath": "$.a.b", "numberValue": 1}], {"a": {"b": 1}}),
        ([{"jsonPath": "$.a", "willContinue": True}, said("$.a", "x")], {"a": "x"}),
        ([{"jsonPath": "$.a[99999999]", "numberValue": 1}], {"a": []}),
        ([{"jsonPath": "$"}, {"stringValue": "x"}, 3, {"jsonPath": 3}], {}),
        ([{"jsonPath": "$[0]", "numberValue": 1}], {"0": 1}),
    ],
    ids=["string-grows", "string-again", "interrupted", "numbers", "list", "nested-lists", "quoted", "contradicts",
         "begun-empty", "absurd-index", "no-place", "root-index"],
)  # fmt: skip
def test_values_land_at_their_paths(entries: list[Any], value: dict[str, Any]) -> None:
    assert put_together(*entries) == value
