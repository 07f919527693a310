"""The serve path stays small: what is not needed for the first answer is not loaded before it.

The server runs in a child process through the command's own entry point; a thread beside it asks for
`/healthz`, and on the first 200 writes down the modules loaded so far. The product has no hook for this.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT, room

# Each costs more start-up or memory than the first answer may take.
TOO_HEAVY = {
    "aiohttp",
    "alembic",
    "genai_prices",
    "httpx",
    "httpx2",
    "opentelemetry",
    "prometheus_client",
    "pydantic",
    "redis",
    "rich",
    "starlette",
    "typer",
}

_CHILD = """
import os, socket, sys, threading, time

port, data, report = int(sys.argv[1]), sys.argv[2], sys.argv[3]

def status():
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\\r\\nHost: 127.0.0.1:%d\\r\\nConnection: close\\r\\n\\r\\n" % port)
            return connection.recv(12)
    except OSError:
        return b""

def watch():
    while status()[9:] != b"200":
        time.sleep(0.02)
    with open(report, "w") as out:
        out.write("\\n".join(sorted(sys.modules)))
    os._exit(0)

threading.Thread(target=watch, daemon=True).start()
from flowrouter.cli.main import main
sys.argv = ["flow-router", "serve", "--host", "127.0.0.1", "--port", str(port), "--data", data]
sys.exit(main())
"""


def modules_after_first_answer(folder: Path) -> set[str]:
    """Start the gateway on the store in `folder` and return what is loaded at its first 200."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    report = folder / "modules.txt"
    report.unlink(missing_ok=True)
    child = subprocess.run(
        [sys.executable, "-c", _CHILD, str(port), str(folder / "data"), str(report)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert report.exists(), f"no 200 from /healthz; exit {child.returncode}\n{child.stdout}\n{child.stderr}"
    return set(report.read_text().split("\n"))


@pytest.mark.timeout(100)
def test_first_answer_needs_little(tmp_path: Path) -> None:
    room("flowrouter.cli.main")
    modules_after_first_answer(tmp_path)  # a new store is migrated first, and that may load what it needs
    loaded = modules_after_first_answer(tmp_path)
    assert "flowrouter" in loaded
    heavy = sorted({name.partition(".")[0] for name in loaded} & TOO_HEAVY)
    examples = [min(name for name in loaded if name.partition(".")[0] == each) for each in heavy]
    assert not heavy, f"loaded before the first 200: {heavy} ({examples}); import it where it is used"
