"""Which accounts answer a plain name: one function for each step of the resolution, in the accounts' order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from flowrouter.routing.facts import AccountFacts, Facts, is_glob, matches
from flowrouter.routing.families import in_family
from flowrouter.routing.suffix import behind_dash, in_parentheses
from flowrouter.routing.tree import Note


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """An account, the model's name there, and the reason; `effort` is what a suffix asked for."""

    account: AccountFacts
    model: str
    reason: str
    effort: str | None = None


Knows = Callable[[AccountFacts, str, str], bool]
"""Whether an account's model (its name) is known to have an effort."""


def usable(facts: Facts, owners: Sequence[str], tag: str = "") -> tuple[list[AccountFacts], list[Note]]:
    """Return the accounts of `owners` (none given: all) that may be asked, and why the others may not.

    Those of other owners are not told.
    """
    found: list[AccountFacts] = []
    notes: list[Note] = []
    for account in facts.accounts:
        if owners and account.owner_id not in owners:
            continue
        reason = _obstacle(account, tag)
        if reason is None:
            found.append(account)
        else:
            notes.append(Note(account=account.name, taken=False, reason=reason))
    return found, notes


def alone(facts: Facts, owners: Sequence[str]) -> bool:
    """Return whether no account of `owners` but reserved ones is enabled, usable or not."""
    owned = (account for account in facts.accounts if not owners or account.owner_id in owners)
    return not any(account.enabled and not account.reserved for account in owned)


def exact(accounts: Iterable[AccountFacts], name: str) -> Iterator[Match]:
    """Yield the accounts that list `name`."""
    for account in accounts:
        if name in account.names:
            yield Match(account=account, model=name, reason=f"lists {name}")


def prefixed(accounts: Sequence[AccountFacts], name: str, knows: Knows) -> Iterator[Match]:
    """Yield the accounts that `account/model` or `preset/model` names; an account's name goes before."""
    prefix, slash, rest = name.partition("/")
    if not slash or not rest:
        return
    named = [account for account in accounts if account.name == prefix]
    same_preset = [a for a in accounts if prefix == a.preset or prefix in a.preset_aliases]
    for account in named or same_preset:
        found = _behind_prefix(account, rest, knows)
        if found is not None:
            model, effort = found
            yield Match(account=account, model=model, effort=effort, reason=f"named by the prefix {prefix!r}")


def globs(accounts: Iterable[AccountFacts], name: str) -> Iterator[Match]:
    """Yield the accounts with the longest pattern that `name` matches, `*` apart."""
    found: list[tuple[int, Match]] = []
    for account in accounts:
        fitting = [glob for glob in account.patterns if glob != "*" and is_glob(glob) and matches(name, glob)]
        if fitting:
            best = max(fitting, key=length)
            found.append((length(best), Match(account=account, model=name, reason=f"matches {best}")))
    longest = max((size for size, _ in found), default=0)
    return (match for size, match in found if size == longest)


def inferred(accounts: Sequence[AccountFacts], name: str) -> Iterator[Match]:
    """Yield the accounts whose family `name` belongs to."""
    for account in in_family(accounts, name):
        yield Match(account=account, model=name, reason=f"{account.preset} has models of this name")


def first_models(accounts: Iterable[AccountFacts]) -> Iterator[Match]:
    """Yield the first model of each account's list; of a list of patterns, the first that they take."""
    for account in accounts:
        names = account.names or _taken(account)
        if names:
            yield Match(account=account, model=names[0], reason="the first model of its list")


def catch_all(accounts: Iterable[AccountFacts], name: str) -> Iterator[Match]:
    """Yield the accounts that take any name at all."""
    for account in accounts:
        if account.takes_any and not account.reserved:
            reason = "takes every name (*)" if account.patterns else "its models are not known yet"
            yield Match(account=account, model=name, reason=reason)


def length(glob: str) -> int:
    """Return how much of a name a pattern fixes: its characters but the stars."""
    return len(glob) - glob.count("*")


def _obstacle(account: AccountFacts, tag: str) -> str | None:
    if not account.enabled:
        return "disabled"
    if account.problem:
        return account.problem
    if not account.dialects:
        return "speaks no dialect this build knows"
    if tag and tag not in account.tags:
        return f"not tagged {tag!r}"
    return None


def _behind_prefix(account: AccountFacts, rest: str, knows: Knows) -> tuple[str, str | None] | None:
    """Return model and effort that a prefix reaches: a manual list binds, a live list does not.

    What the account does not list is read with a suffix first, if that leads to something it does.
    """
    if rest in account.names:
        return rest, None
    if (split := in_parentheses(rest)) is not None and _may_answer(account, split[0]):
        return split
    if (split := behind_dash(rest)) is not None and split[0] in account.names and knows(account, *split):
        return split
    return (rest, None) if _may_answer(account, rest) else None


def _may_answer(account: AccountFacts, name: str) -> bool:
    if account.patterns:
        return any(
            matches(name, pattern) if is_glob(pattern) else name == pattern for pattern in account.patterns
        )
    return not account.reserved or name in account.names


def _taken(account: AccountFacts) -> tuple[str, ...]:
    """Return the names of the live list that the account's patterns take."""
    known = account.models or ()
    return tuple(name for name in known if any(matches(name, glob) for glob in account.patterns))


__all__ = [
    "Knows",
    "Match",
    "alone",
    "catch_all",
    "exact",
    "first_models",
    "globs",
    "inferred",
    "length",
    "prefixed",
    "usable",
]
