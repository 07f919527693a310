"""Requests at the edges of the dialect: nothing lost in silence, nothing that ends in a crash."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.request import ReasoningControl
from flowrouter.dialects import anthropic, openai_chat
from flowrouter.dialects.gemini.envelope import skim, skim_counts
from flowrouter.dialects.gemini.parse_requests import parse_request
from flowrouter.errors import CallerError
from flowrouter.wire.json import dumps, loads
from tests.unit.dialects.gemini.build import chat, render, say

HI = [{"role": "user", "parts": [{"text": "Hi"}]}]
LEVELS: dict[str, Any] = {"thinking_style": "level", "efforts": ("low", "high")}
BUDGETS: dict[str, Any] = {"thinking_style": "budget"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("maxOutputTokens", 1e30), ("seed", -1e19), ("candidateCount", 2**70), ("topK", 1e300)],
    ids=["limit", "seed", "candidates", "top k"],
)
def test_a_number_that_no_counter_holds_is_the_callers_fault(name: str, value: float) -> None:
    body = dumps({"contents": HI, "generationConfig": {name: value}})
    with pytest.raises(CallerError) as caught:
        parse_request(body)
    assert caught.value.param == f"generationConfig.{name}"


@pytest.mark.parametrize("capabilities", [LEVELS, BUDGETS], ids=["levels", "budgets"])
def test_an_effort_nobody_knows_is_told(capabilities: dict[str, Any]) -> None:
    control = ReasoningControl(mode="effort", effort="extreme", raw={"reasoning_effort": "extreme"})
    rendered = render(chat(reasoning=control), **capabilities)
    assert [(loss.path, loss.kind) for loss in rendered.losses] == [("reasoning_effort", "dropped")]


@pytest.mark.parametrize(
    ("capabilities", "path"),
    [(LEVELS, "thinking"), (BUDGETS, "output_config.effort")],
    ids=["levels leave the budget", "budgets leave the effort"],
)
def test_of_a_budget_and_an_effort_the_one_not_sent_is_told(capabilities: dict[str, Any], path: str) -> None:
    body = {
        "model": "m",
        "max_tokens": 9000,
        "messages": [{"role": "user", "content": "Hi"}],
        "thinking": {"type": "enabled", "budget_tokens": 5000},
        "output_config": {"effort": "low"},
    }
    rendered = render(anthropic.CODEC.parse_request(dumps(body)), **capabilities)
    assert [loss.path for loss in rendered.losses] == [path]


def test_a_begun_answer_without_words_asks_for_nothing() -> None:
    rendered = render(chat(say("user", "Hi"), say("assistant", "   ")), prefill=False)
    assert loads(rendered.body)["contents"] == HI
    assert [loss.path for loss in rendered.losses] == ["messages"]


def test_the_name_of_a_sound_is_lost_by_name() -> None:
    sound = {"inlineData": {"mimeType": "audio/wav", "data": "AAAA", "displayName": "voice"}}
    request = parse_request(dumps({"contents": [{"parts": [sound]}]}))
    rendered = openai_chat.CODEC.render_request(request, "m", Capabilities())
    assert [loss.path for loss in rendered.losses] == ["contents[*].parts[*].inlineData"]


def test_a_skim_takes_whole_numbers_as_google_writes_them() -> None:
    config = {"maxOutputTokens": 40.0, "thinkingConfig": {"thinkingBudget": 0.0}}
    body = dumps({"contents": HI, "generationConfig": config})
    assert skim(body).max_tokens == 40
    assert skim_counts(body).thinking is False
    assert skim(dumps({"contents": HI, "generationConfig": {"maxOutputTokens": 0.5}})).max_tokens is None
