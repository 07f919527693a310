"""The names that may stand in labels: those of the configuration, never those of a client.

A client chooses which model it asks for, and an account may take every name; so a model has a label of its
own only where an account, a list, an alias, a combo or a rule names it. All others are `other`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from flowrouter.gateway.world import World

OTHER = "other"


class Labels:
    """What one `World` calls its accounts and models; `models` are the names with a label of their own."""

    __slots__ = ("_accounts", "models", "world")

    def __init__(self, world: World) -> None:
        self.world = world
        self._accounts = _accounts(world)
        self.models = frozenset(_models(world))

    def account(self, account_id: str) -> str:
        """Return an account's label; one that is gone is `other`."""
        return self._accounts.get(account_id, OTHER)

    def model(self, name: str) -> str:
        """Return a model's label."""
        return name if name in self.models else OTHER


def _accounts(world: World) -> dict[str, str]:
    """Return labels by account id; accounts of several owners that share a name are told apart."""
    often = Counter(account.name for account in world.accounts.values())
    return {
        account.id: account.name if often[account.name] == 1 else f"{account.name}@{account.owner_id}"
        for account in world.accounts.values()
    }


def _models(world: World) -> Iterator[str]:
    for account in world.facts.accounts:
        yield from account.names
    for listed in world.listed.values():
        yield from (model.id for model in listed)
    for name in _written(world):
        yield name
        yield name.partition("/")[2]  # `account/model`, as people write it


def _written(world: World) -> Iterator[str]:
    """Yield the models that aliases, combos and rules lead to."""
    for models in world.facts.aliases.values():
        yield from (models,) if isinstance(models, str) else models
    for combo in world.facts.combos:
        yield from (member.model for member in combo.config.members)
    yield from (rule.to for rule in world.routing.mapping)


__all__ = ["OTHER", "Labels"]
