"""The child's life: begun by a request, kept by replies, ended by silence, made good after a death."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from flowrouter.errors import UpstreamError
from flowrouter.features.local import supervisor
from flowrouter.features.local.supervisor import HOST, LocalModel
from flowrouter.features.local.weights import Weights
from flowrouter.wire.http import HttpRequest

STAND_IN = str(Path(__file__).with_name("stand_in.py"))
WEIGHTS = Weights(path=Path("weights.gguf"), model="tiny", origin="pulled")
REQUEST = HttpRequest(
    method="POST", url=f"http://{HOST}/v1/chat/completions", headers=(("authorization", "Bearer other"),)
)


class Reply:
    """An answer of two pieces."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: Mapping[str, str] = {}
        self.pieces = [b"one", b"two", b""]
        self.closed = False

    async def read(self) -> bytes:
        return self.pieces.pop(0)

    def close(self) -> None:
        self.closed = True


class Network:
    """Connects to where a request goes, as the real one would, and answers by itself."""

    def __init__(self) -> None:
        self.sent: list[HttpRequest] = []

    async def send(self, request: HttpRequest) -> Reply:
        self.sent.append(request)
        if not is_listening(urlsplit(request.url).port or 0):
            raise UpstreamError("the provider could not be reached", kind="connect")
        return Reply()

    async def close(self) -> None:
        pass


def model(mode: str = "good", *, idle: float = 60.0, network: Network | None = None) -> LocalModel:
    command = (sys.executable, STAND_IN, "--mode", mode)
    return LocalModel(WEIGHTS, network=network or Network(), idle=idle, command=command)


@contextlib.asynccontextmanager
async def running(mode: str = "good", *, idle: float = 60.0) -> AsyncIterator[tuple[LocalModel, Network]]:
    network = Network()
    made = model(mode, idle=idle, network=network)
    try:
        yield made, network
    finally:
        await made.close()


async def ask(made: LocalModel) -> None:
    reply = await made.send(REQUEST)
    while await reply.read():
        pass
    reply.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


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


async def test_the_first_request_starts_it_and_the_last_word_is_its_end() -> None:
    async with running() as (made, network):
        assert made.pid is None, "nothing runs before somebody asks"
        await ask(made)
        pid = made.pid
        assert pid is not None
        (sent,) = network.sent
        assert urlsplit(sent.url).hostname == "127.0.0.1"
        assert urlsplit(sent.url).path == "/v1/chat/completions"
        keys = [value for name, value in sent.headers if name == "authorization"]
        assert len(keys) == 1
        assert keys[0].startswith("Bearer ")
        assert keys[0] != "Bearer other", "the caller's key is not the child's"
        await ask(made)
        assert made.pid == pid
    assert not is_alive(pid)


async def test_requests_that_come_while_it_loads_wait_for_the_same_start() -> None:
    async with running("slow") as (made, network):
        await asyncio.gather(*(ask(made) for _ in range(4)))
        assert len({request.url for request in network.sent}) == 1


async def test_a_client_that_goes_away_does_not_take_the_start_along() -> None:
    async with running("slow") as (made, _):
        impatient = asyncio.ensure_future(made.send(REQUEST))
        patient = asyncio.ensure_future(ask(made))
        await asyncio.sleep(0.05)
        impatient.cancel()
        await patient
        assert made.pid is not None


async def test_it_is_let_go_when_nobody_asks() -> None:
    async with running(idle=0.15) as (made, _):
        await ask(made)
        pid = made.pid
        assert pid is not None
        await until(lambda: made.pid is None)
        await until(lambda: not is_alive(pid))
        await ask(made)
        assert made.pid not in (None, pid)


@pytest.mark.parametrize("ending", ["read", "close"])
async def test_a_reply_that_is_being_read_keeps_it(ending: str) -> None:
    async with running(idle=0.05) as (made, _):
        reply = await made.send(REQUEST)
        assert await reply.read() == b"one"
        await asyncio.sleep(0.3)
        assert made.pid is not None
        if ending == "close":
            reply.close()
            reply.close()
        else:
            while await reply.read():
                pass
        await until(lambda: made.pid is None)


async def test_a_start_that_nobody_waits_for_any_more_is_let_go_too() -> None:
    async with running("slow", idle=0.05) as (made, _):
        only = asyncio.ensure_future(made.send(REQUEST))
        await asyncio.sleep(0.02)
        only.cancel()
        await until(lambda: made.pid is not None)
        await until(lambda: made.pid is None)


async def test_the_request_after_a_death_is_answered() -> None:
    async with running() as (made, network):
        await ask(made)
        first = made.pid
        assert first is not None
        port = urlsplit(network.sent[0].url).port or 0
        os.kill(first, signal.SIGKILL)
        await until(lambda: not is_listening(port))
        await ask(made)
        assert made.pid not in (None, first)
        assert len({request.url for request in network.sent}) == 2, "the new child has a port of its own"


async def test_a_grown_child_is_started_again_without_being_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_YOUNG", 0.0)
    async with running() as (made, _):
        await ask(made)
        first = made.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: made.pid not in (None, first))


async def test_a_child_that_ends_at_once_is_said_with_its_words_and_not_tried_for_each_request() -> None:
    async with running("broken") as (made, _):
        with pytest.raises(UpstreamError, match=r"did not start: no such model: weights\.gguf") as first:
            await made.send(REQUEST)
        with pytest.raises(UpstreamError) as second:
            await made.send(REQUEST)
        assert second.value is first.value
        assert made.pid is None


async def test_a_child_that_never_listens_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_START_LIMIT", 0.2)
    monkeypatch.setattr(supervisor, "_END_GRACE", 0.2)
    async with running("quiet") as (made, _):
        with pytest.raises(UpstreamError, match="did not load within"):
            await made.send(REQUEST)
        assert made.pid is None


async def test_an_end_while_it_loads_leaves_no_child() -> None:
    made = model("quiet")
    waiting = asyncio.ensure_future(made.send(REQUEST))
    await asyncio.sleep(0.2)
    await made.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert made.pid is None


async def test_a_program_that_is_not_there_is_said() -> None:
    made = LocalModel(WEIGHTS, network=Network(), idle=60, command=("/no/such/program",))
    with pytest.raises(UpstreamError, match="cannot be started"):
        await made.send(REQUEST)
    await made.close()


async def test_a_child_that_ignores_its_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_END_GRACE", 0.2)
    made = model("deaf")
    await ask(made)
    pid = made.pid
    assert pid is not None
    await made.close()
    assert not is_alive(pid)


async def test_the_child_does_not_outlive_a_killed_parent() -> None:
    program = (
        "import asyncio, os, signal\n"
        "from tests.unit.features.local.test_supervisor import ask, model\n"
        "async def main():\n"
        "    made = model()\n"
        "    await ask(made)\n"
        "    print(made.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=Path(__file__).parents[4],
    )
    assert parent.returncode == -signal.SIGKILL, parent.stderr
    pid = int(parent.stdout)
    await until(lambda: not is_alive(pid))
