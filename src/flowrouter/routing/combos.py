"""What a name stands for, as a tree: aliases and combos opened up, down to the accounts that answer.

A name that is met again below itself is taken for the model it may also be (`gpt-5 = ["gpt-5", …]`);
where no account has such a model, it is a circle, and that member is left out. Aliases that point at one
another swap their models. Names are opened a few levels deep and up to a number of steps, so that no
configuration makes a plan endless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from flowrouter.canonical.dialect import Dialect
from flowrouter.httpkit.keys import LOCAL_OWNER
from flowrouter.routing.conditions import Circumstances, is_open, told, unmet
from flowrouter.routing.facts import AccountFacts, Combo, Facts
from flowrouter.routing.finding import (
    Match,
    alone,
    catch_all,
    exact,
    first_models,
    globs,
    inferred,
    prefixed,
    usable,
)
from flowrouter.routing.suffix import behind_dash, in_parentheses, lists_effort
from flowrouter.routing.target import Target
from flowrouter.routing.tiering import STRATEGIES, Ranked, tiered, weighted
from flowrouter.routing.tiers import AUTO, chosen
from flowrouter.routing.tree import NO_POLICY, Group, Leaf, Note, Policy
from flowrouter.settings.routing import ComboConfig, ComboMember, Strategy

DEPTH_MAX = 5
"""How many aliases and combos may stand between a name and a model."""

STEPS_MAX = 500
"""How many names one request may have opened."""

CATCH_ALL = "catch-all"
"""The step that takes any name at all, so that it says nothing about the name."""

Path = tuple[str, ...]
"""The aliases and combos above a name: `alias:fast`, `combo:team`."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A model as a client of `dialect` wrote it, and whose request it is.

    `owners` are those whose accounts and combos are meant (none given: anybody's), the first before the
    others where both have a combo of a name: what one owner has or calls his combo must not change what a
    name means to another. `tag` limits the plan to accounts that bear it. `now` is what conditions are held
    against; without it they are left open.
    """

    model: str
    dialect: Dialect
    owners: tuple[str, ...] = ()
    tag: str = ""
    now: Circumstances | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What one step found: the tree (None: the name is taken, and nothing answers), and how.

    `chosen` says that more than one model stood behind the name.
    """

    step: str
    node: Group | Leaf | None = None
    chosen: bool = False


class Scope:
    """The opening of one name; gathers on the way what was left out and why."""

    def __init__(self, facts: Facts, asked: Asked) -> None:
        self.facts = facts
        self.asked = asked
        self.usable, self.notes = usable(facts, asked.owners, asked.tag)
        self.alone = alone(facts, asked.owners)
        # Whether the result depends on nothing but the name, so that it may be kept.
        self.fixed = True
        self.reasons: list[str] = []
        self.circles: list[str] = []
        self.disabled: list[str] = []
        self.unfit: list[str] = []
        self._steps = 0

    @property
    def refuses(self) -> bool:
        """Return whether what was left out is a reason to refuse rather than to look further."""
        return bool(self.circles or self.disabled or self.unfit)

    def resolve(self, name: str, path: Path = ()) -> Found | None:
        """Return what `name` stands for by any step but those for names that nobody answers."""
        return self.known(name, path) or self.caught(name)

    def known(self, name: str, path: Path = ()) -> Found | None:
        """Return what `name` stands for, as far as somebody is known to answer it."""
        self._steps += 1
        if len(path) > DEPTH_MAX or self._steps > STEPS_MAX:
            self._leave_out(name, f"nested deeper than {DEPTH_MAX} names, or too many of them")
            return Found(step="too deep")
        return self._written(name, path) or self._suffixed(name, path) or self._guessed(name, path)

    def caught(self, name: str) -> Found | None:
        """Return the accounts that take any name."""
        base, effort = in_parentheses(name) or (name, None)
        found = self._accounts(CATCH_ALL, catch_all(self.usable, base))
        return found if found is None or effort is None else _with_effort(found, effort)

    def group(self, name: str, strategy: Strategy, members: Iterable[Found | None]) -> Found:
        """Return several names as one, those that nothing answers left out."""
        nodes = tuple(found.node for found in members if found is not None and found.node is not None)
        step = name.replace(":", " ", 1)
        if not nodes:
            return Found(step=step)
        return Found(step=step, node=Group(name=name, strategy=strategy, members=nodes), chosen=True)

    def _written(self, name: str, path: Path) -> Found | None:
        alias = self.facts.aliases.get(name)
        if alias is not None and f"alias:{name}" not in path:
            return self._alias(name, alias, path)
        combo = self.facts.combo(name, self.asked.owners)
        if combo is not None and f"combo:{combo.name.lower()}" not in path:
            return self._combo(combo, path)
        if alias is not None or combo is not None:
            return self._closing(name, path)
        return self._listed(name)

    def _listed(self, name: str) -> Found | None:
        listed = self._accounts("exact name", exact(self.usable, name))
        return listed or self._accounts("account or preset prefix", prefixed(self.usable, name, self._knows))

    def _alias(self, name: str, target: str | tuple[str, ...], path: Path) -> Found:
        key = f"alias:{name}"
        if isinstance(target, str) or len(target) == 1:
            target = target if isinstance(target, str) else target[0]
            if f"alias:{target}" in (*path, key):
                return self._closing(name, (*path, key), said=target)
            found = self.resolve(target, (*path, key))
            step = f"alias → {target}, {found.step}" if found is not None else f"alias → {target}"
            return msgspec.structs.replace(found, step=step) if found is not None else Found(step=step)
        members = [self._member(ComboMember(model=model), f"alias {name}", (*path, key)) for model in target]
        strategy = STRATEGIES[self.facts.routing.rotation]
        return self.group(key, strategy, members)

    def _combo(self, combo: Combo, path: Path) -> Found:
        config, key = combo.config, f"combo:{combo.name.lower()}"
        members: list[Group | Leaf] = []
        for member in config.members:
            if not self._fits(member, combo.name):
                continue
            found = self._member(member, f"combo {combo.name}", (*path, key))
            if found is not None and found.node is not None:
                members.append(weighted(found.node, member.weight))
        step = f"combo {combo.name}"
        if not members:
            return Found(step=step)
        # Two owners' combos of one name do not take turns with each other.
        name = key if combo.owner_id == LOCAL_OWNER else f"{key}@{combo.owner_id}"
        node = Group(name=name, strategy=config.strategy, members=tuple(members), policy=_policy(config))
        return Found(step=step, node=node, chosen=True)

    def _member(self, member: ComboMember, where: str, path: Path) -> Found | None:
        """Return what a member stands for; says so where that is nothing."""
        circles, disabled = len(self.circles), len(self.disabled)
        found = self.resolve(member.model, path)
        if found is None:
            self._leave_out(member.model, f"{where}: no account answers it")
        elif found.node is None and circles == len(self.circles) and disabled == len(self.disabled):
            self._leave_out(member.model, f"{where}: nothing behind it answers")
        return found

    def _fits(self, member: ComboMember, combo: str) -> bool:
        if is_open(member.when):
            return True
        self.fixed = False
        if self.asked.now is None:
            self.reasons.append(f"combo {combo}: {member.model} only where {told(member.when)}")
            return True
        reason = unmet(member.when, self.asked.now)
        if reason is None:
            return True
        self.unfit.append(f"{member.model} is {reason}")
        self._leave_out(member.model, f"combo {combo}: {reason}")
        return False

    def _closing(self, name: str, path: Path, *, said: str = "") -> Found:
        """Return the model that `name` also is, where it cannot be opened once more; else tell the circle."""
        found = self._listed(name) or self._suffixed(name, path) or self._guessed(name, path)
        if found is None:
            # One that names itself means the model; a longer way back is rather a mistake.
            itself = path and path[-1].partition(":")[2] == (said or name)
            unknown = [account for account in self.usable if itself or account.models is None]
            found = self._accounts(CATCH_ALL, catch_all(unknown, name))
        if found is not None:
            return found
        way = " → ".join((*(step.partition(":")[2] for step in path), said or name))
        self.circles.append(way)
        self._leave_out(name, f"leads back to itself: {way}")
        return Found(step="circle")

    def _suffixed(self, name: str, path: Path) -> Found | None:
        split = in_parentheses(name)
        if split is not None:
            base, effort = split
            found = self._written(base, path) or self._guessed(base, path)
            return None if found is None else _with_effort(found, effort)
        split = behind_dash(name)
        if split is None:
            return None
        base, effort = split
        notes = len(self.notes)
        found = self._written(base, path)
        node = found and found.node and _only(found.node, lambda leaf: self._leaf_knows(leaf, effort))
        if found is None or node is None:
            del self.notes[notes:]
            return None
        return _with_effort(msgspec.structs.replace(found, node=node), effort)

    def _guessed(self, name: str, path: Path) -> Found | None:
        if (found := self._accounts("glob", globs(self.usable, name))) is not None:
            return found
        if (found := self._virtual(name, path)) is not None:
            return found
        return self._accounts("family of models", inferred(self.usable, name))

    def auto(self, tag: str = "") -> Found | None:
        """Return the first model of every account (that bears `tag`); reserved ones only while alone."""
        accounts = [account for account in self.usable if self.alone or not account.reserved]
        accounts = [account for account in accounts if not tag or tag in account.tags]
        leaves = self._leaves(first_models(accounts)) or self._leaves(catch_all(accounts, AUTO))
        if not leaves:
            return None
        nodes = tuple(leaf for _, leaf in leaves)
        node = nodes[0] if len(nodes) == 1 else Group(name=AUTO, strategy="priority", members=nodes)
        return Found(step=AUTO, node=node, chosen=True)

    def _virtual(self, name: str, path: Path) -> Found | None:
        """Return what `auto` or `auto:TIER` stands for in this request."""
        settings = self.facts.routing.tiers
        if name.lower() == AUTO and settings.enabled:
            self.fixed = False
        choice = chosen(name, settings, self.asked.now)
        if choice is None:
            return self.auto() if name == AUTO else None
        self.reasons.append(choice.reason)
        key = f"tier:{choice.tier}"
        if choice.names and key not in path:
            members = [
                self._member(ComboMember(model=model), f"tier {choice.tier}", (*path, key))
                for model in choice.names
            ]
            named = self.group(key, "priority", members)
            if named.node is not None:
                return named
        found = self.auto(choice.tag) or self.auto()
        return found and msgspec.structs.replace(found, step=f"tier {choice.tier}")

    def _accounts(self, step: str, found: Iterator[Match]) -> Found | None:
        """Return the tree of the accounts a step found; disabled models are found and not asked."""
        before = len(self.disabled)
        leaves = self._leaves(found)
        if leaves:
            return Found(step=step, node=tiered(leaves, self.facts.routing))
        return Found(step="disabled") if len(self.disabled) > before else None

    def _leaves(self, found: Iterator[Match]) -> Sequence[Ranked]:
        leaves: list[Ranked] = []
        for match in found:
            glob = self.facts.disabling(match.account, match.model)
            if glob is None:
                leaves.append((match.account.priority, self._leaf(match)))
            else:
                self.disabled.append(glob)
                reason = f"switched off by disabled_models ({glob})"
                self.notes.append(
                    Note(account=match.account.name, taken=False, reason=reason, model=match.model)
                )
        return leaves

    def _leaf(self, match: Match) -> Leaf:
        account, dialect = match.account, self._dialect(match.account)
        target = Target(
            account_id=account.id,
            account=account.name,
            preset=account.preset,
            model=match.model,
            dialect=dialect,
            host=account.hosts.get(dialect, ""),
            effort=match.effort,
        )
        return Leaf(target=target, reason=match.reason, weight=account.weight)

    def _dialect(self, account: AccountFacts) -> Dialect:
        own = self.asked.dialect
        return own if own in account.dialects else account.dialects[0]

    def _knows(self, account: AccountFacts, model: str, effort: str) -> bool:
        preset = self.facts.presets.get(account.id)
        return lists_effort(preset, model, dialect=self._dialect(account), effort=effort)

    def _leaf_knows(self, leaf: Leaf, effort: str) -> bool:
        target = leaf.target
        preset = self.facts.presets.get(target.account_id)
        return lists_effort(preset, target.model, dialect=target.dialect, effort=effort)

    def _leave_out(self, name: str, reason: str) -> None:
        self.notes.append(Note(account="", taken=False, reason=reason, model=name))


def _policy(config: ComboConfig) -> Policy:
    policy = Policy(
        attempts=config.attempts,
        first_token=config.first_token,
        wait=config.wait,
        completion=config.completion,
    )
    return NO_POLICY if policy == NO_POLICY else policy  # one object for none, told at a glance


def _with_effort(found: Found, effort: str) -> Found:
    """Return `found` with every target told how much to reason."""

    def told_so(leaf: Leaf) -> Leaf:
        return msgspec.structs.replace(leaf, target=msgspec.structs.replace(leaf.target, effort=effort))

    node = found.node and _mapped(found.node, told_so)
    return msgspec.structs.replace(found, node=node, step=f"{found.step}, effort {effort}")


def _only(node: Group | Leaf, keep: Callable[[Leaf], bool]) -> Group | Leaf | None:
    """Return `node` with the leaves to be kept, None if there is none."""
    return _mapped(node, lambda leaf: leaf if keep(leaf) else None)


def _mapped(node: Group | Leaf, change: Callable[[Leaf], Leaf | None]) -> Group | Leaf | None:
    if isinstance(node, Leaf):
        return change(node)
    members = tuple(new for member in node.members if (new := _mapped(member, change)) is not None)
    return msgspec.structs.replace(node, members=members) if members else None


__all__ = ["AUTO", "CATCH_ALL", "DEPTH_MAX", "STEPS_MAX", "Asked", "Found", "Scope"]
