"""The table that tells what a provider's refusal means: the owner's rows, then `rules.toml`, first fit wins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

import msgspec

from flowrouter import strict_toml
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.problem import Problem
from flowrouter.settings.routing import FailureRule

_NAME = "rules.toml"
_TEXT_MAX = 2_000
"""Characters of a message that rules look at."""

_LIMIT = 0.05
"""Seconds that an owner's expression gets: what providers say may quote anybody."""

_Match = Callable[[str, float], bool]

_OTHERS_TO_BLAME = frozenset({401, 402, 403, 404, 408, 429})


class ShownRule(FailureRule, frozen=True, kw_only=True):
    """A row with where it comes from: `config` or `shipped`."""

    origin: Literal["config", "shipped"]


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    rule: tuple[FailureRule, ...]


class Rules:
    """The rows in the order they are asked; made once per configuration."""

    __slots__ = ("_own",)

    def __init__(self, own: tuple[FailureRule, ...] = ()) -> None:
        self._own = own

    def __iter__(self) -> Iterator[ShownRule]:
        for rule in self._own:
            yield _shown(rule, "config")
        for rule in shipped():
            yield _shown(rule, "shipped")

    def find(self, problem: Problem, *, preset: str = "", dialect: Dialect | None = None) -> FailureRule:
        """Return the first row that fits `problem`; a status below 400 counts as 502."""
        text = problem.message[:_TEXT_MAX].lower()
        for rows in (self._own, shipped()):
            for rule in rows:
                if _fits(rule, problem, text) and _meant(rule, preset, dialect or problem.origin):
                    return rule
        return _LAST


@lru_cache(maxsize=1)
def shipped() -> tuple[FailureRule, ...]:
    """Return the rows of `rules.toml`, read at the first failure."""
    text = resources.files("flowrouter.routing").joinpath(_NAME).read_text("utf-8")
    return strict_toml.read(text, _File, file=_NAME).rule


def by_text(rule: FailureRule) -> bool:
    """Return whether the row reads the message, which may quote the request."""
    return bool(rule.text or rule.pattern)


def blames_request(status: int) -> bool:
    """Return whether a status blames the request itself: 400, 413, 422 and their like."""
    return 400 <= status < 500 and status not in _OTHERS_TO_BLAME


def _fits(rule: FailureRule, problem: Problem, text: str) -> bool:
    if rule.status and not _has_status(rule, _failing(problem.status)):
        return False
    if rule.code and problem.code not in rule.code:
        return False
    if rule.kind and problem.kind not in rule.kind:
        return False
    if rule.text and not any(phrase.lower() in text for phrase in rule.text):
        return False
    return not rule.pattern or _found(rule.pattern, text)


def _found(pattern: str, text: str) -> bool:
    """Return whether an expression fits, and does so in time."""
    try:
        return _matcher(pattern)(text, _LIMIT)
    except TimeoutError:
        return False


@lru_cache(maxsize=256)
def _matcher(pattern: str) -> _Match:
    """Return what looks for `pattern`; an owner's may take any time, and gets little."""
    if any(rule.pattern == pattern for rule in shipped()):
        ours = re.compile(pattern)
        return lambda text, _: ours.search(text) is not None
    import regex  # loaded only where somebody wrote one

    compiled: Any = regex.compile(pattern)
    return lambda text, limit: compiled.search(text, timeout=limit) is not None


def _meant(rule: FailureRule, preset: str, dialect: Dialect | None) -> bool:
    if rule.dialect and dialect not in rule.dialect:
        return False
    return not rule.preset or fnmatchcase(preset, rule.preset)


def _has_status(rule: FailureRule, status: int) -> bool:
    return status in rule.status or f"{status // 100}xx" in rule.status


def _failing(status: int) -> int:
    return status if 400 <= status <= 599 else 502


def _shown(rule: FailureRule, origin: Literal["config", "shipped"]) -> ShownRule:
    return ShownRule(origin=origin, **{name: getattr(rule, name) for name in rule.__struct_fields__})


_LAST = FailureRule(
    failure="server", status=("5xx",), reason="nothing else is known about it than that it failed"
)

__all__ = ["Rules", "ShownRule", "blames_request", "by_text", "shipped"]
