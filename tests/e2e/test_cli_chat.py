"""`chat` through a running gateway, as a person and as a script would use it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flowrouter.cli.main import main
from tests.e2e.conftest import Stand
from tests.support.gateway import RunningGateway, free_port
from tests.upstreams import ScriptedUpstream

Chat = Callable[..., tuple[int, str, str]]
ANSWER_SECONDS = 20.0


@pytest.fixture
def chat(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Chat:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))

    def ask(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["chat", *arguments, "--url", stand.gateway.url, "--data", str(tmp_path / "data")])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return ask


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses", "anthropic", "gemini"])
@pytest.mark.parametrize("account", ["chat", "claude"])
@pytest.mark.parametrize("form", ["--stream", "--no-stream"])
def test_one_question_gets_its_answer(chat: Chat, dialect: str, account: str, form: str) -> None:
    code, out, err = chat(f"{account}/small", "Say hello", "--dialect", dialect, form)
    assert (code, out) == (0, "You said: Say hello\n")
    assert f"{account}/small" in err
    assert re.search(r"\d+ in · \d+ out", err)


def test_instructions_and_the_cap_arrive(chat: Chat, stand: Stand) -> None:
    code, out, err = chat("chat/small", "one two three four", "--system", "Be brief", "--max-tokens", "2")
    assert code == 0
    assert "ended by: length" in err
    sent = stand.chat.calls[-1].json
    assert sent["messages"][0] == {"role": "system", "content": [{"type": "text", "text": "Be brief"}]} or (
        sent["messages"][0]["content"] == "Be brief"
    )
    assert "three" not in out.removeprefix("You said: one")


def test_programs_get_json(chat: Chat) -> None:
    code, out, err = chat("chat/deepseek-reasoner", "Say hello", "--json")
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert told["text"] == "You said: Say hello"
    assert told["reasoning"]
    assert told["target"] == "chat/deepseek-reasoner"
    assert told["finish"] == "stop"
    assert told["usage"]["output"] > 0
    assert told["request_id"].startswith("req_")


def test_reasoning_does_not_mix_with_an_answer_in_a_pipe(chat: Chat) -> None:
    _, out, err = chat("chat/deepseek-reasoner", "Say hello")
    assert out == "You said: Say hello\n"
    assert "reasoning" in err


def test_a_refusal_is_told_in_the_words_of_the_gateway(chat: Chat) -> None:
    code, out, err = chat("chat/small+fault-400", "x")
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert chat("chat/small", "x", "--dialect", "latin")[0] == 2


def test_a_stream_that_breaks_is_no_success(chat: Chat) -> None:
    code, out, err = chat("chat/fault-cut@3", "one two three four five six")
    assert code == 1
    assert out.startswith("You said")
    assert "error: " in err


def test_what_is_piped_in_is_part_of_the_question(stand: Stand, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "flowrouter.cli.main", "chat", "--url", stand.gateway.url]
    command += ["--data", str(tmp_path / "data")]
    both = subprocess.run(
        [*command, "chat/small", "Review this:"],
        input="the diff\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (both.returncode, both.stdout) == (0, "You said: Review this:\n\nthe diff\n"), both.stderr
    alone = subprocess.run(
        [*command, "chat/small"], input="only this", capture_output=True, text=True, timeout=60, check=False
    )
    assert alone.stdout == "You said: only this\n"
    nothing = subprocess.run(
        [*command, "chat/small"], input="", capture_output=True, text=True, timeout=60, check=False
    )
    assert nothing.returncode == 2
    assert "no prompt" in nothing.stderr


def test_no_gateway_is_said_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    url = f"http://127.0.0.1:{free_port()}"
    assert main(["chat", "x", "y", "--url", url, "--data", str(tmp_path / "data")]) == 1
    assert f"no gateway answers at {url}; start one: flow-router serve" in capsys.readouterr().err


def test_where_keys_are_needed_it_makes_itself_one(
    chat_upstream: ScriptedUpstream, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    account = {"name": "chat", "preset": "custom-openai", "base_url": chat_upstream.openai_url, "api_key": "chat-key", "models": ["*"]}  # fmt: skip
    with RunningGateway([account]) as gateway:
        place = ["--data", str(gateway.data)]
        assert main(["keys", "create", "laptop", *place]) == 0
        monkeypatch.setenv("FLOW_ROUTER_SERVER_PORT", str(gateway.port))
        for said in ("made itself a gateway key", ""):
            capsys.readouterr()
            assert main(["chat", "small", "hello", *place]) == 0
            printed = capsys.readouterr()
            assert printed.out == "You said: hello\n"
            assert said in printed.err
        file = gateway.data / "chat.key"
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.read_text().strip() not in printed.err
        listed = [key["name"] for key in _json(capsys, "keys", "list", "--json", *place)]
        assert sorted(listed) == ["flow-router-chat", "laptop"]
        deadline = time.monotonic() + 20
        while len(rows := _json(capsys, "requests", "--json", *place)) < 2:  # the log is written behind them
            assert time.monotonic() < deadline, rows
            time.sleep(0.05)
        assert {row["status"] for row in rows} == {200}


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, str]]:
    capsys.readouterr()
    assert main(list(arguments)) == 0
    return json.loads(capsys.readouterr().out)


class Terminal:
    """A conversation at a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self._screen, inner = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flowrouter.cli.main", "chat", *arguments],
            stdin=inner, stdout=inner, stderr=inner, start_new_session=True, env=environment,
        )  # fmt: skip
        os.close(inner)
        self.seen = ""

    def type(self, text: str) -> None:
        os.write(self._screen, text.encode())

    def until(self, text: str) -> str:
        """Return what appeared up to `text`; what follows is for the next call."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while text not in self.seen:
            ready, _, _ = select.select([self._screen], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{text!r} did not appear; seen: {self.seen!r}"
            self.seen += os.read(self._screen, 4096).decode("utf-8", "replace")
        before, _, self.seen = self.seen.partition(text)
        return before

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._screen)


@pytest.fixture
def terminal(stand: Stand, tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal("chat/small", "--url", stand.gateway.url, "--data", str(tmp_path / "data"))
    with contextlib.closing(opened):
        opened.until("> ")
        yield opened


def test_a_conversation_is_kept_and_can_be_forgotten(terminal: Terminal, stand: Stand) -> None:
    terminal.type("first\r")
    terminal.until("You said: first")
    terminal.until("> ")
    terminal.type("second\r")
    terminal.until("You said: second")
    sent = [message["role"] for message in stand.chat.calls[-1].json["messages"]]
    assert sent == ["user", "assistant", "user"]
    terminal.until("> ")
    terminal.type("/clear\r")
    terminal.until("Forgotten.")
    terminal.type("/system Be brief\r")
    terminal.until("instructions are set")
    terminal.type("third\r")
    terminal.until("You said: third")
    sent = [message["role"] for message in stand.chat.calls[-1].json["messages"]]
    assert sent == ["system", "user"]
    terminal.until("> ")
    terminal.type("/exit\r")
    assert terminal.process.wait(ANSWER_SECONDS) == 0


def test_ctrl_c_stops_the_answer_and_not_the_program(terminal: Terminal, stand: Stand) -> None:
    terminal.type("/model chat/fault-hang-midstream\r")
    terminal.until("Talking to chat/fault")
    terminal.type("one two three four five six seven eight\r")
    terminal.until("You said")
    terminal.process.send_signal(signal.SIGINT)
    terminal.until("Stopped.")
    stand.chat.wait_for(lambda: bool(stand.chat.disconnects), timeout=20)
    terminal.until("> ")
    terminal.type("/modle\r")
    terminal.until("did you mean '/model'?")
    terminal.type("/model chat/small\r")
    terminal.until("Talking to chat/small.")
    terminal.type("still there\r")
    terminal.until("You said: still there")
    terminal.until("> ")
    terminal.type("\x04")
    assert terminal.process.wait(ANSWER_SECONDS) == 0


def test_a_failure_does_not_end_the_conversation(terminal: Terminal) -> None:
    terminal.type("/model chat/small+fault-500\r")
    terminal.until("Talking to")
    terminal.type("x\r")
    terminal.until("error: ")
    terminal.type("/model\r")
    terminal.until("There are:")


def test_a_model_cannot_steer_the_terminal(terminal: Terminal, stand: Stand) -> None:
    terminal.type("\x16\x1b]0;owned\r")
    terminal.until("You said: ")
    seen = terminal.until("in · ")
    assert "\x1b]0;owned" not in seen
