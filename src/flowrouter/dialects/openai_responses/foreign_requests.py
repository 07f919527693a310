"""A request of another dialect as a Responses body, guided by what the target can take.

The body is stateless: `store` is false unless the client itself asked to store, and a model that
reasons is asked for its state in sealed form, so that it can be carried by the client.
"""

from __future__ import annotations

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.effort import asked_effort, clamp
from flowrouter.canonical.leftovers import leave_behind
from flowrouter.canonical.names import fit_one
from flowrouter.canonical.rendered import Rendered
from flowrouter.canonical.request import EFFORTS, ReasoningControl, Request
from flowrouter.dialects.openai_responses.foreign_input import Conversation
from flowrouter.dialects.openai_responses.foreign_tools import AnswerForm, put_tools, reply_edits
from flowrouter.dialects.openai_responses.foreign_words import LEAST_OUTPUT, words_body
from flowrouter.dialects.openai_responses.parse_requests import ENCRYPTED, LOGPROBS
from flowrouter.dialects.openai_responses.translation import Translation
from flowrouter.errors import CallerError
from flowrouter.wire.json import dumps
from flowrouter.wire.members import Json, as_object

_LONGEST_LABEL = 64
"""Characters of a user id or a cache key the vendor takes."""

_LONGEST_VALUE = 512
_MOST_LABELS = 16

_OPENAI = ("moderation", "prompt_cache_options", "prompt_cache_retention", "safety_identifier")
"""Members that OpenAI's two dialects share."""

_TAKEN = frozenset({*_OPENAI, "store", "stream_options", "web_search_options"})

_NO_PLACE = ("top_k", "presence_penalty", "frequency_penalty", "seed", "logit_bias")


def translate(request: Request, model: str, capabilities: Capabilities) -> Rendered:
    """Return the body for `request`; raises `CallerError` for what must not be dropped."""
    if (plain := words_body(request, model, capabilities)) is not None:
        return Rendered(body=dumps(plain))
    context = Translation(request, capabilities)
    losses = context.losses
    if (request.sampling.n or 1) > 1:
        losses.refuse(losses.name("n"), "the target gives one answer per request")
    form = AnswerForm(request.output, context)
    conversation = Conversation(context)
    conversation.build(hint=form.hint)
    if form.format == {"type": "json_object"}:
        conversation.name_json()
    if not conversation.items:
        path = losses.name("messages")
        raise CallerError(f"{path} must hold something to answer.", param=path, code="invalid_value")
    body: Json = {"model": model}
    if conversation.instructions is not None:
        body["instructions"] = conversation.instructions
    body["input"] = conversation.items
    put_tools(body, context)
    _put_text(body, form, context)
    _put_reasoning(body, request.reasoning, context)
    _put_sampling(body, context)
    _put_limits(body, context)
    _put_identity(body, context)
    _put_storage(body, context)
    if request.stream:
        body["stream"] = True
    leave_behind(request, losses, taken=_taken(request))
    return Rendered(
        body=dumps(body), losses=losses.all(), edits=reply_edits(context, bare=form.hint is not None)
    )


def _taken(request: Request) -> frozenset[str]:
    return _TAKEN if request.origin in ("openai_chat", "openai_completions") else frozenset({"store"})


def _put_text(body: Json, form: AnswerForm, context: Translation) -> None:
    options: Json = {}
    if form.format is not None:
        options["format"] = form.format
    verbosity = context.request.verbosity
    if verbosity is not None and not context.losses.rejected(
        "text.verbosity", path=context.losses.name("verbosity")
    ):
        options["verbosity"] = verbosity
    if options:
        body["text"] = options


def _put_reasoning(body: Json, control: ReasoningControl | None, context: Translation) -> None:
    """Write what the client asked of reasoning: an effort, and a summary where it wants to read it."""
    if control is None:
        return
    path, style = context.losses.name("reasoning"), context.capabilities.thinking_style
    if style in {"none", "think_tag"}:
        if control.mode != "off":
            context.losses.drop(path, "the target's reasoning cannot be controlled")
        return
    form: Json = {}
    effort = _effort(control, path, context)
    if effort is not None and not context.losses.rejected("reasoning.effort", path=path):
        form["effort"] = effort
    summary = _summary(control, context)
    if summary is not None and not context.losses.rejected(
        "reasoning.summary", path=context.losses.name("reasoning.display")
    ):
        form["summary"] = summary
    if form:
        body["reasoning"] = form


def _effort(control: ReasoningControl, path: str, context: Translation) -> str | None:
    asked = asked_effort(control)
    if asked is None:
        return None
    allowed = context.capabilities.efforts
    if asked == "none" and not allowed:
        if context.capabilities.thinking_style is None:
            context.losses.drop(path, "it is not known how the target turns reasoning off")
            return None
        allowed = EFFORTS[1:]
    fitting = clamp(asked, allowed) if allowed else asked
    if fitting != asked or control.mode == "budget":
        context.losses.change(path, f"sent as the effort {fitting!r}")
    return fitting


_SUMMARIES = frozenset({"auto", "concise", "detailed"})


