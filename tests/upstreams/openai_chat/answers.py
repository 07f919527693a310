"""Writes an answer as a `chat.completion` object or as its chunks, with the habits of hosts as quirks."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tests.upstreams.dialect import Exchange
from tests.upstreams.frames import Frame
from tests.upstreams.prompts import Answer, Call, Finish, Prompt, derived_id, pieces, usage_of

CREATED = 1_767_225_600
FINGERPRINT = "fp_scripted"
FINISH: dict[Finish, str] = {
    "end": "stop",
    "stop_sequence": "stop",
    "tools": "tool_calls",
    "length": "length",
    "refusal": "stop",
    "filter": "content_filter",
    "pause": "stop",
    "context": "length",
}
ARGUMENT_PIECE = 9


def completion(exchange: Exchange, prompt: Prompt, answers: Sequence[Answer]) -> dict[str, Any]:
    """The whole answer."""
    return {
        **_common(exchange, prompt, "chat.completion"),
        "choices": [_choice(exchange, prompt, answer, index) for index, answer in enumerate(answers)],
        "usage": usage(prompt, answers),
    }


def _common(exchange: Exchange, prompt: Prompt, kind: str) -> dict[str, Any]:
    return {
        "id": derived_id(prompt, "chatcmpl-", length=29),
        "object": kind,
        "created": CREATED,
        "model": exchange.model.written,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }


def _choice(exchange: Exchange, prompt: Prompt, answer: Answer, index: int) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if answer.refusal or (answer.calls and not answer.text) else answer.text,
        "refusal": answer.refusal,
        "annotations": _annotations(answer),
    }
    field = reasoning_field(exchange)
    shown = "".join(thought.text for thought in answer.thoughts)
    if field and shown:
        message[field] = shown
    if answer.calls and "functions" in exchange.body:
        message["function_call"] = {"name": answer.calls[0].name, "arguments": answer.calls[0].arguments}
    elif answer.calls:
        message["tool_calls"] = [whole_call(exchange, prompt, c, n) for n, c in enumerate(answer.calls)]
    return {
        "index": index,
        "message": message,
        "logprobs": _logprobs(exchange, pieces(answer.text)),
        "finish_reason": finish_reason(exchange, answer),
    }


def reasoning_field(exchange: Exchange) -> str | None:
    """The field in which this host shows reasoning, None if it hides it."""
    if not exchange.model.shows_reasoning:
        return None
    return "reasoning" if exchange.model.has("reasoning-field") else "reasoning_content"


def finish_reason(exchange: Exchange, answer: Answer) -> str:
    """The finish reason in Chat's words."""
    if answer.ending == "tools" and "functions" in exchange.body:
        return "function_call"
    return FINISH[answer.ending]


