"""The fate of each field of a request, from the names of its members and what was lost."""

from __future__ import annotations

from typing import Any

from flowrouter.canonical.fates import Fate, fates, member_names
from flowrouter.canonical.loss import Loss, LossKind


def lost(path: str, kind: LossKind = "dropped") -> Loss:
    return Loss(path=path, kind=kind, reason="a reason")


def told(names: list[str], *losses: Loss, **members: Any) -> dict[str, str]:
    options: dict[str, Any] = {"lane": "translate", "origin": "openai_chat", "target": "anthropic", **members}
    return {fate.field: fate.fate for fate in fates(names, losses, **options)}


def test_settings_in_an_object_are_fields_of_their_own() -> None:
    body = {
        "contents": [],
        "generationConfig": {"seed": 1, "topP": 0.5},
        "text": "no object",
        "reasoning": {},
    }
    assert member_names(body) == (
        "contents",
        "generationConfig.seed",
        "generationConfig.topP",
        "text",
        "reasoning",
    )


def test_on_the_passthrough_lane_all_pass_but_the_owned_ones() -> None:
    names = ["model", "messages", "brand_new"]
    assert told(names, lane="passthrough", target="openai_chat", edited=["model"]) == {
        "model": "mapped",
        "messages": "passed",
        "brand_new": "passed",
    }


def test_what_has_one_name_and_form_passes_and_the_rest_is_mapped() -> None:
    names = ["temperature", "max_tokens", "messages", "stop", "response_format", "stream"]
    assert told(names) == {
        "temperature": "passed",
        "max_tokens": "passed",
        "messages": "mapped",
        "stop": "mapped",
        "response_format": "mapped",
        "stream": "passed",
    }


def test_the_worst_of_what_happened_counts() -> None:
    names = ["seed", "temperature", "tools", "messages"]
    losses = (
        lost("seed"),
        lost("temperature", "changed"),
        lost("tools[0].function.name", "changed"),
        lost("tools", "emulated"),
        lost("messages[2].content[0]"),
        lost("messages[3].content[0]"),
    )
    assert told(names, *losses) == {
        "seed": "dropped",
        "temperature": "approximated",
        "tools": "emulated",
        "messages": "approximated",
    }
    options: dict[str, Any] = {"lane": "translate", "origin": "openai_chat", "target": "anthropic"}
    assert fates(names, losses, **options)[3] == Fate(
        field="messages", fate="approximated", rules=("openai_chat>anthropic:messages[].content[]:dropped",)
    )


def test_a_loss_finds_its_field_above_and_below() -> None:
    names = ["generationConfig.thinkingConfig", "generationConfig.seed", "safetySettings"]
    losses = (
        lost("generationConfig.thinkingConfig.includeThoughts"),
        lost("generationConfig.seed"),
        lost("safetySettings"),
    )
    assert told(names, *losses, origin="gemini") == {
        "generationConfig.thinkingConfig": "approximated",
        "generationConfig.seed": "dropped",
        "safetySettings": "dropped",
    }


def test_a_loss_of_no_named_field_is_told_all_the_same() -> None:
    assert told(["messages"], lost("metadata.user_id", "changed")) == {
        "messages": "mapped",
        "metadata": "approximated",
    }


def test_a_refused_field_is_named_whatever_else_happened() -> None:
    result = fates(
        ["n", "seed"], [lost("seed")], lane="translate", origin="openai_chat", target="anthropic", refused="n"
    )
    assert result == (
        Fate(field="n", fate="refused", rules=("openai_chat>anthropic:n:refused",)),
        Fate(field="seed", fate="dropped", rules=("openai_chat>anthropic:seed:dropped",)),
    )
