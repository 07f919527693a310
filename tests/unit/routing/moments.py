"""Signals of a moment that a test writes down, and trees to order by them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from flowrouter.routing import Plan, Target
from flowrouter.routing.order import order
from flowrouter.routing.signals import Obstacle
from flowrouter.routing.tree import Draft, Group, Leaf
from flowrouter.routing.turns import draw

STRATEGIES = (
    "priority", "round_robin", "random", "weighted", "cost_optimal", "least_latency", "least_busy", "sticky",
)  # fmt: skip
PAUSED = Obstacle(reason="rate limit", until=1_700_000_060.0)
ON_TRIAL = Obstacle(reason="its pause is over", probe=True)


class Told:
    """Signals that say what they were given; what was not given is unknown."""

    def __init__(
        self,
        *,
        cursors: dict[str, int] | None = None,
        seed: str = "",
        session: str = "",
        latencies: dict[str, float] | None = None,
        busy: dict[str, float] | None = None,
        bills: dict[str, int] | None = None,
        pin: str | None = None,
        holder: str | None = None,
        obstacles: dict[str, Obstacle] | None = None,
    ) -> None:
        self._cursors = cursors or {}
        self._seed = seed
        self._session = session
        self._latencies = latencies or {}
        self._busy = busy or {}
        self._bills = bills or {}
        self._pin = pin
        self._holder = holder
        self._obstacles = obstacles or {}

    def cursor(self, group: str) -> int:
        return self._cursors.get(group, 0)

    def draw(self, group: str, place: int) -> float:
        return draw(self._seed, group, str(place))

    def session(self) -> str:
        return self._session

    def latency(self, target: Target) -> float | None:
        return self._latencies.get(target.account)

    def busy(self, target: Target) -> float:
        return self._busy.get(target.account, 0.0)

    def bill(self, target: Target) -> int | None:
        return self._bills.get(target.account)

    def pin(self) -> str | None:
        return self._pin

    def holder(self) -> str | None:
        return self._holder

    def obstacle(self, target: Target) -> Obstacle | None:
        return self._obstacles.get(target.account)


def leaf(account: str, *, weight: int = 1, model: str = "m", preset: str = "openai") -> Leaf:
    target = Target(account_id=account, account=account, preset=preset, model=model, dialect="openai_chat")
    return Leaf(target=target, reason="listed", weight=weight)


def group(strategy: Any, *members: Group | Leaf | str, name: str = "g", weight: int = 1) -> Group:
    made = tuple(leaf(member) if isinstance(member, str) else member for member in members)
    return Group(name=name, strategy=strategy, members=made, weight=weight)


def draft(root: Group | Leaf | None) -> Draft:
    return Draft(asked="m", step="combo", root=root)


def ordered(root: Group | Leaf | None, **told: Any) -> list[str]:
    """Return the accounts in the order of the plan."""
    return [target.account for target in planned(root, **told).targets]


def planned(root: Group | Leaf | None, **told: Any) -> Plan:
    return order(draft(root), Told(**told))


NAMES = [f"a{number}" for number in range(8)]


@st.composite
def trees(pick: Any, depth: int = 2, above: str = "g") -> Group:
    """Return a group of any strategy whose members are accounts and, down to `depth`, groups; no two of a name."""
    name = f"{above}{pick(st.integers(0, 10**9))}"
    members: list[Group | Leaf] = []
    for place in range(pick(st.integers(1, 4))):
        weight = pick(st.integers(1, 5))
        if depth and pick(st.booleans()) and pick(st.booleans()):
            members.append(pick(trees(depth - 1, f"{name}.{place}.")))
        else:
            members.append(leaf(pick(st.sampled_from(NAMES)), weight=weight))
    return Group(
        name=name,
        strategy=pick(st.sampled_from(STRATEGIES)),
        members=tuple(members),
        weight=pick(st.integers(1, 5)),
    )


def moments() -> st.SearchStrategy[dict[str, Any]]:
    """Return what signals may say, in any mixture."""
    some = st.sampled_from(NAMES)
    return st.fixed_dictionaries(
        {
            "seed": st.text(max_size=4),
            "session": st.text(max_size=4),
            "latencies": st.dictionaries(some, st.floats(0, 60)),
            "busy": st.dictionaries(some, st.floats(0, 2)),
            "bills": st.dictionaries(some, st.integers(0, 10**12)),
            "pin": st.none() | some.map(lambda name: f"{name}:m"),
            "holder": st.none() | some,
            "obstacles": st.dictionaries(some, st.sampled_from([PAUSED, ON_TRIAL])),
        }
    )


__all__ = [
    "NAMES", "ON_TRIAL", "PAUSED", "STRATEGIES", "Told", "draft", "group", "leaf", "moments", "ordered", "planned",
    "trees",
]  # fmt: skip
