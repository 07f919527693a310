"""Secrets and prompts are planted everywhere and looked for in everything that comes out (SE9)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.gateway import RunningGateway, free_port
from tests.upstreams import Reply, ScriptedUpstream

SECRETS = {
    "key": "sk-canary-alpha-0123456789",
    "second key": 'canary"bravo/+0123456789',
    "header": "canary-charlie-0123456789",
    "client secret": "canary-delta-0123456789",
    "refresh token": "canary-echo-0123456789",
    "redis password": "canary-foxtrot-0123456789",
    "stored key": "sk-canary-golf-0123456789",
    "caller's header": "canary-hotel-0123456789",
    "query key": "canary-india-0123456789",
    "cookie": "canary-juliett-0123456789",
}
PROMPT = "canary-prompt-kilo-0123456789"


def echo(status: int, *known: str) -> Reply:
    """Return an upstream's error that quotes back every secret it knows."""
    said = f"no: {' '.join(SECRETS[name] for name in known)}"
    headers = [("set-cookie", "a=" + SECRETS[known[0]]), ("x-powered-by", SECRETS[known[0]])]
    error = {"message": said, "type": "x", "code": SECRETS[known[0]]}
    return Reply.json({"error": error}, status=status, headers=headers)


class House:
    """A gateway full of secrets, the provider that is given some and the one that is given none."""

    def __init__(self, gateway: RunningGateway, first: ScriptedUpstream, second: ScriptedUpstream) -> None:
        self.gateway, self.first, self.second = gateway, first, second
        self.heard: list[tuple[str, str]] = []
        self.bearer = {"authorization": f"Bearer {(gateway.data / 'local.token').read_text().strip()}"}

    def ask(self, path: str, body: Any, **headers: str) -> int:
        status, answer = self.gateway.call("POST", path, body=json.dumps(body).encode(), headers=headers)
        self.heard.append((path, answer.decode()))
        return status

    def manage(self, path: str) -> Any:
        status, answer = self.gateway.get(path, self.bearer)
        self.heard.append((path, answer.decode()))
        return json.loads(answer) if status == 200 else None

    def run(self, *words: str) -> None:
        command = [sys.executable, "-m", "flowrouter.cli.main", *words, "--data", str(self.gateway.data)]
        command += ["--config", str(self.gateway.data / "config.toml")]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
        self.heard.append((" ".join(words), done.stdout + done.stderr))


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with (
        ScriptedUpstream(dialect="openai_chat", keys=[SECRETS["key"]]) as first,
        ScriptedUpstream(dialect="anthropic", keys=[SECRETS["second key"]]) as second,
    ):
        accounts = [
            {
                "name": "first", "preset": "custom-openai", "base_url": first.openai_url, "models": ["*"],
                "api_key": SECRETS["key"], "headers": {"x-own": SECRETS["header"]},
            },
            {
                "name": "second", "preset": "custom-anthropic", "base_url": second.url, "models": ["*"],
                "api_key": SECRETS["second key"],
            },
            {
                "name": "signed", "preset": "custom-openai", "base_url": first.openai_url, "models": ["*"],
                "oauth": {
                    "token_url": f"{first.url}/token", "client_id": "c",
                    "client_secret": SECRETS["client secret"], "refresh_token": SECRETS["refresh token"],
                },
            },
            {
                "name": "gone", "preset": "custom-openai", "base_url": f"http://127.0.0.1:{free_port()}/v1",
                "models": ["*"], "api_key": SECRETS["key"],
            },
        ]  # fmt: skip
        settings = {
            "timeouts": {"wait": 0.1},
            "logs": {"level": "debug", "access": True},
            "state": {"redis": f"redis://default:{SECRETS['redis password']}@127.0.0.1:{free_port()}/0"},
        }
        with RunningGateway(accounts, settings=settings) as gateway:
            yield House(gateway, first, second)


def test_se9_secrets_and_prompts_come_out_nowhere(house: House) -> None:
    _live(house)
    _look_around(house)
    house.heard.append(("the log", house.gateway.log))
    for where, text in house.heard:
        spelled = json.dumps(text)
        for name, secret in SECRETS.items():
            assert secret not in text, (name, where)
            assert json.dumps(secret)[1:-1] not in text, (name, where)
            assert json.dumps(json.dumps(secret)[1:-1])[1:-1] not in spelled, (name, where)
        if where not in _ECHOING:
            assert PROMPT not in text, where
    _assert_each_provider_got_its_own(house)
    for path in house.gateway.data.rglob("*"):
        if path.is_file() and path.name != "config.toml":
            held = path.read_bytes()
            assert PROMPT.encode() not in held, path
            assert not [name for name, secret in SECRETS.items() if secret.encode() in held], path


