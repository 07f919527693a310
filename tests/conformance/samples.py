"""What the tests send, and how they tell what came back."""

import base64
import hashlib
import json
import struct
import zlib
from typing import Any

import openai
from anthropic.types import Message
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
OPENAI_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "get_weather", "description": "Tell the weather of a city.", "parameters": SCHEMA},
}
OTHER_OPENAI_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "get_time", "description": "Tell the time of a city.", "parameters": SCHEMA},
}
CLAUDE_TOOL: dict[str, Any] = {
    "name": "get_weather",
    "description": "Tell the weather of a city.",
    "input_schema": SCHEMA,
}
OTHER_CLAUDE_TOOL: dict[str, Any] = {
    "name": "get_time",
    "description": "Tell the time of a city.",
    "input_schema": SCHEMA,
}
RESPONSES_TOOL: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "description": "Tell the weather of a city.",
    "parameters": SCHEMA,
    "strict": False,
}
OTHER_RESPONSES_TOOL: dict[str, Any] = {
    **RESPONSES_TOOL,
    "name": "get_time",
    "description": "Tell the time of a city.",
}
GOOGLE_SCHEMA: dict[str, Any] = {
    "type": "OBJECT",
    "properties": {"city": {"type": "STRING"}},
    "required": ["city"],
}
GOOGLE_TOOL: dict[str, Any] = {
    "function_declarations": [
        {
            "name": "get_weather",
            "description": "Tell the weather of a city.",
            "parameters": GOOGLE_SCHEMA,
        }
    ]
}
THINK: dict[str, Any] = {"type": "enabled", "budget_tokens": 1024}
PDF = b"%PDF-1.7\nthe smallest thing that begins like one\n%%EOF"


