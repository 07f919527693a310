"""Reasoning, sampling, caps and labels of other dialects."""

import json

import pytest

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.parts import Provenance, Reasoning, ToolCall, ToolResult
from flowrouter.canonical.request import ReasoningControl, Request, Sampling
from flowrouter.canonical.tools import FunctionTool
from flowrouter.dialects.anthropic import CODEC
from flowrouter.errors import CallerError
from tests.unit.dialects.anthropic.build import WEATHER, body_of, chat, render, rows, say


def effort(name: str, **members) -> ReasoningControl:
    return ReasoningControl(mode="effort", effort=name, **members)


def budget(tokens: int) -> ReasoningControl:
    return ReasoningControl(mode="budget", budget=tokens)


@pytest.mark.parametrize(
    ("asked", "most", "expected", "losses"),
    [
        (None, None, 32_000, []),
        (None, 8192, 8192, []),
        (500, 8192, 500, []),
        (9000, 8192, 8192, [("max_tokens", "changed")]),
        (0, 8192, 0, []),
    ],
)
def test_the_output_cap(asked, most, expected, losses):
    rendered = render(chat(max_tokens=asked), max_output=most)
    assert json.loads(rendered.body)["max_tokens"] == expected
    assert rows(rendered.losses) == losses


@pytest.mark.parametrize(
    ("control", "asked", "limits", "thinking", "cap", "kinds"),
    [
        (effort("low"), None, {}, 1024, 32_000, []),
        (effort("medium"), 20_000, {}, 8192, 20_000, []),
        (effort("high"), None, {}, 24_576, 32_768, []),
        (effort("xhigh"), None, {"max_output": 64_000}, 32_768, 64_000, []),
        (effort("max"), None, {"max_output": 64_000}, 48_000, 64_000, ["changed"]),
        (effort("high"), 4000, {}, 3000, 4000, ["changed"]),
        (effort("high"), 1200, {}, 1024, 1200, ["changed"]),
        (effort("high"), 1024, {}, None, 1024, ["dropped"]),
        (budget(512), 8000, {}, 1024, 8000, ["changed"]),
        (budget(5000), 8000, {}, 5000, 8000, []),
        (budget(50_000), None, {"budget_max": 16_000}, 16_000, 32_000, ["changed"]),
        (budget(2000), 8000, {"budget_min": 4000}, 4000, 8000, ["changed"]),
        (ReasoningControl(mode="auto"), None, {}, 8192, 32_000, []),
    ],
)
def test_manual_budgets_fit_between_the_least_and_the_cap(control, asked, limits, thinking, cap, kinds):
    rendered = render(chat(reasoning=control, max_tokens=asked), thinking_style="manual", **limits)
    body = json.loads(rendered.body)
    expected = None if thinking is None else {"type": "enabled", "budget_tokens": thinking}
    assert body.get("thinking") == expected
    assert body["max_tokens"] == cap
    assert [kind for _, kind in rows(rendered.losses)] == kinds


@pytest.mark.parametrize(
    ("control", "efforts", "expected", "kinds"),
    [
        (effort("minimal"), (), "low", ["changed"]),
        (effort("medium"), (), "medium", []),
        (effort("xhigh"), (), "high", ["changed"]),
        (effort("xhigh"), ("low", "medium", "high", "xhigh", "max"), "xhigh", []),
        (effort("max"), ("low", "medium", "high", "max"), "max", []),
        (budget(4000), (), "medium", ["changed"]),
        (budget(100_000), ("low", "high", "xhigh"), "xhigh", ["changed"]),
        (ReasoningControl(mode="auto"), (), None, []),
    ],
)
def test_adaptive_models_take_efforts(control, efforts, expected, kinds):
    rendered = render(chat(reasoning=control), thinking_style="adaptive", efforts=efforts)
    body = json.loads(rendered.body)
    assert body["thinking"] == {"type": "adaptive"}
    assert body.get("output_config", {}).get("effort") == expected
    assert [kind for _, kind in rows(rendered.losses)] == kinds


