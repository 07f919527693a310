"""Which prompts must stay at home: the user's own patterns over the words of a request.

Everything fails closed. A pattern that takes too long counts as found, and so does every pattern where
words cannot be read. Pictures and other files have no words that could be read here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import msgspec

from flowrouter.canonical.head import Texts
from flowrouter.routing.target import Target
from flowrouter.routing.tree import Draft, Group, Leaf, Note
from flowrouter.settings.routing import IntentRule

LIMIT = 0.05
"""Seconds a pattern may take over a short text."""

_PER_CHARACTER = 0.2e-6
"""What is added for each character: more than ten times what a plain pattern takes."""

Match = Callable[[str, float], bool]
"""Whether a pattern is found in a text within so many seconds; raises `TimeoutError`."""


class Confinement(msgspec.Struct, frozen=True, kw_only=True):
    """Where a prompt must stay: accounts that bear all of `tags`, for the sake of `rules`.

    `slow` names the rules that only count as found. `models` answer where the name asked for leads to
    no such account. No word of the prompt is in it.
    """

    rules: tuple[str, ...]
    tags: tuple[str, ...]
    models: tuple[str, ...] = ()
    slow: tuple[str, ...] = ()
    unread: bool = False

    @property
    def reason(self) -> str:
        """Return why, as a sentence for people."""
        named, tags = " and ".join(map(repr, self.rules)), " and ".join(map(repr, self.tags))
        told = f"kept at accounts tagged {tags} by the intent rule {named}"
        if self.unread:
            return f"{told}, because the request holds words that cannot be read"
        if self.slow:
            return f"{told}, because the pattern of {self.slow[0]!r} took too long"
        return told


def confined(rules: tuple[IntentRule, ...], texts: Texts) -> Confinement | None:
    """Return where a request with `texts` must stay, None where no rule finds anything.

    It takes up to some milliseconds for each megabyte and lets other threads run meanwhile.
    """
    joined: dict[tuple[str, ...], str] = {}
    found: list[IntentRule] = []
    slow: list[str] = []
    for rule in rules:
        text = joined.get(rule.where)
        if text is None:
            text = joined[rule.where] = _joined(texts, rule.where)
        try:
            if not (texts.unread or _matcher(rule.pattern)(text, LIMIT + len(text) * _PER_CHARACTER)):
                continue
        except TimeoutError:
            slow.append(rule.name)
        found.append(rule)
    if not found:
        return None
    return Confinement(
        rules=tuple(dict.fromkeys(rule.name for rule in found)),
        tags=tuple(dict.fromkeys(rule.tag for rule in found)),
        models=tuple(dict.fromkeys(rule.model for rule in found if rule.model)),
        slow=tuple(slow),
        unread=texts.unread,
    )


def restrict(draft: Draft, allowed: Callable[[Target], bool], reason: str) -> Draft:
    """Return `draft` with only the targets that are `allowed`, the others noted; without any it has no root."""
    if draft.root is None:
        return draft
    left_out: dict[tuple[str, str], Note] = {}
    for leaf in (draft.root,) if isinstance(draft.root, Leaf) else draft.root.leaves():
        if not allowed(leaf.target):
            target = leaf.target
            left_out[target.account, target.model] = Note(
                account=target.account, taken=False, reason=reason, model=target.model
            )
    if not left_out:
        return draft
    return msgspec.structs.replace(
        draft, root=_kept(draft.root, allowed), notes=(*draft.notes, *left_out.values())
    )


def matcher(pattern: str) -> Match:
    """Return what looks for `pattern`; case does not count, `^` and `$` stand at lines."""
    import regex  # loaded only where somebody wrote a rule

    compiled: Any = regex.compile(pattern, regex.IGNORECASE | regex.MULTILINE)

    def found(text: str, limit: float) -> bool:
        return compiled.search(text, timeout=limit, concurrent=True) is not None

    return found


_matcher = lru_cache(maxsize=256)(matcher)


def _kept(node: Group | Leaf, allowed: Callable[[Target], bool]) -> Group | Leaf | None:
    if isinstance(node, Leaf):
        return node if allowed(node.target) else None
    members = tuple(kept for member in node.members if (kept := _kept(member, allowed)) is not None)
    return msgspec.structs.replace(node, members=members) if members else None


def _joined(texts: Texts, where: Iterable[str]) -> str:
    return "\n".join(word for speaker in where for word in getattr(texts, speaker))


__all__ = ["LIMIT", "Confinement", "Match", "confined", "matcher", "restrict"]
