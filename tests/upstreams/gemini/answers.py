"""Writes an answer as a GenerateContentResponse or as its chunks, signed where the vendor signs."""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from tests.upstreams.dialect import Exchange
from tests.upstreams.frames import Frame
from tests.upstreams.gemini.profiles import profile_of
from tests.upstreams.gemini.reading import configured
from tests.upstreams.gemini.signatures import sign_call, sign_text
from tests.upstreams.prompts import Answer, Call, Finish, Prompt, Usage, derived_id, pieces, usage_of

Part = dict[str, Any]
FINISH: dict[Finish, str] = {
    "end": "STOP",
    "stop_sequence": "STOP",
    "tools": "STOP",
    "length": "MAX_TOKENS",
    "refusal": "PROHIBITED_CONTENT",
    "filter": "SAFETY",
    "pause": "STOP",
    "context": "MAX_TOKENS",
}
RATINGS = [{"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}]


class AnswerWriter:
    """Writes one answer, or the candidates of one, whole or in chunks."""

    def __init__(self, exchange: Exchange, prompt: Prompt, answers: Sequence[Answer]) -> None:
        self.exchange = exchange
        self.prompt = prompt
        self.answers = answers
        self.model = exchange.model
        self.profile = profile_of(exchange.model.base)
        self.config = configured(exchange.body)
        self.common = {
            "modelVersion": exchange.model.written,
            "responseId": derived_id(prompt, "", length=22),
        }

    # whole

    def whole(self) -> dict[str, Any]:
        """The whole answer as one object."""
        if self._blocked:
            return self._refusal()
        candidates: list[dict[str, Any]] = []
        for index, answer in enumerate(self.answers):
            parts = _joined(self._groups(answer))
            closing = self._closing(answer, index)
            candidates.append(
                {"content": {**({"parts": parts} if parts else {}), "role": "model"}, **closing}
            )
        return {"candidates": candidates, "usageMetadata": self._usage(), **self.common}

    @property
    def _blocked(self) -> bool:
        return bool(self.answers[0].refusal)

    def _refusal(self) -> dict[str, Any]:
        usage = self._usage()
        counted = {
            "promptTokenCount": usage["promptTokenCount"],
            "totalTokenCount": usage["promptTokenCount"],
        }
        return {
            "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
            "usageMetadata": counted,
            **self.common,
        }

    # parts

    def _groups(self, answer: Answer) -> Iterator[list[Part]]:
        """Yield the parts: thoughts, text and calls each as the pieces that stream as one chunk each."""
        if self._forced not in (None, "STOP", "MAX_TOKENS"):
            return
        if self.profile.open or (self.config.get("thinkingConfig") or {}).get("includeThoughts"):
            for thought in answer.thoughts:
                if not thought.hidden:
                    yield [{"text": token, "thought": True} for token in pieces(thought.text)]
        text = self._spoken(answer)
        if text:
            yield [{"text": token} for token in pieces(text)]
        if answer.calls:
            yield self._calls(answer)
        elif self._signs(answer) and (text or answer.thoughts):
            thoughts = "".join(thought.text for thought in answer.thoughts)
            yield [{"text": "", "thoughtSignature": sign_text(self.exchange, thoughts)}]

    def _spoken(self, answer: Answer) -> str:
        """The text; a chosen enum value stands without its quotes."""
        if self.config.get("responseMimeType") == "text/x.enum" and answer.text.startswith('"'):
            return json.loads(answer.text)
        return answer.text

    def _signs(self, answer: Answer) -> bool:
        offered = bool(self.prompt.tools) or self.profile.open
        return self.profile.signs or (self.profile.budget is not None and bool(answer.thoughts) and offered)

    def _calls(self, answer: Answer) -> list[Part]:
        parts: list[Part] = [{"functionCall": self._call(c, n)} for n, c in enumerate(answer.calls)]
        if self._signs(answer):
            parts[0]["thoughtSignature"] = sign_call(self.exchange, parts[0]["functionCall"])
        return parts

    def _call(self, call: Call, index: int) -> dict[str, Any]:
        named = {"name": call.name, "args": json.loads(call.arguments or "{}")}
        if not self.profile.signs and not self.model.has("quirk-call-ids"):
            return named
        return {"id": call.id or derived_id(self.prompt, "", index=index), **named}

    # the end

    @property
    def _forced(self) -> str | None:
        """The finish reason that the model name asks for."""
        written = next((part for part in self.model.parts if part.startswith("finish-")), "")
        return written.removeprefix("finish-").upper().replace("-", "_") or None

    def _closing(self, answer: Answer, index: int) -> dict[str, Any]:
        finish = self._forced or FINISH[answer.ending]
        closing: dict[str, Any] = {"finishReason": finish, "index": index}
        if finish == "MALFORMED_FUNCTION_CALL":
            closing["finishMessage"] = "Malformed function call: print(default_api.f(x="
        if finish in ("SAFETY", "PROHIBITED_CONTENT"):
            closing["safetyRatings"] = RATINGS
        if answer.citations:
            closing["groundingMetadata"] = _grounding(answer)
        if self.config.get("responseLogprobs"):
            closing["avgLogprobs"] = -0.125
            closing["logprobsResult"] = self._logprobs(pieces(answer.text))
        return closing

    def _logprobs(self, tokens: Sequence[str]) -> dict[str, Any]:
        chosen = [{"token": token, "tokenId": n, "logProbability": -0.125} for n, token in enumerate(tokens)]
        width = self.config.get("logprobs") or 1
        top = [
            {"candidates": [{**each, "logProbability": -0.125 * (rank + 1)} for rank in range(width)]}
            for each in chosen
        ]
        return {"topCandidates": top, "chosenCandidates": chosen}

    @cached_property
    def _counted(self) -> list[Usage]:
        return [usage_of(self.prompt, answer) for answer in self.answers]

    def _usage(self, *, said: int | None = None) -> dict[str, Any]:
        """The counts; `said` are the tokens so far, of a stream that goes on."""
        counted = self._counted
        first = counted[0]
        prompt = first.input + first.cache_read + first.cache_write
        reasoning = sum(each.reasoning for each in counted)
        visible = sum(each.output for each in counted) - reasoning
        if said is not None:
            reasoning, visible = min(said, reasoning), min(max(0, said - reasoning), visible)
        usage: dict[str, Any] = {
            "promptTokenCount": prompt,
            **({"candidatesTokenCount": visible} if visible else {}),
            "totalTokenCount": prompt + visible + reasoning,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
        }
        if first.cache_read:
            usage["cachedContentTokenCount"] = first.cache_read
            usage["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": first.cache_read}]
        if reasoning:
            usage["thoughtsTokenCount"] = reasoning
        return usage

    # stream

    def chunks(self) -> Iterator[Frame]:
        """Yield the same answer as chunks; the last one has the finish reason and the final usage."""
        if self._blocked:
            yield Frame(data=self._refusal(), last=True)
            return
        streams = [list(self._steps(answer)) for answer in self.answers]
        longest = max(len(stream) for stream in streams)
        for number in range(longest):
            early = self.model.has("quirk-finish-early") and number == max(0, longest - 2)
            candidates = [
                {
                    "content": {"parts": stream[number], "role": "model"},
                    "index": index,
                    **({"finishReason": "STOP"} if early else {}),
                }
                for index, stream in enumerate(streams)
                if number < len(stream)
            ]
            yield Frame(data=self._chunk(candidates, self._usage(said=number + 1)), content=True)
        if self.model.has("quirk-unknown-event"):
            yield Frame(data={"hostProgress": {"percent": 99}, **self.common})
        yield Frame(data=self._chunk([*self._last_candidates()], self._usage()), last=True)

    def _steps(self, answer: Answer) -> Iterator[list[Part]]:
        """Yield the parts of each chunk but the last; parallel calls come in one."""
        for group in self._groups(answer):
            if "functionCall" in group[0] and not self.model.has("quirk-split-calls"):
                yield group
            elif "thoughtSignature" not in group[0] or "functionCall" in group[0]:
                yield from ([part] for part in group)

    def _last_candidates(self) -> Iterator[dict[str, Any]]:
        """Yield the closing candidates; a text's signature comes with them, on a part without text."""
        for index, answer in enumerate(self.answers):
            groups = list(self._groups(answer))
            signed = bool(groups) and groups[-1][0].get("text") == ""
            closing = self._closing(answer, index)
            if self.model.has("quirk-finish-early") and closing["finishReason"] == "STOP":
                del closing["finishReason"]
            parts = groups[-1] if signed else [{"text": ""}]
            yield {"content": {"parts": parts, "role": "model"} if groups else {"role": "model"}, **closing}

    def _chunk(self, candidates: list[dict[str, Any]], usage: dict[str, Any]) -> dict[str, Any]:
        return {"candidates": candidates, "usageMetadata": usage, **self.common}


def _joined(groups: Iterable[list[Part]]) -> list[Part]:
    """Make one part of each text's pieces, with the signature that follows it; calls stay apart."""
    parts: list[Part] = []
    for group in groups:
        first = group[0]
        if "functionCall" in first:
            parts += group
        elif "thoughtSignature" in first and parts and "thought" not in parts[-1]:
            parts[-1]["thoughtSignature"] = first["thoughtSignature"]
        else:
            parts.append({**first, "text": "".join(part["text"] for part in group)})
    return parts


def _grounding(answer: Answer) -> dict[str, Any]:
    said = answer.text.encode("utf-8", "surrogatepass")
    segment = {"startIndex": 0, "endIndex": len(said), "text": answer.text}
    return {
        "webSearchQueries": ["lighthouse"],
        "groundingChunks": [{"web": {"uri": url, "title": title}} for url, title in answer.citations],
        "groundingSupports": [
            {"segment": segment, "groundingChunkIndices": [number]} for number in range(len(answer.citations))
        ],
    }
