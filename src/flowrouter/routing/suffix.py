"""An effort written behind a model's name: `gpt-5(high)` always, `gpt-5-high` where that effort is known.

The name as written is resolved first, so that an id that ends like this keeps its meaning.
"""

from __future__ import annotations

import re

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.effort import AUTO
from flowrouter.canonical.request import EFFORTS
from flowrouter.providers.capabilities import capabilities
from flowrouter.providers.preset import Preset

_WORDS = "|".join((*EFFORTS, AUTO))
_PARENTHESES = re.compile(rf"(.+?)\(({_WORDS})\)", re.IGNORECASE | re.DOTALL)
_DASH = re.compile(rf"(.+)-({'|'.join(EFFORTS)})", re.DOTALL)


def in_parentheses(name: str) -> tuple[str, str] | None:
    """Return name and effort of `gpt-5(high)`."""
    found = _PARENTHESES.fullmatch(name) if name.endswith(")") else None
    return None if found is None else (found[1], found[2].lower())


def behind_dash(name: str) -> tuple[str, str] | None:
    """Return name and effort of `gpt-5-high`."""
    found = _DASH.fullmatch(name)
    return None if found is None else (found[1], found[2])


def lists_effort(preset: Preset | None, model: str, *, dialect: Dialect, effort: str) -> bool:
    """Return whether what is known of `model` at `preset` names this effort."""
    return preset is not None and effort in capabilities(preset, model, dialect).efforts


__all__ = ["behind_dash", "in_parentheses", "lists_effort"]