def test_models_with_both_ways_get_a_budget_only_where_one_was_named():
    assert body_of(chat(reasoning=budget(3000)), thinking_style="both")["thinking"]["type"] == "enabled"
    assert body_of(chat(reasoning=effort("low")), thinking_style="both")["thinking"]["type"] == "adaptive"


@pytest.mark.parametrize("control", [effort("none"), ReasoningControl(mode="off"), budget(0)])
def test_reasoning_switched_off(control):
    assert body_of(chat(reasoning=control), thinking_style="both")["thinking"] == {"type": "disabled"}
    assert "thinking" not in body_of(chat(reasoning=control), thinking_style="none")
    kept = render(chat(reasoning=control), thinking_style="adaptive", can_disable_thinking=False)
    assert json.loads(kept.body)["output_config"] == {"effort": "low"}
    assert rows(kept.losses) == [("reasoning_effort", "changed")]


def test_a_model_that_does_not_reason_on_request():
    rendered = render(chat(reasoning=effort("high")), thinking_style="none")
    assert "thinking" not in json.loads(rendered.body)
    assert rows(rendered.losses) == [("reasoning_effort", "dropped")]


def test_display_says_whether_the_text_is_wanted():
    shown = body_of(chat(reasoning=effort("low", display="detailed")), thinking_style="adaptive")
    assert shown["thinking"]["display"] == "summarized"
    hidden = body_of(chat(reasoning=effort("low", display="omitted")), thinking_style="adaptive")
    assert hidden["thinking"]["display"] == "omitted"


def loop(*before: Reasoning):
    return (
        say("user", "Go"),
        say("assistant", *before, ToolCall(id="1", name="get_weather", arguments="{}")),
        say("tool", ToolResult(call_id="1")),
    )


def test_manual_thinking_needs_its_block_in_the_tool_turn_being_answered():
    request = chat(*loop(), tools=(WEATHER,), reasoning=effort("low"))
    rendered = render(request, thinking_style="manual")
    assert "thinking" not in json.loads(rendered.body)
    assert rows(rendered.losses) == [("reasoning_effort", "dropped")]
    assert "thinking" in body_of(request, thinking_style="adaptive")


def test_manual_thinking_stays_on_when_the_loop_is_closed_or_carries_its_block():
    closed = chat(
        *loop(), say("assistant", "22 C"), say("user", "And?"), tools=(WEATHER,), reasoning=effort("low")
    )
    assert body_of(closed, thinking_style="manual")["thinking"]["type"] == "enabled"
    signed = Reasoning(text="Hm", signature="s", provenance=Provenance(dialect="anthropic"))
    carried = chat(*loop(signed), tools=(WEATHER,), reasoning=effort("low"))
    rendered = CODEC.render_request(carried, "m", Capabilities(thinking_style="manual"))
    assert json.loads(rendered.body)["thinking"]["type"] == "enabled"


@pytest.mark.parametrize(
    ("sampling", "sent", "losses"),
    [
        (Sampling(temperature=0, top_p=0, top_k=0), {"temperature": 0, "top_p": 0, "top_k": 0}, []),
        (Sampling(temperature=1.7), {"temperature": 1}, [("temperature", "changed")]),
        (Sampling(seed=0), {}, [("seed", "dropped")]),
        (Sampling(presence_penalty=0, frequency_penalty=0, logprobs=False, n=1), {}, []),
        (
            Sampling(presence_penalty=0.5, frequency_penalty=-1, logit_bias={"50256": -100}),
            {},
            [("presence_penalty", "dropped"), ("frequency_penalty", "dropped"), ("logit_bias", "dropped")],
        ),
        (
            Sampling(logprobs=True, top_logprobs=3),
            {},
            [("logprobs", "dropped"), ("top_logprobs", "dropped")],
        ),
    ],
)
def test_sampling(sampling, sent, losses):
    rendered = render(chat(sampling=sampling))
    body = json.loads(rendered.body)
    assert {name: body[name] for name in body.keys() - {"model", "max_tokens", "messages"}} == sent
    assert rows(rendered.losses) == losses


