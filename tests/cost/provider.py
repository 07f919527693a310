"""A provider that answers in process, whole or as 103 events: what is counted is the gateway alone."""

from __future__ import annotations

import json
from typing import Any

from flowrouter.wire.http import HttpRequest
from tests.playbooks.scripts import JSON, SSE, Script, ScriptedReply

TEXT = "The quick brown fox jumps over the lazy dog. " * 16
"""About what a plain answer of the benchmark's mock says."""


class Provider:
    """A transport with one answer, made before anything is counted."""

    def __init__(self, dialect: str, *, chunks: int) -> None:
        if chunks:
            self._script = Script(headers=SSE, steps=_STREAMS[dialect](chunks))
        else:
            self._script = Script(headers=JSON, steps=[_PLAIN[dialect]()])

    async def send(self, request: HttpRequest) -> ScriptedReply:
        return ScriptedReply(self._script)

    async def close(self) -> None:
        pass


def _openai_plain() -> bytes:
    message = {"role": "assistant", "content": TEXT, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return _packed(_OPENAI | {"object": "chat.completion", "choices": [choice], "usage": _OPENAI_USAGE})


def _anthropic_plain() -> bytes:
    return _packed(
        _MESSAGE
        | {
            "content": [{"type": "text", "text": TEXT}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 100, "output_tokens": 50},
        }
    )


def _openai_stream(chunks: int) -> list[bytes]:
    def frame(choices: list[Any], usage: Any = None) -> bytes:
        document = _OPENAI | {"object": "chat.completion.chunk", "choices": choices, "usage": usage}
        return b"data: " + _packed(document) + b"\n\n"

    def delta(of: dict[str, Any], finish: str | None = None) -> bytes:
        return frame([{"index": 0, "delta": of, "logprobs": None, "finish_reason": finish}])

    texts = [delta({"content": f" ~{number:06d}~ and"}) for number in range(chunks)]
    first, last = delta({"role": "assistant", "content": ""}), delta({}, "stop")
    return [first, *texts, last, frame([], _OPENAI_USAGE), b"data: [DONE]\n\n"]


def _anthropic_stream(chunks: int) -> list[bytes]:
    def frame(kind: str, **rest: Any) -> bytes:
        return f"event: {kind}\ndata: ".encode() + _packed({"type": kind, **rest}) + b"\n\n"

    def text(number: int) -> bytes:
        return frame(
            "content_block_delta", index=0, delta={"type": "text_delta", "text": f" ~{number:06d}~ and"}
        )

    return [
        frame("message_start", message=_MESSAGE | {"usage": {"input_tokens": 100, "output_tokens": 1}}),
        frame("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *(text(number) for number in range(chunks)),
        frame("content_block_stop", index=0),
        frame(
            "message_delta",
            delta={"stop_reason": "end_turn", "stop_sequence": None},
            usage={"output_tokens": 50},
        ),
        frame("message_stop"),
    ]


def _packed(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


_OPENAI = {"id": "chatcmpl-1", "created": 1760000000, "model": "mock"}
_OPENAI_USAGE = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
_MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "mock",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
}
_PLAIN: dict[str, Any] = {
    "openai_chat": _openai_plain,
    "anthropic": _anthropic_plain,
}
_STREAMS: dict[str, Any] = {
    "openai_chat": _openai_stream,
    "anthropic": _anthropic_stream,
}
