"""What routing knows of the world: accounts and the models they answer for, as plain values."""

from __future__ import annotations

import msgspec

from flowrouter.canonical.dialect import Dialect


class AccountFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One account as routing sees it.

    `patterns` is the manual list (names and globs; it wins over the live list), `models` the live
    list (None: not known yet), `dialects` those it speaks in order of preference. `reserved`
    marks the embedded model, which answers its own names and otherwise only stands in while no
    other account exists. Lower `priority` is tried first; `owner_id` whose account it is.
    """

    id: str
    name: str
    preset: str
    owner_id: str
    dialects: tuple[Dialect, ...]
    preset_aliases: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    models: tuple[str, ...] | None = None
    priority: int = 1
    enabled: bool = True
    reserved: bool = False
    problem: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Return the plain model names this account is known to answer for."""
        if self.patterns:
            return tuple(name for name in self.patterns if not is_glob(name))
        return self.models or ()


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All accounts in order of priority, and the aliases (name → model as a client would write it)."""

    accounts: tuple[AccountFacts, ...] = ()
    aliases: dict[str, str] = {}


def is_glob(name: str) -> bool:
    """Return whether `name` is a pattern rather than a model's name."""
    return any(mark in name for mark in "*?[")


__all__ = ["AccountFacts", "Facts", "is_glob"]
