"""The bounded part of the long run: every pair crosses without an exception or an undeclared loss."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.losses import Losses
from tests.fuzz import audit as crossing_audit
from tests.fuzz import run
from tests.fuzz.audit import Case, Finding, audit
from tests.fuzz.making import Maker
from tests.fuzz.shrink import shrunk
from tests.fuzz.subjects import DIALECTS, MAKERS

PAIRS = list(itertools.product(DIALECTS, DIALECTS))
SEED = "ci"
REQUESTS, REPLIES, PREFIXES, STREAMS = 200, 100, 50, 250

pairs = pytest.mark.parametrize(("origin", "target"), PAIRS, ids=[f"{a}-to-{b}" for a, b in PAIRS])
alone = pytest.mark.parametrize("dialect", DIALECTS)


def explored(kind: str, origin: Dialect, target: Dialect, count: int) -> dict[str, tuple[int, int, str]]:
    return run.work(run.Chunk(kind, origin, target, SEED, 0, count)).findings


@pairs
def test_requests(origin: Dialect, target: Dialect) -> None:
    assert explored("requests", origin, target, REQUESTS) == {}


@pairs
def test_replies_whole_and_streamed(origin: Dialect, target: Dialect) -> None:
    assert explored("replies", origin, target, REPLIES) == {}


@pairs
def test_a_longer_conversation_begins_as_the_shorter_one_did(origin: Dialect, target: Dialect) -> None:
    assert explored("prefixes", origin, target, PREFIXES) == {}


@alone
def test_streams_cut_and_damaged(dialect: Dialect) -> None:
    assert explored("streams", dialect, dialect, STREAMS) == {}


@pytest.mark.parametrize(
    ("origin", "target"),
    [pair for pair in PAIRS if pair[0] != pair[1]],
    ids=[f"{a}-to-{b}" for a, b in PAIRS if a != b],
)
def test_the_audit_notices_silence(origin: Dialect, target: Dialect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A translator that declares nothing is found out, in most of its requests."""
    monkeypatch.setattr(Losses, "all", lambda _: ())
    noticed = sum(
        any(finding.rule == "undeclared loss" for finding in audited(origin, target, number))
        for number in range(40)
    )
    assert noticed >= 10


def audited(origin: Dialect, target: Dialect, number: int) -> list[Finding]:
    body = MAKERS[origin](Maker(f"silence/{number}"))
    return audit(Case(origin, target, body, Capabilities(unsupported="drop")))


SPOILT: list[tuple[str, Dialect, Any, Any]] = [
    ("a text is cut short", "anthropic", ["messages", 0, "content", 0, "text"], "k2"),
    ("a number is another one", "anthropic", ["max_tokens"], 7),
    ("a text is made up", "anthropic", ["system"], "You are someone else."),
    ("another role says it", "openai_responses", ["input", 0, "role"], "assistant"),
    ("a tool may be called", "gemini", ["toolConfig", "functionCallingConfig", "mode"], "AUTO"),
    ("an argument is lost", "anthropic", ["messages", 1, "content", 0, "input"], {}),
    (
        "a schema is another one",
        "gemini",
        ["tools", 0, "functionDeclarations", 0, "parametersJsonSchema"],
        {},
    ),
]
ASKED = {
    "model": "k1k",
    "messages": [
        {"role": "user", "content": "k2k"},
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "call_k3k", "type": "function", "function": {"name": "fn_k4k", "arguments": '{"k5k":"k6k"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "call_k3k", "content": "k7k"},
    ],
    "max_tokens": 2345,
    "tool_choice": "none",
    "tools": [
        {
            "type": "function",
            "function": {"name": "fn_k4k", "parameters": {"type": "object", "properties": {"k5k": {"type": "string"}}}},
        }
    ],
}  # fmt: skip


@pytest.mark.parametrize(("what", "target", "place", "value"), SPOILT, ids=[row[0] for row in SPOILT])
def test_the_audit_notices_a_change(
    what: str, target: Dialect, place: list[Any], value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case("openai_chat", target, ASKED, Capabilities())
    assert audit(case) == [], what
    plain = crossing_audit._render  # pyright: ignore[reportPrivateUsage]

    def spoilt(of: Case, wire: bytes) -> Any:
        rendered = plain(of, wire)
        body = json.loads(rendered.body)
        holder = body
        for step in place[:-1]:
            holder = holder[step]
        holder[place[-1]] = value
        return msgspec.structs.replace(rendered, body=json.dumps(body).encode())

    monkeypatch.setattr("tests.fuzz.audit._render", spoilt)
    assert audit(case) != []


def test_a_failing_request_is_made_small() -> None:
    body = {"a": [1, {"b": "k1k", "c": 2}, 3], "d": {"e": [4]}}
    assert shrunk(body, lambda small: "k1k" in json.dumps(small)) == {"a": [{"b": "k1k"}]}


def test_a_run_goes_on_where_another_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cases of two halves are those of the whole."""
    monkeypatch.setattr(
        "sys.argv", ["run", "--requests", "40", "--replies", "0", "--prefixes", "0", "--streams", "0"]
    )
    asked = run._arguments()  # pyright: ignore[reportPrivateUsage]
    whole = [run.seed_of(chunk, number) for chunk in run.chunks(asked) for number in numbers(chunk)]
    asked.requests = 20
    half = [run.seed_of(chunk, number) for chunk in run.chunks(asked) for number in numbers(chunk)]
    asked.first = 20
    rest = [run.seed_of(chunk, number) for chunk in run.chunks(asked) for number in numbers(chunk)]
    assert sorted([*half, *rest]) == sorted(whole)
    assert len(set(whole)) == 40 * len(DIALECTS)


def test_a_run_that_was_ended_does_no_case_again(tmp_path: Path) -> None:
    state = tmp_path / "state"
    first, second = (run.Chunk("requests", "anthropic", "gemini", SEED, number, 5) for number in (0, 5))
    book = run.Book(state)
    for chunk in (first, second):
        book.enter(run.work(chunk))
    again = run.Book(state)
    assert again.done == {first, second}
    assert again.cases == book.cases == {("requests", "anthropic", "gemini"): 10}
    assert (again.refusals, again.found) == (book.refusals, book.found)


def numbers(chunk: run.Chunk) -> range:
    return range(chunk.first, chunk.first + chunk.count)
