"""Finds where an answer that broke off goes on in the answer of another target: text in, verdict out.

Three ways, each with what makes a join sure:

    restart       the whole request again: the sent text comes again byte for byte, and is dropped
    prefill       the target goes on from the sent text, right-trimmed: by its interface it continues; the
                  white space at the seam must be the same, a repeat of the sent tail is dropped, and a
                  beginning that looks like an answer of its own is no join (`plausible`)
    instruction   the target was told to say the last words again: the join is behind them

A repeat of the sent tail is one only where it is at least `REPEAT_MIN` characters and stands in the
sent text once; a shorter one might be the model's own words, and is no join.
"""

from __future__ import annotations

from typing import Literal, Protocol

from flowrouter.gateway.plausible import implausible

Way = Literal["prefill", "restart", "instruction"]
Verdict = Literal["undecided", "joined", "failed"]

REPEAT_MIN = 40
"""Characters of the sent tail that cannot come again by chance."""

_STARTED_OVER = 12
_SUSPICIOUS = 4
_LOOKED_AT = 32
"""Characters that show whether a continuation begins with a preamble."""

_WINDOW = 600
"""Characters before the last words are said again, by a target that was told to begin with them."""


class Match(Protocol):
    """One way's text, as it comes in."""

    verdict: Verdict
    reason: str

    def feed(self, text: str) -> str:
        """Take more of the target's text; return what is new to the client."""
        ...

    def end(self) -> str:
        """Decide, since no more text comes; return what is new to the client."""
        ...


class Restart:
    """Drops the sent text from an answer that says it again, character for character."""

    def __init__(self, sent: str) -> None:
        self.verdict: Verdict = "undecided" if sent else "joined"
        self.reason = ""
        self._sent = sent
        self._at = 0
        self._tail: _Tail | None = None

    def feed(self, text: str) -> str:
        """Take more of the target's text; return what is new to the client."""
        if self.verdict == "joined":
            return text
        if self.verdict == "failed":
            return ""
        if self._tail is None:
            size = min(len(text), len(self._sent) - self._at)
            if self._sent.startswith(text[:size], self._at):
                self._at += size
                self.verdict = "joined" if self._at == len(self._sent) else "undecided"
                return text[size:]
            self._tail = _Tail(self._sent)
            text = self._sent[: self._at] + text
        return self._told(self._tail, self._tail.feed(text))

    def end(self) -> str:
        """Decide, since no more text comes; return what is new to the client."""
        if self.verdict != "undecided":
            return ""
        if self._tail is not None:
            return self._told(self._tail, self._tail.end())
        self.verdict, self.reason = "failed", f"the answer ended after {self._at} of the sent characters"
        return ""

    def _told(self, tail: _Tail, new: str) -> str:
        self.verdict = tail.verdict
        if tail.verdict == "failed":
            self.reason = f"the answer differs from the sent text after {self._at} characters"
        return new


class _Tail:
    """Drops an exact repeat of the sent tail from the beginning of a text."""

    def __init__(self, sent: str) -> None:
        self.verdict: Verdict = "undecided"
        self._sent = sent
        self._held = ""

    def feed(self, text: str) -> str:
        self._held += text
        return "" if self._held in self._sent else self.end()

    def end(self) -> str:
        size = overlap(self._sent, self._held)
        self.verdict = "joined" if is_repeat(self._sent, size) else "failed"
        return self._held[size:] if self.verdict == "joined" else ""


class Prefill:
    """Lets pass the continuation of a target that was given the sent text without its last white space."""

    def __init__(self, sent: str) -> None:
        self.verdict: Verdict = "undecided"
        self.reason = ""
        self._sent = sent
        self._trimmed = sent.rstrip()
        self._gap = sent[len(self._trimmed) :]
        self._held = ""

    def feed(self, text: str) -> str:
        """Take more of the target's text; return what is new to the client."""
        if self.verdict == "joined":
            return text
        if self.verdict == "failed":
            return ""
        self._held += text
        body = self._held.strip()
        if len(body) < _LOOKED_AT or body in self._sent:
            return ""
        return self.end()

    def end(self) -> str:
        """Decide, since no more text comes; return what is new to the client."""
        if self.verdict != "undecided":
            return ""
        size = overlap(self._sent, self._held)
        if is_repeat(self._sent, size) and self._begins_word(size):
            self.verdict = "joined"
            return self._held[size:]
        reason = self._objection()
        if reason is not None:
            self.verdict, self.reason = "failed", reason
            return ""
        self.verdict = "joined"
        return self._held[len(self._gap) :]

    def _objection(self) -> str | None:
        """Return why what is held is no continuation, as far as it can be told."""
        held, body = self._held, self._held.lstrip()
        if self._started_over(body):
            return "the target began the answer anew"
        if self._repeats(held, body):
            return "the continuation may repeat the end of the sent text"
        if body and not held.startswith(self._gap):
            return "the white space at the seam is not the same"
        return implausible(self._trimmed, held, gap=self._gap)

    def _begins_word(self, size: int) -> bool:
        """Return whether the last `size` characters begin with a word; else they may be a refrain going on."""
        return self._held[:1].isalnum() and not self._sent[: len(self._sent) - size][-1:].isalnum()

    def _started_over(self, body: str) -> bool:
        start = self._sent.strip()
        same = _common(start, body)
        return bool(same) and same >= min(len(start), _STARTED_OVER)

    def _repeats(self, held: str, body: str) -> bool:
        """Return whether the beginning may be the end said again, though too short to be sure of it."""
        size = overlap(self._trimmed, body)
        said = body[:size] or held[: overlap(self._sent, held)]
        marks = "".join(said.split())
        if len(marks) >= _SUSPICIOUS and any(letter.isalnum() for letter in marks):
            return True
        if not any(letter.isalpha() for letter in said):
            return False
        begins_word = not self._trimmed[: len(self._trimmed) - size][-1:].isalnum()
        ends_word = not body[size : size + 1].isalnum()
        return begins_word and (ends_word or body == held)