def test_sampling_the_model_refuses_is_dropped():
    rendered = render(
        chat(sampling=Sampling(temperature=0.2, top_p=0.5), stop=("END",)),
        rejects=frozenset({"temperature", "top_p", "stop_sequences"}),
    )
    assert json.loads(rendered.body).keys() == {"model", "max_tokens", "messages"}
    assert rows(rendered.losses) == [("temperature", "dropped"), ("top_p", "dropped"), ("stop", "dropped")]


@pytest.mark.parametrize(
    ("sampling", "sent"),
    [
        (Sampling(temperature=0.2, top_p=0.5, top_k=4), {}),
        (Sampling(temperature=1, top_p=0.97), {"temperature": 1, "top_p": 0.97}),
    ],
)
def test_sampling_beside_thinking(sampling, sent):
    body = body_of(chat(sampling=sampling, reasoning=effort("low")), thinking_style="manual")
    assert {name: body[name] for name in ("temperature", "top_p", "top_k") if name in body} == sent


def test_stop_sequences_need_a_visible_character():
    rendered = render(chat(stop=("\n", "END", "")))
    assert json.loads(rendered.body)["stop_sequences"] == ["END"]
    assert rows(rendered.losses) == [("stop", "dropped")]
    assert "stop_sequences" not in body_of(chat(stop=("\n",)))


def test_several_answers_and_spoken_answers_are_refused():
    with pytest.raises(CallerError) as several:
        render(chat(sampling=Sampling(n=2)))
    assert several.value.param == "n"
    with pytest.raises(CallerError) as spoken:
        render(chat(extra={"modalities": ["audio"]}))
    assert spoken.value.param == "modalities"
    assert rows(render(chat(extra={"modalities": ["text", "audio"]})).losses) == [("modalities", "dropped")]


def test_labels():
    rendered = render(
        chat(user="u" * 300, metadata={"team": "a"}, verbosity="low", cache_key="k", service_tier="flex")
    )
    assert json.loads(rendered.body)["metadata"] == {"user_id": "u" * 256}
    assert rows(rendered.losses) == [
        ("user", "changed"), ("metadata", "dropped"), ("verbosity", "dropped"), ("prompt_cache_key", "dropped"),
        ("service_tier", "dropped"),
    ]  # fmt: skip
    assert "metadata" not in body_of(chat(user=""))


@pytest.mark.parametrize(
    ("tier", "member"),
    [
        ("auto", {"service_tier": "auto"}),
        ("default", {"service_tier": "standard_only"}),
        ("priority", {"speed": "fast"}),
    ],
)
def test_service_tiers(tier, member):
    body = body_of(chat(service_tier=tier), extensions=frozenset({"speed"}))
    assert {name: body[name] for name in ("service_tier", "speed") if name in body} == member


def test_streaming_is_asked_for_as_such():
    assert body_of(chat(stream=True, include_usage=True))["stream"] is True
    assert "stream" not in body_of(chat())


def test_losses_speak_the_clients_language():
    request = Request(
        origin="gemini",
        model="m",
        messages=(say("user", "Hi"),),
        sampling=Sampling(temperature=2),
        stop=(" ",),
    )
    rendered = CODEC.render_request(request, "m", Capabilities())
    assert rows(rendered.losses) == [
        ("generationConfig.temperature", "changed"),
        ("generationConfig.stopSequences", "dropped"),
    ]


def test_a_request_nested_beyond_reason_is_the_callers_error():
    schema: dict = {"type": "object"}
    for _ in range(3000):
        schema = {"type": "object", "properties": {"a": schema}}
    with pytest.raises(CallerError, match="nested too deeply"):
        render(chat(tools=(FunctionTool(name="deep", schema=schema, strict=True),)))
