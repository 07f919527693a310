"""A canonical response as a whole Chat answer."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import msgspec

from flowrouter.canonical.loss import Loss
from flowrouter.canonical.parts import Image, Part, Reasoning, Refusal, Text, ToolCall
from flowrouter.canonical.response import Choice, Response
from flowrouter.dialects.codec import EncodeOptions, RenderedReply
from flowrouter.dialects.openai_chat.annotations import annotation
from flowrouter.dialects.openai_chat.content import write_part
from flowrouter.dialects.openai_chat.finishes import WORDS_ALONE, word
from flowrouter.dialects.openai_chat.ids import reply_id
from flowrouter.dialects.openai_chat.parse_messages import REASONING_FIELDS, SEALED_FIELD
from flowrouter.dialects.openai_chat.usage import write_usage
from flowrouter.dialects.openai_chat.write_messages import write_call
from flowrouter.wire.json import dumps
from flowrouter.wire.members import Json, merge


def render_response(response: Response, options: EncodeOptions) -> RenderedReply:
    """Return the body for a Chat client, and what of the answer it could not hold."""
    own = response.origin == "openai_chat"
    losses: list[Loss] = []
    choices: list[Json] = []
    body: Json = {
        "id": reply_id(response.origin, response.id),
        "object": "chat.completion",
        "created": int(options.now) if response.created is None else response.created,
        "model": options.model or response.model,
        "choices": choices,
    }
    for choice in response.choices:
        if own or (said := _said(choice)) is None:
            said = _Writer(choice, options, own=own, losses=losses).choice()
        choices.append(said)
    if response.usage is not None:
        body["usage"] = write_usage(response.usage)
    if own:
        merge(body, response.extra)
    else:
        if response.extra:
            losses += unknown_members(response.extra, response.origin)
        for choice in response.choices:
            if choice.extra or choice.message_extra:
                losses += unknown_members({**choice.extra, **choice.message_extra}, response.origin)
    return RenderedReply(body=dumps(body), losses=tuple(losses))


_WORDS = frozenset({Text})
_text_of, _citations_of = attrgetter("text"), attrgetter("citations")


def _said(choice: Choice) -> Json | None:
    """Return the wire form of another dialect's choice of nothing but words, None for any other."""
    parts: Sequence[Text] = choice.parts  # pyright: ignore[reportAssignmentType] - as far as the next line lets it be
    if not (parts and _WORDS.issuperset(map(type, parts))) or any(map(_citations_of, parts)):
        return None
    if choice.stop_sequence is not None:
        return None
    text = parts[0].text if len(parts) == 1 else "".join(map(_text_of, parts))
    return {
        "index": choice.index,
        "message": {"role": "assistant", "content": text, "refusal": None},
        "logprobs": choice.logprobs,
        "finish_reason": WORDS_ALONE[choice.finish or "stop"],
    }


NO_STATE = "Chat has no place for a vendor's reasoning state"


class _Writer:
    """Writes one choice; `own` says that the answer came in this dialect."""

    def __init__(self, choice: Choice, options: EncodeOptions, *, own: bool, losses: list[Loss]) -> None:
        self._choice = choice
        self._own = own
        self._losses = losses
        self._kinds = kinds = set(map(type, choice.parts))
        self._calls: list[ToolCall] = []
        self._legacy = options.legacy_calls
        if ToolCall in kinds:
            self._calls = [part for part in choice.parts if isinstance(part, ToolCall)]
            self._legacy = self._legacy or any(call.kind == "legacy" for call in self._calls)

    def choice(self) -> Json:
        """Return the wire form of the choice."""
        choice = self._choice
        item: Json = {"index": choice.index, "message": self._message()}
        if choice.logprobs is not None or not self._own:
            item["logprobs"] = choice.logprobs
        item["finish_reason"] = self._finish()
        return merge(item, choice.extra) if self._own and choice.extra else item

    def _finish(self) -> str | None:
        choice = self._choice
        if self._own and choice.raw_finish and not (self._legacy and choice.raw_finish == "tool_calls"):
            return choice.raw_finish
        if choice.stop_sequence is not None and not self._own:
            self._lose("stop_sequence", "no place for the stop sequence that was met")
        reason = choice.finish or "stop"
        return word(reason, called=bool(self._calls), refused=Refusal in self._kinds, legacy=self._legacy)

    def _message(self) -> Json:
        item: Json = {"role": "assistant", "content": None}
        if not self._own:
            item["refusal"] = None
        parts = self._choice.parts
        texts: Sequence[Text] = parts  # pyright: ignore[reportAssignmentType] - as far as the next line lets it be
        if not self._kinds <= _WORDS:
            for part in parts:
                if not isinstance(part, Text):
                    self._put(item, part)
            texts = [part for part in parts if isinstance(part, Text)]
        if texts:
            item["content"] = texts[0].text if len(texts) == 1 else "".join(map(_text_of, texts))
            if any(map(_citations_of, texts)):
                self._put_annotations(item, texts)
        if self._calls:
            self._put_calls(item)
        return merge(item, self._choice.message_extra) if self._own else item

    def _put(self, item: Json, part: Part) -> None:
        match part:
            case Reasoning():
                self._put_reasoning(item, part)
            case Refusal(text=text):
                item["refusal"] = (item.get("refusal") or "") + text
            case Image():
                item.setdefault("images", []).append(write_part(part))
            case ToolCall():
                pass
            case _:
                self._lose(str(part.__struct_config__.tag), "Chat has no place for it in an answer")

    def _put_reasoning(self, item: Json, part: Reasoning) -> None:
        kept = self._own and part.field in self._choice.message_extra
        if part.text and not kept:
            named = self._own and part.field in REASONING_FIELDS
            field = part.field if named and part.field else "reasoning_content"
            between = "\n\n" if field in item and not self._own else ""
            item[field] = item.get(field, "") + between + part.text
        if part.sealed:
            item.setdefault(SEALED_FIELD, []).append(part.sealed)
        elif part.signature or part.redacted:
            self._lose("reasoning.signature", NO_STATE)

    def _put_annotations(self, item: Json, texts: Sequence[Text]) -> None:
        written: list[Json] = []
        start = 0
        for text in texts:
            end = start + len(text.text)
            for citation in text.citations:
                found = annotation(citation, start=start, end=end, own=self._own)
                if found is None:
                    self._lose("citations", "a citation without a URL")
                else:
                    written.append(found)
            start = end
        if written:
            item["annotations"] = written

    def _put_calls(self, item: Json) -> None:
        calls = (
            self._calls
            if self._own
            else [msgspec.structs.replace(call, extra={}, shape=()) for call in self._calls]
        )
        if not self._legacy:
            item["tool_calls"] = [write_call(call) for call in calls]
            return
        first, *others = calls
        item["function_call"] = merge({"name": first.name, "arguments": first.arguments}, first.extra)
        for call in others:
            self._lose("tool_calls", f"function_call holds one call; {call.name!r} was dropped")

    def _lose(self, what: str, reason: str) -> None:
        path = f"choices[{self._choice.index}].{what}"
        self._losses.append(Loss(path=path, kind="dropped", reason=reason))


def unknown_members(extra: Json, origin: str) -> list[Loss]:
    """Return the losses of members only their origin knows; one that holds nothing is none."""
    return [
        Loss(path=name, kind="dropped", reason=f"known to {origin} only")
        for name, value in extra.items()
        if value not in (None, [], {})
    ]


__all__ = ["NO_STATE", "render_response", "unknown_members"]
