"""`generationConfig` and the settings beside it: written for foreign requests, edited in Gemini's own.

An own request keeps its object as it came; only what a stage changed since it was read is replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.request import ReasoningControl, Request
from flowrouter.dialects.gemini.foreign_words import STOP_MAX
from flowrouter.dialects.gemini.node import snake
from flowrouter.dialects.gemini.thinking import plan_thinking

_SAMPLING: Mapping[str, str] = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "n": "candidateCount",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
}
"""Canonical name → the vendor's, in the order they are written."""

_TIERS = {
    "default": "standard",
    "standard": "standard",
    "standard_only": "standard",
    "flex": "flex",
    "priority": "priority",
    "fast": "priority",
}

_SCHEMAS = ("responseMimeType", "responseSchema", "responseJsonSchema")


def foreign_config(request: Request, capabilities: Capabilities, losses: Losses) -> dict[str, Any]:
    """Return the object for a request of another dialect, without the form of the answer."""
    config = _sampling(request, losses)
    config |= _limits(request, capabilities, losses)
    thinking = plan_thinking(request.reasoning, capabilities, losses)
    if thinking is not None:
        config["thinkingConfig"] = thinking
    return config


def _sampling(request: Request, losses: Losses) -> dict[str, Any]:
    sampling = request.sampling
    config: dict[str, Any] = {}
    if sampling.logit_bias:
        losses.drop(losses.name("logit_bias"), "no counterpart at Gemini")
    for name, wire in _SAMPLING.items():
        value = getattr(sampling, name)
        if value is None or value is False or _rejected(losses, name, wire):
            continue
        taken, reason = _in_range(name, value)
        if taken is None:
            losses.drop(losses.name(name), reason)
            continue
        if reason:
            losses.change(losses.name(name), reason)
        config[wire] = taken
    if "logprobs" in config and "responseLogprobs" not in config:
        del config["logprobs"]
        losses.drop(losses.name("top_logprobs"), "no log probabilities were asked for")
    return config


def _in_range(name: str, value: Any) -> tuple[Any, str]:
    """Return the value as the vendor takes it (None: not at all), and what was done to it."""
    match name:
        case "temperature" if value > 2:
            return 2, "the highest temperature is 2"
        case "top_k" if value < 1:
            return None, "the least top_k is 1"
        case "seed" if not -(2**31) <= value < 2**31:
            seed = value % 2**31
            return seed, f"a seed has 32 bits; sent as {seed}"
        case _:
            return value, ""


def _limits(request: Request, capabilities: Capabilities, losses: Losses) -> dict[str, Any]:
    config: dict[str, Any] = {}
    asked, most = request.max_tokens, capabilities.max_output
    if asked is not None and not _rejected(losses, "max_tokens", "maxOutputTokens"):
        limit = max(1, asked if most is None else min(asked, most))
        if limit != asked:
            losses.change(losses.name("max_tokens"), f"sent as {limit}, what the model takes")
        config["maxOutputTokens"] = limit
    stop = [text for text in request.stop if text]
    if stop and not _rejected(losses, "stop", "stopSequences"):
        if len(stop) > STOP_MAX:
            losses.change(losses.name("stop"), f"only the first {STOP_MAX} are sent")
        config["stopSequences"] = stop[:STOP_MAX]
    return config


def _rejected(losses: Losses, name: str, wire: str) -> bool:
    path = losses.name(name)
    return losses.rejected(wire, path=path) or (name != wire and losses.rejected(name, path=path))


def foreign_labels(request: Request, capabilities: Capabilities, losses: Losses) -> dict[str, Any]:
    """Return the members beside the configuration: labels and service tier; all else is lost here."""
    body: dict[str, Any] = {}
    labels = {str(name): str(value) for name, value in (request.metadata or {}).items()}
    if labels and "labels" in capabilities.extensions:
        body["labels"] = labels
    elif labels:
        losses.drop(losses.name("metadata"), "the target keeps no labels")
    for name in ("user", "verbosity", "cache_key", "cache"):
        if getattr(request, name) not in (None, ""):
            path = "cache_control" if name == "cache" else losses.name(name)
            losses.drop(path, "no counterpart at Gemini")
    asked = request.service_tier
    if asked is not None and asked.lower() != "auto":
        tier = _TIERS.get(asked.lower())
        if tier is None:
            losses.drop(losses.name("service_tier"), f"Gemini has no tier {asked!r}")
        elif not _rejected(losses, "service_tier", "serviceTier"):
            body["serviceTier"] = tier
    return body


def own_config(
    raw: Mapping[str, Any], before: Request, after: Request, *, capabilities: Capabilities, losses: Losses
) -> dict[str, Any]:
    """Return Gemini's own object `raw` with what changed between `before` and `after`."""
    config = dict(raw)
    for name, wire in _SAMPLING.items():
        value = getattr(after.sampling, name)
        if value != getattr(before.sampling, name):
            _set(config, wire, value)
    if before.max_tokens != after.max_tokens:
        _set(config, "maxOutputTokens", after.max_tokens)
    if before.stop != after.stop:
        _set(config, "stopSequences", list(after.stop) or None)
    if before.reasoning != after.reasoning:
        _set(config, "thinkingConfig", _own_thinking(after.reasoning, capabilities, losses))
    if before.output != after.output:
        for name in _SCHEMAS:
            _set(config, name, None)
        config |= _own_output(after)
    known = _mapping(before.extra.get("generationConfig"))
    for name, value in _mapping(after.extra.get("generationConfig")).items():
        if name not in known or known[name] != value:
            _set(config, name, value)
    return config


def _own_thinking(
    control: ReasoningControl | None, capabilities: Capabilities, losses: Losses
) -> dict[str, Any] | None:
    if control is not None and control.raw:
        return control.raw
    return plan_thinking(control, capabilities, losses)


def _own_output(request: Request) -> dict[str, Any]:
    output = request.output
    if output is None or output.kind == "text":
        return {}
    form: dict[str, Any] = {"responseMimeType": "application/json"}
    return {**form, "responseJsonSchema": output.schema} if output.schema is not None else form


def _set(config: dict[str, Any], name: str, value: object) -> None:
    """Set a member under the spelling it has, or take it away."""
    spelt = snake(name) if name not in config and snake(name) in config else name
    if value is None:
        config.pop(spelt, None)
    else:
        config[spelt] = value


def _mapping(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


__all__ = ["STOP_MAX", "foreign_config", "foreign_labels", "own_config"]
