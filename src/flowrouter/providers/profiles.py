"""Facts about model families, and the capability record that follows from them.

A row names model globs and states facts with their source and date. A row may be bound to presets
(facts of that host's wire) or to dialects (facts of that dialect's wire); an unbound row states
facts of the model itself and holds wherever it is served. Among rows equally bound the longest glob
wins alone; then the more bound row is laid over the less bound one.

Layers, lowest first: dialect defaults, preset quirks, profile rows, `layers` (what was learned or
listed live, in the order given), the administrator's overrides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fnmatch import fnmatchcase
from functools import lru_cache

import msgspec

from flowrouter import strict_toml
from flowrouter.canonical.dialect import Dialect
from flowrouter.providers.catalog import read_packaged
from flowrouter.providers.preset import Preset
from flowrouter.providers.profile import AcceptsFacts, Facts, Profile, merge
from flowrouter.providers.quirks import facts_of

DIALECT_FACTS: dict[Dialect, Facts] = {
    # `top_k` is no field of OpenAI's; the hosts that take it say so by a quirk.
    "openai_chat": Facts(accepts=AcceptsFacts(top_k=False)),
    "openai_responses": Facts(
        accepts=AcceptsFacts(
            stop=False,
            n=False,
            penalties=False,
            seed=False,
            logit_bias=False,
            top_k=False,
            message_name=False,
        ),
    ),
    # Unknown models are taken to be as strict as the newest families: those refuse prefill, and a
    # system message between turns needs a model known to honour it.
    "anthropic": Facts(
        thinking_style="both",
        mid_system=False,
        cache_control=True,
        json_object=False,
        accepts=AcceptsFacts(
            penalties=False, seed=False, logprobs=False, logit_bias=False, n=False, message_name=False
        ),
    ),
    "gemini": Facts(
        thinking_style="level",
        mid_system=False,
        accepts=AcceptsFacts(logit_bias=False, message_name=False),
    ),
}

# What a dialect fixes whoever serves it; it lies over the rows, which speak of Chat's two spellings.
DIALECT_RULES: dict[Dialect, Facts] = {
    "openai_responses": Facts(max_tokens_field="max_output_tokens"),
    "gemini": Facts(max_tokens_field="maxOutputTokens"),
}


class Row(Facts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row: whom it is about (lower-case globs), where the facts come from, and the facts."""

    match: tuple[str, ...]
    source: str
    date: date
    presets: tuple[str, ...] = ()
    dialects: tuple[Dialect, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        if not self.match or not self.source.strip():
            raise ValueError("a row needs `match` and `source`")
        if any(glob != glob.lower() for glob in self.match):
            raise ValueError("`match` is compared with lower-case names; write it so")

    @property
    def binding(self) -> int:
        """Return how closely the row is bound: 0 the model, 1 a host or a dialect, 2 both."""
        return bool(self.presets) + bool(self.dialects)


class ProfileFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of rows."""

    rows: tuple[Row, ...]


@lru_cache(maxsize=1)
def packaged_rows() -> tuple[Row, ...]:
    """Return all rows that ship with the program."""
    texts = read_packaged("profiles")
    return tuple(row for file, text in texts.items() for row in read_rows(text, file=file))


def read_rows(text: str, *, file: str) -> tuple[Row, ...]:
    """Return the rows of one profile file; raises `strict_toml.TomlError`."""
    return strict_toml.read(text, ProfileFile, file=file).rows


def profile(
    preset: Preset,
    model: str,
    *,
    dialect: Dialect | None = None,
    overrides: Facts | None = None,
    layers: Sequence[Facts] = (),
) -> Profile:
    """Return what `model` can take at `preset` when `dialect` (default: the preset's first) is spoken."""
    dialect = dialect or preset.served_dialects[0]
    known = (*_static_layers(preset, model.lower(), dialect), *layers)
    return merge((*known, overrides) if overrides is not None else known)


def matching_rows(preset: str, model: str, *, dialect: Dialect, rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the rows that hold for `model`, the least bound first."""
    names = _names(model.lower())
    best: dict[int, tuple[int, Row]] = {}
    for row in rows:
        if (row.presets and preset not in row.presets) or (row.dialects and dialect not in row.dialects):
            continue
        length = max((_length(glob, names) for glob in row.match), default=0)
        if length and length > best.get(row.binding, (0, row))[0]:
            best[row.binding] = (length, row)
    return tuple(best[binding][1] for binding in sorted(best))


def packaged_matches(preset: str, model: str, *, dialect: Dialect) -> tuple[Row, ...]:
    """Return the rows that ship with the program and hold for `model`, the least bound first; none: it is unknown."""
    return _packaged_matches(preset, model.lower(), dialect)


def _static_layers(preset: Preset, model: str, dialect: Dialect) -> tuple[Facts, ...]:
    rows = _packaged_matches(preset.id, model, dialect)
    fixed = (DIALECT_RULES[dialect],) if dialect in DIALECT_RULES else ()
    return (DIALECT_FACTS[dialect], *facts_of(preset.quirks, dialect), *rows, *fixed)


def _packaged_matches(preset: str, model: str, dialect: Dialect) -> tuple[Row, ...]:
    look = _matches_of_known if len(model) <= _NAME_MAX else _matching
    return look(preset, model, dialect)


def _matching(preset: str, model: str, dialect: Dialect) -> tuple[Row, ...]:
    return matching_rows(preset, model, dialect=dialect, rows=packaged_rows())


_matches_of_known = lru_cache(maxsize=2048)(_matching)
_NAME_MAX = 200
"""Longer names, which a caller may choose, are not kept."""


def _names(model: str) -> tuple[str, ...]:
    """Return the names a model may be known by: `openai/gpt-5` is also `gpt-5`."""
    last = model.rsplit("/", 1)[-1]
    return (model,) if last == model else (model, last)


def _length(glob: str, names: tuple[str, ...]) -> int:
    """Return how much of a name `glob` pins down (an exact name most), 0 where it does not match."""
    if any(_matches(glob, name) for name in names):
        return 2 * (len(glob) - glob.count("*")) + ("*" not in glob) + 1
    return 0


def _matches(glob: str, name: str) -> bool:
    head = glob.rstrip("*")
    if "*" in head or "?" in head or "[" in head:
        return fnmatchcase(name, glob)
    return name.startswith(head) if head != glob else name == glob


__all__ = [
    "DIALECT_FACTS",
    "ProfileFile",
    "Row",
    "matching_rows",
    "packaged_matches",
    "packaged_rows",
    "profile",
    "read_rows",
]