_ECHOING = frozenset({"/v1/chat/completions", "/v1/messages", "/v1beta/models/first/m:generateContent?key=x"})
"""Where the providers' answers, which quote the prompt, belong to the caller."""


def _live(house: House) -> None:
    talk = [{"role": "user", "content": PROMPT}]
    own = {
        "x-secret": SECRETS["caller's header"],
        "cookie": SECRETS["cookie"],
        "x-api-key": SECRETS["caller's header"],
    }
    for model in ("first/m", "second/m"):
        for stream in (False, True):
            chat = {"model": model, "messages": talk, "stream": stream}
            assert house.ask("/v1/chat/completions", chat, **own) == 200
            assert house.ask("/v1/messages", {**chat, "max_tokens": 50}, **own) == 200
    for status in (400, 401, 500):
        for upstream, model, known in (
            (house.first, "first/m", ("key", "header")),
            (house.second, "second/m", ("second key",)),
        ):
            house.manage("/api/accounts")
            name = model.partition("/")[0]
            house.gateway.call(
                "POST", f"/api/accounts/config:{name}/resume", body=b"{}", headers=house.bearer
            )
            upstream.always(echo(status, *known))
            body = {"model": model, "messages": talk, "max_tokens": 50}
            assert house.ask("/v1/chat/completions", body, **own) >= 400
            assert house.ask("/v1/messages", body, **own) >= 400
            upstream.forget()
    house.ask("/v1/chat/completions", {"model": "signed/m", "messages": talk})
    house.ask("/v1/chat/completions", {"model": "gone/m", "messages": talk})
    house.ask("/v1/chat/completions", {"model": "first/m\r\nx-injected: y", "messages": "no"})
    status, answer = house.gateway.get(f"/v1beta/models?key={SECRETS['query key']}")
    house.heard.append(("/v1beta/models", answer.decode()))
    assert status in (200, 401)
    house.gateway.call("POST", "/v1/chat/completions", body=b"{" + PROMPT.encode(), headers=own)


def _look_around(house: House) -> None:
    made = {"name": "stored", "preset": "custom-openai", "base_url": "http://127.0.0.1:9/v1"}
    body = json.dumps({**made, "api_key": SECRETS["stored key"]}).encode()
    status, answer = house.gateway.call("POST", "/api/accounts", body=body, headers=house.bearer)
    assert status == 201, answer
    house.heard.append(("making an account", answer.decode()))
    paths = (
        "accounts",
        "settings",
        "usage",
        "requests",
        "health/targets",
        "models",
        "status",
        "audit",
        "rules",
    )
    for path in paths:
        house.manage(f"/api/{path}")
    listed = house.manage("/api/requests?limit=100")["data"]
    assert listed
    for row in listed:
        house.manage(f"/api/requests/{row['id']}")
        status, receipt = house.gateway.get(f"/v1/receipts/{row['id']}")
        house.heard.append((f"receipt {row['id']}", receipt.decode()))
    for words in (("doctor", "--quick"), ("providers", "list", "--json"), ("usage",), ("vault", "status")):
        house.run(*words)
    house.run("providers", "test", "first")


def _assert_each_provider_got_its_own(house: House) -> None:
    callers = ("caller's header", "query key", "cookie", "redis password", "stored key")
    house.first.assert_never_received(*(SECRETS[name] for name in (*callers, "second key")))
    house.second.assert_never_received(
        *(SECRETS[name] for name in (*callers, "key", "header", "client secret", "refresh token"))
    )


def test_se9_a_defects_traceback_holds_no_secret() -> None:
    program = """
from flowrouter import logs
from flowrouter.cli.main import guarded
logs.hide("canary-known-0123")
def run():
    try:
        raise ValueError("https://user:canary-in-url@host and canary-known-0123")
    except ValueError as error:
        raise RuntimeError("Bearer canary-bearer-0123") from error
raise SystemExit(guarded(run))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "RuntimeError" in done.stderr
    assert "canary" not in done.stderr.replace('canary-known-0123")\n', "")  # the program's own source line
