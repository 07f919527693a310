"""A model's name to a tree of targets, from configuration alone.

Steps, the first that finds anything wins: the table of mappings · alias · combo · exact name in an
account's list · `account/model` or `preset/model` · the same with an effort behind it (`gpt-5(high)`) · the
longest pattern in an account's list · `auto` and its tiers · the family of models a name looks like ·
`routing.default_model` · accounts that take any name. The name as written is tried first, because ids
contain `/` and endings like `-high` themselves.

The embedded model stands in for any name, but only while no other account is enabled: it is never a
fallback for one. What a name comes to is kept with the facts, unless conditions had a say.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches
from heapq import nlargest

import msgspec

from flowrouter.routing.combos import AUTO, CATCH_ALL, Asked, Found, Scope
from flowrouter.routing.conditions import is_open, told, unmet
from flowrouter.routing.facts import NAME_MAX, AccountFacts, Facts, matches
from flowrouter.routing.finding import exact, prefixed
from flowrouter.routing.suffix import in_parentheses
from flowrouter.routing.tree import NO_POLICY, Draft, Group

CLAUDE_CODE = "claude-code/"
"""Put before a name in the list for Claude Code, which shows only models that seem to be its vendor's."""

NO_MATCH = "no match"
"""The step of a name that nobody answers."""

CIRCLE = "circle"
"""The step of a name that leads back to itself."""

DISABLED = "disabled"
"""The step of a name whose models are all switched off."""

UNFIT = "no member fits"
"""The step of a name none of whose members is meant for the request."""


def draft(facts: Facts, asked: Asked) -> Draft:
    """Return what `asked` stands for; without a root nobody answers it, and `step` says why."""
    key = (asked.model, asked.dialect, asked.owners, asked.tag)
    kept = facts.drafts.get(key)
    if kept is not None:
        return kept
    scope = Scope(facts, asked)
    made = _drafted(scope)
    if scope.fixed and len(asked.model) <= NAME_MAX:
        facts.keep(key, made)
    return made


def leads_somewhere(facts: Facts, model: str) -> bool:
    """Return whether `model` finds any account."""
    return draft(facts, Asked(model=model, dialect="openai_chat")).root is not None


def circles(facts: Facts) -> tuple[str, ...]:
    """Return a sentence for every alias and combo that leads back to itself and nowhere else."""
    found: dict[str, None] = {}
    for name in (*facts.aliases, *(combo.name for combo in facts.combos)):
        scope = Scope(facts, Asked(model=name, dialect="openai_chat"))
        scope.resolve(name)
        found |= dict.fromkeys(scope.circles)
    distinct = {frozenset(way.split(" → ")): way for way in found}
    return tuple(f"names that lead back to themselves: {way}" for way in distinct.values())


def _drafted(scope: Scope) -> Draft:
    asked = scope.asked
    name, before = _mapped(scope, _plain(scope, asked.model))
    found = _found(scope, name)
    if found is None or found.node is None:
        return _nothing(scope, name, before=before)
    root = found.node
    return Draft(
        asked=asked.model,
        step=before + found.step,
        root=root,
        notes=tuple(scope.notes),
        chosen=found.chosen,
        policy=root.policy if isinstance(root, Group) else NO_POLICY,
        reasons=tuple(scope.reasons),
    )


def _found(scope: Scope, name: str) -> Found | None:
    """Return what `name` stands for, or what stands in for it."""
    found = scope.known(name)
    if found is not None and (found.node is not None or scope.refuses):
        return found
    default = scope.facts.routing.default_model
    if default and default != name and (instead := _stand_in(scope, name, default)) is not None:
        return instead
    found = found or scope.caught(name)
    if scope.alone and (found is None or found.node is None):
        return scope.auto()
    return found


def _stand_in(scope: Scope, name: str, default: str) -> Found | None:
    """Return what the default model stands for, with the effort that `name` asked for."""
    split = in_parentheses(name)
    found = scope.resolve(f"{default}({split[1]})" if split is not None else default)
    if found is None or found.node is None:
        return None
    return msgspec.structs.replace(found, step=f"default model → {default}, {found.step}", chosen=True)


def _nothing(scope: Scope, name: str, *, before: str) -> Draft:
    """Return the draft of a name without an answer, with the reason that helps most."""
    step, reasons = NO_MATCH, tuple(scope.reasons)
    if scope.unfit:
        step, reasons = UNFIT, tuple(scope.unfit)
    elif scope.circles:
        step, reasons = CIRCLE, tuple(dict.fromkeys(scope.circles))
    elif scope.disabled:
        step, reasons = DISABLED, tuple(dict.fromkeys(scope.disabled))
    return Draft(
        asked=scope.asked.model,
        step=step,
        notes=tuple(scope.notes),
        suggestions=_suggestions(scope, name) if step == NO_MATCH else (),
        reasons=(*((before.removesuffix(", "),) if before else ()), *reasons),
    )


def _plain(scope: Scope, model: str) -> str:
    """Return the name that Claude Code was shown with a prefix; one that is somebody's own is left alone."""
    name = model.removeprefix(CLAUDE_CODE)
    if name == model or not name:
        return model
    own = next(exact(scope.usable, model), None) or next(prefixed(scope.usable, model, _never), None)
    return model if own is not None else name


def _never(_account: AccountFacts, _model: str, _effort: str) -> bool:
    return False


def _mapped(scope: Scope, name: str) -> tuple[str, str]:
    """Return what the first fitting row of the mapping table makes of `name`, and that step.

    A name with an account's name before it is meant as it stands.
    """
    rules = scope.facts.routing.mapping
    if not rules or any(account.name == name.partition("/")[0] for account in scope.usable if "/" in name):
        return name, ""
    now = scope.asked.now
    for rule in rules:
        if not matches(name, rule.model):
            continue
        if not is_open(rule.when):
            scope.fixed = False
            if now is None:
                scope.reasons.append(f"mapping {rule.model} → {rule.to} only where {told(rule.when)}")
                continue
            if unmet(rule.when, now) is not None:
                continue
        return rule.to, f"mapping {rule.model} → {rule.to}, "
    return name, ""


def _suggestions(scope: Scope, name: str) -> tuple[str, ...]:
    # Comparing costs the product of the lengths, and the name may be as long as a body.
    if len(name) > NAME_MAX:
        return ()
    known = {known for account in scope.usable for known in account.names} | set(scope.facts.aliases)
    owners = scope.asked.owners
    known |= {combo.name for combo in scope.facts.combos if not owners or combo.owner_id in owners}
    return closest(name, known)


def closest(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return up to three of the `known` names that look like `name`, the closest first.

    Only those are compared in full that have the most letters in common.
    """
    matcher = SequenceMatcher(None, "", name)

    def in_common(other: str) -> float:
        matcher.set_seq1(other)
        return matcher.quick_ratio() if matcher.real_quick_ratio() >= _CUTOFF else 0.0

    likely = nlargest(_COMPARED_MAX, sorted(known), key=in_common)
    return tuple(get_close_matches(name, likely, n=3, cutoff=_CUTOFF))


_CUTOFF = 0.5
_COMPARED_MAX = 40


__all__ = [
    "AUTO",
    "CATCH_ALL",
    "CIRCLE",
    "CLAUDE_CODE",
    "DISABLED",
    "NO_MATCH",
    "UNFIT",
    "Asked",
    "circles",
    "closest",
    "draft",
    "leads_somewhere",
]
