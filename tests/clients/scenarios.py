"""The scenarios of the table: what the vendor does, what the client is told to do, what must come of it."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.clients.agent import DONE, SECRET, read_prompt, turned
from tests.clients.lab import MODELS, PACE, THINKING_MODELS, Place
from tests.clients.workshop import SOURCE, TARGET, WORD
from tests.upstreams import Answer, Call, Received, Thought

Facts = dict[str, Any]
PROMPT = "Tell me about lighthouses."
FOLLOWUP = "What was it again?"
SECOND = "more.txt"
PERSON_PROMPT = "Who is it?"
CAP = 60
CUT_WORDS = {"length", "max_output_tokens", "max_tokens", "MAX_TOKENS", "incomplete"}
BROKEN_WORDS = {"error", "interrupted"}
WAIT = 20.0


@dataclass(frozen=True)
class Trial:
    """One scenario with one client, of one dialect, at one place."""

    dialect: str
    place: Place
    folder: Path

    def file(self, name: str) -> str:
        """Return a file of the folder."""
        return str(self.folder / name)


@dataclass(frozen=True)
class Scenario:
    """`operation` is what the driver does; `model` adds to the model's name; `check` sees what came of it."""

    name: str
    title: str
    operation: str
    check: Callable[[Trial, Facts], None]
    prepare: Callable[[Trial], None] = lambda trial: None
    prompt: str = PROMPT
    model: str = ""
    thinks: bool = False
    more: dict[str, Any] = field(default_factory=dict[str, Any])

    def job(self, trial: Trial, key: str) -> dict[str, Any]:
        """Return what the driver is asked."""
        models = THINKING_MODELS if self.thinks else MODELS
        paths = {name: trial.file(name) for name in (SOURCE, SECOND, TARGET)}
        return {
            "operation": self.operation,
            "base_url": trial.place.url,
            "key": key,
            "model": models[trial.place.dialect] + self.model,
            "prompt": self.prompt.format(**{name.partition(".")[0]: path for name, path in paths.items()}),
            "followup": FOLLOWUP,
            "folder": str(trial.folder),
            "image": base64.b64encode(PICTURE).decode(),
            "cap": CAP,
            **self.more,
        }


def lay_out(folder: Path) -> None:
    """Put the files there that the tools read."""
    (folder / SOURCE).write_text(f"The word is SECRET-{WORD}.\n")
    (folder / SECOND).write_text("The other word is SECRET-gamboge.\n")


def _png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(
        b"\0" + bytes((x * 16, y * 16, 128)[i] for x in range(16) for i in range(3)) for y in range(16)
    )
    head = struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


PICTURE = _png()


# What the vendor does


def _call(name: str, number: int, **arguments: str) -> Call:
    return Call(id=f"call_{name}_{number}", name=name, arguments=json.dumps(arguments))


def _worker(trial: Trial) -> Callable[[Received], Answer | None]:
    """Return a model that reads the first file, writes what it makes of it, and is done."""

    def answer(received: Received) -> Answer | None:
        prompt = read_prompt(trial.place.up, received)
        thoughts = (Thought(text=f"This is step {prompt.rounds + 1}."),) if prompt.think else ()
        if FOLLOWUP in prompt.user_text:
            return None
        if prompt.rounds == 0:
            return Answer(calls=(_call("read_file", 1, path=trial.file(SOURCE)),), thoughts=thoughts)
        if prompt.rounds == 1:
            found = SECRET.search(prompt.results[0].text)
            text = turned(found[1]) if found else "nothing was read"
            return Answer(
                calls=(_call("write_file", 2, path=trial.file(TARGET), text=text),), thoughts=thoughts
            )
        return Answer(text=DONE, thoughts=thoughts)

    return answer


def _reader_of_two(trial: Trial) -> Callable[[Received], Answer]:
    """Return a model that reads both files at once and says both words."""

    def answer(received: Received) -> Answer:
        prompt = read_prompt(trial.place.up, received)
        if prompt.rounds == 0:
            names = enumerate((SOURCE, SECOND))
            return Answer(calls=tuple(_call("read_file", i, path=trial.file(name)) for i, name in names))
        found = [SECRET.search(result.text) for result in prompt.results]
        return Answer(text=" and ".join(turned(each[1]) for each in found if each))

    return answer


# What must come of it


def _no_error(facts: Facts) -> None:
    assert not facts.get("error"), facts["error"]


def _said(trial: Trial, facts: Facts) -> None:
    _no_error(facts)
    assert f"You said: {PROMPT}" in facts["text"], facts


