"""Requests as clients really write them, odd in one way each: every vendor must be sent something it takes.

The numbers are those of the list of known traps that `gotchas` keeps.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"


@dataclass(frozen=True)
class Odd:
    """One request without its model; `number` says which trap it is."""

    number: int
    path: str
    body: Json


def _png() -> str:
    """Return a picture of one pixel, in base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0\xff\0\0"))
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + pixels + chunk(b"IEND", b"")
    return base64.b64encode(data).decode()


PNG = _png()


def said(role: str, content: Any, **more: Any) -> Json:
    """Return a message."""
    return {"role": role, "content": content, **more}


def function(name: str = "look", schema: Json | None = None) -> Json:
    """Return a tool of Chat's."""
    parameters = schema or {"type": "object", "properties": {"place": {"type": "string"}}}
    return {"type": "function", "function": {"name": name, "description": "Looks.", "parameters": parameters}}


def called(call_id: str, arguments: Any = "{}", name: str = "look") -> Json:
    """Return a call of Chat's."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def calls(*made: Json, content: Any = None) -> Json:
    """Return an assistant's message with calls."""
    return {"role": "assistant", "content": content, "tool_calls": list(made)}


def result(call_id: str, content: Any = "found") -> Json:
    """Return a tool's message of Chat's."""
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def chat(number: int, *messages: Json, **more: Any) -> Odd:
    """Return a request of Chat's that begins and ends with the user unless `messages` are whole."""
    return Odd(number, CHAT, {"messages": list(messages), **more})


