"""The refusal of a model's name that comes to nothing: why, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flowrouter.errors import CallerError
from flowrouter.gateway.world import World
from flowrouter.routing import Plan
from flowrouter.routing.facts import NAME_MAX
from flowrouter.routing.names import CIRCLE, DISABLED, UNFIT

_REASONS_MAX = 5


def no_such_model(plan: Plan, world: World) -> CallerError:
    """Return the error for a plan without targets: 404, or what its step says."""
    told = _BY_STEP.get(plan.step)
    if told is not None:
        return told(plan)
    found = [account.name for account in world.accounts.values() if account.source == "found"]
    if len(found) == len(world.accounts):
        how = f"adopt {found[0]}" if found else "add"
        cure = f"no account is set up yet; get one with `flow-router providers {how}`"
    elif plan.suggestions:
        cure = f"did you mean {', '.join(repr(name) for name in plan.suggestions)}?"
    else:
        cure = "`flow-router models` lists what is there"
    return CallerError(
        f"no account answers for the model {_name(plan)}; {cure}",
        status=404,
        param="model",
        code="model_not_found",
    )


def _circle(plan: Plan) -> CallerError:
    return CallerError(
        f"the model {_name(plan)} leads back to itself ({_reasons(plan)}); "
        "an alias or a combo of this gateway has to be changed",
        status=404,
        param="model",
        code="model_circle",
    )


def _disabled(plan: Plan) -> CallerError:
    return CallerError(
        f"the model {_name(plan)} is switched off on this gateway (`routing.disabled_models`: {_reasons(plan)})",
        status=403,
        param="model",
        code="model_disabled",
    )


def _unfit(plan: Plan) -> CallerError:
    return CallerError(
        f"no member of {_name(plan)} takes this request: {_reasons(plan)}",
        status=400,
        param="model",
        code="no_member_fits",
    )


_BY_STEP: Mapping[str, Callable[[Plan], CallerError]] = {
    CIRCLE: _circle,
    DISABLED: _disabled,
    UNFIT: _unfit,
}


def _name(plan: Plan) -> str:
    return repr(plan.asked[:NAME_MAX])


def _reasons(plan: Plan) -> str:
    more = len(plan.reasons) - _REASONS_MAX
    return "; ".join(plan.reasons[:_REASONS_MAX]) + (f"; and {more} more" if more > 0 else "")


__all__ = ["no_such_model"]
