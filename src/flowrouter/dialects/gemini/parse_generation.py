"""`generationConfig` of the wire: sampling, limits, reasoning and the form of the answer.

Members the hub has no word for stay in the request's `extra`, in an object of that name.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

from flowrouter.canonical.parts import Extra
from flowrouter.canonical.request import OutputFormat, ReasoningControl, Sampling
from flowrouter.dialects.gemini.classic import to_json_schema
from flowrouter.dialects.gemini.node import Node

CONFIG = "generationConfig"
_JSON = "application/json"


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """What a `generationConfig` says, in canonical terms; `output_member` is where it asks for a form."""

    sampling: Sampling = Sampling()
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    reasoning: ReasoningControl | None = None
    output: OutputFormat | None = None
    output_member: str = ""
    extra: Extra = {}


def parse_generation(request: Node) -> Generation:
    """Return the settings of a request; raises `ShapeError`."""
    config = request.mapping(CONFIG)
    if config is None:
        return Generation()
    node = Node(config, CONFIG)
    sampling = Sampling(
        temperature=node.number("temperature"),
        top_p=node.number("topP"),
        top_k=_top_k(node),
        presence_penalty=node.number("presencePenalty"),
        frequency_penalty=node.number("frequencyPenalty"),
        seed=node.integer("seed"),
        n=node.integer("candidateCount"),
        logprobs=node.flag("responseLogprobs"),
        top_logprobs=node.integer("logprobs"),
    )
    member = next((name for name in _ANSWERS if node.peek(name) is not None), "")
    return Generation(
        sampling=sampling,
        max_tokens=node.integer("maxOutputTokens"),
        stop=node.texts("stopSequences") or (),
        reasoning=_reasoning(node),
        output=_output(node),
        output_member=member,
        extra=beneath(CONFIG, node.rest("responseModalities")),
    )


_ANSWERS = ("responseJsonSchema", "responseSchema", "responseMimeType")


def beneath(name: str, rest: Extra) -> Extra:
    """Return `rest` as the member `name`, or nothing where there is no rest."""
    return {name: rest} if rest else {}


def _top_k(node: Node) -> int | None:
    """Return the value, which is a float on this wire; one with a fraction is only for its own dialect."""
    value = node.peek("topK")
    return None if isinstance(value, float) and not value.is_integer() else node.integer("topK")


def _reasoning(node: Node) -> ReasoningControl | None:
    raw = node.mapping("thinkingConfig")
    if raw is None:
        return None
    inner = Node(raw, node.at("thinkingConfig"))
    budget, level, shown = (
        inner.integer("thinkingBudget"),
        inner.text("thinkingLevel"),
        inner.flag("includeThoughts"),
    )
    display = None if shown is None else ("summarized" if shown else "omitted")
    effort = None if level is None or level == "THINKING_LEVEL_UNSPECIFIED" else level.lower()
    return ReasoningControl(
        mode=cast("Any", _mode(budget, effort)), effort=effort, budget=budget, display=display, raw=raw
    )


def _mode(budget: int | None, effort: str | None) -> str:
    if effort is not None:
        return "effort"
    if budget is None or budget < 0:
        return "auto"
    return "budget" if budget else "off"


def _output(node: Node) -> OutputFormat | None:
    """Return the form of the answer; forms only Gemini has (an enum's bare word) stay in the rest."""
    kind = node.peek("responseMimeType")
    raw, classic = node.peek("responseJsonSchema"), node.peek("responseSchema")
    if kind == "text/plain" and raw is None and classic is None:
        node.pop("responseMimeType")
        return OutputFormat(kind="text")
    if kind not in (None, _JSON):
        return None
    schema: dict[str, Any] | None = None
    if isinstance(raw, dict):
        schema = node.mapping("responseJsonSchema")
    elif isinstance(classic, dict):
        schema = to_json_schema(cast("dict[str, Any]", node.mapping("responseSchema")))
    if kind is None and schema is None:
        return None
    node.pop("responseMimeType")
    return OutputFormat(kind="json") if schema is None else OutputFormat(kind="schema", schema=schema)


__all__ = ["CONFIG", "Generation", "beneath", "parse_generation"]
