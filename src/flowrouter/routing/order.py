"""A tree of groups to the list of targets in which one request tries them.

Each group puts its members in an order by its strategy; a nested group stands as one block. A member is
*open* while one of its targets has no obstacle, or one that may be tried. Members that are not
open take no turn and no draw: they follow behind, and so do single targets with an obstacle. Where a
strategy compares (bill, latency, load), a nested group counts as the target it would ask first.

The session's pin comes before the strategy of groups that rotate; it never changes the order of
`priority`. Only the account whose own sealed state the request carries comes before the others of
its preset everywhere: no other could read it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from flowrouter.routing.plan import Plan
from flowrouter.routing.signals import Obstacle, Signals
from flowrouter.routing.target import Target
from flowrouter.routing.tree import Draft, Group, Leaf, Note
from flowrouter.routing.turns import draw, raced, smooth
from flowrouter.settings.routing import Strategy

EXPLORE = 10
"""Where only some latencies are known, each such turn goes to a member without one, to measure it."""

Member = Group | Leaf


def order(draft: Draft, signals: Signals) -> Plan:
    """Return the plan that `draft` comes to at this moment; it names each target once."""
    if draft.root is None or isinstance(draft.root, Leaf):
        return _without_choice(draft, draft.root, signals)
    choice = _Choice(draft, signals)
    found: dict[str, Leaf] = {}
    for leaf in choice.flat(draft.root, leading=True):
        found.setdefault(leaf.target.key, leaf)
    ordered = choice.kept_together(list(found.values()))
    if choice.blocked:
        ordered.sort(key=lambda leaf: leaf.target.key in choice.blocked)
    return Plan(
        asked=draft.asked,
        step=draft.step,
        targets=tuple(leaf.target for leaf in ordered),
        notes=(*_taken(ordered, choice.obstacles), *draft.notes),
        suggestions=draft.suggestions,
        chosen=draft.chosen or _fell_back(draft.root, ordered),
        policy=draft.policy,
        reasons=(*draft.reasons, *choice.reasons),
        strategy=choice.strategy,
        obstacles=choice.obstacles,
    )


def _without_choice(draft: Draft, leaf: Leaf | None, signals: Signals) -> Plan:
    """Return the plan of a name with one target, or none: what most requests ask for."""
    obstacle = None if leaf is None else signals.obstacle(leaf.target)
    obstacles = {} if leaf is None or obstacle is None else {leaf.target.key: obstacle}
    return Plan(
        asked=draft.asked,
        step=draft.step,
        targets=() if leaf is None else (leaf.target,),
        notes=draft.notes if leaf is None else (_taken_note(leaf, obstacle), *draft.notes),
        suggestions=draft.suggestions,
        chosen=draft.chosen,
        policy=draft.policy,
        reasons=draft.reasons,
        obstacles=obstacles,
    )


def turning(draft: Draft, signals: Signals, known: Iterable[str]) -> str | None:
    """Return a group that decides who is asked first and whose turn is not among the `known` ones.

    A group's turn counts only where it decides: a nested group that is not reached takes none.
    """
    known, choice, node = frozenset(known), _Choice(draft, signals), draft.root
    while isinstance(node, Group):
        if node.name not in known and choice.needs_turn(node):
            return node.name
        node = choice.arranged(node)[0]
    return None


class _Choice:
    """The order of one request's groups."""

    def __init__(self, draft: Draft, signals: Signals) -> None:
        self.reasons: list[str] = []
        self.strategy = ""
        self.obstacles: dict[str, Obstacle] = {}
        self._signals = signals
        self._pin = signals.pin()
        for leaf in _leaves(draft.root) if draft.root is not None else ():
            obstacle = signals.obstacle(leaf.target)
            if obstacle is not None:
                self.obstacles[leaf.target.key] = obstacle
        # Who is better not asked; one that may be tried stands in its place.
        self.blocked = frozenset(key for key, obstacle in self.obstacles.items() if not obstacle.probe)

    def flat(self, node: Member, *, leading: bool) -> list[Leaf]:
        """Return the leaves below `node` in order; `leading` has the reasons of the choice written down."""
        if isinstance(node, Leaf):
            return [node]
        members = self.arranged(node)
        if leading and len(members) > 1:
            self.reasons.append(self._reason(node, members[0]))
            if self.strategy in ("", "priority"):
                self.strategy = node.strategy
        leaves: list[Leaf] = []
        for place, member in enumerate(members):
            leaves += self.flat(member, leading=leading and place == 0)
        return leaves

    def arranged(self, group: Group) -> list[Member]:
        """Return the group's members in the order they are asked."""
        members = group.members
        if len(members) == 1:
            return list(members)
        ready = self._ready(group)
        ordered = _STRATEGIES[group.strategy](self, group, ready)
        if self._led(group, ready) is not None:
            ordered.sort(key=lambda member: not self._holds_pin(member))
        if len(ready) < len(members):
            ordered += [member for member in members if member not in ready]
        return ordered

    def needs_turn(self, group: Group) -> bool:
        """Return whether the group's cursor decides who comes first."""
        ready = self._ready(group)
        if len(ready) < 2 or self._led(group, ready) is not None:
            return False
        if group.strategy == "least_latency":
            return any(self.latency(member) is None for member in ready)
        return group.strategy in {"round_robin", "weighted"}

    def kept_together(self, leaves: list[Leaf]) -> list[Leaf]:
        """Return `leaves` with the account that can read the request's state before others of its preset."""
        holder = self._signals.holder()
        if holder is None:
            return leaves
        own = next((leaf for leaf in leaves if leaf.target.account_id == holder), None)
        if own is None or own.target.key in self.blocked:
            return leaves
        first = next(place for place, leaf in enumerate(leaves) if leaf.target.preset == own.target.preset)
        if leaves[first] is own:
            return leaves
        self.reasons.append(
            f"{own.target.account} comes first: the request carries state that only it can read"
        )
        rest = [leaf for leaf in leaves if leaf is not own]
        return [*rest[:first], own, *rest[first:]]

    def first(self, member: Member) -> Target:
        """Return whom `member` would ask first."""
        while isinstance(member, Group):
            member = self.arranged(member)[0]
        return member.target

    def latency(self, member: Member) -> float | None:
        """Return the time to the first token that `member` is known for."""
        return self._signals.latency(self.first(member))

    def written(self, _group: Group, members: list[Member]) -> list[Member]:
        return list(members)

    def in_turn(self, group: Group, members: list[Member]) -> list[Member]:
        start = self._signals.cursor(group.name) % len(members)
        return [*members[start:], *members[:start]]

    def by_weight(self, group: Group, members: list[Member]) -> list[Member]:
        start = smooth([member.weight for member in members], self._signals.cursor(group.name))
        return [members[start], *members[:start], *members[start + 1 :]]

    def drawn(self, group: Group, members: list[Member]) -> list[Member]:
        # The place is the written one, so that a member's draw does not depend on who pauses.
        draws = [self._signals.draw(group.name, group.members.index(member)) for member in members]
        return [members[place] for place in raced([member.weight for member in members], draws)]

    def cheapest(self, _group: Group, members: list[Member]) -> list[Member]:
        def price(member: Member) -> tuple[bool, int, bool]:
            bill = self._signals.bill(self.first(member))
            return (bill is None, bill or 0, not self._holds_pin(member))

        return sorted(members, key=price)

    def fastest(self, group: Group, members: list[Member]) -> list[Member]:
        known = [member for member in members if self.latency(member) is not None]
        unknown = [member for member in members if member not in known]
        known.sort(key=lambda member: self.latency(member) or 0.0)
        if not unknown:
            return known
        turn = self._signals.cursor(group.name)
        explores = not known or turn % EXPLORE == EXPLORE - 1
        start = (turn // EXPLORE if known else turn) % len(unknown)
        unknown = [*unknown[start:], *unknown[:start]]
        return [unknown[0], *known, *unknown[1:]] if explores else [*known, *unknown]

    def idlest(self, _group: Group, members: list[Member]) -> list[Member]:
        return sorted(members, key=lambda member: self._signals.busy(self.first(member)))

    def by_session(self, group: Group, members: list[Member]) -> list[Member]:
        """Return the members by rendezvous hash: one more of them takes over only the sessions it wins."""
        session = self._signals.session()
        if not session:
            return list(members)
        draws = [draw(session, group.name, _identity(member)) for member in members]
        return [members[place] for place in raced([member.weight for member in members], draws)]

    def _ready(self, group: Group) -> list[Member]:
        """Return the group's open members; all of them where none is."""
        if not self.blocked:
            return list(group.members)
        return [member for member in group.members if self._open(member)] or list(group.members)

    def _open(self, member: Member) -> bool:
        return any(leaf.target.key not in self.blocked for leaf in _leaves(member))

    def _led(self, group: Group, ready: Sequence[Member]) -> Member | None:
        """Return the member that keeps the session, where the strategy lets it."""
        if self._pin is None or group.strategy in _PLAIN:
            return None
        return next((member for member in ready if self._holds_pin(member)), None)

    def _holds_pin(self, member: Member) -> bool:
        """Return whether the pinned target is open below `member`."""
        if self._pin is None:
            return False
        keys = (leaf.target.key for leaf in _leaves(member))
        return any(key == self._pin and key not in self.blocked for key in keys)

    def _reason(self, group: Group, first: Member) -> str:
        ready = self._ready(group)
        named = first.name if isinstance(first, Group) else f"{first.target.account}/{first.target.model}"
        if self._led(group, ready) is not None:
            return f"{group.name}: {named} keeps the session, it holds the prompt cache"
        paused = len(group.members) - len(ready)
        behind = f"; {paused} of {len(group.members)} paused" if paused else ""
        return f"{group.name}: {named} {self._why(group, first, len(ready))}{behind}"

    def _why(self, group: Group, first: Member, ready: int) -> str:
        match group.strategy:
            case "round_robin" | "weighted":
                turn = self._signals.cursor(group.name)
                return f"has its turn ({group.strategy}, turn {turn + 1}, {ready} members)"
            case "cost_optimal":
                bill = self._signals.bill(self.first(first))
                return "comes first, no price is known" if bill is None else f"costs least ({dollars(bill)})"
            case "least_latency":
                seconds = self.latency(first)
                return "is to be measured" if seconds is None else f"begins soonest ({seconds:.2f} s)"
            case "least_busy":
                return f"is least busy ({self._signals.busy(self.first(first)):.0%})"
            case "sticky":
                return "is the session's" if self._signals.session() else "comes first, no session is told"
            case "random":
                return "was drawn"
            case "priority":
                return "comes first in the written order"


def dollars(amount: int) -> str:
    """Return pico-USD for people: `$0.0123`."""
    return "$0" if amount == 0 else f"${amount / 1e12:.4g}"


def _fell_back(root: Member | None, ordered: Sequence[Leaf]) -> bool:
    """Return whether another model takes the place of a paused one that the written order puts first."""
    if not isinstance(root, Group):
        return False
    written = next(root.leaves()).target
    return root.strategy == "priority" and written.model != ordered[0].target.model


def _identity(member: Member) -> str:
    return member.name if isinstance(member, Group) else member.target.key


def _leaves(member: Member) -> Iterable[Leaf]:
    return (member,) if isinstance(member, Leaf) else member.leaves()


def _taken(leaves: list[Leaf], obstacles: Mapping[str, Obstacle]) -> Iterable[Note]:
    accounts: dict[str, int] = Counter(leaf.target.account for leaf in leaves) if len(leaves) > 1 else {}
    for leaf in leaves:
        obstacle = obstacles.get(leaf.target.key) if obstacles else None
        yield _taken_note(leaf, obstacle, named=accounts.get(leaf.target.account, 1) > 1)


def _taken_note(leaf: Leaf, obstacle: Obstacle | None, *, named: bool = False) -> Note:
    reason = leaf.reason
    if obstacle is not None:
        reason = f"{reason}; {'on trial' if obstacle.probe else 'paused'}: {obstacle.reason}"
    return Note(
        account=leaf.target.account, taken=True, reason=reason, model=leaf.target.model if named else ""
    )


_PLAIN: frozenset[Strategy] = frozenset({"priority", "cost_optimal"})
"""Strategies in which a pin does not come first; the bill counts what the pinned account's cache saves."""

_STRATEGIES: Mapping[Strategy, Callable[[_Choice, Group, list[Member]], list[Member]]] = {
    "priority": _Choice.written,
    "round_robin": _Choice.in_turn,
    "random": _Choice.drawn,
    "weighted": _Choice.by_weight,
    "cost_optimal": _Choice.cheapest,
    "least_latency": _Choice.fastest,
    "least_busy": _Choice.idlest,
    "sticky": _Choice.by_session,
}

__all__ = ["EXPLORE", "dollars", "order", "turning"]
