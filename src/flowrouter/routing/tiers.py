"""The virtual models `auto`, `auto:cheap`, `auto:standard` and `auto:strong`: what they stand for.

A name that anybody lists, an alias or a combo is never looked at here: who names a model gets it. Plain
`auto` is classified by the user's last own words (their length, code in them) and by totals (turns,
results of tools, pictures, effort, length), so that a tool that is merely offered says nothing and a
loop of an agent keeps its tier. The first rule that finds anything decides, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, get_args

import msgspec

from flowrouter.routing.conditions import Circumstances
from flowrouter.settings.routing import Tiers

Tier = Literal["cheap", "standard", "strong"]

TIERS: tuple[Tier, ...] = get_args(Tier)

AUTO = "auto"
"""The virtual model that means: whatever fits."""

_GREAT_EFFORTS = frozenset({"high", "xhigh", "max"})

_FENCE = re.compile(r"^\s*(?:```|~~~)", re.MULTILINE)

_ASIDE = re.compile(r"<(system-reminder|environment_context|user_instructions)>.*?</\1>", re.DOTALL)
"""What coding agents put into a user's turn besides the user's words."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What a virtual model stands for in one request.

    `names` are models or combos as a client would write them, asked in this order. Where there are none,
    the accounts with `tag` are meant, and where there are none of those either, all accounts.
    """

    tier: Tier
    names: tuple[str, ...]
    tag: str
    reason: str


def chosen(name: str, tiers: Tiers, now: Circumstances | None) -> Choice | None:
    """Return what the virtual model `name` stands for.

    None: it is none, or plain `auto` is not classified (any account, in the order of priority). To be
    called behind aliases, combos and models of that name. `now` None is a name without a request.
    """
    stem, colon, wanted = name.lower().partition(":")
    if stem != AUTO:
        return None
    if colon:
        if wanted not in TIERS:
            return None
        return _choice(wanted, tiers, f"{name} was asked for")
    if not tiers.enabled:
        return None
    tier, why = classified(tiers, now)
    return _choice(tier, tiers, f"{AUTO} is {tier} here: {why}")


def classified(tiers: Tiers, now: Circumstances | None) -> tuple[Tier, str]:
    """Return the tier that a request needs, and why."""
    if now is None:
        return "standard", "there is no request to judge by"
    if now.counts is None or now.texts is None:
        return "standard", "the request cannot be judged"
    strong = next(_strong(tiers, now), None)
    if strong is not None:
        return "strong", strong
    standard = next(_standard(tiers, now), None)
    if standard is not None:
        return "standard", standard
    return "cheap", "a short question without code or tools"


def own_words(turn: str) -> str:
    """Return a user's turn without what the client put in besides."""
    return _ASIDE.sub("", turn).strip() if "<" in turn else turn.strip()


def _choice(tier: Tier, tiers: Tiers, reason: str) -> Choice:
    names: tuple[str, ...] = getattr(tiers, tier)
    return Choice(tier=tier, names=names, tag=f"tier:{tier}", reason=reason)


def _strong(tiers: Tiers, now: Circumstances) -> Iterator[str]:
    counts, words = now.counts, _last_words(now)
    assert counts is not None
    if len(words) > tiers.standard_max_chars:
        yield f"the last turn has {len(words)} characters"
    if tiers.strong_on_code and _FENCE.search(words):
        yield "the last turn holds code"
    if tiers.strong_on_effort and counts.effort in _GREAT_EFFORTS:
        yield f"the effort asked for is {counts.effort}"
    if tiers.strong_on_images and counts.images:
        yield "the request holds pictures"
    if counts.turns >= tiers.strong_min_turns:
        yield f"the conversation has {counts.turns} turns"
    most = tiers.strong_min_output
    if most is not None and now.max_output is not None and now.max_output >= most:
        yield f"the answer may have {now.max_output} tokens"


def _standard(tiers: Tiers, now: Circumstances) -> Iterator[str]:
    counts, words = now.counts, _last_words(now)
    assert counts is not None
    if len(words) > tiers.cheap_max_chars:
        yield f"the last turn has {len(words)} characters"
    if counts.tool_results:
        yield f"tools were used ({counts.tool_results} results)"
    if counts.images or counts.documents:
        yield "the request holds pictures or documents"
    if counts.thinking:
        yield "reasoning is asked for"
    if counts.text_bytes > tiers.standard_max_chars * _HISTORY:
        yield f"the whole request has {counts.text_bytes} bytes"


_HISTORY = 4
"""How many times the longest standard turn the whole of a cheap request may be."""


def _last_words(now: Circumstances) -> str:
    texts = now.texts
    return own_words(texts.user[-1]) if texts is not None and texts.user else ""


__all__ = ["AUTO", "TIERS", "Choice", "Tier", "chosen", "classified", "own_words"]
