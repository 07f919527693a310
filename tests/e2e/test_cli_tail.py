"""`requests tail` beside a running gateway: every exchange appears once, as it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Stand


def tail(stand: Stand, *arguments: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "flowrouter.cli.main",
        "requests",
        "tail",
        "--data",
        str(stand.gateway.data),
    ]
    return subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def asked(stand: Stand, model: str) -> str:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}]}).encode()
    stand.gateway.call("POST", "/v1/chat/completions", body=body)
    return model


def lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    return iter(process.stdout.readline, "")


@pytest.mark.parametrize("form", ["text", "json"])
def test_exchanges_appear_as_they_end(stand: Stand, form: str) -> None:
    before = asked(stand, f"chat/tail-{form}-zero")
    process = tail(stand, *(["--json", "--lines", "1000"] if form == "json" else ["--lines", "0"]))
    try:
        found: list[str] = []
        if form == "text":
            assert next(lines(process)).startswith("Time")  # from here on it misses nothing
        else:
            while not any(before in line for line in found):
                found.append(next(lines(process)))
        first, second = asked(stand, f"chat/tail-{form}-one"), asked(stand, f"chat/tail-{form}-two")
        while not any(second in line for line in found):
            found.append(next(lines(process)))
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    finally:
        process.kill()
        process.communicate()
    assert sum(first in line for line in found) == 1
    if form == "json":
        rows = [json.loads(line) for line in found]
        assert rows[-1]["requested_model"] == second
        assert rows[-1]["status"] == 200
    else:
        assert f"{second} → chat" in found[-1] or f"{second} -> chat" in found[-1]


def test_the_past_comes_first_and_errors_can_be_had_alone(stand: Stand) -> None:
    good, bad = asked(stand, "chat/tail-good"), asked(stand, "chat/fault-400+tail-bad")
    process = tail(stand, "--lines", "1", "--errors", "--json")
    try:
        row = json.loads(next(lines(process)))
    finally:
        process.kill()
        process.communicate()
    assert row["requested_model"] == bad != good
    assert row["outcome"] == "error"
