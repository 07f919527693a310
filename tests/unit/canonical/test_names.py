"""Names that fit stay, others are changed the same way each time, and no two ever become one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.canonical.names import NAME_PATTERN, fit, fit_one

names = st.text(alphabet="ab._-/ é:\n", max_size=12) | st.text(max_size=90)
rules = st.sampled_from(
    [(NAME_PATTERN, 64), (NAME_PATTERN, 40), ("[a-zA-Z0-9]", 9), (r"[\w.:-]", 64), ("[a-z0-9]", 8)]
)


@given(st.lists(names, max_size=8), rules)
def test_fitted_names_keep_the_rule_and_stay_apart(originals: list[str], rule: tuple[str, int]) -> None:
    pattern, limit = rule
    fitted = fit(originals, pattern=pattern, limit=limit)
    assert set(fitted) == set(originals)
    assert len(set(fitted.values())) == len(fitted)
    for name in fitted.values():
        assert re.fullmatch(f"(?:{pattern}){{1,{limit}}}", name), name


@given(names, rules)
def test_fitting_is_stable(name: str, rule: tuple[str, int]) -> None:
    pattern, limit = rule
    once = fit_one(name, pattern=pattern, limit=limit)
    assert fit_one(name, pattern=pattern, limit=limit) == once
    assert fit_one(once, pattern=pattern, limit=limit) == once
    assert fit([name], pattern=pattern, limit=limit) == {name: once}


@given(st.lists(names, max_size=6), st.lists(names, max_size=3))
def test_more_names_change_no_earlier_one(earlier: list[str], later: list[str]) -> None:
    """A tool that is added in a later turn must not rename the others, or every prompt cache is lost."""
    before, after = fit(earlier), fit([*earlier, *later])
    assert {name: after[name] for name in before} == before


def test_names_that_differ_in_bad_characters_only() -> None:
    fitted = fit(["a.b", "a b", "ab", "a_b", "a/b"])
    assert fitted["ab"] == "ab"
    assert fitted["a_b"] == "a_b"
    assert len(set(fitted.values())) == 5


@pytest.mark.parametrize("reverse", [False, True])
def test_a_name_that_is_anothers_fitted_form(reverse: bool) -> None:
    """A client may send, as a name of its own, what we would make of another one."""
    first = fit_one("a.b")
    originals = ["a.b", first, fit_one(f"{first}.")]
    fitted = fit(reversed(originals) if reverse else originals)
    assert fitted[first] == first
    assert len(set(fitted.values())) == 3


def test_overlong_names_keep_their_beginning() -> None:
    long = "search_" + "x" * 100
    fitted = fit([long, long + "y"])
    assert all(name.startswith("search_xxx") and len(name) == 64 for name in fitted.values())
    assert fitted[long] != fitted[long + "y"]


def test_lone_surrogates_are_names_too() -> None:
    assert re.fullmatch(r"[\w-]+", fit_one("a\ud800"))


def test_empty_name_becomes_one() -> None:
    assert fit_one("") != ""
