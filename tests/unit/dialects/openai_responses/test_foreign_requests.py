"""Settings of other dialects in this one's terms, decided by what the target can take."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.request import OutputFormat, ReasoningControl, Sampling
from flowrouter.errors import CallerError
from tests.unit.dialects.openai_responses.build import body, lost, render, user

REASONS = Capabilities(thinking_style="effort", sampling_with_thinking=False, efforts=("low", "high"))
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


def test_a_plain_request_is_stateless() -> None:
    assert body() == {
        "model": "gpt",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        "store": False,
    }


def test_a_reasoning_model_is_asked_for_its_state() -> None:
    assert body(REASONS)["include"] == ["reasoning.encrypted_content"]
    assert "include" not in body(Capabilities(thinking_style="none"))
    refusing = Capabilities(thinking_style="effort", rejects=frozenset({"include", "store"}))
    assert body(refusing).keys() == {"model", "input"}


def test_storage_only_where_the_client_asked_for_it() -> None:
    assert body(origin="openai_chat", extra={"store": True})["store"] is True
    assert body(origin="openai_chat", extra={"store": False})["store"] is False


@pytest.mark.parametrize(
    ("control", "form", "losses"),
    [
        (ReasoningControl(mode="effort", effort="high"), {"effort": "high"}, []),
        (ReasoningControl(mode="effort", effort="max"), {"effort": "high"}, ["thinking"]),
        (ReasoningControl(mode="budget", budget=800), {"effort": "low", "summary": "auto"}, ["thinking"]),
        (ReasoningControl(mode="auto"), {"summary": "auto"}, []),
        (ReasoningControl(mode="auto", effort="low", display="omitted"), {"effort": "low"}, []),
        (ReasoningControl(mode="auto", display="summarized"), {"summary": "auto"}, []),
        (ReasoningControl(mode="effort", effort="low", display="concise"), {"effort": "low", "summary": "concise"}, []),
        (ReasoningControl(mode="off"), {"effort": "low"}, ["thinking"]),
    ],
    ids=["effort", "clamped", "budget", "auto", "omitted", "summarized", "concise", "off"],
)  # fmt: skip
def test_reasoning(control: ReasoningControl, form: dict[str, str], losses: list[str]) -> None:
    assert body(REASONS, reasoning=control)["reasoning"] == form
    assert lost(REASONS, reasoning=control) == losses


def test_reasoning_where_it_cannot_be_controlled() -> None:
    plain = Capabilities(thinking_style="none")
    control = ReasoningControl(mode="effort", effort="high")
    assert "reasoning" not in body(plain, reasoning=control)
    assert lost(plain, reasoning=control) == ["thinking"]
    assert lost(plain, reasoning=ReasoningControl(mode="off")) == []


def test_chat_clients_get_no_summary_unasked() -> None:
    control = ReasoningControl(mode="effort", effort="low")
    assert body(REASONS, origin="openai_chat", reasoning=control)["reasoning"] == {"effort": "low"}


def test_a_refused_summary_is_left_out_and_told() -> None:
    refusing = Capabilities(rejects=frozenset({"reasoning.summary"}))
    control = ReasoningControl(mode="auto", effort="low")
    assert body(refusing, reasoning=control)["reasoning"] == {"effort": "low"}
    assert lost(refusing, reasoning=control) == ["thinking.display"]


def test_zeros_survive() -> None:
    whole = body(sampling=Sampling(temperature=0, top_p=0))
    assert (whole["temperature"], whole["top_p"]) == (0, 0)


def test_what_has_no_place() -> None:
    sampling = Sampling(
        top_k=4, presence_penalty=0, frequency_penalty=1, seed=0, logit_bias={"1": 2}, n=1, temperature=1
    )
    losses = lost(origin="openai_chat", sampling=sampling, stop=("END",))
    assert losses == ["top_k", "presence_penalty", "frequency_penalty", "seed", "logit_bias", "stop"]
    assert body(sampling=sampling, stop=("END",)).keys() == {"model", "input", "temperature", "store"}
    assert lost(sampling=Sampling(logit_bias={})) == []


def test_several_answers_are_refused() -> None:
    with pytest.raises(CallerError) as caught:
        render(origin="gemini", sampling=Sampling(n=2))
    assert caught.value.param == "generationConfig.candidateCount"
    assert lost(Capabilities(unsupported="drop"), sampling=Sampling(n=2)) == ["n"]


def test_sampling_while_the_model_reasons() -> None:
    control = ReasoningControl(mode="effort", effort="high", display="omitted")
    members: dict[str, Any] = {
        "reasoning": control,
        "sampling": Sampling(temperature=0.5, logprobs=True, top_logprobs=2),
    }
    assert body(REASONS, **members).keys() == {"model", "input", "reasoning", "store", "include"}
    assert body(REASONS, **members)["include"] == ["reasoning.encrypted_content"]
    assert lost(REASONS, **members) == ["temperature", "top_logprobs", "logprobs"]


def test_logprobs() -> None:
    whole = body(sampling=Sampling(logprobs=True, top_logprobs=3))
    assert (whole["top_logprobs"], whole["include"]) == (3, ["message.output_text.logprobs"])
    assert body(sampling=Sampling(logprobs=True))["top_logprobs"] == 0
    assert "top_logprobs" not in body(sampling=Sampling(logprobs=False, top_logprobs=3))


@pytest.mark.parametrize(
    ("asked", "sent"), [(1, 16), (16, 16), (500, 500), (5000, 1000)], ids=["low", "least", "fits", "high"]
)
def test_output_cap(asked: int, sent: int) -> None:
    able = Capabilities(max_output=1000)
    assert body(able, max_tokens=asked)["max_output_tokens"] == sent
    assert lost(able, max_tokens=asked) == (["max_tokens"] if asked != sent else [])


def test_structured_output() -> None:
    form = OutputFormat(kind="schema", schema=SCHEMA)
    assert body(output=form)["text"] == {
        "format": {"type": "json_schema", "name": "response", "schema": SCHEMA}
    }
    named = OutputFormat(kind="schema", name="a b", description="d", schema=SCHEMA, strict=False)
    sent = body(output=named)["text"]["format"]
    assert (sent["description"], sent["strict"]) == ("d", False)
    assert sent["name"].startswith("a_b_")
    assert lost(output=named) == ["output_config.format.name"]


def test_structured_output_in_words() -> None:
    form = OutputFormat(kind="schema", schema=SCHEMA)
    whole = body(Capabilities(json_schema=False), output=form)
    assert whole["text"] == {"format": {"type": "json_object"}}
    assert "must match this schema" in whole["instructions"]
    bare = body(Capabilities(json_schema=False, json_object=False), output=form)
    assert "text" not in bare
    assert lost(Capabilities(json_schema=False), messages=(user("JSON"),), output=form) == [
        "output_config.format"
    ]


def test_any_json_needs_the_word_among_the_messages() -> None:
    form = OutputFormat(kind="json")
    named = (user("Answer in JSON."),)
    assert len(body(messages=named, output=form)["input"]) == 1
    assert lost(messages=named, output=form) == []
    first, _ = body(output=form)["input"]
    assert "JSON" in first["content"][0]["text"]
    assert lost(output=form) == ["output_config.format"]


def test_plain_text_asked_for_is_nothing_to_say() -> None:
    assert "text" not in body(output=OutputFormat(kind="text"))
    assert body(verbosity="low")["text"] == {"verbosity": "low"}


def test_labels() -> None:
    whole = body(origin="openai_chat", user="u", cache_key="k", metadata={"a": "b"}, service_tier="flex")
    assert {name: whole[name] for name in ("user", "prompt_cache_key", "metadata", "service_tier")} == {
        "user": "u",
        "prompt_cache_key": "k",
        "metadata": {"a": "b"},
        "service_tier": "flex",
    }


def test_long_labels_are_shortened_without_becoming_one() -> None:
    first, second = ("u" * 80 + letter for letter in "ab")
    users = [body(user=name)["user"] for name in (first, second)]
    assert len(users[0]) == 64
    assert users[0] != users[1]
    assert lost(user=first) == ["metadata.user_id"]
    assert body(user="größe")["user"] == "größe"


def test_metadata_that_does_not_fit() -> None:
    odd: dict[str, Any] = {"a": 1, "b": "x" * 600, "c": "ok"}
    assert body(metadata=odd)["metadata"] == {"c": "ok"}
    assert lost(metadata=odd) == ["metadata.a", "metadata.b"]
    many = {str(number): "v" for number in range(20)}
    assert len(body(metadata=many)["metadata"]) == 16


@pytest.mark.parametrize(
    ("asked", "sent", "losses"),
    [
        ("auto", None, []),
        ("standard_only", "default", []),
        ("PRIORITY", "priority", []),
        ("batch", None, ["service_tier"]),
    ],
    ids=["auto", "standard", "priority", "unknown"],
)
def test_service_tier(asked: str, sent: str | None, losses: list[str]) -> None:
    assert body(service_tier=asked).get("service_tier") == sent
    assert lost(service_tier=asked) == losses


def test_members_both_of_openais_dialects_have() -> None:
    extra = {
        "safety_identifier": "s",
        "prompt_cache_retention": "24h",
        "stream_options": {"include_usage": True, "include_obfuscation": False},
        "prediction": {"type": "content"},
    }
    whole = body(origin="openai_chat", extra=extra, stream=True)
    assert (whole["safety_identifier"], whole["prompt_cache_retention"]) == ("s", "24h")
    assert (whole["stream"], whole["stream_options"]) == (True, {"include_obfuscation": False})
    assert lost(origin="openai_chat", extra=extra, stream=True) == ["prediction"]


def test_audio_answers_are_refused() -> None:
    with pytest.raises(CallerError) as caught:
        render(origin="openai_chat", extra={"modalities": ["audio"]})
    assert caught.value.param == "modalities"


def test_a_mark_for_the_whole_prompt_is_told() -> None:
    assert lost(cache=CacheHint()) == ["cache_control"]


def test_what_the_target_rejects_is_left_out_and_told() -> None:
    strict = Capabilities(rejects=frozenset({"temperature", "user", "metadata", "text.verbosity"}))
    members: dict[str, Any] = {
        "sampling": Sampling(temperature=1),
        "user": "u",
        "metadata": {"a": "b"},
        "verbosity": "low",
    }
    assert body(strict, **members).keys() == {"model", "input", "store"}
    assert sorted(lost(strict, **members)) == ["metadata", "metadata.user_id", "temperature", "verbosity"]


def test_the_policy_refuse_ends_the_request() -> None:
    with pytest.raises(CallerError) as caught:
        render(Capabilities(unsupported="refuse"), stop=("END",))
    assert caught.value.param == "stop_sequences"
