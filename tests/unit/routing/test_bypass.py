"""Bypass rules by themselves: which requests need no model, and what they are told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flowrouter.canonical.head import Texts
from flowrouter.routing.bypass import bypassed, may_fit
from flowrouter.settings.routing import Bypass

ON = Bypass(enabled=True, topic=True, patterns=(r"^write a \d+-word title",), answer="fine")
TITLED = Texts(user=("please mend the parser now",), system=("tell isNewTopic",), last="user")
PREFILLED = Texts(user=("please mend the parser now",), assistant=("{",), last="assistant")


@pytest.mark.parametrize(
    ("texts", "rule", "told"),
    [
        (Texts(user=("Warmup",), last="user"), "warmup", "fine"),
        (Texts(user=("<system-reminder>x</system-reminder>\nWarmup",), last="user"), "warmup", "fine"),
        (Texts(user=("count",), last="user"), "count", "fine"),
        (PREFILLED, "title_prefill", '"isNewTopic":true,"title":"please mend the"}'),
        (TITLED, "topic", '{"isNewTopic":true,"title":"please mend the"}'),
        (Texts(user=("Write a 7-word title",), last="user"), "patterns[0]", "fine"),
    ],
    ids=["warmup", "with-a-reminder", "count", "prefill", "topic", "pattern"],
)
def test_each_rule(texts: Texts, rule: str, told: str) -> None:
    found = bypassed(ON, texts, tools=0)
    assert found is not None
    assert (found.rule, found.text) == (rule, told)
    assert bypassed(msgspec.structs.replace(ON, enabled=False), texts, tools=0) is None


@pytest.mark.parametrize(
    "texts",
    [
        Texts(),
        Texts(unread=True),
        Texts(user=("hello",), last="user"),
        Texts(user=("warmup",), last="user"),
        Texts(user=("Warmup", "Warmup"), last="user"),
        Texts(user=("count", "now"), last="user"),
        Texts(user=("count",), assistant=("1",), last="assistant"),
        Texts(user=("Write a 7-word title",), tool=("x",), last="tool"),
        Texts(user=("hi",), assistant=("{}",), last="assistant"),
    ],
    ids=lambda texts: "-".join((*texts.user, *texts.assistant, *texts.tool, "x")),
)
def test_all_others_go_to_a_model(texts: Texts) -> None:
    assert bypassed(ON, texts, tools=0) is None


def test_a_prefill_with_tools_is_no_title() -> None:
    assert bypassed(ON, PREFILLED, tools=1) is None


@pytest.mark.parametrize("off", ["warmup", "count", "title_prefill", "topic"])
def test_each_rule_can_be_switched_off(off: str) -> None:
    texts = {"warmup": Texts(user=("Warmup",)), "count": Texts(user=("count",)), "title_prefill": PREFILLED, "topic": TITLED}  # fmt: skip
    change: dict[str, Any] = {off: False}
    assert bypassed(msgspec.structs.replace(ON, **change), texts[off], tools=0) is None


def test_a_pattern_that_takes_too_long_asks_a_model() -> None:
    slow = Bypass(enabled=True, patterns=(r"^(?:a|aa)+$",))
    assert bypassed(slow, Texts(user=("a" * 400 + "!",), last="user"), tools=0) is None


def test_most_bodies_are_not_even_looked_at() -> None:
    plain = Bypass(enabled=True)
    assert not may_fit(plain, b'{"messages":[{"role":"user","content":"hello"}]}')
    assert may_fit(plain, b'{"messages":[{"role":"user","content":"Warmup"}]}')
    assert may_fit(ON, b"{}")