HI, GO = said("user", "Hi"), said("user", "Go on.")
TOOLS = {"tools": [function()]}
LONG = "a_tool_whose_name_is_far_beyond_what_any_vendor_takes_for_a_name_" * 2
KEYWORDS: Json = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "properties": {"type": "object"},
        "enum": {"type": ["string", "null"], "enum": ["a", None]},
        "$ref": {"type": "string"},
        "items": {"type": "array"},
        "anything": True,
        "open": {},
        "next": {"$ref": "#/$defs/node"},
        "one": {"const": 1},
        "limit": {"type": "integer", "exclusiveMinimum": 0},
    },
    "required": ["type"],
    "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
    "$schema": "https://json-schema.org/draft/2020-12/schema",
}
ROOT_UNION: Json = {
    "anyOf": [
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        {"type": "object", "properties": {"b": {"type": "integer"}}, "required": ["b"]},
    ]
}
WEIRD = "functions.look:0|a b"
THINKING = {"thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 4000}
ANTHROPIC_TOOLS = {"tools": [{"name": "look", "input_schema": {"type": "object", "properties": {}}}]}

ODD: dict[str, Odd] = {
    "ids-of-other-systems": chat(
        1, HI, calls(called(WEIRD)), result(WEIRD), calls(called(WEIRD)), result(WEIRD), GO, **TOOLS
    ),
    "ids-over-long-and-empty": chat(
        1, HI, calls(called("x" * 200)), result("x" * 200), calls(called("")), result(""), GO, **TOOLS
    ),
    "results-out-of-order-twice-and-missing": chat(
        2,
        HI,
        calls(called("c1"), called("c2"), called("c3")),
        result("c2", "second"),
        result("c1", "first"),
        result("c1", "again"),
        result("nobody", "orphan"),
        GO,
        **TOOLS,
    ),
    "contents-of-nothing": chat(
        3,
        HI,
        said("assistant", ""),
        said("user", [{"type": "text", "text": ""}]),
        calls(called("c1"), content=""),
        result("c1", ""),
        said("assistant", None),
        GO,
        **TOOLS,
    ),
    "text-beside-calls": chat(4, HI, calls(called("c1"), content="I look."), result("c1"), GO, **TOOLS),
    "text-behind-calls": Odd(
        4,
        MESSAGES,
        {
            "max_tokens": 100,
            "messages": [
                HI,
                said(
                    "assistant",
                    [
                        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}},
                        {"type": "text", "text": "Looking."},
                    ],
                ),
                said("user", [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "found"}]),
            ],
            **ANTHROPIC_TOOLS,
        },
    ),
    "arguments-of-every-kind": chat(
        5,
        HI,
        calls(called("c1", ""), called("c2", "{'place': 'x'}"), called("c3", "[1]"), called("c4", "{broken")),
        *(result(f"c{number}") for number in range(1, 5)),
        GO,
        **TOOLS,
    ),
    "system-messages-everywhere": chat(
        6,
        said("system", "One."),
        said("system", [{"type": "text", "text": "Two."}]),
        HI,
        said("assistant", "Hello."),
        said("system", "Three."),
        GO,
        said("system", "Four."),
    ),
    "only-a-system-message": chat(6, said("system", "Speak.")),
    "developer-messages": chat(7, said("developer", "Be brief."), HI, said("developer", "Briefer."), GO),
    "two-user-turns-behind-results": chat(
        8, HI, GO, calls(called("c1")), result("c1"), said("user", "One."), said("user", "Two."), **TOOLS
    ),
    "a-begun-answer": chat(9, HI, said("assistant", "I begin ")),
    "data-urls": chat(
        10,
        said(
            "user",
            [
                {"type": "text", "text": "Look."},
                {"type": "image_url", "image_url": {"url": f"data:image/PNG;name=x.png;base64,{PNG}"}},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64, {PNG}\n"}},
            ],
        ),
    ),
    "a-picture-in-a-result": Odd(
        11,
        MESSAGES,
        {
            "max_tokens": 100,
            "messages": [
                HI,
                said("assistant", [{"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}]),
                said(
                    "user",
                    [
                        {
                            "type": "tool_result",
                            "tool_use_id": "toolu_1",
                            "content": [
                                {
                                    "type": "image",
                                    "source": {"type": "base64", "media_type": "image/png", "data": PNG},
                                }
                            ],
                        }
                    ],
                ),
            ],
            **ANTHROPIC_TOOLS,
        },
    ),
    "no-tool-may-be-called": chat(12, HI, tool_choice="none", **TOOLS),
    "a-forced-tool-beside-thinking": Odd(
        12,
        MESSAGES,
        {"messages": [HI], "tool_choice": {"type": "auto"}, **THINKING, **ANTHROPIC_TOOLS},
    ),
    "one-call-at-a-time": chat(13, HI, parallel_tool_calls=False, **TOOLS),
    "long-names-that-differ-at-the-end": chat(
        14,
        HI,
        calls(called("c1", name=f"{LONG}1")),
        result("c1"),
        GO,
        tools=[function(f"{LONG}1"), function(f"{LONG}2")],
    ),
    "schemas-of-keywords-and-cycles": chat(15, HI, tools=[function(schema=KEYWORDS)]),
    "a-schema-of-two-shapes": chat(
        15, HI, tools=[function(schema=ROOT_UNION), function("bare", {"type": "object"})]
    ),
    "zeros": chat(16, HI, temperature=0, top_p=0.5, seed=0, n=1, max_completion_tokens=50),
    "a-budget-beyond-the-cap": chat(17, HI, reasoning_effort="high", max_completion_tokens=100),
    "thinking-of-nobody": Odd(
        19,
        MESSAGES,
        {
            "messages": [
                HI,
                said(
                    "assistant",
                    [
                        {"type": "thinking", "thinking": "Hm.", "signature": ""},
                        {"type": "text", "text": "Yes."},
                    ],
                ),
                said(
                    "assistant",
                    [{"type": "redacted_thinking", "data": "bm9ib2R5"}, {"type": "text", "text": "No."}],
                ),
                GO,
            ],
            "max_tokens": 4000,
        },
    ),
    "lone-surrogates": chat(30, HI, calls(called("c1")), result("c1", "\ud83d oh \x00"), GO, **TOOLS),
    "empty-settings": chat(
        39, HI, tools=[], stop=[], response_format={"type": "text"}, user="", logprobs=False
    ),
    "functions-of-old": chat(
        47,
        HI,
        {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": "{}"}},
        {"role": "function", "name": "look", "content": "found"},
        GO,
        functions=[{"name": "look", "parameters": {"type": "object", "properties": {}}}],
        function_call="auto",
    ),
    "a-stop-of-its-own": chat(48, said("user", "Say one END two"), stop=["END"]),
}


def body(odd: Odd, model: str, *, stream: bool) -> bytes:
    """Return the request as bytes; broken text stays as it is."""
    return json.dumps({"model": model, **odd.body, "stream": stream}).encode()


__all__ = ["CHAT", "MESSAGES", "ODD", "RESPONSES", "Odd", "body"]
