"""What answers say of limits in their headers: a vector per vendor and shape."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.usage.quota_headers import COUNTS, TELLING, read

NOW = 1_800_000_000.0
CASES: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "quotas.toml").read_text())["case"]


def shown(window: Any) -> dict[str, Any]:
    found = {
        name: getattr(window, name)
        for name in ("name", "span", "unit", "limit", "remaining", "used", "models", "refused")
    }
    found["resets_in"] = None if window.resets_at is None else window.resets_at - NOW
    return {name: value for name, value in found.items() if value not in (None, "")}


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_vectors(case: dict[str, Any]) -> None:
    found = [shown(window) for window in read(case["headers"], preset=case["preset"], model="m", now=NOW)]
    assert len(found) == len(case["windows"]), found
    for got, expected in zip(
        sorted(found, key=lambda each: each["name"]),
        sorted(case["windows"], key=lambda each: each["name"]),
        strict=True,
    ):
        numbers = {
            name: value
            for name, value in expected.items()
            if isinstance(value, int | float) and name != "refused"
        }
        assert {name: got.pop(name, None) for name in numbers} == pytest.approx(numbers), expected["name"]
        assert got == {name: value for name, value in expected.items() if name not in numbers}


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_what_says_something_is_seen_at_a_glance(case: dict[str, Any]) -> None:
    if case["windows"]:
        assert not TELLING.isdisjoint(case["headers"])


def test_no_two_rows_claim_a_header() -> None:
    for which in ("left", "limit", "reset"):
        names = [getattr(row, which) for row in COUNTS]
        assert len(names) == len(set(names))


@given(st.dictionaries(st.sampled_from(sorted(TELLING)), st.text(max_size=30)))
def test_whatever_they_hold_reading_them_fails_never(headers: dict[str, str]) -> None:
    for window in read(headers, preset="openai", model="m", now=NOW):
        assert window.resets_at is None or window.resets_at >= NOW
