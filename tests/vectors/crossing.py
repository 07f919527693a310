"""What a request or a reply says, told without any dialect's habits, and how two such tellings differ.

A telling is a mapping of aspects (`temperature`, `turns`, `calls`) to plain values. Two tellings differ
in the aspects whose values differ. Left out is what no dialect owes another: how content stood on the
wire, members only the origin knows (losses name those), raw objects, and ids, which become ordinals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from flowrouter.canonical.history import settle
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import (
    Document,
    Image,
    Part,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from flowrouter.canonical.request import Request
from flowrouter.canonical.response import Response
from flowrouter.wire.json import JsonError, loads

Telling = dict[str, Any]


def differences(before: Telling, after: Telling) -> list[str]:
    """Return the aspects in which two tellings differ."""
    return [name for name in before if before[name] != after[name]]


def tell_request(request: Request) -> Telling:
    """Return what a request asks for."""
    leading = 0
    while leading < len(request.messages) and request.messages[leading].role in ("system", "developer"):
        leading += 1
    heads = [*request.system, *(part for message in request.messages[:leading] for part in message.parts)]
    turns = _Turns()
    sampling = msgspec.structs.asdict(request.sampling)
    reasoning = request.reasoning
    output = request.output
    return {
        **sampling,
        "system": "".join(part.text for part in heads if isinstance(part, Text)),
        "turns": turns.tell(request.messages[leading:]),
        "cache marks": _marks(heads, request),
        "tools": [_tool(tool) for tool in request.tools],
        "tool choice": request.tool_choice and msgspec.structs.replace(request.tool_choice, extra={}),
        "parallel tools": request.parallel_tools,
        "max_tokens": request.max_tokens,
        "stop": request.stop,
        "reasoning": reasoning and (reasoning.mode, reasoning.effort, reasoning.budget),
        "reasoning display": reasoning and reasoning.display,
        "output": output and (output.kind, output.schema),
        "output labels": output and (output.name, output.description, output.strict),
        "verbosity": request.verbosity,
        "stream": request.stream,
        "user": request.user,
        "metadata": request.metadata,
        "service tier": request.service_tier,
        "cache key": request.cache_key,
        "cache": request.cache and request.cache.ttl,
    }


def tell_response(response: Response) -> Telling:
    """Return what a reply says, its first choice in parts and the others as a whole."""
    first = response.choices[0]
    usage = response.usage
    parts = first.parts
    return {
        "model": response.model,
        "text": "".join(part.text for part in parts if isinstance(part, Text)),
        "citations": [part.citations for part in parts if isinstance(part, Text) and part.citations],
        "reasoning": "".join(part.text for part in parts if isinstance(part, Reasoning)),
        "reasoning state": [
            (part.signature or None, part.redacted)
            for part in parts
            if isinstance(part, Reasoning) and (part.signature or part.redacted)
        ],
        "refusal": "".join(part.text for part in parts if isinstance(part, Refusal)),
        "calls": [
            (part.id, part.name, part.kind, _json(part)) for part in parts if isinstance(part, ToolCall)
        ],
        "other parts": [
            part for part in parts if not isinstance(part, Text | Reasoning | Refusal | ToolCall)
        ],
        "order": _kinds(parts),
        "finish": first.finish,
        "stop sequence": first.stop_sequence,
        "logprobs": first.logprobs,
        "other choices": len(response.choices) - 1,
        **{
            f"usage {name}": usage and getattr(usage, name)
            for name in ("input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning")
        },
    }


class _Turns:
    """Tells a conversation in the order every vendor insists on; call ids become ordinals."""

    def __init__(self) -> None:
        self._ordinals: dict[str, int] = {}

    def tell(self, messages: Sequence[Message]) -> list[Any]:
        told: list[Any] = []
        for message in settle(messages).messages:
            pieces = self._pieces(message.parts)
            if told and told[-1][0] == message.role and message.role != "tool":
                told[-1] = (message.role, _joined([*told[-1][1], *pieces]))
            elif pieces:
                told.append((message.role, _joined(pieces)))
        return told

    def _pieces(self, parts: Iterable[Part]) -> list[Any]:
        return [piece for part in parts if (piece := self._piece(part)) is not None]

    def _piece(self, part: Part) -> Any:
        match part:
            case Text() | Refusal():
                return ("text", part.text) if part.text else None
            case ToolCall():
                number = self._ordinals.setdefault(part.id, len(self._ordinals))
                return ("call", number, part.name, part.kind, _json(part))
            case ToolResult():
                content = _joined(self._pieces(part.content))
                return ("result", self._ordinals.get(part.call_id), content, bool(part.is_error))
            case Reasoning():
                return ("reasoning", part.text, part.signature, part.redacted)
            case Image():
                return ("image", _source(part.source), part.detail)
            case Document():
                return ("document", _source(part.source), part.title, part.context, part.citations)
            case _:
                return (str(part.__struct_config__.tag), msgspec.to_builtins(part))


def _joined(pieces: list[Any]) -> list[Any]:
    """Join texts that stand side by side: where they are cut carries no meaning."""
    joined: list[Any] = []
    for piece in pieces:
        if piece[0] == "text" and joined and joined[-1][0] == "text":
            joined[-1] = ("text", joined[-1][1] + piece[1])
        else:
            joined.append(piece)
    return joined


def _source(source: Source) -> Any:
    parts = tuple(part.text for part in source.parts if isinstance(part, Text))
    return (source.kind, source.media_type, source.data, source.url, source.file_id, parts)


def _tool(tool: Any) -> Any:
    plain = msgspec.to_builtins(tool)
    for name in ("extra", "cache", "legacy", "place"):
        plain.pop(name, None)
    return plain


def _json(call: ToolCall) -> Any:
    if call.kind == "custom":
        return call.arguments
    try:
        return loads(call.arguments)
    except JsonError:
        return call.arguments


def _marks(heads: Sequence[Part], request: Request) -> list[str | None]:
    bearers: list[Any] = [*request.tools, *heads]
    for message in request.messages:
        if message.role not in ("system", "developer"):
            bearers += message.parts
    hints = [getattr(bearer, "cache", None) for bearer in bearers]
    return [hint.ttl for hint in hints if hint is not None]


def _kinds(parts: Iterable[Part]) -> list[str]:
    kinds: list[str] = []
    for part in parts:
        kind = str(part.__struct_config__.tag)
        if not kinds or kinds[-1] != kind:
            kinds.append(kind)
    return kinds


__all__ = ["Telling", "differences", "tell_request", "tell_response"]
