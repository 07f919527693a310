"""The embedded model itself: real weights, real answers, through a running gateway."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from flowrouter.features.local import weights
from tests.support.gateway import RunningGateway

TOOL = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
QUESTION = [{"role": "user", "content": "What is the weather in Paris?"}]
SETTINGS: dict[str, Any] = {"discovery": {"enabled": False}, "logs": {"level": "info", "access": False}}

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> None:
    if not weights.has_runtime() or weights.find("", tmp_path_factory.mktemp("data")) is None:
        pytest.skip("THE EMBEDDED MODEL IS NOT INSTALLED: run `make local-weights`")


@contextlib.contextmanager
def serving(**local: Any) -> Iterator[RunningGateway]:
    with RunningGateway(settings={**SETTINGS, "local": local}) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def gateway(installed: None) -> Iterator[RunningGateway]:
    with serving() as started:
        yield started


def post(gateway: RunningGateway, path: str, **body: Any) -> tuple[int, str]:
    content = json.dumps({"model": weights.MODEL, "max_tokens": 20, **body}).encode()
    status, answer = gateway.call("POST", path, body=content)
    return status, answer.decode()


def children(gateway: RunningGateway) -> list[psutil.Process]:
    """Return the gateway's child processes that are not dead yet."""
    living: list[psutil.Process] = []
    for child in psutil.Process(gateway.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE:
                living.append(child)
    return living


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_nothing_runs_before_the_first_request() -> None:
    with serving() as gateway:
        assert weights.MODEL in gateway.get("/v1/models")[1].decode()
        assert children(gateway) == []


def test_it_answers_its_own_name_and_any_other_while_it_is_alone(gateway: RunningGateway) -> None:
    for name in (weights.MODEL, "auto", f"local/{weights.MODEL}", "gpt-5.2"):
        status, text = post(gateway, "/v1/chat/completions", messages=QUESTION, model=name, max_tokens=5)
        assert status == 200, text
        assert json.loads(text)["choices"][0]["message"]["content"]
    assert len(children(gateway)) == 1


def test_it_streams(gateway: RunningGateway) -> None:
    status, text = post(gateway, "/v1/chat/completions", messages=QUESTION, stream=True)
    assert status == 200
    assert text.rstrip().endswith("data: [DONE]")
    status, text = post(gateway, "/v1/messages", messages=QUESTION, stream=True)
    assert status == 200
    assert "event: message_stop" in text


def test_it_calls_tools_where_it_must(gateway: RunningGateway) -> None:
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": TOOL}}
    status, text = post(
        gateway,
        "/v1/chat/completions",
        messages=QUESTION,
        tools=[tool],
        tool_choice="required",
        max_tokens=200,
    )
    assert status == 200, text
    call = json.loads(text)["choices"][0]["message"]["tool_calls"][0]["function"]
    assert call["name"] == "get_weather"
    assert json.loads(call["arguments"])["city"]
    status, text = post(
        gateway,
        "/v1/messages",
        messages=QUESTION,
        tools=[{"name": "get_weather", "input_schema": TOOL}],
        tool_choice={"type": "any"},
        max_tokens=200,
    )
    assert json.loads(text)["stop_reason"] == "tool_use"


def test_its_server_answers_nobody_without_the_key(gateway: RunningGateway) -> None:
    post(gateway, "/v1/chat/completions", messages=QUESTION, max_tokens=1)
    (child,) = children(gateway)
    (port,) = {each.laddr.port for each in child.net_connections("inet") if each.status == psutil.CONN_LISTEN}
    stranger = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with contextlib.closing(stranger):
        body = json.dumps({"model": weights.MODEL, "messages": QUESTION})
        stranger.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
        assert stranger.getresponse().status == 401


def test_a_killed_child_is_made_good_by_the_next_request(gateway: RunningGateway) -> None:
    post(gateway, "/v1/chat/completions", messages=QUESTION, max_tokens=1)
    (child,) = children(gateway)
    child.kill()
    status, text = post(gateway, "/v1/chat/completions", messages=QUESTION, max_tokens=5)
    assert status == 200, text
    (other,) = [each for each in children(gateway) if each.is_running() and each.pid != child.pid]
    assert other.pid != child.pid


def test_it_is_let_go_when_idle_and_comes_back() -> None:
    with serving(idle_minutes=0.01) as gateway:
        for _ in range(2):
            status, text = post(gateway, "/v1/chat/completions", messages=QUESTION, max_tokens=3)
            assert status == 200, text
            until(lambda: not children(gateway))


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_the_gateway(ending: signal.Signals) -> None:
    with serving() as gateway:
        post(gateway, "/v1/chat/completions", messages=QUESTION, max_tokens=1)
        (child,) = children(gateway)
        os.kill(gateway.pid, ending)
        until(lambda: not psutil.pid_exists(child.pid))


def test_another_file_is_named_after_itself_and_left_out_means_out(tmp_path: Path) -> None:
    found = weights.find("", tmp_path)
    assert found is not None
    other = tmp_path / "My Model-Q4.gguf"
    other.symlink_to(found.path)
    with serving(model=str(other)) as gateway:
        names = [row["id"] for row in json.loads(gateway.get("/v1/models")[1])["data"]]
        assert names == ["my-model-q4"]
        status, text = post(
            gateway, "/v1/chat/completions", messages=QUESTION, model="my-model-q4", max_tokens=3
        )
        assert status == 200, text
    with serving(mode="off") as gateway:
        assert json.loads(gateway.get("/v1/models")[1])["data"] == []
