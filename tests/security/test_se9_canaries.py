"""Secrets and prompts are planted everywhere and looked for in everything that comes out (SE9)."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from tests.house.tree import ROOT, tracked
from tests.support.collector import Collector
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
    "login password": "canary-lima-0123456789",
    "provider's client secret": "canary-mike-0123456789",
    "collector's key": "canary-november-0123456789",
    "master key": hashlib.sha256(b"canary-oscar").hexdigest(),
    "key of a variable": "canary-papa-0123456789",
}
PROMPT = "canary-prompt-kilo-0123456789"
ENVIRON = {
    "FLOW_ROUTER_MASTER_KEY": SECRETS["master key"],
    "OIDC_SECRET": SECRETS["provider's client secret"],
    "OTEL_EXPORTER_OTLP_HEADERS": "x-collector-key=" + SECRETS["collector's key"],
    "SECOND_KEY": SECRETS["key of a variable"],
}


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
        self.collector: Collector | None = None
        self.looks_around = True
        self.heard: list[tuple[str, str]] = []
        self.made: dict[str, str] = {}
        self.bearer = {"authorization": f"Bearer {(gateway.data / 'local.token').read_text().strip()}"}

    def ask(self, path: str, body: Any, **headers: str) -> int:
        status, answer = self.gateway.call("POST", path, body=json.dumps(body).encode(), headers=headers)
        self.heard.append((path, answer.decode()))
        return status

    def note_of(self, secret: str, value: str) -> None:
        """Take a secret that this house made itself: a key's token, a session, a link."""
        self.made[secret] = value

    def manage(self, path: str) -> Any:
        status, answer = self.gateway.get(path, self.bearer)
        self.heard.append((path, answer.decode()))
        return json.loads(answer) if status == 200 else None

    def run(self, *words: str) -> None:
        command = [sys.executable, "-m", "flowrouter.cli.main", *words, "--data", str(self.gateway.data)]
        command += ["--config", str(self.gateway.data / "config.toml")]
        environ = {**os.environ, **ENVIRON}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
        assert done.returncode == 0 or words[0] in ("doctor", "providers"), done.stderr
        self.heard.append((" ".join(words), done.stdout + done.stderr))


