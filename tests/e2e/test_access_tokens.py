"""Accounts with access tokens, through a started gateway, its API and its commands."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs

import pytest

from tests.support.commands import run as run_command
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

pytestmark = pytest.mark.timeout(180)
SECRET = "canary-client-secret-0123456789"
REFRESH = "canary-refresh-token-0123456789"
TOKENS = [f"access-token-{number:02}-canary" for number in range(20)]
ASK = json.dumps({"model": "m-1", "messages": [{"role": "user", "content": "hello"}]}).encode()


class Login:
    """A token endpoint; `refuses` answers invalid_grant."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.headers: list[str] = []
        self.refuses = False
        self.life = 3_600
        self._lock = threading.Lock()
        login = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                status, answer = login.answer({name: values[0] for name, values in raw.items()}, self.headers)
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self._server.server_port}/token"

    def answer(self, form: dict[str, str], headers: Any) -> tuple[int, dict[str, Any]]:
        with self._lock:
            self.forms.append(form)
            self.headers.append(headers.get("authorization") or "")
            if self.refuses:
                return 400, {"error": "invalid_grant", "error_description": form.get("refresh_token")}
            token = TOKENS[len(self.forms) - 1]
            return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self.life}

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def login() -> Iterator[Login]:
    with Login() as login:
        yield login


def vendor(*taken: str) -> ScriptedUpstream:
    return ScriptedUpstream("openai_chat", keys=list(taken))


def account(upstream: ScriptedUpstream, login: Login, **oauth: Any) -> dict[str, Any]:
    terms = {"token_url": login.url, "client_id": "ours", "refresh_token": "env:MY_REFRESH"}
    return {
        "name": "corp", "preset": "custom-openai", "base_url": upstream.openai_url, "models": ["*"],
        "oauth": terms | oauth,
    }  # fmt: skip


def running(*accounts: dict[str, Any], **options: Any) -> RunningGateway:
    return RunningGateway(accounts, environ={"MY_REFRESH": REFRESH, "MY_SECRET": SECRET}, **options)


