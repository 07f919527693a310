"""What strangers send cannot steer the terminal of whoever reads the log."""

from __future__ import annotations

import io

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
