"""Settings of other dialects in Gemini's `generationConfig` and beside it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.request import OutputFormat, Request, Sampling
from flowrouter.errors import CallerError
from tests.unit.dialects.gemini.build import WEATHER, body_of, chat, render, rows, say

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


def config_of(request: Request, **options: Any) -> dict[str, Any]:
    config: dict[str, Any] = body_of(request, **options).get("generationConfig", {})
    return config


def test_sampling_zeros_survive() -> None:
    sampling = Sampling(
        temperature=0, top_p=0, seed=0, n=1, presence_penalty=0, frequency_penalty=0, logprobs=True,
        top_logprobs=0,
    )  # fmt: skip
    assert config_of(chat(sampling=sampling)) == {
        "temperature": 0,
        "topP": 0,
        "candidateCount": 1,
        "seed": 0,
        "presencePenalty": 0,
        "frequencyPenalty": 0,
        "responseLogprobs": True,
        "logprobs": 0,
    }


@pytest.mark.parametrize(
    ("sampling", "config", "lost"),
    [
        (Sampling(logit_bias={"1": 2}), {}, ("logit_bias", "dropped")),
        (Sampling(logprobs=False), {}, None),
        (Sampling(top_logprobs=3), {}, ("top_logprobs", "dropped")),
        (Sampling(top_k=0), {}, ("top_k", "dropped")),
        (Sampling(seed=2**40 + 7), {"seed": 7}, ("seed", "changed")),
        (Sampling(n=3), {"candidateCount": 3}, None),
    ],
    ids=["bias", "no logprobs", "top logprobs alone", "top-k 0", "wide seed", "several"],
)
def test_sampling_at_its_bounds(
    sampling: Sampling, config: dict[str, Any], lost: tuple[str, str] | None
) -> None:
    rendered = render(chat(sampling=sampling))
    assert json.loads(rendered.body).get("generationConfig", {}) == config
    assert rows(rendered.losses) == ([] if lost is None else [lost])


def test_what_the_host_refused_before_is_left_out() -> None:
    sampling = Sampling(seed=1, presence_penalty=0.5)
    rendered = render(chat(sampling=sampling), rejects=frozenset({"seed", "presencePenalty"}))
    assert "generationConfig" not in json.loads(rendered.body)
    assert rows(rendered.losses) == [("seed", "dropped"), ("presence_penalty", "dropped")]


@pytest.mark.parametrize(
    ("asked", "most", "sent", "lost"),
    [(100, None, 100, False), (100, 50, 50, True), (0, None, 1, True)],
    ids=["free", "capped", "zero"],
)
def test_output_cap(asked: int, most: int | None, sent: int, lost: bool) -> None:
    rendered = render(chat(max_tokens=asked), max_output=most)
    assert json.loads(rendered.body)["generationConfig"] == {"maxOutputTokens": sent}
    assert rows(rendered.losses) == ([("max_tokens", "changed")] if lost else [])


def test_stops() -> None:
    rendered = render(chat(stop=("a", "", "b", "c", "d", "e", "f")))
    assert json.loads(rendered.body)["generationConfig"] == {"stopSequences": ["a", "b", "c", "d", "e"]}
    assert rows(rendered.losses) == [("stop", "changed")]


def test_what_gemini_has_no_word_for_is_told() -> None:
    request = chat(
        user="u", verbosity="low", cache_key="k", cache=CacheHint(), metadata={"a": "b"}, service_tier="scale",
        parallel_tools=False, tools=(WEATHER,), extra={"prediction": {"type": "content"}, "store": None},
    )  # fmt: skip
    assert set(rows(render(request).losses)) == {
        (name, "dropped")
        for name in (
            "user", "verbosity", "prompt_cache_key", "cache_control", "metadata", "service_tier",
            "parallel_tool_calls", "prediction",
        )
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("auto", None),
        ("default", "standard"),
        ("flex", "flex"),
        ("priority", "priority"),
        ("fast", "priority"),
    ],
)
def test_service_tiers(asked: str, sent: str | None) -> None:
    rendered = render(chat(service_tier=asked))
    assert json.loads(rendered.body).get("serviceTier") == sent
    assert rendered.losses == ()


def test_labels_where_the_host_keeps_them() -> None:
    assert body_of(chat(metadata={"a": 1}), extensions=frozenset({"labels"}))["labels"] == {"a": "1"}


@pytest.mark.parametrize(
    ("modalities", "sent"), [(["text"], None), (["image", "text"], ["IMAGE", "TEXT"])], ids=["text", "image"]
)
def test_kinds_of_answer(modalities: list[str], sent: list[str] | None) -> None:
    rendered = render(chat(extra={"modalities": modalities}))
    assert json.loads(rendered.body).get("generationConfig", {}).get("responseModalities") == sent
    assert rendered.losses == ()


def test_an_answer_in_sound_only_is_refused() -> None:
    with pytest.raises(CallerError) as raised:
        render(chat(extra={"modalities": ["audio"]}))
    assert raised.value.param == "modalities"


def test_text_needs_no_format() -> None:
    assert "generationConfig" not in body_of(chat(output=OutputFormat(kind="text")))


def test_any_json() -> None:
    assert config_of(chat(output=OutputFormat(kind="json"))) == {"responseMimeType": "application/json"}


@pytest.mark.parametrize(
    ("mode", "field", "kind"),
    [("raw", "responseJsonSchema", "object"), ("clean", "responseSchema", "OBJECT")],
)
def test_an_answer_schema(mode: str, field: str, kind: str) -> None:
    config = config_of(chat(output=OutputFormat(kind="schema", schema=SCHEMA, strict=True)), schema_mode=mode)
    assert config["responseMimeType"] == "application/json"
    assert config[field]["type"] == kind


@pytest.mark.parametrize("kind", ["json", "schema"])
def test_an_answer_format_beside_tools_is_asked_for_in_words_where_need_be(kind: Any) -> None:
    output = OutputFormat(kind=kind, schema=SCHEMA if kind == "schema" else None)
    request = chat(say("system", "Sys."), say("user", "Hi"), tools=(WEATHER,), output=output)
    rendered = render(request, json_with_tools=False, model="gemini-2.5-flash")
    body = json.loads(rendered.body)
    assert "generationConfig" not in body
    assert [part["text"][:4] for part in body["systemInstruction"]["parts"]] == ["Sys.", "Answ"]
    assert rows(rendered.losses) == [("response_format", "emulated")]
    assert "responseMimeType" in config_of(request)


def test_a_schema_no_model_can_be_held_to_is_told() -> None:
    output = OutputFormat(kind="schema", schema=SCHEMA, description="The answer.", extra={"odd": 1})
    rendered = render(chat(output=output), json_schema=False)
    assert json.loads(rendered.body)["generationConfig"] == {"responseMimeType": "application/json"}
    assert set(rows(rendered.losses)) == {
        ("response_format", "emulated"),
        ("response_format.json_schema.description", "dropped"),
        ("response_format.odd", "dropped"),
    }


@pytest.mark.parametrize("name", ["previous_response_id", "conversation"])
def test_what_names_a_history_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(CallerError) as raised:
        render(chat(origin="openai_responses", extra={name: "x"}))
    assert raised.value.param == name


def test_a_policy_that_refuses_refuses_losses() -> None:
    with pytest.raises(CallerError) as raised:
        render(chat(user="u"), unsupported="refuse")
    assert raised.value.param == "user"
