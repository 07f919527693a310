"""Whether a continuation can follow the text it was asked to go on from: looks at the seam alone.

A target whose record says that it goes on from a begun answer does so by its interface; these rules
catch the one that answers anew all the same. A fresh answer begins without white space and with a
capital, a figure or a preamble, an honest continuation hardly ever does. In doubt the answer is no:
an answer that ends with an error is better than one with a break in it.
"""

from __future__ import annotations

import re

_PREAMBLE = re.compile(
    r"\W*(?:sure|certainly|of course|absolutely|okay|ok|alright|all right|got it|understood|gladly|right[,:!]"
    r"|sorry|apologies|my apologies|i(?:'|’)?\s?a?m? (?:sorry|apologi[sz]e|understand|cannot|can(?:'|’)t)"
    r"|i(?:'|’)ll (?:continue|pick|go on|resume)|i (?:will|shall|can) (?:continue|pick|go on|resume)"
    r"|here(?:'|’)?s\b|here (?:is|are|it|you)|continuing|continued|to continue|let me (?:continue|pick|go on|resume)"
    r"|let(?:'|’)s (?:continue|pick|go on)|picking up|resuming|as requested|as (?:i|we) (?:was|were) saying"
    r"|(?:thank you|thanks) for|(?:my |the )?previous (?:answer|response|message)"
    r"|natürlich|gerne?|sicher|selbstverständlich|klar[,:!]|hier (?:ist|sind|kommt)|fortsetzung|weiter geht"
    r"|bien sûr|d(?:'|’)accord|voici|certainement|je continue|claro|por supuesto|aquí (?:está|tienes)|continuando"
    r"|certo[,:!]|certamente|ecco|continuo|当然|好的|继续|續|もちろん|承知|続き|물론|네[,.])(?:\b|(?<=[^\x00-\x7f]))",
    re.IGNORECASE,
)

_SENTENCE_END = frozenset(".!?…:。！？：")
_CLOSING = frozenset("\"'”’»›)]}*_`~|>」』）】")
_QUOTES = frozenset("\"'“”‘’«»*_`~")
_NUMBER_MARKS = frozenset(".,:/-")
_STRUCTURE = re.compile(r"\s*(?:[#>|*+\-•]|\d+[.)]|```)")


def implausible(before: str, after: str, *, gap: str = "") -> str | None:
    """Return why `after` cannot follow `before` (which ends without white space), None where it can.

    `gap` is the white space that was sent behind `before`: a new line in it ended the sentence.
    """
    body = after.lstrip()
    if not body:
        return None if may_end(before) else "the continuation is empty, but the text ends in mid-sentence"
    if _PREAMBLE.match(body):
        return "the continuation begins with a preamble"
    if not before:
        return "nothing was sent"
    space = after[: len(after) - len(body)]
    if not space:
        return _adjacent(before, body)
    return None if "\n" in gap else _behind_space(before, space, body)


def may_end(text: str) -> bool:
    """Return whether an answer may end as `text` does."""
    last = text[-1:]
    return last in _SENTENCE_END or last in _CLOSING


def _adjacent(before: str, body: str) -> str | None:
    """Judge a continuation that begins without white space: inside a word or a number, or with a mark."""
    last, first = before[-1], body[0]
    if first.islower():
        return None
    if first.isdigit():
        inside = last.isdigit() or (last in _NUMBER_MARKS and before[-2:-1].isdigit())
        return None if inside else "the continuation begins with a figure, without white space"
    if first.isalnum():
        return "the continuation begins like an answer of its own, without white space"
    rest = body.lstrip("".join(_QUOTES))
    if first in _QUOTES and rest[:1].isalnum():
        return "the continuation begins with a quote or emphasis of its own"
    if _STRUCTURE.match(body) and body[1:2].isspace() and first in "#>*+-•":
        return "the continuation begins with a list or a heading of its own, without a new line"
    return None


def _behind_space(before: str, space: str, body: str) -> str | None:
    """Judge a continuation behind white space: a capital in mid-sentence may be a name or an answer anew."""
    last = before[-1]
    if not body[0].isupper() or last in _SENTENCE_END or last in _CLOSING:
        return None
    if "\n" in space and (before.count("```") % 2 == 1 or _STRUCTURE.match(before.rsplit("\n", 1)[-1])):
        return None
    return "the continuation begins with a capital in mid-sentence"


__all__ = ["implausible", "may_end"]
