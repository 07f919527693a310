"""The examples of the guide: every fenced block of docs/ and the README, and the commands in it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from tests.house.tree import text_of, tracked

_FENCE = re.compile(r"^```(?P<language>\w+)(?: (?P<mark>\w+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_ENVIRONMENT = re.compile(r"\w+=.*", re.DOTALL)
_SUBSTITUTED = re.compile(r"\$\([^)]*\)")

PLACEHOLDER = "…"
"""Stands in an example for what differs from case to case, such as an id."""


class Block(NamedTuple):
    """One fenced block: where it stands, its language, and the word behind that."""

    place: str
    language: str
    mark: str
    text: str


def blocks(*languages: str) -> list[Block]:
    """Return the blocks in one of `languages`."""
    return [block for block in _all() if block.language in languages]


def _all() -> Iterator[Block]:
    for path in tracked():
        if path.suffix == ".md" and (path.parts[0] == "docs" or str(path) == "README.md"):
            text = text_of(path) or ""
            for found in _FENCE.finditer(text):
                line = text.count("\n", 0, found.start()) + 1
                yield Block(f"{path}:{line}", found["language"], found["mark"] or "", found["text"])


def commands(block: Block) -> list[list[str]]:
    """Return the words of each simple command of a shell block, without leading variables and comments."""
    found: list[list[str]] = []
    for line in _logical_lines(block.text):
        lexer = shlex.shlex(_SUBSTITUTED.sub("$SOMETHING", line), posix=True, punctuation_chars="|;&<>")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if word in {"|", ";", "&&", "||", "&"}:
                while words and _ENVIRONMENT.fullmatch(words[0]):
                    words.pop(0)
                found += [words] if words else []
                words = []
            else:
                words.append(word)
    return found


def _logical_lines(text: str) -> Iterator[str]:
    """Yield whole commands: lines joined at backslashes and inside quotes."""
    held = ""
    for line in text.splitlines():
        held = f"{held}{line}\n" if held else f"{line}\n"
        try:
            shlex.split(held, comments=True)
        except ValueError:
            continue
        if held.endswith("\\\n"):
            held = held[:-2] + " "
            continue
        yield held
        held = ""
    assert not held.strip(), f"a command does not end: {held}"
