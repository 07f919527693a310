"""Answers that break off behind a client's back: one exchange from the first attempt to what the client read.

The first provider tells a story and breaks at some byte in some way; the second is one of five kinds (says
the same again, in other words, goes on honestly from a begun answer, says the last twelve words again, or
chats before it goes on). All is played through the real pipeline in virtual time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from flowrouter.canonical import events as e
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.events import Event
from flowrouter.canonical.fold import Fold
from flowrouter.canonical.grammar import Grammar
from flowrouter.canonical.parts import Provenance, Reasoning, Text, ToolCall
from flowrouter.canonical.usage import Usage
from flowrouter.dialects import codec
from flowrouter.dialects.codec import DecodeOptions, EncodeOptions
from flowrouter.wire.http import HttpRequest
from flowrouter.wire.sse import SseParser
from tests.playbooks.stage import SSE, Performance, Script, Scripts, account, account_of, play, reset
from tests.support.stories import PARAPHRASES, STORIES, last_twelve_words

Kind = Literal["same", "paraphrase", "honest", "overlap", "chatty"]
Ending = Literal["close", "reset", "stall", "half", "garbage", "error"]

KINDS: tuple[Kind, ...] = ("same", "paraphrase", "honest", "overlap", "chatty")
JOINING: frozenset[Kind] = frozenset({"same", "honest", "overlap"})
ENDINGS: tuple[Ending, ...] = ("close", "reset", "stall", "half", "garbage", "error")
CLIENTS = ("openai_chat", "openai_responses", "anthropic", "gemini", "gemini-array", "openai_completions")
UPSTREAMS: tuple[Dialect, ...] = ("openai_chat", "openai_responses", "anthropic", "gemini")

MODEL = "claude-sonnet-4-5"
"""Goes on from a begun answer where Anthropic's dialect is spoken, by its record."""

QUESTION = "Tell the story of the keeper."


@dataclass(frozen=True)
class Break:
    """One answer and how it breaks; `place` is the share of the stream's bytes that come."""

    client: str
    first: Dialect
    second: Dialect
    story: str
    kind: Kind
    ending: Ending
    place: float
    seed: int = 0

    @property
    def dialect(self) -> Dialect:
        """The client's dialect."""
        return "gemini" if self.client == "gemini-array" else self.client  # type: ignore[return-value]

    @property
    def text(self) -> str:
        """The whole answer."""
        return STORIES[self.story]


@dataclass
class Told:
    """What a client read: the text, whether it was told a proper end or a failure, and its identity."""

    text: str = ""
    ended: bool = False
    failed: bool = False
    ids: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    finish: str | None = None
    usage: Usage | None = None


def tokens(text: str, chance: Random) -> list[str]:
    """Return `text` in pieces as a provider would send it."""
    pieces, at = [], 0
    while at < len(text):
        size = chance.choice((1, 2, 3, 4, 5, 7, 9))
        pieces.append(text[at : at + size])
        at += size
    return pieces


def answer(
    dialect: Dialect,
    text: str,
    *,
    seed: int = 0,
    ident: str = "first",
    reasoning: str = "",
    call: str = "",
    usage: Usage | None = None,
) -> list[Event]:
    """Return a provider's answer as events: reasoning, text, a call."""
    chance = Random(seed)
    ids = {"openai_chat": "chatcmpl-", "openai_responses": "resp_", "anthropic": "msg_", "gemini": ""}
    events: list[Event] = [
        e.MessageStart(
            origin=dialect, id=f"{ids[dialect]}{ident}", model=f"{MODEL}-of-{ident}", created=1_700_000_000
        )
    ]
    parts: list[tuple[Any, str]] = []
    if reasoning:
        parts.append((Reasoning(), reasoning))
    if text:
        parts.append((Text(text=""), text))
    if call:
        parts.append((ToolCall(id=f"call_{ident}", name="fire", arguments=""), call))
    for index, (header, said) in enumerate(parts):
        events.append(e.PartStart(index=index, part=header))
        events += [e.PartDelta(index, piece) for piece in tokens(said, chance)]
        events.append(e.PartEnd(index))
    events.append(e.UsageUpdate(usage or Usage(input=20, output=30)))
    return [*events, e.Finish(reason="tool_calls" if call else "stop"), e.MessageEnd()]


def wire(dialect: Dialect, events: Iterable[Event]) -> list[bytes]:
    """Return the frames that `events` are on a provider's wire."""
    encoder = codec(dialect).encoder(EncodeOptions(include_usage=True, now=1_700_000_000.0, model=None))
    return [piece for event in events if (piece := encoder.feed(event))]