def _streamed(trial: Trial, facts: Facts) -> None:
    _said(trial, facts)
    assert facts["pieces"] > 1, facts
    assert facts.get("usage", 1), facts


def _worked(trial: Trial, facts: Facts) -> None:
    _no_error(facts)
    assert facts["text"].strip() == DONE, facts
    assert Path(trial.file(TARGET)).read_text() == turned(WORD)


def _read_both(trial: Trial, facts: Facts) -> None:
    _no_error(facts)
    assert facts["text"] == f"{turned(WORD)} and {turned('gamboge')}", facts


def hides_reasoning(dialect: str, upstream: str) -> bool:
    """Say whether no reasoning text can be shown: Chat cannot ask the Responses vendor for a summary."""
    return dialect == "openai_chat" and upstream == "openai_responses"


def _thought(trial: Trial, facts: Facts) -> None:
    _worked(trial, facts)
    assert f"You said: {FOLLOWUP}" in facts["followup"], facts
    if "reasoning" in facts and not hides_reasoning(trial.dialect, trial.place.dialect):
        assert "This is step 1." in facts["reasoning"], facts
        assert "This is step 2." in facts["reasoning"], facts


def _saw(trial: Trial, facts: Facts) -> None:
    _no_error(facts)
    digest = hashlib.sha256(PICTURE).hexdigest()[:12]
    assert f"Seen: image/png of {len(PICTURE)} bytes sha256:{digest}" in facts["text"], facts


def _structured(trial: Trial, facts: Facts) -> None:
    _no_error(facts)
    value = facts["value"]
    assert set(value) == {"name", "age"}, value
    assert isinstance(value["name"], str), value
    assert isinstance(value["age"], int), value


def _cut(trial: Trial, facts: Facts) -> None:
    assert facts.get("finish") in CUT_WORDS or facts.get("cut"), facts
    assert "word199" not in (facts.get("text") or ""), facts


def _retried(trial: Trial, facts: Facts) -> None:
    if "value" in facts:
        _structured(trial, facts)
    else:
        _said(trial, facts)
    assert [call.status for call in trial.place.up.calls] == [429, 200]


def _broke(trial: Trial, facts: Facts) -> None:
    """See that the client was told, or asked again and got all of it."""
    again = len(trial.place.up.calls) > 1
    if again and "value" in facts:
        _structured(trial, facts)
        return
    if again and not facts.get("error"):
        assert facts["text"].strip().endswith("word59"), facts
        return
    # The vendor's own word: an exception alone may come of anything.
    told = "overloaded" in str(facts.get("error")).lower() or facts.get("finish") in BROKEN_WORDS
    assert told, f"a broken stream was taken for a whole answer: {facts}"


def _hung_up(trial: Trial, facts: Facts) -> None:
    assert facts.get("cancelled"), facts
    up = trial.place.up
    up.wait_for(lambda: bool(up.disconnects) and not up.in_flight, WAIT)


def _break_off(trial: Trial) -> None:
    trial.place.up.gap = PACE
    trial.place.up.script(["fault-midstream-error"])


SCENARIOS = (
    Scenario("text", "text", "text", _said),
    Scenario("stream", "streamed text", "stream", _streamed),
    Scenario(
        "tools",
        "file-writing tool round",
        "tools",
        _worked,
        prepare=lambda trial: void(trial.place.up.always(_worker(trial))),
        prompt="Read {notes} and write what you make of it to {result}.",
    ),
    Scenario(
        "parallel",
        "parallel tools",
        "tools",
        _read_both,
        prepare=lambda trial: void(trial.place.up.always(_reader_of_two(trial))),
        prompt="Read {notes} and {more}.",
    ),
    Scenario(
        "thinking",
        "thinking + tools over turns",
        "thinking",
        _thought,
        prepare=lambda trial: void(trial.place.up.always(_worker(trial))),
        prompt="Read {notes} and write what you make of it to {result}.",
        thinks=True,
    ),
    Scenario("image", "image in", "image", _saw, prompt="What is in this picture?"),
    Scenario("structured", "structured output", "structured", _structured, prompt=PERSON_PROMPT),
    Scenario("length", "cut by length", "length", _cut, model="+long-200"),
    Scenario(
        "retry",
        "429 then success",
        "text",
        _retried,
        prepare=lambda trial: void(trial.place.up.script(["fault-429-retry-after", None])),
    ),
    Scenario(
        "midstream",
        "mid-stream error",
        "stream",
        _broke,
        prepare=_break_off,
        model="+long-60",
    ),
    Scenario("cancel", "client cancel", "stream", _hung_up, model="+long-400+gap-20", more={"cancel": True}),
)


def void(value: Any) -> None:
    """Drop what a chained call returns."""
