"""Whose models a name looks like, where no list tells: families of names, and dated names of one model.

A table of beginnings, after the vendors' own model pages (November 2026). It is asked only for accounts
whose list is not known yet, or lists another spelling of the same model: vendors take names that
their lists leave out, such as `claude-sonnet-4-5` for `claude-sonnet-4-5-20250929`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from flowrouter.routing.facts import AccountFacts

FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"claude-", ("anthropic", "custom-anthropic")),
    (r"gemini-|gemma-|text-embedding-00|imagen-|veo-", ("gemini", "custom-gemini")),
    (
        r"gpt-(?!oss)|chatgpt-|codex-|computer-use-|o[1-9](?:-|$)|text-embedding-(?:3|ada)-|whisper-|tts-|dall-e-",
        ("openai",),
    ),
    (r"deepseek-", ("deepseek",)),
    (r"(?:mistral|codestral|devstral|magistral|ministral|pixtral|voxtral|open-mi[sx]tral)-", ("mistral",)),
    (r"grok-", ("xai",)),
)
"""How names of a family begin (a regular expression), and the presets that serve it under these names."""

_NAME = re.compile(r"[\w.:@-]+")
_DATE = re.compile(r"(?:-latest|-\d{8}|-\d{4}-\d{2}-\d{2}|-\d{4}|@[\w-]+)$")
_FAMILIES = tuple((re.compile(begins), frozenset[str](presets)) for begins, presets in FAMILIES)
_NOBODY = frozenset[str]()


def presets_of(name: str) -> frozenset[str]:
    """Return the presets whose models are called like `name`."""
    if not _NAME.fullmatch(name):
        return _NOBODY
    return next((presets for begins, presets in _FAMILIES if begins.match(name)), _NOBODY)


def in_family(accounts: Sequence[AccountFacts], name: str) -> Iterator[AccountFacts]:
    """Yield the accounts that very probably have `name`, though no list of theirs says so."""
    presets = presets_of(name)
    if not presets:
        return
    undated = _undated(name)
    for account in accounts:
        if account.preset not in presets or account.patterns or account.reserved:
            continue
        if account.models is None or any(_undated(known) == undated for known in account.models):
            yield account


def _undated(name: str) -> str:
    """Return `name` without the date or `-latest` at its end."""
    return _DATE.sub("", name)


__all__ = ["FAMILIES", "in_family", "presets_of"]