@pytest.fixture(scope="module", params=["json", "text"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    with (
        Collector() as collector,
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
            {
                "name": "named", "preset": "custom-openai", "base_url": first.openai_url, "models": ["*"],
                "api_key": "env:SECOND_KEY",
            },
        ]  # fmt: skip
        settings = {
            "timeouts": {"wait": 0.1},
            "logs": {"level": "debug", "access": True, "format": request.param},
            "recording": {"mode": "all"},
            "tracing": {"endpoint": collector.url},
            "admin": {
                "login": "on",
                "oidc": {
                    "issuer": f"http://127.0.0.1:{free_port()}",
                    "client_id": "c",
                    "client_secret": "env:OIDC_SECRET",
                },
            },
            "state": {"redis": f"redis://default:{SECRETS['redis password']}@127.0.0.1:{free_port()}/0"},
        }
        with RunningGateway(accounts, settings=settings, environ=ENVIRON) as gateway:
            house = House(gateway, first, second)
            house.collector = collector
            house.looks_around = request.param == "json"
            yield house


def test_se9_secrets_and_prompts_come_out_nowhere(house: House) -> None:
    _log_in(house)
    _live(house)
    _look_behind(house)
    if house.looks_around:
        _look_around(house)
    house.heard.append(("the log", house.gateway.log))
    secrets = {**SECRETS, **house.made}
    for where, text in house.heard:
        spelled = json.dumps(text)
        for name, secret in secrets.items():
            assert secret not in text, (name, where)
            assert json.dumps(secret)[1:-1] not in text, (name, where)
            assert json.dumps(json.dumps(secret)[1:-1])[1:-1] not in spelled, (name, where)
        if where not in _ECHOING and not where.endswith("/bodies"):
            assert PROMPT not in text, where
    _assert_each_provider_got_its_own(house)
    for path in house.gateway.data.rglob("*"):
        if path.is_file() and path.name != "config.toml":
            held = path.read_bytes()
            assert PROMPT.encode() not in held, path
            kept = {**secrets, "local token": ""} if path.name == "local.token" else secrets
            assert not [name for name, secret in kept.items() if secret and secret.encode() in held], path
    _assert_git_holds_none(secrets)


_ECHOING = frozenset(
    {
        "/v1/chat/completions",
        "/v1/messages",
        "/v1beta/models/first/m:generateContent?key=x",
        "/api/try/openai_chat",
    }
)
"""Where the providers' answers, which quote the prompt, belong to the caller."""


def _log_in(house: House) -> None:
    """Get in by every way there is, and keep what each gave."""
    gateway, password = house.gateway, SECRETS["login password"]
    made = {"name": "ann", "password": password, "role": "admin"}
    assert gateway.call("POST", "/api/users", body=json.dumps(made).encode(), headers=house.bearer)[0] == 201
    for tried in (password, password + "x"):
        house.ask("/api/login", {"name": "ann", "password": tried})
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
    sent = {"content-type": "application/json"}
    connection.request(
        "POST", "/api/login", body=json.dumps({"name": "ann", "password": password}), headers=sent
    )
    answer = connection.getresponse()
    answer.read()
    cookie = str(answer.headers["set-cookie"]).partition(";")[0].partition("=")[2]
    connection.close()
    house.note_of("session", cookie)
    house.heard.append(
        ("/api/me", gateway.get("/api/me", {"cookie": f"flow_router_session={cookie}"})[1].decode())
    )
    status, link = gateway.call("POST", "/api/handover", body=b"{}", headers=house.bearer)
    assert status < 300, link
    (code,) = re.findall(r"token=([0-9a-f]{32,})", link.decode())
    house.note_of("link", code)
    assert gateway.get(f"/?token={code}")[0] == 303
    assert gateway.get(f"/?token={code}&again")[0] in (303, 401)
    house.heard.append(("oidc", gateway.get("/api/login/oidc/start")[1].decode()))
    status, told = gateway.call("POST", "/api/keys", body=b'{"name": "plain"}', headers=house.bearer)
    assert status == 201
    house.note_of("gateway key", json.loads(told)["data"]["token"])
    house.note_of("local token", house.bearer["authorization"].removeprefix("Bearer "))


def _live(house: House) -> None:
    talk = [{"role": "user", "content": PROMPT}]
    own = {
        "x-secret": SECRETS["caller's header"],
        "cookie": SECRETS["cookie"],
        "x-api-key": SECRETS["caller's header"],
        "x-flowrouter-key": house.made["gateway key"],
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
    house.ask("/v1/chat/completions", {"model": "signed/m", "messages": talk}, **own)
    house.ask("/v1/chat/completions", {"model": "gone/m", "messages": talk}, **own)
    house.ask("/v1/chat/completions", {"model": "named/m", "messages": talk}, **own)
    house.ask("/v1/chat/completions", {"model": "first/m\r\nx-injected: y", "messages": "no"}, **own)
    own |= {"authorization": house.bearer["authorization"]}
    assert house.ask("/api/try/openai_chat", {"model": "first/m", "messages": talk}, **own) == 200
    for name in ("first", "gone"):
        house.ask(f"/api/accounts/config:{name}/test", {}, **own, accept="text/event-stream")
    del own["authorization"]
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
        "keys",
        "users",
        "sessions",
        "quotas",
        "budgets",
        "backups",
        "login",
        "me",
        "about",
        "logs?level=debug&limit=1000",
        "openapi.json",
    )
    for path in paths:
        house.manage(f"/api/{path}")
    listed = house.manage("/api/requests?limit=100")["data"]
    assert listed
    for row in listed:
        house.manage(f"/api/requests/{row['id']}")
        status, receipt = house.gateway.get(
            f"/v1/receipts/{row['id']}", {"x-api-key": house.made["gateway key"]}
        )
        house.manage(f"/api/requests/{row['id']}/bodies")
        house.heard.append((f"receipt {row['id']}", receipt.decode()))
    for words in (("doctor", "--quick"), ("providers", "list", "--json"), ("usage",), ("vault", "status")):
        house.run(*words)
    house.run("providers", "test", "first")
    house.run("export")
    house.run("backup", "create")
    house.run("audit", "--json")
    house.run("requests")
    for path in ("/api/usage.csv", "/api/export", "/metrics", "/", "/healthz"):
        house.heard.append((path, house.gateway.get(path, house.bearer)[1].decode()))


def _look_behind(house: House) -> None:
    """At what a neighbour on the machine sees, and what a collector is sent."""
    process = psutil.Process(house.gateway.pid)
    lines = [process.cmdline(), *(child.cmdline() for child in process.children(recursive=True))]
    house.heard.append(("the process list", json.dumps(lines)))
    collector = house.collector
    assert collector is not None
    collector.wait_for(lambda spans: len(spans) > 10)
    house.heard.append(("the collector", b"".join(collector.bodies).decode("latin-1")))
    told = [headers for headers in collector.headers if SECRETS["collector's key"] in headers.values()]
    assert told, "its own key reaches the collector"


def _assert_git_holds_none(secrets: dict[str, str]) -> None:
    """What was made while this ran; the canaries themselves stand in this very file."""
    made = [secret.encode() for name, secret in secrets.items() if name not in SECRETS]
    for path in tracked():
        held = (ROOT / path).read_bytes()
        assert not [secret for secret in made if secret in held], path


def _assert_each_provider_got_its_own(house: House) -> None:
    callers = (
        "caller's header", "query key", "cookie", "redis password", "stored key", "login password", "master key",
        "provider's client secret", "collector's key",
    )  # fmt: skip
    house.first.assert_never_received(
        *(SECRETS[name] for name in (*callers, "second key")), *house.made.values()
    )
    house.second.assert_never_received(
        *(
            SECRETS[name]
            for name in (*callers, "key", "header", "client secret", "refresh token", "key of a variable")
        ),
        *house.made.values(),
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
