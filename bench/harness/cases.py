"""The requests the benchmark sends: small, streamed, and the 120 KB body of a coding agent.

Bodies are made from a fixed seed, so two runs send the same bytes. The client's dialect gives the body and the path,
the upstream's dialect gives the model's name, and by this name a gateway routes to the one mock or the other.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

OPENAI, ANTHROPIC = "openai_chat", "anthropic"
SHORT = {OPENAI: "oa", ANTHROPIC: "an"}
PATHS = {OPENAI: "/v1/chat/completions", ANTHROPIC: "/v1/messages"}
STREAM_ENDS = {OPENAI: "[DONE]", ANTHROPIC: "message_stop"}
AGENT_TOOLS = 20
CHUNKS, INTERVAL_MS = 100, 10

Json = dict[str, Any]

_PROSE = """
the parser reads one frame and hands it to the next stage without a copy while the writer keeps a cursor so that a
broken stream can be resumed after the last whole event and nothing is sent twice def return import class self value
error path line test assert module function cache socket buffer
"""
_WORDS = _PROSE.split()


@dataclass(frozen=True, kw_only=True)
class Case:
    """One kind of request; `chunks` is 0 for a plain reply, else the text events of its stream.

    `ending` stands in the last bytes of a whole reply; empty means what the dialect ends its streams with.
    """

    name: str
    group: str
    client: str
    upstream: str
    body: bytes
    chunks: int = 0
    ending: str = ""

    @property
    def route(self) -> tuple[str, str]:
        """The dialects of client and upstream."""
        return (self.client, self.upstream)

    @property
    def path(self) -> str:
        """Where the client posts it."""
        return PATHS[self.client]

    @property
    def expect(self) -> str:
        """What must stand in the last bytes of a whole reply."""
        return self.ending or (STREAM_ENDS[self.client] if self.chunks else "}")


def model_name(upstream: str, chunks: int = 0, interval_ms: int = 0) -> str:
    """Return the model whose name tells the mock how to stream, such as `an-c100-i10`."""
    timing = f"-c{chunks}-i{interval_ms}" if chunks else ""
    return SHORT[upstream] + timing


def plain_case(client: str, upstream: str, *, tags: str = "") -> Case:
    """Return a request of about 0.9 KB with a plain reply; `tags` ask the mock for faults."""
    group = "plain" if client == upstream else "translated"
    return Case(
        name=f"{SHORT[client]}→{SHORT[upstream]} plain",
        group=group,
        client=client,
        upstream=upstream,
        body=dump(_small_body(client, model_name(upstream) + tags)),
    )


def stream_case(
    client: str, upstream: str, *, chunks: int = CHUNKS, interval_ms: int = INTERVAL_MS, tags: str = ""
) -> Case:
    """Return the same request streamed: `chunks` text events, one each `interval_ms`."""
    body = _small_body(client, model_name(upstream, chunks, interval_ms) + tags) | {"stream": True}
    if client == OPENAI:
        body["stream_options"] = {"include_usage": True}
    return Case(
        name=f"{SHORT[client]}→{SHORT[upstream]} stream",
        group="stream" if client == upstream else "stream translated",
        client=client,
        upstream=upstream,
        body=dump(body),
        chunks=chunks,
    )


def agent_case(client: str, upstream: str) -> Case:
    """Return the request of an agent deep in its work: 81 messages, 20 tools, 120 KB."""
    body = _openai_agent(model_name(upstream)) if client == OPENAI else _anthropic_agent(model_name(upstream))
    return Case(
        name=f"{SHORT[client]}→{SHORT[upstream]} 120 KB",
        group="agent" if client == upstream else "agent translated",
        client=client,
        upstream=upstream,
        body=dump(body),
    )


def dump(body: Json) -> bytes:
    """Return a body as it is sent."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _text(source: random.Random, length: int) -> str:
    words: list[str] = []
    size = 0
    while size < length:
        word = source.choice(_WORDS)
        words.append(word + ("\n" if source.random() < 0.08 else " "))
        size += len(words[-1])
    return "".join(words)[:length]


