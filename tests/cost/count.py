"""Counts what requests cost in Python: `python -m tests.cost.count` prints it, `--write` makes it the baseline.

Time on a shared machine says little about a tenth more or less, so nothing is timed. The gateway is told in
process what a client's socket would bring, a provider answers in process too, and four things are counted in its one thread:
executed bytecode instructions (a trace per instruction), calls of functions and of C functions (a profile),
JSON texts read or written (calls into msgspec's codec, which are work in proportion to the body and would not
show in the first two), and garbage: objects that refer to each other in a circle when the request is over, which
keep its body in memory until the collector comes. The counts are the same from run to run and machine to machine: hashes are seeded, the
collector is off, chores are not started, waking another thread is left out (whether it sleeps just now is chance),
and of several requests the least counts.

They differ between minor versions of Python, so the baseline names the version it was taken with.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import platform
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import uvloop

from flowrouter import app
from flowrouter.config import load
from tests.cost.baseline import APART, BASELINE, CASES, COMBO, Cost, Counts, dump
from tests.cost.line import Line
from tests.cost.provider import Provider

ROOT = Path(__file__).resolve().parents[2]
WARM, MEASURED = 30, 5
FEW, MANY = 100, 200
"""Chunks of two streams; what a chunk costs is their difference."""

CONFIG = f"""
[local]
mode = "off"
[discovery]
enabled = false
[[accounts]]
name = "chat"
preset = "custom-openai"
base_url = "http://127.0.0.1:1/v1"
api_key = "sk-count-0000000000"
models = ["oa*"]
[[accounts]]
name = "claude"
preset = "custom-anthropic"
base_url = "http://127.0.0.1:1"
api_key = "sk-count-0000000000"
models = ["an*"]
[routing.combos.{COMBO}]
members = [{{ model = "chat/oa" }}, {{ model = "chat/oa-second" }}]
"""

Ask = Callable[[], Awaitable[None]]


def main() -> None:
    """Count every case; print it as JSON, or write the baseline."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="make this the baseline")
    options = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(
            sys.executable,
            [sys.executable, "-m", "tests.cost.count", *sys.argv[1:]],
            {**os.environ, "PYTHONHASHSEED": "0"},
        )
    with tempfile.TemporaryDirectory(prefix="flow-router-cost-") as data, _log_in(Path(data) / "log"):
        counts = uvloop.run(count(Path(data)))
    if options.write:
        BASELINE.write_text(dump(counts), encoding="utf-8")
        print(f"written: {BASELINE.relative_to(ROOT)}")
    else:
        print(json.dumps({"python": counts.python, "cases": counts.as_json()}))
    sys.stdout.flush()
    os._exit(0)  # the books' thread has nothing to say here


@contextmanager
def _log_in(file: Path) -> Iterator[None]:
    """Let the gateway log, which is part of its cost, into `file`; its errors are shown if something breaks."""
    kept = os.dup(2)
    with file.open("wb") as log:
        os.dup2(log.fileno(), 2)
    try:
        yield
    except BaseException:
        os.dup2(kept, 2)
        os.write(2, b"".join(line for line in file.open("rb") if b'"level":"error"' in line))
        raise


async def count(data: Path) -> Counts:
    """Return the cost of every case, of a chunk for streams."""
    config = data / "config.toml"
    config.write_text(CONFIG)
    application = app.build(load({"data": str(data), "config": str(config)}, environ={}))
    found: dict[str, Cost] = {}
    for name, make in CASES.items():
        if name.startswith("chunk"):
            few, many = [await _measure(_ask(application, make(chunks), chunks)) for chunks in (FEW, MANY)]
            found[name] = many.less(few, parts=MANY - FEW)
        else:
            found[name] = await _measure(_ask(application, make(0), 0, apart=name.endswith(APART)))
    return Counts(python=".".join(platform.python_version_tuple()[:2]), cases=found)


def _ask(application: app.Application, case: Any, chunks: int, *, apart: bool = False) -> Ask:
    headers = (
        b"host: 127.0.0.1:2402\r\ncontent-type: application/json\r\nauthorization: Bearer anyone\r\n"
        b"user-agent: count/1\r\ncontent-length: %d\r\n\r\n" % len(case.body)
    )
    head = b"POST %b HTTP/1.1\r\n%b" % (case.path.encode(), headers)
    pieces = (head, case.body) if apart else (head + case.body,)
    provider = Provider(case.upstream, chunks=chunks)
    line = Line(application)

    async def ask() -> None:
        application.transport.network = provider
        await line.ask(*pieces)
        assert line.begun.startswith(b"HTTP/1.1 200 "), f"{case.name}: answered {line.begun}"
        assert case.expect.encode() in line.ending, f"{case.name}: an answer without its end: {line.ending}"

    return ask


async def _measure(ask: Ask) -> Cost:
    """Return the least of several requests: the others met a log or a queue that had to be woken."""
    for _ in range(WARM):
        await ask()
    gc.collect()
    gc.disable()
    try:
        traced = [await _instructions(ask) for _ in range(MEASURED)]
        profiled = [await _calls(ask) for _ in range(MEASURED)]
        garbage = [await _garbage(ask) for _ in range(MEASURED)]
    finally:
        gc.enable()
    functions = min(traced, key=lambda each: sum(each.values()))
    return Cost(
        instructions=sum(functions.values()),
        calls=min(calls for calls, _ in profiled),
        texts=min(texts for _, texts in profiled),
        garbage=min(garbage),
        functions=dict(functions),
    )


async def _instructions(ask: Ask) -> Counter[str]:
    counter: Counter[CodeType] = Counter()

    def local(frame: FrameType, event: str, _: Any) -> Any:
        if event == "opcode":
            counter[frame.f_code] += 1
        return local

    def trace(frame: FrameType, _event: str, _: Any) -> Any:
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return local

    sys.settrace(trace)
    try:
        await ask()
    finally:
        sys.settrace(None)
    named: Counter[str] = Counter()
    for code, number in counter.items():
        if name := _name(code):
            named[name] += number
    return named


async def _calls(ask: Ask) -> tuple[float, float]:
    calls = texts = 0

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls, texts
        if event == "call":
            calls += _name(frame.f_code) is not None
        elif event == "c_call":
            calls += 1
            owner = getattr(argument, "__self__", None)
            texts += "msgspec" in f"{type(owner).__module__} {getattr(owner, '__name__', '')}"

    with _profiled(profile):
        await ask()
    return calls, texts


async def _garbage(ask: Ask) -> int:
    gc.collect()
    await ask()
    await asyncio.sleep(0)  # what ends with the request's last turn of the loop
    return gc.collect()


@contextmanager
def _profiled(profile: Any) -> Iterator[None]:
    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(None)


_names: dict[CodeType, str | None] = {}


def _name(code: CodeType) -> str | None:
    """Return `room/module.py:function`; None for what is not counted: this folder, and waking threads."""
    if code not in _names:
        path = Path(code.co_filename)
        parts = path.parts
        for mark in ("flowrouter", "site-packages"):
            if mark in parts:
                shown = "/".join(parts[len(parts) - parts[::-1].index(mark) :])
                break
        else:
            shown = path.name
        left_out = "tests" in parts or path.name == "threading.py"
        _names[code] = None if left_out else f"{shown}:{code.co_qualname}"
    return _names[code]


if __name__ == "__main__":
    main()