class Instruction:
    """Takes up an answer behind the last words of the sent text, which the target was told to repeat."""

    def __init__(self, sent: str) -> None:
        self.verdict: Verdict = "undecided"
        self.reason = ""
        self._trimmed = sent.rstrip()
        self._gap = sent[len(self._trimmed) :]
        self._tail = last_words(self._trimmed)
        self._held = ""
        if self._tail is None:
            self.verdict, self.reason = "failed", "the sent text has no end that could be told again"

    def feed(self, text: str) -> str:
        """Take more of the target's text; return what is new to the client."""
        if self.verdict == "joined":
            return text
        if self.verdict == "failed" or self._tail is None:
            return ""
        self._held += text
        place = self._held.find(self._tail)
        if place < 0 and len(self._held) > _WINDOW + len(self._tail):
            return self._fail("the last words of the sent text were not said again")
        rest = self._held[place + len(self._tail) :]
        return "" if place < 0 or len(rest.strip()) < _LOOKED_AT else self.end()

    def end(self) -> str:
        """Decide, since no more text comes; return what is new to the client."""
        if self.verdict != "undecided" or self._tail is None:
            return ""
        place = self._held.find(self._tail)
        if place < 0:
            return self._fail("the last words of the sent text were not said again")
        ahead = self._trimmed[: -len(self._tail)][-1:]
        if place and self._held[place - 1] in _QUOTING and self._held[place - 1] != ahead:
            return self._fail("the last words were quoted, not said again")
        rest = self._held[place + len(self._tail) :]
        if rest.strip() and not rest.startswith(self._gap):
            return self._fail("the white space at the seam is not the same")
        if (reason := implausible(self._trimmed, rest, gap=self._gap)) is not None:
            return self._fail(reason)
        self.verdict = "joined"
        return rest[len(self._gap) :]

    def _fail(self, reason: str) -> str:
        self.verdict, self.reason = "failed", reason
        return ""


_QUOTING = frozenset("\"'“”‘’«»`…")

MATCHES: dict[Way, type[Restart] | type[Prefill] | type[Instruction]] = {
    "prefill": Prefill,
    "restart": Restart,
    "instruction": Instruction,
}
"""The matcher of each way."""


def overlap(sent: str, text: str) -> int:
    """Return the length of the longest end of `sent` that `text` begins with."""
    if not text:
        return 0
    place = sent.find(text[0], max(0, len(sent) - len(text)))
    while place >= 0:
        if text.startswith(sent[place:]):
            return len(sent) - place
        place = sent.find(text[0], place + 1)
    return 0


def is_repeat(sent: str, size: int) -> bool:
    """Return whether the last `size` characters, said again, can only be a repeat of the sent tail.

    They must stand there once, and must not end as they begin: else part of them might be new.
    """
    tail = sent[-size:]
    if size < REPEAT_MIN or sent.find(tail) != len(sent) - size:
        return False
    return overlap(tail[1:], tail) < _STARTED_OVER


def last_words(sent: str) -> str | None:
    """Return the shortest end of `sent` that is long enough and stands in it once; None if there is none."""
    for size in (REPEAT_MIN, 60, 100, 200, 400):
        if is_repeat(sent, size):
            return sent[-size:]
    return None


def _common(first: str, second: str) -> int:
    """Return how many characters two texts begin with in common."""
    for place, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return place
    return min(len(first), len(second))


__all__ = [
    "MATCHES",
    "REPEAT_MIN",
    "Instruction",
    "Match",
    "Prefill",
    "Restart",
    "Verdict",
    "Way",
    "is_repeat",
    "last_words",
    "overlap",
]
