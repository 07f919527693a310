"""`/api/tags`: the words by which rules choose, and who bears or asks for them.

A tag has no life of its own: it is written on an account, a key, a member of a combo or a rule, and is there
as long as one of them bears it.
"""

from __future__ import annotations

import msgspec

from flowrouter.api.admin.call import Call
from flowrouter.api.admin.envelope import Reply
from flowrouter.api.admin.paging import paged


class TagShown(msgspec.Struct, frozen=True, kw_only=True):
    """A tag with the names of what bears it (`accounts`, `keys`) and of what asks for it (`combos`, `intents`).

    `given` counts the accounts that have it of the preset rather than of their owner.
    """

    id: str
    accounts: tuple[str, ...] = ()
    given: int = 0
    keys: tuple[str, ...] = ()
    combos: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()


async def list_tags(call: Call) -> Reply:
    """Return every tag that something bears or asks for."""
    world, found = call.world, _Found()
    accounts = {account.id: account for account in call.accounts()}
    for facts in world.facts.accounts:
        for tag in facts.tags:
            found.add(tag, "accounts", facts.name)
            own = accounts.get(facts.id)
            found.given[tag] = found.given.get(tag, 0) + (own is not None and tag not in own.tags)
    for key in world.ring:
        if call.visitor.owns(key.owner_id):
            for tag in key.policy.tags:
                found.add(tag, "keys", key.name)
    for combo in world.facts.combos:
        for member in combo.config.members:
            for tag in member.when.tags:
                found.add(tag, "combos", combo.name)
    for rule in world.routing.intents:
        found.add(rule.tag, "intents", rule.name)
    return paged(found.rows(), call.query, key=lambda row: (row.id,))


class _Found:
    def __init__(self) -> None:
        self.bearers: dict[str, dict[str, dict[str, None]]] = {}
        self.given: dict[str, int] = {}

    def add(self, tag: str, kind: str, name: str) -> None:
        """Note that the thing called `name` has to do with `tag`."""
        self.bearers.setdefault(tag, {}).setdefault(kind, {})[name] = None

    def rows(self) -> list[TagShown]:
        """Return what was found, tag by tag."""
        return [
            TagShown(
                id=tag, given=self.given.get(tag, 0), **{kind: tuple(names) for kind, names in by.items()}
            )
            for tag, by in self.bearers.items()
        ]


__all__ = ["TagShown", "list_tags"]
