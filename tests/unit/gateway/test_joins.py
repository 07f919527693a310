"""Where a broken answer goes on: nothing is lost, nothing comes twice, and in doubt there is no join."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowrouter.gateway.joins import (
    REPEAT_MIN,
    Instruction,
    Match,
    Prefill,
    Restart,
    is_repeat,
    last_words,
    overlap,
)
from tests.support.stories import PARAPHRASES, STORIES, last_twelve_words
from tests.upstreams.brain import STORY

texts = st.text(st.sampled_from("ab \nA.é"), max_size=60)
stories = st.sampled_from(sorted(STORIES))
CHATTY = (
    "Sure, continuing: ",
    "Certainly! Here's the rest:\n\n",
    "Continuing from there: ",
    "I'll continue. ",
)


def told(match: Match, text: str, sizes: list[int] | None = None) -> str:
    """Return what leaves of a target's `text` that comes in pieces of `sizes`."""
    out, at = [], 0
    for size in [*(sizes or []), len(text)]:
        out.append(match.feed(text[at : at + size]))
        at += size
    return "".join([*out, match.end()])


def halves(story: str, place: float) -> tuple[str, str]:
    text = STORIES[story]
    cut = 1 + round(place * (len(text) - 2))
    return text[:cut], text[cut:]


places = st.floats(0, 1)
cuts = st.lists(st.integers(1, 9), max_size=40)


@given(texts.filter(bool), texts, cuts)
def test_a_restart_that_says_the_same_joins_where_it_was_cut(sent: str, rest: str, sizes: list[int]) -> None:
    match = Restart(sent)
    assert told(match, sent + rest, sizes) == rest
    assert match.verdict == "joined"


@given(texts.filter(bool), texts, cuts)
def test_a_restart_joins_only_text_that_begins_with_what_was_sent(
    sent: str, answer: str, sizes: list[int]
) -> None:
    match = Restart(sent)
    new = told(match, answer, sizes)
    if match.verdict == "joined":
        assert sent + new == answer or is_repeat(sent, overlap(sent, answer))
    else:
        assert new == ""
        assert match.reason


@given(stories, places, cuts)
def test_an_honest_continuation_joins_or_is_refused_but_never_wrong(
    story: str, place: float, sizes: list[int]
) -> None:
    sent, rest = halves(story, place)
    match = Prefill(sent)
    new = told(match, STORIES[story][len(sent.rstrip()) :], sizes)
    assert (match.verdict, new) in (("joined", rest), ("failed", ""))


@pytest.mark.parametrize("story", sorted(STORIES))
def test_most_honest_continuations_join(story: str) -> None:
    text, joined = STORIES[story], 0
    for cut in range(1, len(text)):
        match = Prefill(text[:cut])
        told(match, text[len(text[:cut].rstrip()) :])
        joined += match.verdict == "joined"
    floor = {"chinese": 0.0, "repetitive": 0.3}.get(story, 0.75)
    assert joined / len(text) >= floor


@given(stories, places, st.sampled_from(sorted(PARAPHRASES)), st.sampled_from(("", " ", "\n", "\n\n")))
def test_an_answer_of_its_own_is_no_continuation(story: str, place: float, other: str, lead: str) -> None:
    sent, _ = halves(story, place)
    match = Prefill(sent)
    new = told(match, lead + PARAPHRASES[other])
    ended = sent.rstrip()[-1:] in ".!?:。\"'”`*)]}|"
    ended = ended or "\n" in sent[len(sent.rstrip()) :]
    if lead and (ended or sent.rstrip().rsplit("\n", 1)[-1][:1] in "#-|12>" or "```" in sent):
        return  # behind a finished sentence or line nobody can tell a new answer from the next paragraph
    assert (match.verdict, new) == ("failed", "")


@given(stories, places, st.sampled_from(CHATTY), st.sampled_from(("", " ", "\n\n")))
def test_a_preamble_is_no_continuation(story: str, place: float, words: str, lead: str) -> None:
    sent, rest = halves(story, place)
    for match in (Prefill(sent), Restart(sent)):
        new = told(match, lead + words + rest)
        assert (match.verdict, new) == ("failed", "")