def broken(frames: Sequence[bytes], case: Break) -> Script:
    """Return a script that plays `frames` up to the case's place and breaks there in its way."""
    whole = b"".join(frames)
    cut = max(1, min(len(whole) - 1, round(case.place * len(whole))))
    if case.ending != "half":
        # Between frames; the other ways of breaking come behind what was properly said.
        sizes, at = [], 0
        for frame in frames:
            at += len(frame)
            sizes.append(at)
        cut = next((size for size in sizes if size >= cut), sizes[-2])
        cut = min(cut, sizes[-2]) if len(sizes) > 1 else cut
    endings: dict[Ending, list[Any]] = {
        "close": [],
        "half": [],
        "reset": [reset()],
        "stall": [500.0],
        "garbage": [b"data: {\"id\": \"oops\n\ndata: <html>\n\n", reset()],
        "error": [error_frame(case.first)],
    }  # fmt: skip
    return Script(headers=SSE, steps=[*pieces(whole[:cut], case.seed), *endings[case.ending]])


def pieces(data: bytes, seed: int) -> list[bytes]:
    """Return `data` in a few reads."""
    chance = Random(seed)
    places = sorted({chance.randrange(len(data) + 1) for _ in range(4)})
    cut = [data[start:stop] for start, stop in zip([0, *places], [*places, len(data)], strict=True)]
    return [piece for piece in cut if piece]


def error_frame(dialect: Dialect) -> bytes:
    """Return a provider's failure in the middle of its stream."""
    told: dict[Dialect, bytes] = {
        "openai_chat": b'data: {"error":{"message":"The server had an error","type":"server_error"}}\n\n',
        "openai_responses": b'event: error\ndata: {"type":"error","code":"server_error","message":"The server had an error",'
        b'"param":null,"sequence_number":99}\n\n',
        "anthropic": b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"Internal server error"}}\n\n',
        "gemini": b'data: {"error":{"code":500,"message":"An internal error has occurred","status":"INTERNAL"}}\n\n',
    }
    return told[dialect]


def begun(request: HttpRequest, dialect: Dialect) -> str:
    """Return the text of the begun answer that a provider was asked to go on from, if it was."""
    parsed = codec(dialect).parse_request(request.body)
    last = parsed.messages[-1]
    if last.role != "assistant":
        return ""
    return "".join(part.text for part in last.parts if isinstance(part, Text))


def said_by(kind: Kind, text: str, given: str, *, seed: int = 0) -> str:
    """Return what a second target of that kind answers, asked to go on from `given`, or asked anew."""
    rest = text[len(given) :] if given and text.startswith(given) else text
    if kind == "same":
        return text
    if kind == "paraphrase":
        return PARAPHRASES[sorted(PARAPHRASES)[seed % len(PARAPHRASES)]]
    if kind == "chatty":
        return "Sure, continuing: " + rest
    if kind == "overlap" and given:
        return last_twelve_words(given) + rest
    return rest


def body_for(case: Break, **members: Any) -> bytes:
    """Return the client's question."""
    turn = {"role": "user", "content": QUESTION}
    bodies: dict[Dialect, dict[str, Any]] = {
        "openai_chat": {"model": MODEL, "messages": [turn], "stream": True},
        "openai_responses": {"model": MODEL, "input": QUESTION, "stream": True},
        "anthropic": {"model": MODEL, "messages": [turn], "stream": True, "max_tokens": 4096},
        "gemini": {"contents": [{"role": "user", "parts": [{"text": QUESTION}]}]},
        "openai_completions": {"model": MODEL, "prompt": QUESTION, "stream": True},
    }
    return json.dumps({**bodies[case.dialect], **members}).encode()


def perform(
    case: Break,
    *,
    first: Script | None = None,
    scripts: Scripts | None = None,
    members: dict[str, Any] | None = None,
    **options: Any,
) -> Performance:
    """Play the case; `first` replaces the first provider's script, `scripts` all of them."""
    if first is None:
        first = broken(wire(case.first, answer(case.first, case.text, seed=case.seed)), case)

    def rule(request: HttpRequest) -> Script:
        if account_of(request) == "first":
            return first
        said = said_by(case.kind, case.text, begun(request, case.second), seed=case.seed)
        frames = wire(case.second, answer(case.second, said, seed=case.seed + 1, ident="second"))
        return Script(headers=SSE, steps=pieces(b"".join(frames), case.seed))

    address: dict[str, Any] = {}
    if case.dialect == "gemini":
        framing = "array" if case.client == "gemini-array" else "sse"
        address = {"model": MODEL, "stream": True, "framing": framing}
    return play(
        case.dialect,
        body_for(case, **(members or {})),
        accounts=[account("first", case.first), account("second", case.second, priority=2)],
        scripts=scripts or rule,
        address=address,
        **options,
    )