def _small_body(client: str, model: str) -> Json:
    source = random.Random(11)
    system, question, answer, last = (_text(source, length) for length in (240, 140, 160, 120))
    turns = [
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer},
        {"role": "user", "content": last},
    ]
    shared: Json = {"model": model, "temperature": 0.2, "max_tokens": 512}
    if client == OPENAI:
        return shared | {"messages": [{"role": "system", "content": system}, *turns]}
    return shared | {"system": system, "messages": turns}


def _schema(source: random.Random) -> Json:
    names = ("path", "pattern", "limit", "offset", "reason")
    properties: Json = {
        name: {
            "type": "integer" if name in ("limit", "offset") else "string",
            "description": _text(source, 130),
        }
        for name in names
    }
    return {"type": "object", "properties": properties, "required": ["path"], "additionalProperties": False}


def _tools(source: random.Random) -> list[Json]:
    return [
        {"name": f"tool_{index:02d}", "description": _text(source, 900), "schema": _schema(source)}
        for index in range(AGENT_TOOLS)
    ]


def _steps(source: random.Random, count: int, result_length: int) -> list[Json]:
    return [
        {
            "id": f"call_{index:04d}abcdef",
            "tool": f"tool_{index % AGENT_TOOLS:02d}",
            "say": _text(source, 120),
            "arguments": {"path": f"src/part_{index}.py", "pattern": _text(source, 40), "limit": 200},
            "result": _text(source, result_length),
        }
        for index in range(count)
    ]


def _openai_agent(model: str) -> Json:
    source = random.Random(7)
    tools = [
        {
            "type": "function",
            "function": {"name": t["name"], "description": t["description"], "parameters": t["schema"]},
        }
        for t in _tools(source)
    ]
    messages: list[Json] = [
        {"role": "system", "content": _text(source, 6000)},
        {"role": "user", "content": _text(source, 800)},
    ]
    for step in _steps(source, 39, 1440):
        function = {"name": step["tool"], "arguments": json.dumps(step["arguments"])}
        call = {"id": step["id"], "type": "function", "function": function}
        messages.append({"role": "assistant", "content": step["say"], "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": step["id"], "content": step["result"]})
    messages.append({"role": "user", "content": _text(source, 400)})
    return {"model": model, "messages": messages, "tools": tools, "tool_choice": "auto", "max_tokens": 4096}


def _anthropic_agent(model: str) -> Json:
    source = random.Random(7)
    mark = {"type": "ephemeral"}
    tools = [
        {"name": t["name"], "description": t["description"], "input_schema": t["schema"]}
        for t in _tools(source)
    ]
    tools[-1]["cache_control"] = mark
    messages: list[Json] = [{"role": "user", "content": _text(source, 800)}]
    for step in _steps(source, 40, 1406):
        use = {"type": "tool_use", "id": step["id"], "name": step["tool"], "input": step["arguments"]}
        result = {"type": "tool_result", "tool_use_id": step["id"], "content": step["result"]}
        messages.append({"role": "assistant", "content": [{"type": "text", "text": step["say"]}, use]})
        messages.append({"role": "user", "content": [result]})
    messages[-1]["content"][0]["cache_control"] = mark
    system = [{"type": "text", "text": _text(source, 6000), "cache_control": mark}]
    return {"model": model, "system": system, "messages": messages, "tools": tools, "max_tokens": 4096}


CASES = (
    plain_case(OPENAI, OPENAI),
    plain_case(ANTHROPIC, ANTHROPIC),
    plain_case(OPENAI, ANTHROPIC),
    plain_case(ANTHROPIC, OPENAI),
    agent_case(OPENAI, OPENAI),
    agent_case(ANTHROPIC, ANTHROPIC),
    agent_case(ANTHROPIC, OPENAI),
    stream_case(OPENAI, OPENAI),
    stream_case(ANTHROPIC, ANTHROPIC),
    stream_case(OPENAI, ANTHROPIC),
    stream_case(ANTHROPIC, OPENAI),
)