def api(gateway: RunningGateway, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    token = (gateway.data / "local.token").read_text().strip()
    sent = None if body is None else json.dumps(body).encode()
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    headers = {"authorization": f"Bearer {token}", "content-type": kind}
    status, answer = gateway.call(method, path, body=sent, headers=headers)
    return status, json.loads(answer) if answer else None


def command(data: Path, *words: str) -> tuple[int, str]:
    done = run_command(*words, "--data", str(data), environ={"MY_REFRESH": REFRESH, "MY_SECRET": SECRET})
    return done.returncode, done.stdout + done.stderr


def everything_written(gateway: RunningGateway) -> bytes:
    return b"".join(
        path.read_bytes() for path in gateway.data.rglob("*") if path.is_file() and path.name != "config.toml"
    )


def test_a_token_is_got_used_and_replaced_when_it_is_refused(login: Login) -> None:
    with vendor(TOKENS[1]) as upstream, running(account(upstream, login)) as gateway:
        # The first token is one the vendor has withdrawn; it has to be old enough for another to make sense.
        status, answer = gateway.call("POST", "/v1/chat/completions", body=ASK)
        assert (status, json.loads(answer)["error"]["code"]) == (502, "upstream_auth")
        assert login.forms[0]["refresh_token"] == REFRESH
    login.forms.clear()
    with vendor(*TOKENS) as upstream, running(account(upstream, login)) as gateway:
        for _ in range(5):
            assert gateway.call("POST", "/v1/chat/completions", body=ASK)[0] == 200
        assert len(login.forms) == 1
        gateway.assert_no_complaints()
        for canary in (REFRESH, *TOKENS):
            assert canary.encode() not in everything_written(gateway), "sealed, and in no log"


def test_a_client_of_its_own_and_the_commands(login: Login, tmp_path: Path) -> None:
    with vendor(*TOKENS) as upstream:
        code, said = command(
            tmp_path, "providers", "add", "corp", "--preset", "custom-openai", "--base-url", upstream.openai_url,
            "--models", "m-1", "--oauth-token-url", login.url, "--oauth-client-id", "ours",
            "--oauth-client-secret", "env:MY_SECRET", "--oauth-scope", "llm",
        )  # fmt: skip
        assert code == 0, said
        code, said = command(tmp_path, "providers", "test", "corp")
        assert code == 0, said
        assert login.forms == [{"grant_type": "client_credentials", "scope": "llm"}]
        assert base64.b64decode(login.headers[0].removeprefix("Basic ")).decode() == f"ours:{SECRET}"
        with running(data=tmp_path) as gateway:
            assert gateway.call("POST", "/v1/chat/completions", body=ASK)[0] == 200
            assert len(login.forms) == 1, "the server uses the token that the command got"
            _, listed = api(gateway, "GET", "/api/accounts")
            (shown,) = listed["data"]
            assert shown["oauth"] == {
                "token_url": login.url, "client_id": "ours", "grant": "client_credentials", "scope": "llm",
            }  # fmt: skip
            status, answer = api(
                gateway, "PATCH", f"/api/accounts/{shown['id']}", {"base_url": "https://elsewhere.example/v1"}
            )
            assert (status, answer["error"]["code"]) == (400, "secret_needed")
            status, _ = api(
                gateway, "PATCH", f"/api/accounts/{shown['id']}", {"oauth": None, "api_key": TOKENS[3]}
            )
            assert status == 200
            assert gateway.call("POST", "/v1/chat/completions", body=ASK)[0] == 200
            assert len(login.forms) == 1
            assert SECRET.encode() not in everything_written(gateway)
        code, said = command(
            tmp_path, "providers", "add", "x", "--preset", "custom-openai", "--oauth-scope", "llm"
        )
        assert code == 2
        assert "--oauth-token-url" in said


def test_signing_in_again_is_what_the_owner_hears(login: Login) -> None:
    login.refuses = True
    with vendor(*TOKENS) as upstream, running() as gateway:
        made = account(upstream, login, refresh_token=REFRESH)
        status, answer = api(gateway, "POST", "/api/accounts", made)
        assert status == 201, answer
        path = f"/api/accounts/{answer['data']['id']}"
        for _ in range(4):
            status, body = gateway.call("POST", "/v1/chat/completions", body=ASK)
            told = json.loads(body)["error"]
            assert (status, told["code"]) == (502, "upstream_auth"), told
        assert len(login.forms) == 1, "no storm"
        assert "sign in again" in str(api(gateway, "GET", path)[1]["data"]["problem"])
        login.refuses = False
        again = {**made["oauth"], "refresh_token": f"{REFRESH}-new"}
        assert api(gateway, "PATCH", path, {"oauth": again})[0] == 200
        status, body = gateway.call("POST", "/v1/chat/completions", body=ASK)
        assert status == 200, body
        assert login.forms[-1]["refresh_token"] == f"{REFRESH}-new"
        assert api(gateway, "GET", path)[1]["data"]["problem"] is None
        assert REFRESH.encode() not in everything_written(gateway)


def test_what_is_refused_when_it_is_given(login: Login) -> None:
    with running() as gateway:
        base = {
            "name": "corp",
            "preset": "openai",
            "oauth": {"token_url": login.url, "client_id": "c", "refresh_token": "r"},
        }
        for change, param in (
            ({"api_key": "sk-1"}, "oauth"),
            ({"oauth": {**base["oauth"], "refresh_token": "env:HOME"}}, "oauth"),
            ({"oauth": {**base["oauth"], "token_url": "http://login.example.com/token"}}, None),
            ({"preset": "llamacpp"}, None),
        ):
            status, answer = api(gateway, "POST", "/api/accounts", {**base, **change})
            assert status in (400, 422) or change.get("preset"), answer
            assert param is None or answer["error"]["param"] == param
