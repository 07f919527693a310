"""What a gateway key may use: models, accounts and providers by globs, and dialects.

A model is in scope if a glob takes its name where it is asked (`claude-haiku-4-5`, `work/claude-haiku-4-5`,
`anthropic/…`). A name that people made (alias, combo, `auto`, a row of the mapping table) grants what it
stands for if a glob takes that name; a name that leads on by itself (`routing.default_model`, accounts that
take any name) grants nothing. Globs of accounts bind whatever was asked for.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.errors import CallerError
from flowrouter.gateway.world import World
from flowrouter.httpkit.caller import Caller
from flowrouter.httpkit.key_policy import KeyPolicy
from flowrouter.routing import Plan, Target
from flowrouter.routing.facts import NAME_MAX, AccountFacts, matches
from flowrouter.routing.intent import restrict
from flowrouter.routing.names import CLAUDE_CODE, Asked, draft
from flowrouter.routing.suffix import in_parentheses
from flowrouter.routing.tree import Draft

OUTSIDE = "outside the key's scope"
"""The step of a plan of which the caller's key may use nothing, and the reason of those left out."""

_NAMED = ("alias ", "combo ", "mapping ", "tier ", "auto")
"""How the step begins of a name that people made."""

_LISTED_MAX = 10


def admit_dialect(caller: Caller, dialect: Dialect | None) -> None:
    """Raise `CallerError` (403) where the caller's key may not speak `dialect`."""
    allowed = caller.policy.dialects
    if allowed and dialect is not None and dialect not in allowed:
        raise CallerError(
            f"the gateway key {caller.key_name!r} may not speak {dialect}; its scope is {_listed(allowed)}",
            status=403,
            code="dialect_not_allowed",
        )


def scoped(found: Draft, policy: KeyPolicy, world: World) -> Draft:
    """Return `found` with what a key of `policy` may use; where that is nothing its step is `OUTSIDE`."""
    if not policy.bounded:
        return found
    if found.root is None:
        known = tuple(name for name in found.suggestions if may_name(policy, name, world))
        return msgspec.structs.replace(found, suggestions=known)
    named = _grants(policy, found.asked, found.step)
    kept = restrict(found, lambda target: _may_use(policy, target, named=named), OUTSIDE)
    return kept if kept.root is not None else msgspec.structs.replace(kept, step=OUTSIDE)


def gated(plan: Plan, caller: Caller) -> Plan:
    """Return `plan` with only the targets that the caller's key may use, whatever put the others there.

    Raises `CallerError` (403) where that leaves nothing.
    """
    left = may_plan(caller.policy, plan)
    if plan.step == OUTSIDE or (plan.targets and not left.targets):
        raise refusal(plan.asked, caller)
    return left


def may_plan(policy: KeyPolicy, plan: Plan) -> Plan:
    """Return `plan` with only the targets that a key of `policy` may use."""
    if not policy.bounded:
        return plan
    named = _grants(policy, plan.asked, plan.step)
    targets = tuple(target for target in plan.targets if _may_use(policy, target, named=named))
    return plan if targets == plan.targets else msgspec.structs.replace(plan, targets=targets)


def refusal(model: str, caller: Caller) -> CallerError:
    """Return the 403 for a model that is outside of the scope of the caller's key."""
    policy = caller.policy
    parts = [f"models {_listed(policy.models)}"] if policy.models else []
    parts += [f"accounts {_listed(policy.accounts)}"] if policy.accounts else []
    return CallerError(
        f"the gateway key {caller.key_name!r} may not use the model {model[:200]!r}; "
        f"its scope is {' at '.join(parts)}",
        status=403,
        param="model",
        code="model_not_allowed",
    )


def may_name(policy: KeyPolicy, model: str, world: World) -> bool:
    """Return whether a key of `policy` may use anything that `model` stands for."""
    if not policy.bounded:
        return True
    found = draft(world.facts, Asked(model=model, dialect="openai_chat"))
    return found.root is not None and scoped(found, policy, world).root is not None


def may_list(policy: KeyPolicy, account: AccountFacts, model: str) -> bool:
    """Return whether a key of `policy` may use `model` at `account` under its own name."""
    places = (account.name, account.preset)
    return _in_accounts(policy, *places) and _in_models(policy, model, places)


def _may_use(policy: KeyPolicy, target: Target, *, named: bool) -> bool:
    look = _scope_of_known if len(target.model) <= NAME_MAX else _in_scope
    return look(policy, target, named=named)


def _in_scope(policy: KeyPolicy, target: Target, *, named: bool) -> bool:
    if not _in_accounts(policy, target.account, target.preset):
        return False
    return named or _in_models(policy, target.model, (target.account, target.preset))


_scope_of_known = lru_cache(maxsize=4096)(_in_scope)


def _in_accounts(policy: KeyPolicy, account: str, preset: str) -> bool:
    return not policy.accounts or any(
        matches(account, glob) or matches(preset, glob) for glob in policy.accounts
    )


def _in_models(policy: KeyPolicy, model: str, places: tuple[str, ...]) -> bool:
    names = (model, *(f"{place}/{model}" for place in places))
    return not policy.models or any(matches(name, glob) for glob in policy.models for name in names)


def _grants(policy: KeyPolicy, asked: str, step: str) -> bool:
    """Return whether the name asked for is one that people made, and in scope as such."""
    if not policy.models or not step.startswith(_NAMED):
        return False
    plain = asked.removeprefix(CLAUDE_CODE)
    base, _ = in_parentheses(plain) or (plain, "")
    return any(matches(name, glob) for glob in policy.models for name in (asked, plain, base))


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - _LISTED_MAX
    return ", ".join(names[:_LISTED_MAX]) + (f" and {more} more" if more > 0 else "")


__all__ = ["OUTSIDE", "admit_dialect", "gated", "may_list", "may_name", "may_plan", "refusal", "scoped"]
