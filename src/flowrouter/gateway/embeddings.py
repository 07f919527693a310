"""Who may be asked for embeddings: hosts that speak OpenAI's form and offer them."""

from __future__ import annotations

import msgspec

from flowrouter.errors import CallerError
from flowrouter.gateway.world import World
from flowrouter.routing import Plan, Target


def embedders(plan: Plan, world: World) -> Plan:
    """Return `plan` with only the targets that can embed.

    Raises `CallerError` if the model has targets and none of them can; a plan that was empty stays so.
    """
    able = tuple(target for target in plan.targets if _embeds(target, world))
    if plan.targets and not able:
        raise CallerError(
            f"the accounts that answer for {plan.asked!r} make no embeddings; name a model of a provider "
            "that has OpenAI's /embeddings",
            param="model",
            code="embeddings_not_supported",
        )
    return msgspec.structs.replace(plan, targets=able)


def _embeds(target: Target, world: World) -> bool:
    return target.dialect == "openai_chat" and "embedding" in world.presets[target.account_id].kinds


__all__ = ["embedders"]