def _png() -> bytes:
    """Return one red dot, well-formed."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    dot = zlib.compress(b"\0\xff\0\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", dot) + chunk(b"IEND", b"")


PNG = _png()


def b64(data: bytes) -> str:
    """Return base64 text."""
    return base64.b64encode(data).decode()


def seen(mime: str, data: bytes) -> str:
    """Return the line by which the scripted model proves that these very bytes arrived."""
    return f"Seen: {mime} of {len(data)} bytes sha256:{hashlib.sha256(data).hexdigest()[:12]}"


def user(content: Any) -> list[Any]:
    """Return one user message, as both dialects write it."""
    return [{"role": "user", "content": content}]


def completion_said(completion: ChatCompletion) -> dict[str, Any]:
    """Return what a Chat completion says, without ids: text, calls, finish and what else is there."""
    (choice,) = completion.choices
    message = choice.message
    calls = [
        (c.function.name, c.function.arguments) for c in message.tool_calls or () if c.type == "function"
    ]
    thought = (message.model_extra or {}).get("reasoning_content")
    more = {"calls": calls, "refusal": message.refusal, "thought": thought}
    told = {name: value for name, value in more.items() if value}
    return {"text": message.content, "finish": choice.finish_reason, **told}


def streamed_completion(sdk: openai.OpenAI, **fields: Any) -> Any:
    """Return what the stream helper accumulates; unlike `get_final_completion` it takes any finish."""
    options: Any = {"include_usage": True}
    with sdk.chat.completions.stream(stream_options=options, **fields) as stream:
        (*_, last) = (event.snapshot for event in stream if event.type == "chunk")
    return last


def completion_whole(completion: ChatCompletion | Any) -> Any:
    """Return all that a stream and its JSON twin must agree on."""
    choices: list[Any] = []
    for choice in completion.choices:
        message = choice.message
        extra = message.model_extra or {}
        calls = [call.model_dump(exclude={"index"}) for call in message.tool_calls or ()]
        for call in calls:
            call.get("function", {}).pop("parsed_arguments", None)
        kept = {key: extra.get(key) for key in ("reasoning_content", "reasoning", "reasoning_signatures")}
        choices.append(
            (choice.index, choice.finish_reason, message.content or None, message.refusal, calls, kept)
        )
    usage = completion.usage.model_dump() if completion.usage else None
    return completion.id, completion.model, choices, usage


def replayed(message: Any) -> dict[str, Any]:
    """Return an answer as a client sends it back: all it got, without what the vendor itself refuses to see again."""
    dumped = message.model_dump(exclude_none=True, exclude={"annotations", "parsed"})
    for call in dumped.get("tool_calls", ()):
        call.pop("index", None)
        call.get("function", {}).pop("parsed_arguments", None)
    return dumped


BLOCK_FIELDS = ("type", "text", "thinking", "signature", "data", "id", "name", "input", "citations")


def message_whole(message: Message | Any) -> Any:
    """Return all that a stream and its JSON twin must agree on."""
    blocks = [
        {key: item for key, item in block.model_dump().items() if key in BLOCK_FIELDS}
        for block in message.content
    ]
    ending = (message.stop_reason, message.stop_sequence, message.stop_details)
    return message.id, message.model, blocks, ending, message.usage.model_dump()


def message_said(message: Message | Any) -> dict[str, Any]:
    """Return what a message says, without ids and seals: blocks in order and the stop."""
    blocks: list[Any] = []
    for block in message.content:
        match block.type:
            case "text":
                blocks.append(block.text)
            case "thinking":
                blocks.append(("thinking", block.thinking))
            case "tool_use":
                blocks.append((block.name, block.input))
            case other:
                blocks.append((other,))
    return {"blocks": blocks, "stop": message.stop_reason}


def response_whole(response: Response | Any) -> Any:
    """Return all that a stream and its JSON twin must agree on; our seals are encrypted anew each time."""
    whole = response.model_dump(by_alias=True, exclude_unset=True)
    for item in whole["output"]:
        item.pop("parsed_arguments", None)
        if str(item.get("encrypted_content")).startswith("flr1."):
            item["encrypted_content"] = "flr1."
        for part in item.get("content") or []:
            part.pop("parsed", None)
    for name in ("created_at", "completed_at"):
        whole.pop(name, None)
    return whole


def response_said(response: Response | Any) -> dict[str, Any]:
    """Return what a response says, without ids and seals: items in order and how it ended."""
    items: list[Any] = []
    for item in response.output:
        match item.type:
            case "message":
                items += [getattr(part, "text", None) or ("refusal", part.refusal) for part in item.content]
            case "function_call":
                items.append((item.name, json.loads(item.arguments)))
            case "custom_tool_call":
                items.append((item.name, item.input))
            case "reasoning":
                items.append(
                    ("reasoning", "".join(part.text for part in (*item.summary, *(item.content or ()))))
                )
            case other:
                items.append((other,))
    return {"items": items, "status": response.status}


def content_whole(made: Any) -> Any:
    """Return what Google's whole answer says: parts in order, the finish, and the counts; our seals are new each time."""
    return _contents([made])


def contents_whole(chunks: Any) -> Any:
    """Return what the chunks of a stream come to, to be compared with `content_whole`."""
    return _contents(list(chunks))


def _contents(chunks: list[Any]) -> Any:
    parts: list[list[Any]] = []
    for chunk in chunks:
        for candidate in chunk.candidates or ():
            for part in (candidate.content and candidate.content.parts) or ():
                if part.function_call:
                    call = part.function_call
                    parts.append(["call", (call.id, call.name, call.args)])
                elif part.text and parts and parts[-1][0] == ("thought" if part.thought else "text"):
                    parts[-1][1] += part.text
                elif part.text:
                    parts.append(["thought" if part.thought else "text", part.text])
    last = chunks[-1]
    reasons = [c.finish_reason for chunk in chunks for c in chunk.candidates or () if c.finish_reason]
    return parts, reasons, last.usage_metadata, last.response_id, last.model_version


def content_said(made: Any) -> list[Any]:
    """Return what Google's answer says, without ids."""
    parts, *_ = _contents([made])
    return [
        value[1:] if kind == "call" else (kind, value) if kind == "thought" else value
        for kind, value in parts
    ]
