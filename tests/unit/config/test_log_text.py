"""What strangers send cannot steer the terminal of whoever reads the log."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

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
