"""What strangers send cannot steer the terminal of whoever reads the log."""

from __future__ import annotations

import io
import subprocess
import sys
import time

import pytest

from flowrouter import logs
from flowrouter.clock import SystemClock
from flowrouter.logs import Sink


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("sent", ["a\nb", "\x1b[2J", "\x9b31m", "x\r", "\u202egnp", "a\u2028b"])
def test_control_characters_are_written_out(sent: str, as_json: bool) -> None:
    stream, sink = io.StringIO(), Sink(SystemClock())
    sink.configure(level="info", as_json=as_json, stream=stream)
    sink.put("info", "access", "exchange", fields={"model": sent, "note": f"{sent} and more"})
    sink.flush()
    line = stream.getvalue().removesuffix("\n")
    assert "\x1b" not in line
    assert not set(line) & set("\n\r")
    if not as_json:
        assert line.isprintable()


def test_no_message_begins_a_record_of_its_own() -> None:
    """Errors quote what somebody sent, and a traceback quotes errors (log injection)."""
    forged = "10:00:00 gateway: all is well"
    stream, sink = io.StringIO(), Sink(SystemClock())
    sink.configure(level="info", as_json=False, stream=stream)
    trace = f'Traceback (most recent call last):\n  File "x"\nValueError: no\n{forged}\u2028{forged}'
    sink.put("error", "aiohttp", f"broken\n{forged}", fields={"error": f"no\r{forged}", "traceback": trace})
    sink.flush()
    first, *rest = stream.getvalue().splitlines()
    assert first.startswith(tuple("0123456789"))
    assert rest
    assert all(line.startswith("    ") for line in rest)


@pytest.mark.parametrize(
    "text",
    [
        "cookie: a=b; flow_router_session=CANARY0123456789",
        "__Host-flow_router_session=CANARY0123456789; Path=/",
        "/api/login/oidc/callback?state=x&code=CANARY0123456789",
        "FLOW_ROUTER_MASTER_KEY=CANARY0123456789",
        "OPENAI_API_KEY: CANARY0123456789",
        "redis://default:pass@CANARY0123456789@host:6379/0",
        "ghp_CANARY0123456789CANARY0123456789",
        "{'x-csrf-token': 'CANARY0123456789'}",
    ],
)
def test_se9_what_looks_like_a_secret_is_left_out(text: str) -> None:
    assert "CANARY" not in logs.redact(text)


@pytest.mark.parametrize(
    "piece", ["A_", "_KEY", "key=", "://u:", "@", "eyJa.", "Bearer ", "cookie", "\\"], ids=lambda piece: piece
)
def test_the_scrubber_takes_its_time_by_length_only(piece: str) -> None:
    """Twice the text may not take much more than twice as long: whoever fills the log must not stop it."""

    def seconds(count: int) -> float:
        text = "token " + piece * count + "://u:p@h"
        begun = time.process_time()
        logs.redact(text)
        return time.process_time() - begun

    short = min(seconds(4_000) for _ in range(3))
    assert min(seconds(16_000) for _ in range(3)) < 8 * short + 0.02


def test_a_line_at_the_very_end_of_the_interpreter_neither_hangs_nor_is_lost() -> None:
    program = """
from flowrouter import logs
class Late:
    def __del__(self, log=logs.get("late")):
        log.error("said at the end")
late = Late()
late.itself = late
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0
    assert "said at the end" in done.stderr