def read(client: str, body: bytes) -> Told:
    """Return what a client of that kind reads in `body`, held against the grammar."""
    if client == "openai_completions":
        return _read_completion(body)
    dialect: Dialect = "gemini" if client == "gemini-array" else client  # type: ignore[assignment]
    if client == "gemini-array":
        items = json.loads(body)
        assert isinstance(items, list)
        body = b"".join(b"data: " + json.dumps(item).encode() + b"\n\n" for item in items)
    told, fold = Told(), Fold()
    for event in _events(dialect, body):
        fold.feed(event)
        if isinstance(event, e.MessageStart):
            told.ids.add(event.id)
            told.models.add(event.model)
    told.ended, told.failed = fold.ended, fold.problem is not None
    try:
        response = fold.response()
    except ValueError:
        return told
    for choice in response.choices:
        told.text += "".join(part.text for part in choice.parts if isinstance(part, Text))
        told.calls += [part.arguments for part in choice.parts if isinstance(part, ToolCall)]
        told.finish = choice.finish
    told.usage = response.usage
    _check_identity(dialect, body, told)
    return told


def _events(dialect: Dialect, body: bytes) -> list[Event]:
    parser, grammar = SseParser(), Grammar()
    decoder = codec(dialect).decoder(DecodeOptions(provenance=Provenance(dialect=dialect)))
    frames = [*parser.feed(body), *parser.close()]
    events = [event for frame in frames for event in decoder.feed(frame)]
    events += decoder.close()
    for event in events:
        grammar.check(event)
        assert not isinstance(event, e.FrameError), event
    grammar.end()
    return events


def _check_identity(dialect: Dialect, body: bytes, told: Told) -> None:
    """Hold the frames against what a client may rely on: one start, one id, numbers in order."""
    found = [
        json.loads(line[6:])
        for line in body.splitlines()
        if line.startswith(b"data: {") and b'"error"' not in line[:12]
    ]
    match dialect:
        case "openai_chat":
            told.ids |= {chunk["id"] for chunk in found if "id" in chunk}
            told.models |= {chunk["model"] for chunk in found if "model" in chunk}
            assert (
                sum("role" in choice["delta"] for chunk in found for choice in chunk.get("choices", ())) == 1
            )
        case "anthropic":
            assert sum(event["type"] == "message_start" for event in found) == 1
        case "openai_responses":
            # A cut among the ends of an item cannot be told from one before them: they are told again.
            ends = [event["type"] for event in found if event["type"].endswith(".done")]
            numbers = [event["sequence_number"] for event in found if event["type"] not in {"error", *ends}]
            assert numbers == sorted(set(numbers))
            assert len(ends) <= 3 + len(set(ends))
            told.ids |= {event["response"]["id"] for event in found if "response" in event}
            ended = [event["response"] for event in found if event["type"] == "response.completed"]
            for response in ended:
                texts = [
                    p["text"] for item in response["output"] for p in item.get("content") or () if "text" in p
                ]
                assert "".join(texts) == told.text
                assert len({item["id"] for item in response["output"]}) == len(response["output"])
        case "gemini":
            told.ids |= {chunk["responseId"] for chunk in found if "responseId" in chunk}
            told.models |= {chunk["modelVersion"] for chunk in found if "modelVersion" in chunk}
        case _:
            pass


def _read_completion(body: bytes) -> Told:
    told = Told()
    for line in body.split(b"\n\n"):
        if line.startswith(b"data: {"):
            chunk = json.loads(line[6:])
            if "error" in chunk:
                told.failed = True
                continue
            told.ids.add(chunk["id"])
            told.models.add(chunk["model"])
            told.text += "".join(choice["text"] for choice in chunk["choices"])
            told.finish = next(
                (c["finish_reason"] for c in chunk["choices"] if c["finish_reason"]), told.finish
            )
        told.ended = told.ended or line.startswith(b"data: [DONE]")
    return told


def judge(case: Break, result: Performance) -> Told:
    """Hold a play against the promise: the whole answer where a join is sure, else a clean error; return it."""
    told = read(case.client, result.body)
    assert (result.tasks_left, result.timers_left, result.slots_left) == (0, 0, 0)
    assert told.ended != told.failed, "an answer ends properly or with an error, and not with both"
    assert len(told.ids) <= 1
    assert len(told.models) <= 1
    if told.failed:
        assert case.text.startswith(told.text), "what left is a piece of the answer"
        assert not result.exchange.seams or told.text
    else:
        whole = {case.text}
        if case.kind not in JOINING:
            # What left was the beginning of another whole answer too, letter by letter.
            whole = {said_by(case.kind, case.text, "", seed=case.seed)} | (
                {case.text} if len(result.requests) == 1 else set()
            )
        assert told.text in whole
        assert result.row.outcome == "ok"
    return told


def random_break(chance: Random) -> Break:
    """Return any case."""
    return Break(
        client=chance.choice(CLIENTS),
        first=chance.choice(UPSTREAMS),
        second=chance.choice(UPSTREAMS),
        story=chance.choice(sorted(STORIES)),
        kind=chance.choice(KINDS),
        ending=chance.choice(ENDINGS),
        place=chance.random(),
        seed=chance.getrandbits(30),
    )


__all__ = [
    "CLIENTS", "ENDINGS", "JOINING", "KINDS", "MODEL", "UPSTREAMS", "Break", "Told", "answer", "begun", "body_for",
    "broken", "judge", "perform", "random_break", "read", "said_by", "wire",
]  # fmt: skip
