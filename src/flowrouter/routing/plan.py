"""What a name comes to: targets in the order they are tried, and why.

`names` makes a draft of a name from configuration, `order` a plan of the draft; `resolve` does both in
one call for those who need nothing of the moment.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from flowrouter.routing.course import Try
from flowrouter.routing.signals import Obstacle
from flowrouter.routing.target import Target
from flowrouter.routing.tree import NO_POLICY, Note, Policy


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Targets in the order they are tried; `step` says by which rule they were found.

    `chosen` says that a combo or a pool chose, so that the reply names who answered. `reasons` are
    sentences about the choice as a whole (strategy, affinity, tier), `strategy` the one that decided who is
    first. `obstacles` holds, by `Target.key`, why a target stands at the end or is a trial where it stands. One
    that is `kept` serves further requests too; each begins with the step `first` while nothing is in the way.
    """

    asked: str
    step: str
    targets: tuple[Target, ...] = ()
    notes: tuple[Note, ...] = ()
    suggestions: tuple[str, ...] = ()
    chosen: bool = False
    policy: Policy = NO_POLICY
    reasons: tuple[str, ...] = ()
    strategy: str = ""
    obstacles: Mapping[str, Obstacle] = {}
    kept: bool = False
    first: Try | None = None


__all__ = ["Plan"]
