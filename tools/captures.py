"""Makes the pictures in docs/images: what the start-up card, doctor and usage look like at 80 columns.

    .venv/bin/python -m tools.captures

Runs the real commands on a pseudo-terminal, against a gateway in front of the tests' scripted
provider, and draws what they print.
"""

from __future__ import annotations

import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from fcntl import ioctl
from pathlib import Path

import msgspec
from rich.console import Console
from rich.text import Text
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
COLUMNS, LINES = 80, 60


def main() -> None:
    """Write every picture."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with ScriptedUpstream(keys=["a-key-of-the-example"]) as upstream:
        accounts = [
            {"name": name, "preset": preset, "base_url": url, "api_key": "a-key-of-the-example"}
            for name, preset, url in (
                ("work", "custom-anthropic", upstream.url),
                ("home", "custom-openai", upstream.openai_url),
            )
        ]
        with RunningGateway(accounts) as gateway:
            time.sleep(2)
            _talk(gateway)
            time.sleep(1)
            data = ["--data", str(gateway.data)]
            _draw("doctor", ["doctor", *data], gateway)
            _draw("usage", ["usage", "--by", "model", *data], gateway)
            _draw("explain", ["explain", "gpt-4.1", *data], gateway)
            gateway.stop()
            _draw("serve", ["serve", *data, "--port", "2402"], gateway, until="Ctrl-C stops it.")


def _talk(gateway: RunningGateway) -> None:
    """Let there be something to count."""
    for number in range(12):
        model = ("gpt-4.1", "claude-haiku-4-5-20251001", "gpt-5.2")[number % 3]
        words = "tell me a story " * (number + 1)
        ask = {"model": model, "max_tokens": 400, "messages": [{"role": "user", "content": words}]}
        gateway.call("POST", "/v1/messages", body=msgspec.json.encode(ask))


def _draw(name: str, arguments: list[str], gateway: RunningGateway, *, until: str | None = None) -> None:
    said = _on_terminal([sys.executable, "-m", "flowrouter.cli.main", *arguments], until=until)
    said = said.replace(str(gateway.data), "~/.local/share/flow-router")
    said = re.sub(r"token=[0-9a-f]+", "token=…", said)
    shown = [word for word in arguments if word not in ("--data", str(gateway.data), "--port", "2402")]
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        console.print(Text(f"$ flow-router {' '.join(shown)}", style="bold"))
        console.print(Text.from_ansi(said.replace("\r", "").strip("\n")))
        drawn = console.export_svg(title="flow-router", unique_id=f"flow-router-{name}")
    # The library's template fetches a font from the network; the reader's own monospace will do.
    drawn = re.sub(r"@font-face\s*\{[^}]*\}\s*", "", drawn)
    (IMAGES / f"{name}.svg").write_text(drawn.replace("Fira Code, ", "").rstrip() + "\n")


def _on_terminal(command: list[str], *, until: str | None) -> str:
    """Return what `command` prints on a terminal; with `until`, end it once it has said that."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ)
    os.close(theirs)
    said = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        said += piece
        if until is not None and until.encode() in said:
            process.terminate()
            break
    process.wait(30)
    os.close(ours)
    return said.decode("utf-8", "replace")


if __name__ == "__main__":
    main()
