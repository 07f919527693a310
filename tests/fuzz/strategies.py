"""Random canonical requests, answers, event streams and bytes, of the kinds real traffic is made of."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from flowrouter.canonical import events as e
from flowrouter.canonical.cache import CacheHint
from flowrouter.canonical.dialect import DIALECTS
from flowrouter.canonical.events import Event
from flowrouter.canonical.messages import Message
from flowrouter.canonical.parts import (
    Document,
    Image,
    Opaque,
    Part,
    Provenance,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from flowrouter.canonical.request import EFFORTS, OutputFormat, ReasoningControl, Request, Sampling
from flowrouter.canonical.tools import CustomTool, FunctionTool, HostedTool, ToolChoice
from flowrouter.canonical.usage import Usage

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
spoken = words.filter(lambda text: bool(text.strip()))
names = st.text(st.sampled_from("abcXYZ019_-./: é"), min_size=1, max_size=80)
ids = st.one_of(st.sampled_from(["a", "b", "call_1", "toolu_01A", ""]), names)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63),
    st.floats(allow_nan=False, allow_infinity=False),
    words,
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(words, values, max_size=3)
arguments = st.one_of(
    objects.map(json.dumps),
    st.sampled_from(["", "{}", "[1]", "{'a': 1,}", '{"a": "x', "null", "words"]),
    words,
)
schemas = st.one_of(
    st.none(),
    objects,
    st.dictionaries(
        words, st.sampled_from([{"type": "string"}, {"type": "integer", "minimum": 0}, True, {"$ref": "#/$defs/X"}])
    ).map(lambda properties: {"type": "object", "properties": properties}),
    st.just({"anyOf": [{"type": "object", "properties": {"a": {}}, "required": ["a"]}, {"type": "null"}]}),
)  # fmt: skip
hints = st.one_of(st.none(), st.builds(CacheHint, ttl=st.sampled_from([None, "5m", "1h"])))
provenances = st.one_of(
    st.none(),
    st.builds(Provenance, dialect=st.sampled_from(DIALECTS), family=st.sampled_from([None, "claude", "gpt"])),
)

texts = st.builds(Text, text=words, cache=hints, extra=st.just({}) | objects)
images = st.builds(
    Image,
    source=st.sampled_from(
        [
            Source(kind="base64", media_type="image/png", data=PNG),
            Source(kind="url", url="https://images.example/a.png"),
        ]
    ),
    detail=st.sampled_from([None, "auto", "high"]),
    cache=hints,
)
documents = st.builds(
    Document,
    source=st.sampled_from(
        [
            Source(kind="base64", media_type="application/pdf", data="JVBERi0xLjQK"),
            Source(kind="url", url="https://files.example/a.pdf"),
            Source(kind="text", media_type="text/plain", data="plain"),
            Source(kind="content", parts=(Text(text="inner"),)),
        ]
    ),
    title=st.none() | spoken,
    cache=hints,
)
reasonings = st.builds(
    Reasoning,
    text=words,
    signature=st.sampled_from([None, "", "sig"]),
    redacted=st.sampled_from([None, None, "data"]),
    sealed=st.sampled_from([None, None, "flr1.x"]),
    provenance=provenances,
)
calls = st.builds(
    ToolCall,
    id=ids,
    name=names,
    arguments=arguments,
    kind=st.sampled_from(["function", "function", "custom"]),
)
results = st.builds(
    ToolResult,
    call_id=ids,
    content=st.lists(texts | images, max_size=2).map(tuple),
    is_error=st.sampled_from([None, True, False]),
)
opaques = st.builds(
    Opaque, payload=objects.map(lambda value: {**value, "type": "thing"}), origin=st.sampled_from(DIALECTS)
)
refusals = st.builds(Refusal, text=words)


def _message(role: Any, *kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[Message]:
    parts = st.lists(st.one_of(*kinds), max_size=4).map(tuple)
    return st.builds(Message, role=st.just(role), parts=parts, name=st.sampled_from([None, None, "ann"]))


messages = st.one_of(
    _message("system", texts),
    _message("developer", texts),
    _message("user", texts, images, documents, results, opaques),
    _message("assistant", texts, reasonings, calls, refusals, opaques),
    st.builds(Message, role=st.just("tool"), parts=results.map(lambda result: (result,))),
)
tools = st.one_of(
    st.builds(
        FunctionTool, name=names, description=st.none() | words, schema=schemas, strict=st.sampled_from([None, True, False]), cache=hints
    ),
    st.builds(CustomTool, name=names, description=st.none() | words),
    st.builds(HostedTool, kind=st.just("web_search"), config=st.just({"type": "web_search"}), origin=st.just("openai_responses")),
)  # fmt: skip
choices = st.one_of(
    st.none(),
    st.builds(ToolChoice, mode=st.sampled_from(["auto", "none", "required"])),
    st.builds(ToolChoice, mode=st.just("tool"), name=names),
    st.builds(ToolChoice, mode=st.just("allowed"), names=st.lists(names, max_size=2).map(tuple), required=st.booleans()),
)  # fmt: skip
controls = st.one_of(
    st.none(),
    st.builds(ReasoningControl, mode=st.sampled_from(["off", "auto"])),
    st.builds(ReasoningControl, mode=st.just("effort"), effort=st.sampled_from(EFFORTS)),
    st.builds(ReasoningControl, mode=st.just("budget"), budget=st.integers(0, 200_000)),
)
requests = st.builds(
    Request,
    origin=st.just("openai_responses"),
    model=st.just("asked"),
    messages=st.lists(messages, min_size=1, max_size=6).map(tuple),
    system=st.lists(texts, max_size=2).map(tuple),
    tools=st.lists(tools, max_size=3).map(tuple),
    tool_choice=choices,
    parallel_tools=st.sampled_from([None, True, False]),
    sampling=st.builds(
        Sampling,
        temperature=st.none() | st.floats(0, 2),
        top_p=st.none() | st.floats(0, 1),
        top_k=st.none() | st.integers(0, 100),
        seed=st.none() | st.integers(0, 9),
        presence_penalty=st.none() | st.floats(-2, 2),
    ),
    max_tokens=st.none() | st.integers(1, 100_000),
    stop=st.lists(words, max_size=3).map(tuple),
    reasoning=controls,
    output=st.one_of(
        st.none(),
        st.just(OutputFormat(kind="json")),
        st.builds(OutputFormat, kind=st.just("schema"), name=st.none() | st.just("answer"), schema=objects),
    ),
    stream=st.booleans(),
    user=st.none() | words,
    metadata=st.none() | st.dictionaries(words, words, max_size=2),
    extra=st.just({}) | objects,
)
"""Requests of OpenAI Responses; `origin` is replaced where that is the target, so that a render repairs."""


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    """Return the events of one answer that keeps the grammar.

    Parts overlap at will, but for reasoning: no vendor begins anything else before it has ended.
    """
    origin = draw(st.sampled_from(["openai_chat", "anthropic", "gemini"]))
    events: list[Event] = [e.MessageStart(origin=origin, id=draw(words), model=draw(words))]
    headers: st.SearchStrategy[Part] = st.one_of(
        st.just(Text(text="")),
        st.builds(Reasoning, provenance=provenances),
        st.builds(ToolCall, id=ids, name=names, arguments=st.just("")),
        st.just(Refusal(text="")),
    )
    count = draw(st.integers(0, 4))
    open_parts: list[int] = []
    started, reasons = 0, False
    while started < count or open_parts:
        step = draw(st.sampled_from(["start", "delta", "end", "other"]))
        if step == "start" and started < count:
            header = draw(headers)
            if isinstance(header, Reasoning) or reasons:
                events += [e.PartEnd(index) for index in open_parts]
                open_parts.clear()
            reasons = isinstance(header, Reasoning)
            events.append(e.PartStart(index=started, part=header))
            open_parts.append(started)
            started += 1
        elif step == "delta" and open_parts:
            events.append(e.PartDelta(draw(st.sampled_from(open_parts)), draw(words)))
        elif step == "end" and open_parts:
            events.append(e.PartEnd(open_parts.pop(draw(st.integers(0, len(open_parts) - 1)))))
        elif step == "other":
            events.append(
                draw(st.sampled_from([e.Ping(), e.FrameError("x"), e.UsageUpdate(Usage(input=1, output=2))]))
            )
    finish = draw(st.sampled_from(["stop", "length", "tool_calls", "content_filter", "other"]))
    return [*events, e.UsageUpdate(Usage(input=3, output=4)), e.Finish(reason=finish), e.MessageEnd()]


chunks = st.lists(st.binary(max_size=40), max_size=12)

__all__ = ["chunks", "ids", "names", "objects", "requests", "results", "streams", "values", "words"]
