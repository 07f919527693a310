"""Requests of coding agents that need no model: which they are, and what they are told.

Each rule can be switched off; all are off by default, because an answer without a model is right only for
who knows the client. A pattern that takes too long finds nothing: then a model is asked, as without it.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from flowrouter.canonical.head import Texts
from flowrouter.routing.intent import LIMIT, matcher
from flowrouter.routing.tiers import own_words
from flowrouter.settings.routing import Bypass
from flowrouter.wire.json import dumps_text

STEP = "bypass"
"""The step of an exchange that was answered without a model, and the preset it is booked under."""

_PREFILL = "{"
_TOPIC = "isNewTopic"
_TITLE_WORDS = 3


class Bypassed(msgspec.Struct, frozen=True, kw_only=True):
    """The rule that fits, and the answer."""

    rule: str
    text: str


def may_fit(settings: Bypass, body: bytes) -> bool:
    """Return whether a look at the words of `body` may be worth it, by its bytes alone."""
    return (
        bool(settings.patterns)
        or (settings.warmup and b"Warmup" in body)
        or (settings.count and b'"count"' in body)
        or (settings.title_prefill and b'"{' in body)
        or (settings.topic and _TOPIC.encode() in body)
    )


def bypassed(settings: Bypass, texts: Texts, *, tools: int) -> Bypassed | None:
    """Return the answer to a request that needs no model, None for one that does.

    `tools` is how many tools it offers: whoever offers some wants more than a title.
    """
    if not settings.enabled or texts.unread or not texts.user:
        return None
    words = own_words(texts.user[-1])
    alone = len(texts.user) == 1 and not texts.assistant
    if settings.warmup and alone and words == "Warmup":
        return Bypassed(rule="warmup", text=settings.answer)
    if settings.count and alone and words == "count":
        return Bypassed(rule="count", text=settings.answer)
    prefilled = texts.last == "assistant" and texts.assistant[-1].strip() == _PREFILL
    if settings.title_prefill and prefilled and not tools:
        return Bypassed(rule="title_prefill", text=_title(words, prefilled=True))
    if settings.topic and any(_TOPIC in text for text in texts.system):
        return Bypassed(rule="topic", text=_title(words, prefilled=prefilled))
    if texts.last == "user":
        return _by_pattern(settings, words)
    return None


def _by_pattern(settings: Bypass, words: str) -> Bypassed | None:
    for place, pattern in enumerate(settings.patterns):
        try:
            if _matcher(pattern)(words, LIMIT):
                return Bypassed(rule=f"patterns[{place}]", text=settings.answer)
        except TimeoutError:
            continue
    return None


def _title(words: str, *, prefilled: bool) -> str:
    """Return the JSON that such clients read; behind a prefill it goes on from there."""
    title = " ".join(words.split()[:_TITLE_WORDS])
    text = dumps_text({_TOPIC: True, "title": title})
    return text.removeprefix(_PREFILL) if prefilled else text


_matcher = lru_cache(maxsize=64)(matcher)

__all__ = ["STEP", "Bypassed", "bypassed", "may_fit"]
