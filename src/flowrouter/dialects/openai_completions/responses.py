"""A canonical response as a legacy completion, and what whole and streamed answers share."""

from __future__ import annotations

import re
from typing import Any

from flowrouter.canonical.loss import Loss
from flowrouter.canonical.parts import Part, Refusal, Text
from flowrouter.canonical.response import Choice, FinishReason, Response
from flowrouter.canonical.usage import Usage
from flowrouter.dialects.codec import EncodeOptions, RenderedReply
from flowrouter.dialects.openai_completions.logprobs import legacy_logprobs
from flowrouter.dialects.openai_completions.requests import echoed
from flowrouter.wire.json import dumps

Json = dict[str, Any]

_PREFIX = re.compile(r"^[a-zA-Z]{1,12}[_-]")
_WORDS: dict[FinishReason, str] = {
    "length": "length",
    "context_full": "length",
    "content_filter": "content_filter",
    "refusal": "content_filter",
}


def render_response(response: Response, options: EncodeOptions) -> RenderedReply:
    """Return the body for a client of completions, and what of the answer it could not hold."""
    losses: list[Loss] = []
    prompt = echoed(options.asked)
    body: Json = {
        "id": reply_id(response.id),
        "object": "text_completion",
        "created": int(options.now) if response.created is None else response.created,
        "model": options.model or response.model,
        "choices": [_choice(choice, prompt, losses) for choice in response.choices],
    }
    if response.usage is not None:
        body["usage"] = write_usage(response.usage)
    return RenderedReply(body=dumps(body), losses=tuple(losses))


def _choice(choice: Choice, prompt: str, losses: list[Loss]) -> Json:
    text = prompt
    for part in choice.parts:
        if isinstance(part, Text | Refusal):
            text += part.text
        else:
            losses.append(lost(part, choice.index))
    return {
        "text": text,
        "index": choice.index,
        "logprobs": legacy_logprobs(choice.logprobs, start=len(prompt)),
        "finish_reason": finish_word(choice.finish or "stop"),
    }


def lost(part: Part, choice: int) -> Loss:
    """Return the loss of a part that is no text."""
    path = f"choices[{choice}].{part.__struct_config__.tag}"
    return Loss(path=path, kind="dropped", reason="a completion is text only")


def reply_id(vendor_id: str) -> str:
    """Return an id in this dialect's form, derived from the answer's own."""
    return "cmpl-" + (_PREFIX.sub("", vendor_id) or "0")


def finish_word(reason: FinishReason) -> str:
    """Return OpenAI's word for `reason`."""
    return _WORDS.get(reason, "stop")


def write_usage(usage: Usage) -> Json:
    """Return the usage object; SDK models need integers, so an unknown count is 0."""
    prompt, completion = usage.total_input, usage.total_output
    written: Json = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    if usage.cache_read is not None:
        written["prompt_tokens_details"] = {"cached_tokens": usage.cache_read}
    if usage.reasoning is not None:
        written["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
    return written


__all__ = ["finish_word", "lost", "render_response", "reply_id", "write_usage"]
