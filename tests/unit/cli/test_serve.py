"""`serve` as a process: it says where it listens, refuses clearly, and ends when told."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowrouter.cli import listen
from flowrouter.cli.main import main
from flowrouter.errors import ConfigError
from flowrouter.features.local import weights

COMMAND = [sys.executable, "-m", "flowrouter.cli.main", "serve"]


class Gateway:
    """A gateway in a child process, listening."""

    def __init__(self, *arguments: str) -> None:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            [*COMMAND, "--port", "0", *arguments], stderr=subprocess.PIPE, text=True, env=environment
        )
        self.said: list[str] = []
        self.address = ""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if found := re.search(r"listening on (http://\S+)", line):
                self.address = found[1]
            if line.strip().startswith("Ctrl-C"):
                return
        raise AssertionError("the gateway did not start:\n" + "".join(self.said))

    def get(self, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(self.address + path, timeout=20) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        _, rest = self.process.communicate(timeout=30)
        self.said.append(rest)
        return self.process.returncode


@contextlib.contextmanager
def gateway(*arguments: str) -> Iterator[Gateway]:
    started = Gateway(*arguments)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_and_ends_in_order(data: Path, number: signal.Signals) -> None:
    with gateway("--data", str(data)) as started:
        said = "".join(started.said)
        assert f"{started.address}/v1" in said
        assert str(data) in said
        assert "providers add" in said
        assert started.get("/healthz")[0] == 200
        assert started.end(number) == 0
        assert "Traceback" not in "".join(started.said)


def test_the_next_step_is_a_call_that_can_be_made(data: Path) -> None:
    data.mkdir()
    (data / "config.toml").write_text(
        "[[accounts]]\nname = 'box'\npreset = 'custom-openai'\nbase_url = 'http://127.0.0.1:1/v1'\nmodels = ['small']\n"
    )
    with gateway("--data", str(data)) as started:
        said = "".join(started.said)
        assert "box (custom-openai)" in said
        assert f"curl {started.address}/v1/chat/completions" in said
        assert '"model": "auto"' in said


def test_a_second_gateway_is_told_of_the_first(data: Path, tmp_path: Path) -> None:
    with gateway("--data", str(data)) as started:
        port = started.address.rpartition(":")[2]
        second = subprocess.run(
            [*COMMAND, "--data", str(tmp_path / "other"), "--port", port],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert second.returncode == 2
    assert f"a Flow Router is already running on 127.0.0.1:{port}" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_port_of_another_program_is_said_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"{port} on 127\.0\.0\.1 is taken.*--port {port + 1}"):
            listen.open_sockets("127.0.0.1", port)


def test_a_host_of_elsewhere_is_said() -> None:
    with pytest.raises(ConfigError, match="no address of this machine"):
        listen.open_sockets("192.0.2.1", 0)


def test_a_name_gets_one_port_on_all_its_addresses() -> None:
    opened = listen.open_sockets("localhost", 0)
    try:
        assert len({each.getsockname()[1] for each in opened}) == 1
        assert listen.address_of(opened).startswith("http://")
    finally:
        for each in opened:
            each.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "flow-router keys create NAME"),
        (["--workers", "2"], "redis"),
        (["--port", "70000"], "--port cannot be 70000"),
        (["--config", "/nope/config.toml"], "/nope/config.toml"),
    ],
)
def test_refusals_say_what_to_do(
    data: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["serve", "--data", str(data), *arguments]) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert "Traceback" not in printed


def test_a_missing_model_is_said_before_anything_starts(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    assert main(["serve", "--data", str(data), "--local"]) == 2
    assert "flow-router local pull" in capsys.readouterr().err


def test_a_key_opens_the_way_beyond_loopback(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "laptop", "--data", str(data)]) == 0
    with gateway("--data", str(data), "--host", "0.0.0.0") as started:
        assert started.get("/healthz")[0] == 200
        assert started.get("/v1/models")[0] == 401