def whole_call(exchange: Exchange, prompt: Prompt, call: Call, index: int) -> dict[str, Any]:
    """One tool call as it stands in a message."""
    call_id = _call_id(prompt, call, index)
    if call.kind == "custom":
        return {"id": call_id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    arguments: Any = call.arguments
    if exchange.model.has("quirk-arguments-object"):
        arguments = json.loads(call.arguments or "{}")
    return {"id": call_id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _call_id(prompt: Prompt, call: Call, index: int) -> str:
    return f"call_{call.id}" if call.id.isalnum() else call.id or derived_id(prompt, "call_", index=index)


def _annotations(answer: Answer) -> list[dict[str, Any]]:
    span = {"start_index": 0, "end_index": len(answer.text)}
    return [
        {"type": "url_citation", "url_citation": {**span, "url": url, "title": title}}
        for url, title in answer.citations
    ]


def _logprobs(exchange: Exchange, tokens: Sequence[str]) -> dict[str, Any] | None:
    if not exchange.body.get("logprobs"):
        return None
    width = exchange.body.get("top_logprobs") or 0
    entries: list[dict[str, Any]] = []
    for token in tokens:
        entry = {"token": token, "logprob": -0.125, "bytes": list(token.encode("utf-8", "surrogatepass"))}
        others = [{**entry, "logprob": -0.125 * (rank + 1)} for rank in range(width)]
        entries.append({**entry, "top_logprobs": others})
    return {"content": entries, "refusal": None}


def usage(prompt: Prompt, answers: Sequence[Answer]) -> dict[str, Any]:
    """The usage object; the prompt counts once, the outputs of all choices together."""
    counted = [usage_of(prompt, answer) for answer in answers]
    first = counted[0]
    prompt_tokens = first.input + first.cache_read + first.cache_write
    output = sum(each.output for each in counted)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": output,
        "total_tokens": prompt_tokens + output,
        "prompt_tokens_details": {
            "cached_tokens": first.cache_read,
            "audio_tokens": 0,
            "cache_write_tokens": first.cache_write,
        },
        "completion_tokens_details": {
            "reasoning_tokens": sum(each.reasoning for each in counted),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def chunks(exchange: Exchange, prompt: Prompt, answers: Sequence[Answer]) -> list[Frame]:
    """The same answer as events, `[DONE]` last."""
    writer = ChunkWriter(exchange, prompt, answers)
    return [*writer.frames(), Frame(data="[DONE]", last=True)]


class ChunkWriter:
    """Writes the chunks of one answer; the choices of n > 1 interleave."""

    def __init__(self, exchange: Exchange, prompt: Prompt, answers: Sequence[Answer]) -> None:
        self.exchange = exchange
        self.prompt = prompt
        self.answers = answers
        self.model = exchange.model
        options = exchange.body.get("stream_options") or {}
        asked = bool(options.get("include_usage")) and not self.model.has("quirk-usage-never")
        self.sends_usage = asked or self.model.has("quirk-usage-unasked")
        self.obfuscates = bool(options.get("include_obfuscation"))
        self.common = _common(exchange, prompt, "chat.completion.chunk")

    def frames(self) -> Iterator[Frame]:
        """Yield all chunks without the terminator."""
        streams = [list(self._deltas(answer)) for answer in self.answers]
        for step in range(max(len(stream) for stream in streams)):
            for index, stream in enumerate(streams):
                if step < len(stream):
                    delta, content, logprobs = stream[step]
                    yield self._chunk(index, delta, content=content, logprobs=logprobs)
        if self.model.has("quirk-unknown-event"):
            yield Frame(data={"object": "host.progress", "percent": 99})
        in_finish = self.sends_usage and self.model.has("quirk-usage-in-finish")
        for index, answer in enumerate(self.answers):
            reason = finish_reason(self.exchange, answer)
            yield self._chunk(index, {}, finish=reason, with_usage=in_finish)
        if self.sends_usage and not in_finish:
            yield Frame(data={**self.common, "choices": [], "usage": usage(self.prompt, self.answers)})

    def _chunk(
        self,
        index: int,
        delta: dict[str, Any],
        *,
        content: bool = False,
        finish: str | None = None,
        logprobs: dict[str, Any] | None = None,
        with_usage: bool = False,
    ) -> Frame:
        if self.model.has("quirk-role-always"):
            delta = {"role": "assistant", **delta}
        if finish is None and self.model.has("quirk-empty-finish"):
            finish = ""
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        data = {**self.common, "choices": [choice]}
        if with_usage or self.model.has("quirk-usage-always"):
            data["usage"] = usage(self.prompt, self.answers)
        elif self.sends_usage:
            data["usage"] = None
        if self.obfuscates:
            data["obfuscation"] = "x" * (8 - len(json.dumps(delta)) % 8)
        return Frame(data=data, content=content)

    def _deltas(self, answer: Answer) -> Iterator[tuple[dict[str, Any], bool, dict[str, Any] | None]]:
        if not self.model.has("quirk-no-role"):
            yield {"role": "assistant", "content": "", "refusal": None}, False, None
        field = reasoning_field(self.exchange)
        for token in pieces("".join(thought.text for thought in answer.thoughts)) if field else ():
            yield {field or "": token}, True, None
        for token in pieces(answer.text):
            yield {"content": token}, True, _logprobs(self.exchange, [token])
        if answer.citations:
            yield {"annotations": _annotations(answer)}, False, None
        for token in pieces(answer.refusal or ""):
            yield {"refusal": token}, True, None
        if answer.calls and "functions" in self.exchange.body:
            call = answer.calls[0]
            yield {"function_call": {"name": call.name, "arguments": ""}}, True, None
            for part in _argument_pieces(call.arguments):
                yield {"function_call": {"arguments": part}}, True, None
            return
        for index, call in enumerate(answer.calls):
            for delta in self._call_deltas(call, index):
                yield {"tool_calls": [self._indexed(delta, index)]}, True, None

    def _indexed(self, delta: dict[str, Any], index: int) -> dict[str, Any]:
        if self.model.has("quirk-no-index"):
            return delta
        return {"index": index + (1 if self.model.has("quirk-index-from-one") else 0), **delta}

    def _call_deltas(self, call: Call, index: int) -> Iterator[dict[str, Any]]:
        body, argument = ("custom", "input") if call.kind == "custom" else ("function", "arguments")
        identity = {"id": _call_id(self.prompt, call, index), "type": call.kind}
        if self.model.has("quirk-whole-calls"):
            yield {**identity, body: {"name": call.name, argument: call.arguments}}
            return
        late = self.model.has("quirk-late-id")
        repeats = self.model.has("quirk-repeat-id")
        yield {**({} if late else identity), body: {"name": call.name, argument: ""}}
        for position, part in enumerate(_argument_pieces(call.arguments)):
            named = {"name": call.name} if repeats else {}
            known = identity if repeats or (late and position == 0) else {}
            yield {**known, body: {**named, argument: part}}


def _argument_pieces(text: str) -> list[str]:
    return [text[i : i + ARGUMENT_PIECE] for i in range(0, len(text), ARGUMENT_PIECE)]
