"""Reasoning written inline, split off wherever its tags are cut."""

from __future__ import annotations

import pytest

from flowrouter.canonical.think_tags import ThinkSplitter


def split(*pieces: str) -> tuple[str, str]:
    splitter = ThinkSplitter()
    told = [piece for text in pieces for piece in splitter.feed(text)] + splitter.close()
    reasoning = "".join(text for kind, text in told if kind == "reasoning")
    return reasoning, "".join(text for kind, text in told if kind == "text")


CASES = [
    ("<think>hm</think>ok", ("hm", "ok")),
    ("<think>\nhm\n</think>\n\nok", ("hm\n", "ok")),
    ("\n <think>hm</think>ok", ("hm", "ok")),
    ("<think></think>ok", ("", "ok")),
    ("<think>never closed <", ("never closed <", "")),
    ("<think>a < b </ c</think>d", ("a < b </ c", "d")),
    ("plain <think>not reasoning</think>", ("", "plain <think>not reasoning</think>")),
    ("<thin air", ("", "<thin air")),
    ("<think>a</think>`<think>` in code</think>", ("a", "`<think>` in code</think>")),
    ("", ("", "")),
    ("  ", ("", "  ")),
    ("<thi", ("", "<thi")),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_at_every_cut(text: str, expected: tuple[str, str]) -> None:
    assert split(text) == expected
    assert split(*text) == expected
    for cut in range(len(text)):
        assert split(text[:cut], text[cut:]) == expected


def test_text_that_cannot_be_a_tag_is_not_held_back() -> None:
    splitter = ThinkSplitter()
    assert splitter.feed("Hel") == [("text", "Hel")]
    assert splitter.feed("<th") == [("text", "<th")]


def test_reasoning_flows_but_for_what_may_be_the_closing_tag() -> None:
    splitter = ThinkSplitter()
    assert splitter.feed("<think>a</th") == [("reasoning", "a")]
    assert splitter.feed("eory") == [("reasoning", "</theory")]
