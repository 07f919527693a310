"""Events to `text_completion` chunks: text as it comes, one chunk with the finish of each choice."""

from __future__ import annotations

from typing import Any

from flowrouter.canonical import events as e
from flowrouter.canonical.cursor import Cursor
from flowrouter.canonical.events import Event
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.parts import Part, Refusal, Text
from flowrouter.canonical.usage import Usage, merge
from flowrouter.dialects.codec import EncodeOptions
from flowrouter.dialects.openai_completions.errors import error_object
from flowrouter.dialects.openai_completions.logprobs import legacy_logprobs
from flowrouter.dialects.openai_completions.requests import echoed
from flowrouter.dialects.openai_completions.responses import finish_word, lost, reply_id, write_usage
from flowrouter.wire.json import dumps
from flowrouter.wire.sse import COMMENT

_DONE = b"data: [DONE]\n\n"


class CompletionEncoder:
    """Events to the bytes of one stream; `losses` gathers what it could not say."""

    __slots__ = (
        "_close", "_done", "_lengths", "_offsets", "_open", "_options", "_prompt", "_started", "_texts", "_usage", "losses",
    )  # fmt: skip

    def __init__(self, options: EncodeOptions) -> None:
        self.losses: list[Loss] = []
        self._options = options
        self._prompt = echoed(options.asked)
        self._started = False
        self._done = False
        self._open = b""
        self._close = b'],"usage":null}\n\n' if options.include_usage else b"]}\n\n"
        self._texts: dict[int, int] = {}
        self._lengths: dict[int, int] = {}
        self._offsets: dict[int, int] = {}
        self._usage: Usage | None = None

    def feed(self, event: Event) -> bytes:
        """Return the bytes `event` puts on the wire (often none)."""
        if self._done:
            return b""
        match event:
            case e.PartDelta(index=index, text=text):
                choice = self._texts.get(index)
                return self._text(choice, text) if choice is not None and text else b""
            case e.PartStart():
                return self._part_start(event)
            case e.MessageStart():
                if not self._started:
                    self._begin(event.id, model=event.model, created=event.created)
                return b""
            case e.LogprobsDelta(logprobs=logprobs, choice=choice):
                return self._echo(choice) + self._logprobs(choice, logprobs)
            case e.UsageUpdate(usage=usage):
                self._usage = merge(self._usage, usage)
                return b""
            case e.Finish(reason=reason, choice=choice):
                return self._echo(choice) + self._chunk(choice, "", finish=finish_word(reason))
            case e.MessageEnd():
                return self._end()
            case e.StreamError(problem=problem):
                self._done = True
                return b"data: %b\n\n" % dumps({"error": error_object(problem)})
            case _:
                return b""

    def saying(self, index: int) -> None:
        """Return None: every delta is fed, since positions are counted."""
        del index

    def heartbeat(self) -> bytes:
        """Return a sign of life: a comment is harmless anywhere in such a stream."""
        return COMMENT

    def take_over(self, cursor: Cursor) -> None:
        """Go on where `cursor` stands, as if this encoder had written all before."""
        self._done = cursor.ended or cursor.problem is not None
        self._usage = cursor.usage
        if not cursor.started:
            return
        self._begin(cursor.id, model=cursor.model, created=cursor.created)
        for state in cursor.parts:
            if isinstance(state.header, Text | Refusal):
                self._texts[state.index] = state.choice
                if state.characters:
                    begun = self._lengths.get(state.choice, len(self._prompt))
                    self._lengths[state.choice] = begun + state.characters
        for choice in cursor.finishes:
            self._lengths.setdefault(choice, len(self._prompt))

    def _begin(self, vendor_id: str, *, model: str, created: int | None) -> None:
        self._started = True
        head = {
            "id": reply_id(vendor_id),
            "object": "text_completion",
            "created": int(self._options.now) if created is None else created,
            "model": self._options.model or model,
        }
        self._open = b'data: %b,"choices":[' % dumps(head)[:-1]

    def _part_start(self, event: e.PartStart) -> bytes:
        part: Part = event.part
        if not isinstance(part, Text | Refusal):
            loss = lost(part, event.choice)
            if loss not in self.losses:
                self.losses.append(loss)
            return b""
        self._texts[event.index] = event.choice
        return self._text(event.choice, part.text) if part.text else b""

    def _text(self, choice: int, text: str) -> bytes:
        first = self._echo(choice)
        self._lengths[choice] += len(text)
        return first + self._chunk(choice, text)

    def _echo(self, choice: int) -> bytes:
        """Return the prompt as the first text of a choice, if that was asked for."""
        if choice in self._lengths:
            return b""
        self._lengths[choice] = len(self._prompt)
        return self._chunk(choice, self._prompt) if self._prompt else b""

    def _logprobs(self, choice: int, given: dict[str, Any]) -> bytes:
        start = self._offsets.get(choice, len(self._prompt))
        told = legacy_logprobs(given, start=start)
        if told is None:
            return b""
        self._offsets[choice] = start + sum(len(token) for token in told["tokens"])
        return self._chunk(choice, "", logprobs=told)

    def _chunk(
        self,
        choice: int,
        text: str,
        *,
        finish: str | None = None,
        logprobs: dict[str, Any] | None = None,
    ) -> bytes:
        item = {"text": text, "index": choice, "logprobs": logprobs, "finish_reason": finish}
        return b"".join((self._open, dumps(item), self._close))

    def _end(self) -> bytes:
        self._done = True
        if not self._options.include_usage or self._usage is None:
            return _DONE
        return b'%b],"usage":%b}\n\n%b' % (self._open, dumps(write_usage(self._usage)), _DONE)


def resume(options: EncodeOptions, cursor: Cursor) -> CompletionEncoder:
    """Return an encoder that goes on where `cursor` stands."""
    encoder = CompletionEncoder(options)
    encoder.take_over(cursor)
    return encoder


__all__ = ["CompletionEncoder", "resume"]
