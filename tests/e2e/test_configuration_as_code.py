"""A running gateway that is told what to be: files applied to it, and its own file read again under load."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from tests.support.commands import run as run_command
from tests.support.gateway import ALONE, RunningGateway
from tests.support.redis_server import RedisServer
from tests.upstreams import ScriptedUpstream

pytestmark = pytest.mark.timeout(180)
POSIX = pytest.mark.skipif(os.name == "nt", reason="SIGHUP is a signal of POSIX systems")

DECLARED = """\
[routing.combos.smart]
members = [{ model = "applied/gpt-5.4" }]

[[accounts]]
name = "applied"
preset = "custom-openai"
base_url = "%s"
api_key = "env:APPLIED_KEY"
models = ["gpt-5.4"]

[[keys]]
name = "laptop"
"""


def account(upstream: ScriptedUpstream, name: str, *models: str) -> dict[str, Any]:
    return {
        "name": name,
        "preset": "custom-openai",
        "base_url": upstream.openai_url,
        "api_key": "chat-key",
        "models": list(models),
    }


def rewrite(gateway: RunningGateway, document: dict[str, Any]) -> None:
    """Replace the configuration file at once, as a careful editor does."""
    whole = {**ALONE, "logs": {"level": "info", "access": False}, **document}
    draft = gateway.data / "config.toml.new"
    draft.write_text(tomlkit.dumps(whole))
    draft.replace(gateway.data / "config.toml")


def status_of(gateway: RunningGateway) -> dict[str, Any]:
    token = (gateway.data / "local.token").read_text().strip()
    code, body = gateway.get("/api/status", {"authorization": f"Bearer {token}"})
    assert code == 200, body
    found: dict[str, Any] = json.loads(body)["data"]["config"]
    return found


def until(met: Callable[[], bool], gateway: RunningGateway) -> None:
    deadline = time.monotonic() + 60
    while not met():
        assert time.monotonic() < deadline, gateway.log
        time.sleep(0.05)


def ask(gateway: RunningGateway, model: str, *, key: str | None = None) -> int:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
    return gateway.call("POST", "/v1/chat/completions", body=json.dumps(body).encode(), headers=headers)[0]


def command(gateway: RunningGateway, *words: str, given: str = "", **environ: str) -> tuple[int, str, str]:
    """Run a command beside the gateway, as another program would."""
    ran = run_command(*words, "--data", str(gateway.data), given=given, environ=environ)
    return ran.returncode, ran.stdout, ran.stderr


def test_apply_to_a_running_gateway(chat_upstream: ScriptedUpstream, tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(DECLARED % chat_upstream.openai_url)
    with RunningGateway(settings={"logs": {"level": "info"}}) as gateway:
        assert ask(gateway, "smart") == 404
        code, shown, _ = command(gateway, "apply", str(file), "--dry-run", APPLIED_KEY="chat-key")
        assert (code, "+ combo smart" in shown, "chat-key" in shown) == (0, True, False)
        assert ask(gateway, "smart") == 404
        code, _, told = command(gateway, "apply", str(file), APPLIED_KEY="chat-key")
        assert (code, "--yes" in told) == (1, True)
        code, shown, told = command(gateway, "apply", str(file), "--yes", APPLIED_KEY="chat-key")
        assert code == 0, told
        key = shown.split()[-1]
        assert ask(gateway, "smart", key=key) == 200, "in force as soon as the command ends"
        assert ask(gateway, "smart") == 401
        assert '"path":"/api/apply"' in gateway.log, "the running gateway was asked, not the store beside it"
        code, shown, _ = command(
            gateway, "apply", "-", "--as", "gateway.toml", given=file.read_text(), APPLIED_KEY="chat-key"
        )
        assert (code, "Nothing to change: 3 things" in shown) == (0, True)
        code, _, told = command(gateway, "combos", "remove", "smart", "--yes")
        assert (code, "gateway.toml" in told, "--detach" in told) == (1, True, True)
        code, shown, told = command(gateway, "apply", "-", "--as", "gateway.toml", "--prune", "--yes")
        assert (code, shown.count("  - ")) == (0, 3), told
        assert ask(gateway, "smart") == 404, "the key went too, so none is needed"
        gateway.assert_no_complaints()


def test_wrong_key_changes_nothing(chat_upstream: ScriptedUpstream, tmp_path: Path) -> None:
    phrase, wrong = tmp_path / "phrase", tmp_path / "wrong"
    phrase.write_text("a quiet morning in the harbour\n")
    wrong.write_text("another morning in the harbour\n")
    sealed = tmp_path / "sealed.toml"
    with RunningGateway() as gateway:
        text = DECLARED % chat_upstream.openai_url
        assert command(gateway, "apply", "-", "--yes", given=text, APPLIED_KEY="chat-key")[0] == 0
        code, _, told = command(
            gateway, "export", "--with-secrets", "--passphrase-file", str(phrase), "--output", str(sealed)
        )
        assert code == 0, told
        assert sealed.stat().st_mode & 0o077 == 0 or os.name == "nt"
    with RunningGateway() as clean:
        code, _, told = command(clean, "apply", str(sealed), "--yes", "--passphrase-file", str(wrong))
        assert (code, "passphrase is wrong" in told) == (2, True)
        assert ask(clean, "smart") == 404
        code, shown, told = command(clean, "apply", str(sealed), "--yes", "--passphrase-file", str(phrase))
        assert (code, "3 added" in shown) == (0, True), told
        assert ask(clean, "smart") == 401, "the keys came with it"


class Load:
    """Clients that go on asking until they are told to stop; every answer is counted."""

    def __init__(self, gateway: RunningGateway, model: str, clients: int) -> None:
        self.statuses: list[int] = []
        self.faults: list[str] = []
        self._gateway, self._model = gateway, model
        self._enough = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._gateway.port, timeout=60)
        body = json.dumps(
            {"model": self._model, "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        )
        while not self._enough.is_set():
            try:
                connection.request(
                    "POST", "/v1/chat/completions", body=body, headers={"content-type": "application/json"}
                )
                answer = connection.getresponse()
                text = answer.read()
                self.statuses.append(answer.status)
                if b"data: [DONE]" not in text:
                    self.faults.append(text[-300:].decode())
            except (OSError, http.client.HTTPException) as error:
                self.faults.append(repr(error))
                connection.close()
        connection.close()

    def end(self) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join(60)


def test_reading_again_under_load_drops_nothing() -> None:
    with (
        ScriptedUpstream("openai_chat", keys=["chat-key"], gap=0.01) as upstream,
        RunningGateway([account(upstream, "first", "gpt-5.4")], settings={"models": {"aliases": {"it": "gpt-5.4"}}}) as gateway,
    ):  # fmt: skip
        load = Load(gateway, "it", clients=3)
        for turn in range(1, 5):
            until(lambda: len(load.statuses) >= 10 * turn, gateway)  # noqa: B023 - called within the turn
            rewrite(
                gateway,
                {
                    "models": {"aliases": {"it": "gpt-5.4", f"turn-{turn}": "gpt-5.4"}},
                    "accounts": [account(upstream, f"account-{turn}", "gpt-5.4")],
                },
            )
            until(lambda: status_of(gateway)["reloads"] >= turn, gateway)  # noqa: B023 - called within the turn
            assert ask(gateway, f"turn-{turn}") == 200
            assert ask(gateway, f"account-{turn}/gpt-5.4") == 200
            assert ask(gateway, f"turn-{turn - 1}" if turn > 1 else "first/gpt-5.4") == 404
        load.end()
        assert load.faults == []
        assert set(load.statuses) == {200}
        gateway.assert_no_complaints()


def test_a_stream_in_flight_outlives_its_account() -> None:
    with (
        ScriptedUpstream("openai_chat", keys=["chat-key"], gap=0.4) as slow,
        RunningGateway([account(slow, "first", "gpt-5.4")]) as gateway,
    ):
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
        body = {"model": "gpt-5.4", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        connection.request(
            "POST",
            "/v1/chat/completions",
            body=json.dumps(body),
            headers={"content-type": "application/json"},
        )
        answer = connection.getresponse()
        begun = answer.read1(10)
        rewrite(gateway, {"accounts": [account(slow, "second", "other")]})
        until(lambda: ask(gateway, "first/gpt-5.4") == 404, gateway)
        assert b"[DONE]" in begun + answer.read()
        connection.close()


def test_a_bad_file_changes_nothing(chat_upstream: ScriptedUpstream) -> None:
    first = account(chat_upstream, "first", "gpt-5.4")
    with RunningGateway([first]) as gateway:
        path = gateway.data / "config.toml"
        good = path.read_text()
        bad = [
            ("[[accounts\n", "not valid TOML"),
            (good.replace('"first"', '"other"') + "\n[routes]\n", "routes"),
            (good.replace('"chat-key"', '"env:NOT_SET_ANYWHERE"'), "NOT_SET_ANYWHERE"),
        ]
        for text, said in bad:
            path.write_text(text)
            until(lambda: said in (status_of(gateway)["error"] or ""), gateway)  # noqa: B023 - called at once
            assert ask(gateway, "first/gpt-5.4") == 200
            ready, facts = gateway.get("/readyz")
            assert (ready, json.loads(facts)["config"]["ok"]) == (200, False)
            assert said not in facts.decode(), "strangers learn nothing of the file"
            assert said in gateway.log
        path.unlink()
        until(lambda: "is gone" in (status_of(gateway)["error"] or ""), gateway)
        assert ask(gateway, "first/gpt-5.4") == 200
        code, shown, _ = command(gateway, "doctor", "--offline", "--json")
        assert code != 0
        checks = {row["check"]: row["status"] for row in json.loads(shown)["findings"]}
        assert checks["config-reload"] == "problem"
        rewrite(gateway, {"accounts": [first, account(chat_upstream, "second", "gpt-5.4")]})
        until(lambda: status_of(gateway)["error"] is None, gateway)
        assert ask(gateway, "second/gpt-5.4") == 200


def test_what_needs_a_restart_is_named(chat_upstream: ScriptedUpstream) -> None:
    with RunningGateway([account(chat_upstream, "first", "gpt-5.4")]) as gateway:
        rewrite(
            gateway,
            {
                "accounts": [account(chat_upstream, "second", "gpt-5.4")],
                "timeouts": {"stall": 33.0},
                "server": {"backlog": 99},
            },
        )
        until(lambda: status_of(gateway)["reloads"] == 1, gateway)
        assert status_of(gateway)["restart_needed"] == ["server.backlog", "timeouts.stall"]
        assert ask(gateway, "second/gpt-5.4") == 200
        assert json.loads(gateway.get("/readyz")[1])["config"] == {"ok": True, "restart_needed": True}
        until(lambda: "need a restart" in gateway.log, gateway)


def test_a_combo_of_the_file_is_in_force_when_it_is_read_again(chat_upstream: ScriptedUpstream) -> None:
    first = account(chat_upstream, "first", "gpt-5.4")
    with RunningGateway([first]) as gateway:
        assert ask(gateway, "team") == 404
        combos = {"team": {"members": [{"model": "first/gpt-5.4"}]}}
        rewrite(gateway, {"accounts": [first], "routing": {"combos": combos}})
        until(lambda: status_of(gateway)["reloads"] == 1, gateway)
        assert ask(gateway, "team") == 200
        assert status_of(gateway)["restart_needed"] == []
        rewrite(gateway, {"accounts": [first]})
        until(lambda: ask(gateway, "team") == 404, gateway)


@POSIX
def test_a_signal_reads_the_file_again(chat_upstream: ScriptedUpstream) -> None:
    settings = {"server": {"reload": "signal"}}
    with RunningGateway([account(chat_upstream, "first", "gpt-5.4")], settings=settings) as gateway:
        for name in ("second", "third"):
            rewrite(gateway, {**settings, "accounts": [account(chat_upstream, name, "gpt-5.4")]})
        os.kill(gateway.pid, signal.SIGHUP)
        until(lambda: status_of(gateway)["reloads"] > 0, gateway)
        assert ask(gateway, "third/gpt-5.4") == 200
        assert status_of(gateway)["reloads"] == 1, "nobody looked before the signal"


@POSIX
def test_all_workers_read_it_again(chat_upstream: ScriptedUpstream, redis_server: RedisServer) -> None:
    settings = {
        "server": {"workers": 2, "reload": "signal"},
        "state": {"redis": redis_server.url, "prefix": f"{secrets.token_hex(6)}:"},
    }

    def answers(gateway: RunningGateway, name: str) -> set[int]:
        """Return the workers that know the alias `name`, of those that a few calls met."""
        known: set[int] = set()
        for _ in range(12):
            connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
            connection.request("GET", "/readyz")
            index = json.loads(connection.getresponse().read())["worker"]["index"]
            connection.request("GET", "/v1/models")
            if name in connection.getresponse().read().decode():
                known.add(index)
            connection.close()
        return known

    first = account(chat_upstream, "first", "gpt-5.4")
    with RunningGateway(
        [first], settings={**settings, "models": {"aliases": {"early": "gpt-5.4"}}}
    ) as gateway:
        until(lambda: answers(gateway, "early") == {0, 1}, gateway)
        rewrite(gateway, {**settings, "accounts": [first], "models": {"aliases": {"later": "gpt-5.4"}}})
        os.kill(gateway.pid, signal.SIGHUP)
        until(lambda: answers(gateway, "later") == {0, 1}, gateway)
        assert answers(gateway, "early") == set()
