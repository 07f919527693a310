"""A model's name to ordered attempts, each step with its reason.

Steps, the first that finds anything wins: alias · exact name in an account's list · `account/model`
or `preset/model` · glob in an account's list · `auto` · catch-all (accounts whose list is `*` or not
known yet). The name as written is tried first, because ids contain `/` themselves. Within a step
the accounts' priority decides. The embedded model stands in for any name, but only while no other
account is enabled: it is never a fallback for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.routing.facts import AccountFacts, Facts, is_glob
from flowrouter.routing.target import Target
from flowrouter.routing.tree import Policy

CATCH_ALL = "catch-all"
"""The step that takes any name at all, so that it says nothing about the name."""

CLAUDE_CODE = "claude-code/"
"""Put before a name in the list for Claude Code, which shows only models that seem to be its vendor's."""

AUTO = "auto"
"""The virtual model that means: whatever stands first."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Why an account is in the plan or not; `model` where only that model of it is meant."""

    account: str
    taken: bool
    reason: str
    model: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Targets in the order they are tried; `step` says by which rule they were found.

    `chosen` says that a combo or a pool chose, so that the reply names who answered. `reasons` are
    sentences about the choice as a whole (strategy, affinity, tier).
    """

    asked: str
    step: str
    targets: tuple[Target, ...] = ()
    notes: tuple[Note, ...] = ()
    suggestions: tuple[str, ...] = ()
    chosen: bool = False
    policy: Policy = Policy()
    reasons: tuple[str, ...] = ()


def build_plan(facts: Facts, model: str, *, dialect: Dialect, owner_id: str | None = None) -> Plan:
    """Return the plan for `model` as a client of `dialect` wrote it; no targets if nobody answers it.

    `owner_id` limits the plan to accounts that owner may use (None: all).
    """
    usable, notes = _usable(facts, owner_id)
    name = _unaliased(facts.aliases, _plain(usable, model))
    for step, matches in _steps(usable, name, alone=_alone(facts, owner_id)):
        found = list(matches)
        if found:
            step = f"alias → {name}, {step}" if name != model else step
            return _plan(model, step, found=found, notes=notes, dialect=dialect)
    known = {known for account in usable for known in account.names} | set(facts.aliases)
    return Plan(
        asked=model, step="no match", notes=tuple(notes), suggestions=_suggestions(model, sorted(known))
    )


def leads_somewhere(facts: Facts, model: str) -> bool:
    """Return whether `model` finds any account; cheaper than a plan where nothing does."""
    usable, _ = _usable(facts, None)
    name = _unaliased(facts.aliases, _plain(usable, model))
    steps = _steps(usable, name, alone=_alone(facts, None))
    return any(next(matches, None) is not None for _, matches in steps)


Match = tuple[AccountFacts, str, str]
"""An account, the model's name there, and the reason."""


def _plain(accounts: list[AccountFacts], model: str) -> str:
    """Return the name that Claude Code was shown with a prefix; one that is somebody's own is left alone."""
    name = model.removeprefix(CLAUDE_CODE)
    own = name == model or any(
        next(found, None) for found in (_exact(accounts, model), _prefixed(accounts, model))
    )
    return model if own or not name else name


def _unaliased(aliases: Mapping[str, str], model: str) -> str:
    """Return what `model` stands for, through aliases of aliases; a circle ends where it closes."""
    seen = {model}
    while (name := aliases.get(model)) is not None and name not in seen:
        seen.add(name)
        model = name
    return model


def _suggestions(model: str, known: list[str]) -> tuple[str, ...]:
    # Comparing costs the product of the lengths, and the name may be as long as a body.
    return tuple(get_close_matches(model, known, n=3, cutoff=0.5)) if len(model) <= _NAME_MAX else ()


_NAME_MAX = 200