@given(stories, places, st.sampled_from([Prefill, Restart]), cuts)
def test_the_last_twelve_words_said_again_are_dropped(
    story: str, place: float, way: type[Prefill | Restart], sizes: list[int]
) -> None:
    sent, rest = halves(story, place)
    again = last_twelve_words(sent.rstrip())
    match = way(sent)
    answer = again + sent[len(sent.rstrip()) :] + rest
    new = told(match, answer, sizes)
    if way is Restart and answer.startswith(sent):
        # A refrain may go on so long that the answer is also one that says all of it again.
        assert sent + new == answer
    elif match.verdict == "joined":
        assert new == rest
    else:
        assert new == ""


def test_a_long_repeat_of_the_end_is_a_join() -> None:
    for cut in range(120, len(STORY)):
        sent = STORY[:cut].rstrip()
        for match in (Prefill(sent), Restart(sent)):
            assert told(match, last_twelve_words(sent) + STORY[len(sent) :], [3] * 40) == STORY[len(sent) :]
            assert match.verdict == "joined"
    assert is_repeat(STORY, REPEAT_MIN)
    assert not is_repeat(STORY, REPEAT_MIN - 1)


@given(stories, places)
def test_an_answer_begun_anew_is_no_continuation(story: str, place: float) -> None:
    """Unless all that was sent comes again, which is as good as a restart."""
    sent, rest = halves(story, place)
    match = Prefill(sent)
    new = told(match, STORIES[story])
    assert (match.verdict, new) in (("joined", rest), ("failed", ""))


@pytest.mark.parametrize(
    ("sent", "answer", "new"),
    [
        ("Hello ", " world and all that is the case in it", "world and all that is the case in it"),
        ("one\n", "\n\nTwo is the number that follows after", "\nTwo is the number that follows after"),
        ("Hello ", "world and all that is the case in it.", None),
        ("if x:\n        ", "\n    return the value that was asked for", None),
        ("the lightho", "use keeper counted sixty waves before dawn", "use keeper counted sixty waves before dawn"),
        ("the lightho", "lighthouse keeper counted sixty waves", None),
        ("he sat in", "in the corner and counted sixty waves", None),
        ("he sat in", " in the corner and counted sixty waves", None),
        ("the bana", "na was yellow and soft, and nobody cared", "na was yellow and soft, and nobody cared"),
        ("It was in 19", "84 that all of this began to be told", "84 that all of this began to be told"),
        ("waves before", "12 bottles came in with the tide, sixty", None),
        ("A\nrow your boat gently down the stream all day", "\nrow your boat gently down the stream all day\nB", None),
        ("All is said.", "", ""),
        ("All is said and", "", None),
    ],
    ids=range(14),
)  # fmt: skip
def test_seams(sent: str, answer: str, new: str | None) -> None:
    match = Prefill(sent)
    assert told(match, answer) == (new or "")
    assert match.verdict == ("failed" if new is None else "joined")


@given(stories, places, st.sampled_from(("", "Sure, continuing: ", "I stopped here. ")), cuts)
def test_told_to_repeat_the_last_words_a_target_is_taken_up_behind_them(
    story: str, place: float, words: str, sizes: list[int]
) -> None:
    sent, rest = halves(story, place)
    tail = last_words(sent.rstrip())
    match = Instruction(sent)
    if tail is None:
        assert match.verdict == "failed"
        return
    new = told(match, words + tail + sent[len(sent.rstrip()) :] + rest, sizes)
    assert (match.verdict, new) in (("joined", rest), ("failed", ""))


def test_last_words_that_are_only_quoted_are_not_said_again() -> None:
    sent = STORIES["english"][:200]
    match = Instruction(sent)
    assert told(match, f'You stopped at "{last_words(sent.rstrip())}". Going on: ' + "x" * 80) == ""
    assert match.verdict == "failed"


@given(stories, places)
def test_without_the_last_words_there_is_no_join(story: str, place: float) -> None:
    sent, _ = halves(story, place)
    match = Instruction(sent)
    assert told(match, "And then there was nothing more to be told of it. " * 40) == ""
    assert match.verdict == "failed"
