"""Names that somebody chose to cost time or memory: what they may cost is bounded."""

from __future__ import annotations

from difflib import SequenceMatcher
from unittest.mock import patch

import msgspec
import pytest

from flowrouter.routing.suffix import behind_dash, in_parentheses
from tests.unit.routing.worlds import OPENAI, drafted, world

MANY = tuple(f"meta-llama/gemini-{at % 10}.{at % 7}-instruct-{at}" for at in range(2_000))


def test_only_a_few_of_many_names_are_compared_in_full() -> None:
    compared = 0
    ratio = SequenceMatcher.ratio

    def counted(self: SequenceMatcher[str]) -> float:
        nonlocal compared
        compared += 1
        return ratio(self)

    with patch.object(SequenceMatcher, "ratio", counted):
        found = drafted(
            world(msgspec.structs.replace(OPENAI, models=MANY)), "meta-llama/gemini-5.5-instruct-77x(high)"
        )
    assert found.root is None
    assert len(found.suggestions) == 3
    assert compared <= 100


@pytest.mark.parametrize(
    ("asked", "closest"),
    [("gpt-5-mni", "gpt-5-mini"), ("gtp-5", "gpt-5"), ("meta-llama/gemini-8.4-instruct-1348x", MANY[1348])],
)
def test_the_closest_name_is_found_among_many(asked: str, closest: str) -> None:
    crowd = world(msgspec.structs.replace(OPENAI, models=(*MANY, "gpt-5", "gpt-5-mini")))
    assert drafted(crowd, asked).suggestions[0] == closest


def test_names_of_no_end_are_not_kept() -> None:
    crowd = world(msgspec.structs.replace(OPENAI, models=MANY))
    for name in ("x" * 100_000, "(" * 100_000, "a(high" * 20_000, "-high" * 20_000, "gpt-5(high)" * 20_000):
        drafted(crowd, name)
    assert not crowd.drafts
    assert in_parentheses("(" * 100_000) is None
    assert behind_dash("-" * 100_000) is None
