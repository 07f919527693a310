"""The price lists that come with the package, one per provider, read when a model there is first priced.

`rates.json` holds a few hundred kilobytes of text. Reading it only finds where each list is; a list is
decoded at its first look-up, and a model's prices when that model is first asked for. Names are in
lower case; a name may be a glob, or `re:` and a regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from fnmatch import translate
from functools import lru_cache
from importlib import resources

import msgspec

_FILE = "rates.json"

Amounts = dict[str, Decimal]
"""USD per kind: per million tokens, and per thousand for `web_search` and `request`."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Prices of a prompt of more than `tokens` tokens, for all of its tokens."""

    tokens: int
    amounts: Amounts


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One set of prices and when it holds: from a day on, in hours of the day (UTC), for a service tier."""

    amounts: Amounts
    steps: tuple[Step, ...] = ()
    since: str | None = None
    hours: tuple[str, str] | None = None
    tier: str | None = None

    def amount(self, kind: str, prompt: int) -> Decimal | None:
        """Return the price of `kind` where the prompt has `prompt` tokens in all, None where it has none."""
        found = self.amounts.get(kind)
        for step in self.steps:
            if prompt > step.tokens:
                found = step.amounts.get(kind, found)
        return found


class _Row(msgspec.Struct, frozen=True):
    names: tuple[str, ...]
    cards: msgspec.Raw


class _List(msgspec.Struct, frozen=True):
    also: tuple[str, ...]
    rows: tuple[_Row, ...]


class _File(msgspec.Struct, frozen=True):
    source: str
    version: str
    sha256: str
    tables: dict[str, msgspec.Raw]


class PriceList:
    """The prices of one provider."""

    __slots__ = ("_exact", "_patterns", "also")

    def __init__(self, raw: msgspec.Raw) -> None:
        """Index the list; `also` names the lists that hold what this one lacks."""
        written = msgspec.json.decode(raw, type=_List)
        self.also = written.also
        self._exact: dict[str, _Row] = {}
        patterns: list[tuple[int, str, _Row]] = []
        for row in written.rows:
            for name in row.names:
                if is_pattern(name):
                    patterns.append((literal_length(name), name, row))
                else:
                    self._exact.setdefault(name, row)
        patterns.sort(key=lambda each: -each[0])
        self._patterns = [(compiled(name), row) for _, name, row in patterns]

    def exact(self, model: str) -> tuple[Card, ...] | None:
        """Return the prices written for this very name."""
        row = self._exact.get(model)
        return None if row is None else _cards(row)

    def match(self, model: str) -> tuple[Card, ...] | None:
        """Return the prices under the longest pattern that takes `model`."""
        row = next((row for pattern, row in self._patterns if pattern.match(model)), None)
        return None if row is None else _cards(row)


class RateFile:
    """All price lists, by the provider's name; `version` and `sha256` tell which data this is."""

    __slots__ = ("_lists", "_raw", "sha256", "source", "version")

    def __init__(self, text: bytes) -> None:
        written = msgspec.json.decode(text, type=_File)
        self.source, self.version, self.sha256 = written.source, written.version, written.sha256
        self._raw = written.tables
        self._lists: dict[str, PriceList] = {}

    def __contains__(self, provider: object) -> bool:
        return provider in self._raw

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def of(self, provider: str) -> PriceList:
        """Return the list of `provider`; raises `KeyError` where there is none."""
        found = self._lists.get(provider)
        if found is None:
            found = self._lists[provider] = PriceList(self._raw[provider])
        return found


@lru_cache(maxsize=1)
def packaged() -> RateFile:
    """Return the price lists that come with this version."""
    return RateFile(resources.files("flowrouter.usage").joinpath(_FILE).read_bytes())


def _cards(row: _Row) -> tuple[Card, ...]:
    written = msgspec.json.decode(row.cards, type=list[dict[str, msgspec.Raw]])
    return tuple(_card(each) for each in written)


def _card(written: Mapping[str, msgspec.Raw]) -> Card:
    rest = dict(written)
    above, since, hours, tier = (rest.pop(name, None) for name in ("above", "since", "hours", "tier"))
    steps = msgspec.json.decode(above, type=list[dict[str, int | str]]) if above is not None else []
    return Card(
        amounts={kind: msgspec.json.decode(price, type=Decimal) for kind, price in rest.items()},
        steps=tuple(_step(step) for step in steps),
        since=None if since is None else msgspec.json.decode(since, type=str),
        hours=None if hours is None else msgspec.json.decode(hours, type=tuple[str, str]),
        tier=None if tier is None else msgspec.json.decode(tier, type=str),
    )


def _step(written: Mapping[str, int | str]) -> Step:
    amounts = {kind: Decimal(str(price)) for kind, price in written.items() if kind != "tokens"}
    return Step(tokens=int(written["tokens"]), amounts=amounts)


def is_pattern(name: str) -> bool:
    """Return whether `name` is a glob or a regular expression."""
    return name.startswith("re:") or any(sign in name for sign in "*?[")


def literal_length(pattern: str) -> int:
    """Return how much of `pattern` is said literally: of two that match, the longer one is meant."""
    text = pattern.removeprefix("re:")
    return sum(character not in "*?" for character in text)


def compiled(pattern: str) -> re.Pattern[str]:
    """Return the expression that a glob (or what follows `re:`) stands for."""
    if pattern.startswith("re:"):
        return re.compile(pattern.removeprefix("re:"))
    return re.compile(translate(pattern))


def longest_first(patterns: Iterable[str]) -> list[str]:
    """Return `patterns`, names before globs, long globs before short ones."""
    return sorted(patterns, key=lambda each: (is_pattern(each), -literal_length(each), each))


__all__ = [
    "Amounts",
    "Card",
    "PriceList",
    "RateFile",
    "Step",
    "compiled",
    "is_pattern",
    "literal_length",
    "longest_first",
    "packaged",
]
