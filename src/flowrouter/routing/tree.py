"""What a name stands for: a tree of groups, each with its way of choosing, and targets as leaves.

`names` builds the tree from configuration alone, so that it can be kept; `order` makes it a list with
what is known at the moment (`signals`).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from flowrouter.routing.target import Target
from flowrouter.settings.routing import Completion, Strategy


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What a combo says about trying; None leaves it to the setting of the same name."""

    attempts: int | None = None
    first_token: float | None = None
    wait: float | None = None
    completion: Completion | None = None


NO_POLICY = Policy()
"""What says nothing: the settings hold."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Why an account is in the plan or not; `model` where only that model of it is meant."""

    account: str
    taken: bool
    reason: str
    model: str = ""


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """A target, and why it is there."""

    target: Target
    reason: str
    weight: int = 1


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Members of which one is chosen by `strategy`, the others following as fallbacks.

    `name` tells groups apart in shared state (cursors, pins): `combo:fast`, `accounts:openai:1`.
    """

    name: str
    strategy: Strategy
    members: tuple[Group | Leaf, ...]
    weight: int = 1
    policy: Policy = NO_POLICY

    def leaves(self) -> Iterator[Leaf]:
        """Yield every leaf below, in the written order."""
        for member in self.members:
            if isinstance(member, Leaf):
                yield member
            else:
                yield from member.leaves()

    def groups(self) -> Iterator[Group]:
        """Yield this group and every group below."""
        yield self
        for member in self.members:
            if isinstance(member, Group):
                yield from member.groups()


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What configuration alone says about a name; `routing.order` makes it a plan.

    `root` None: nobody answers it. `chosen` and the other members are those of `Plan`.
    """

    asked: str
    step: str
    root: Group | Leaf | None = None
    notes: tuple[Note, ...] = ()
    suggestions: tuple[str, ...] = ()
    chosen: bool = False
    policy: Policy = NO_POLICY
    reasons: tuple[str, ...] = ()


__all__ = ["NO_POLICY", "Draft", "Group", "Leaf", "Note", "Policy"]