def _usable(facts: Facts, owner_id: str | None) -> tuple[list[AccountFacts], list[Note]]:
    usable: list[AccountFacts] = []
    notes: list[Note] = []
    for account in facts.accounts:
        if owner_id is not None and account.owner_id != owner_id:
            continue
        reason = _obstacle(account)
        if reason is None:
            usable.append(account)
        else:
            notes.append(Note(account=account.name, taken=False, reason=reason))
    return usable, notes


def _alone(facts: Facts, owner_id: str | None) -> bool:
    """Return whether no account but reserved ones is enabled, usable or not."""
    owned = (account for account in facts.accounts if owner_id in (None, account.owner_id))
    return not any(account.enabled and not account.reserved for account in owned)


def _obstacle(account: AccountFacts) -> str | None:
    if not account.enabled:
        return "disabled"
    if account.problem:
        return account.problem
    if not account.dialects:
        return "speaks no dialect this build knows"
    return None


def _steps(accounts: list[AccountFacts], name: str, *, alone: bool) -> Iterator[tuple[str, Iterator[Match]]]:
    """Yield the steps in order; `alone` tells that only reserved accounts exist."""
    yield "exact name", _exact(accounts, name)
    yield "account or preset prefix", _prefixed(accounts, name)
    yield "glob", _globs(accounts, name)
    if name != AUTO:
        yield CATCH_ALL, _catch_all(accounts, name)
    if name == AUTO or alone:
        yield AUTO, _first_models(account for account in accounts if alone or not account.reserved)


def _exact(accounts: list[AccountFacts], name: str) -> Iterator[Match]:
    for account in accounts:
        if name in account.names:
            yield account, name, f"lists {name}"


def _prefixed(accounts: list[AccountFacts], name: str) -> Iterator[Match]:
    prefix, slash, rest = name.partition("/")
    if not slash or not rest:
        return
    named = [account for account in accounts if account.name == prefix]
    same_preset = [a for a in accounts if prefix == a.preset or prefix in a.preset_aliases]
    for account in named or same_preset:
        if _may_answer(account, rest):
            yield account, rest, f"named by the prefix {prefix!r}"


def _may_answer(account: AccountFacts, name: str) -> bool:
    """Return whether a prefix may reach `name`: a manual list binds, a live list does not."""
    if account.patterns:
        return any(name == pattern or fnmatchcase(name, pattern) for pattern in account.patterns)
    return not account.reserved or name in account.names


def _globs(accounts: list[AccountFacts], name: str) -> Iterator[Match]:
    for account in accounts:
        for pattern in account.patterns:
            # An id may hold brackets itself, so a pattern also stands for its own letters.
            if pattern != "*" and is_glob(pattern) and (name == pattern or fnmatchcase(name, pattern)):
                yield account, name, f"matches {pattern}"
                break


def _first_models(accounts: Iterable[AccountFacts]) -> Iterator[Match]:
    for account in accounts:
        if account.names:
            yield account, account.names[0], "the first model of its list"


def _catch_all(accounts: list[AccountFacts], name: str) -> Iterator[Match]:
    for account in accounts:
        if account.reserved:
            continue
        if "*" in account.patterns:
            yield account, name, "takes every name (*)"
        elif not account.patterns and account.models is None:
            yield account, name, "its models are not known yet"


def _plan(asked: str, step: str, *, found: list[Match], notes: list[Note], dialect: Dialect) -> Plan:
    targets = tuple(
        Target(
            account_id=account.id,
            account=account.name,
            preset=account.preset,
            model=name,
            dialect=dialect if dialect in account.dialects else account.dialects[0],
        )
        for account, name, _ in found
    )
    taken = [Note(account=account.name, taken=True, reason=reason) for account, _, reason in found]
    return Plan(asked=asked, step=step, targets=targets, notes=(*taken, *notes))


__all__ = ["AUTO", "CATCH_ALL", "CLAUDE_CODE", "Note", "Plan", "Target", "build_plan", "leads_somewhere"]