def _summary(control: ReasoningControl, context: Translation) -> str | None:
    """Return the summary to ask for: where the client asked to read reasoning, or its dialect shows it."""
    if control.mode == "off" or control.display == "omitted":
        return None
    if control.display in _SUMMARIES:
        return control.display
    shows = context.request.origin == "anthropic" and control.mode in {"auto", "budget"}
    return "auto" if shows or control.display is not None else None


def _reasons(body: Json) -> bool:
    effort = (as_object(body.get("reasoning")) or {}).get("effort")
    return effort not in {None, "none"}


def _put_sampling(body: Json, context: Translation) -> None:
    sampling, losses = context.request.sampling, context.losses
    for name in _NO_PLACE:
        if getattr(sampling, name) not in (None, {}):
            losses.drop(losses.name(name), "the Responses dialect has no such field")
    if context.request.stop:
        losses.drop(losses.name("stop"), "the Responses dialect has no such field")
    members = {"temperature": sampling.temperature, "top_p": sampling.top_p}
    if sampling.logprobs:
        members["top_logprobs"] = sampling.top_logprobs or 0
    for name, value in members.items():
        if value is None:
            continue
        if name in context.capabilities.rejects:
            _drop_sampling(name, "the target does not take it", context)
        elif _reasons(body) and not context.capabilities.sampling_with_thinking:
            _drop_sampling(name, "the target does not take it while it reasons", context)
        else:
            body[name] = value


def _drop_sampling(name: str, reason: str, context: Translation) -> None:
    """Note a setting that cannot be sent; log probabilities are two members in Chat and one here."""
    losses, sampling = context.losses, context.request.sampling
    asked = {name: getattr(sampling, name)}
    if name == "top_logprobs":
        asked["logprobs"] = sampling.logprobs
    for path in dict.fromkeys(losses.name(member) for member, value in asked.items() if value is not None):
        losses.drop(path, reason)


def _put_limits(body: Json, context: Translation) -> None:
    asked = context.request.max_tokens
    if asked is None:
        return
    limit = max(LEAST_OUTPUT, min(asked, context.capabilities.max_output or asked))
    if limit != asked:
        context.losses.change(context.losses.name("max_tokens"), f"sent as {limit}, what the target takes")
    body["max_output_tokens"] = limit


_TIERS = {"standard_only": "default", "standard": "default"}
_KNOWN_TIERS = frozenset({"default", "flex", "scale", "priority", "fast", "ultrafast"})


def _put_identity(body: Json, context: Translation) -> None:
    """Write who asks and how it is to be served: user, labels, tier, cache key, the vendor's own members."""
    request, losses = context.request, context.losses
    labels = {"user": request.user, "prompt_cache_key": request.cache_key}
    for name, value in labels.items():
        path = losses.name("cache_key" if name == "prompt_cache_key" else name)
        if not value or losses.rejected(name, path=path):
            continue
        fitted = fit_one(value, pattern=r"(?s:.)", limit=_LONGEST_LABEL)
        if fitted != value:
            losses.change(path, f"shortened to {_LONGEST_LABEL} characters")
        body[name] = fitted
    _put_metadata(body, context)
    _put_tier(body, context)
    if request.cache is not None:
        losses.drop(request.cache.field or "cache_control", "no mark for the whole prompt here")
    if request.origin == "openai_chat":
        for name in _OPENAI:
            if request.extra.get(name) is not None and not losses.rejected(name):
                body[name] = request.extra[name]


def _put_metadata(body: Json, context: Translation) -> None:
    asked, losses = context.request.metadata, context.losses
    if not asked or losses.rejected("metadata"):
        return
    path = losses.name("metadata")
    kept: dict[str, str] = {}
    for name, value in asked.items():
        fits = isinstance(value, str) and len(value) <= _LONGEST_VALUE and len(name) <= _LONGEST_LABEL
        if fits and len(kept) < _MOST_LABELS:
            kept[name] = value
        else:
            losses.drop(f"{path}.{name}", "metadata holds up to 16 pairs of short strings")
    if kept:
        body["metadata"] = kept


def _put_tier(body: Json, context: Translation) -> None:
    asked = context.request.service_tier
    if asked is None or asked == "auto":
        return
    path, tier = context.losses.name("service_tier"), _TIERS.get(asked.lower(), asked.lower())
    if tier not in _KNOWN_TIERS:
        context.losses.drop(path, f"the Responses dialect has no tier {asked!r}")
    elif not context.losses.rejected("service_tier", path=path):
        body["service_tier"] = tier


def _put_storage(body: Json, context: Translation) -> None:
    """Keep the exchange stateless, and ask for what only `include` brings."""
    request, losses = context.request, context.losses
    if not losses.rejected("store", path="store"):
        body["store"] = request.extra.get("store") is True
    options = as_object(request.extra.get("stream_options")) or {}
    if "include_obfuscation" in options and request.stream:
        body["stream_options"] = {"include_obfuscation": options["include_obfuscation"]}
    include: list[str] = []
    if context.capabilities.thinking_style == "effort":
        include.append(ENCRYPTED)
    if "top_logprobs" in body:
        include.append(LOGPROBS)
    if include and "include" not in context.capabilities.rejects:
        body["include"] = include


__all__ = ["LEAST_OUTPUT", "translate"]
