"""Looking at a started gateway: its log, the steps of an account's test, what it warns of, what it is made of."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_login import PASSWORD, Browser, command
from tests.support.gateway import RunningGateway, free_port
from tests.upstreams import Reply, ScriptedUpstream

SECRET = "sk-canary-of-the-vendor-0123456789"
PROMPT = "canary-of-the-prompt"


class House:
    """A gateway with an account that answers and one whose host is not there."""

    def __init__(self, gateway: RunningGateway, vendor: ScriptedUpstream) -> None:
        self.gateway, self.vendor = gateway, vendor
        token = (gateway.data / "local.token").read_text().strip()
        self.bearer = {"authorization": f"Bearer {token}"}

    def get(self, path: str) -> Any:
        status, answer = self.gateway.get(path, self.bearer)
        assert status == 200, answer
        return json.loads(answer)

    def lines(self, level: str = "info") -> list[dict[str, Any]]:
        return self.get(f"/api/logs?level={level}&limit=1000")["data"]

    def warnings(self) -> dict[str, dict[str, Any]]:
        return {each["code"]: each for each in self.get("/api/status")["data"]["warnings"]}

    def test(self, account: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the events of an account's test."""
        headers = {**self.bearer, "accept": "text/event-stream"}
        path = f"/api/accounts/config:{account}/test"
        status, answer = self.gateway.call("POST", path, body=b"", headers=headers)
        assert status == 200, answer
        return events(answer.decode())


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the named events of a stream."""
    found = []
    for event in text.split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in event.splitlines() if not line.startswith(":"))
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 20
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data = tmp_path_factory.mktemp("data")
    with ScriptedUpstream("openai_chat", keys=[SECRET]) as vendor:
        shared = {"preset": "custom-openai", "api_key": SECRET}
        accounts = [
            {"name": "well", "base_url": vendor.openai_url, "models": ["gpt-small"], **shared},
            {"name": "gone", "base_url": f"http://127.0.0.1:{free_port()}/v1", "models": ["lost"], **shared},
        ]
        gateway = RunningGateway(
            accounts,
            settings={"logs": {"level": "info", "access": True}, "admin": {"login": "on"}},
            data=data,
        )
        for name in ("admin", "olga", "eve"):
            role = {"olga": "operator", "eve": "viewer"}.get(name, "admin")
            command(data, "admin", "password", name, "--role", role, text=PASSWORD + "\n")
        with gateway:
            yield House(gateway, vendor)


def ask(house: House, model: str) -> int:
    body = {"model": model, "messages": [{"role": "user", "content": PROMPT}]}
    return house.gateway.call("POST", "/v1/chat/completions", body=json.dumps(body).encode())[0]


def test_the_newest_lines_are_those_of_the_log(house: House) -> None:
    assert ask(house, "gpt-small") == 200
    line = until(lambda: next((each for each in house.lines() if each["logger"] == "access"), None))
    assert (line["level"], line["message"], line["fields"]["model"]) == ("info", "exchange", "gpt-small")
    written = [json.loads(each) for each in house.gateway.log.splitlines() if each.startswith("{")]
    (same,) = [each for each in written if each.get("request_id") == line["fields"]["request_id"]]
    assert {**line["fields"]} == {name: same[name] for name in line["fields"]}
    assert abs(line["ts_ms"] - time.time() * 1000) < 60_000
    moments = [each["ts_ms"] for each in house.lines()]
    assert moments == sorted(moments, reverse=True)
    assert len(house.get("/api/logs?limit=1")["data"]) == 1
    assert not [each for each in house.lines("warning") if each["level"] == "info"]


def test_lines_come_as_they_are_written(house: House) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", house.gateway.port, timeout=30)
    connection.request("GET", "/api/logs/stream", headers=house.bearer)
    answer = connection.getresponse()
    assert answer.getheader("content-type", "").startswith("text/event-stream")
    seen = answer.read1().decode()
    assert seen.startswith(":")
    assert ask(house, "gpt-small") == 200
    while '"exchange"' not in seen:
        seen += answer.read1().decode()
    connection.close()
    (told,) = [data for name, data in events(seen) if name == "line" and data["message"] == "exchange"]
    assert told in house.lines()
    # Whoever was cut off is told what was missed, and not what was seen.
    assert ask(house, "gpt-small") == 200
    connection.request("GET", "/api/logs/stream", headers={**house.bearer, "last-event-id": told["id"]})
    answer = connection.getresponse()
    missed = ""
    while '"exchange"' not in missed:
        missed += answer.read1().decode()
    connection.close()
    assert told["id"] not in [data["id"] for _, data in events(missed)]


def test_no_secret_and_no_prompt_stands_in_a_line(house: House) -> None:
    house.vendor.always(Reply.json({"error": {"message": f"bad key {SECRET}"}}, status=401))
    try:
        assert ask(house, "gpt-small") == 502
        steps = json.dumps(house.test("well"))
    finally:
        house.vendor.forget()
        house.gateway.resume("well")
    assert "bad key" in steps
    text = json.dumps(house.lines("debug")) + steps
    assert "canary" not in text


def test_who_may_read_the_log(house: House) -> None:
    for name, status, code in (("olga", 200, None), ("eve", 403, "role_needed"), ("admin", 200, None)):
        browser = Browser(house.gateway)
        browser.ask("POST", "/api/login", {"name": name, "password": PASSWORD})
        for path in ("/api/logs", "/api/logs/stream") if status != 200 else ("/api/logs",):
            found, said, _ = browser.ask("GET", path)
            assert found == status, said
            assert (said.get("error") or {}).get("code") == code


def test_a_key_of_an_owner_reads_no_log(tmp_path: Path) -> None:
    with ScriptedUpstream("openai_chat") as vendor:
        account = {"name": "a", "preset": "custom-openai", "base_url": vendor.openai_url, "api_key": "x"}
        gateway = RunningGateway([account], data=tmp_path)
        made = command(tmp_path, "keys", "create", "theirs", "--scopes", "admin", "--owner", "bob", "--json")
        with gateway:
            headers = {"authorization": f"Bearer {json.loads(made)['key']}"}
            for path in ("/api/logs", "/api/logs/stream"):
                status, answer = gateway.get(path, headers)
                assert (status, json.loads(answer)["error"]["code"]) == (403, "operator_only")
            about = json.loads(gateway.get("/api/about", headers)[1])["data"]
            assert about["data"] is None
            status = json.loads(gateway.get("/api/status", headers)[1])["data"]
            assert [each["code"] for each in status["warnings"]] == ["no_accounts"], (
                "what is others' is not told"
            )


def test_a_test_tells_its_steps(house: House) -> None:
    told = house.test("well")
    names = [data["name"] for name, data in told if name == "step"]
    assert names == ["name", "connect", "models", "sent", "first_byte", "answer"]
    steps = [data for name, data in told if name == "step"]
    assert all(step["ok"] for step in steps)
    moments = [step["at_ms"] for step in steps]
    assert moments == sorted(moments)
    name, result = told[-1]
    path = "/api/accounts/config:well/test"
    plain = json.loads(house.gateway.call("POST", path, body=b"", headers=house.bearer)[1])["data"]
    assert name == "result"
    assert {**result, "took_ms": 0} == {**plain, "took_ms": 0}
    assert result["ok"]
    assert "data: {" in str(told) or house.vendor.calls[-1].model == "gpt-small"


def test_a_test_says_where_it_failed(house: House) -> None:
    told = house.test("gone")
    failed = [data for name, data in told if name == "step" and not data["ok"]]
    assert [step["name"] for step in failed] == ["connect", "models"]
    assert failed[0]["text"] == "connection refused"
    assert told[-1][0] == "result"
    assert not told[-1][1]["ok"]


def test_steps_come_as_they_are_made(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        body = {
            "name": "silent", "preset": "custom-openai", "api_key": "sk-x-0123456789", "models": ["m"],
            "base_url": f"http://127.0.0.1:{silent.getsockname()[1]}/v1",
        }  # fmt: skip
        headers = {**house.bearer, "content-type": "application/json"}
        made = house.gateway.call("POST", "/api/accounts", body=json.dumps(body).encode(), headers=headers)[1]
        account = json.loads(made)["data"]["id"]
        connection = http.client.HTTPConnection("127.0.0.1", house.gateway.port, timeout=30)
        headers["accept"] = "text/event-stream"
        connection.request("POST", f"/api/accounts/{account}/test", body="", headers=headers)
        answer = connection.getresponse()
        seen = ""
        while '"connect"' not in seen:
            seen += answer.read1().decode()
        assert "result" not in seen, "the host has not said a word"
        silent.settimeout(20)
        calls = [
            silent.accept()[0] for _ in range(2)
        ]  # one to see that it can be reached, one with a request
        assert calls[1].recv(16)
        connection.close()
        calls[1].settimeout(20)
        while calls[1].recv(4096):  # who goes away ends the test
            pass
        for each in calls:
            each.close()
    house.gateway.call("DELETE", f"/api/accounts/{account}", headers=house.bearer)


def test_a_pause_is_warned_of(house: House) -> None:
    assert "account_paused" not in house.warnings()
    assert ask(house, "lost") >= 500
    paused = house.warnings()["account_paused"]
    assert paused["account_id"] == "config:gone"
    assert "gone pauses" in paused["text"]
    assert "resume gone" in paused["fix"]
    house.gateway.resume("gone")
    assert "account_paused" not in house.warnings()


def test_a_file_that_is_wrong_is_warned_of(house: House) -> None:
    file = house.gateway.data / "config.toml"
    good = file.read_text()
    file.write_text(good + "\n[server\n")
    try:
        told = until(lambda: house.warnings().get("config_not_loaded"))
        assert str(file) in told["text"]
        file.write_text(good + "\n[timeouts]\nstall = 50\n")
        told = until(lambda: house.warnings().get("config_restart_needed"))
        assert "timeouts" in told["text"]
        assert "config_not_loaded" not in house.warnings()
    finally:
        file.write_text(good)
    until(lambda: not house.warnings())


def test_a_budget_is_warned_of(house: House) -> None:
    policy = {"budgets": [{"metric": "requests", "amount": 1, "period": "day"}]}
    body = json.dumps({"name": "once", "policy": policy}).encode()
    headers = {**house.bearer, "content-type": "application/json"}
    made = json.loads(house.gateway.call("POST", "/api/keys", body=body, headers=headers)[1])["data"]
    talk = {"model": "gpt-small", "messages": [{"role": "user", "content": "Hello"}]}
    key = {"authorization": f"Bearer {made['token']}"}
    assert (
        house.gateway.call("POST", "/v1/chat/completions", body=json.dumps(talk).encode(), headers=key)[0]
        == 200
    )
    told = until(lambda: house.warnings().get("budget_used_up"))
    assert told["key_id"] == made["id"]
    assert "once" in told["text"]
    house.gateway.call("DELETE", f"/api/keys/{made['id']}", headers=house.bearer)
    assert "budget_used_up" not in house.warnings()


def test_what_runs_here(house: House) -> None:
    about = house.get("/api/about")["data"]
    assert about["data"] == str(house.gateway.data)
    assert (about["store"]["kind"], about["store"]["bytes"] > 10_000) == ("sqlite", True)
    assert "metrics" in about["features"]
    known = {each["name"].lower(): each for each in about["licences"]}
    assert {"starlette", "msgspec", "anyio", "uplot", "preact"} <= set(known)
    assert "pytest" not in known, "what only developers need is no part of it"
    assert known["msgspec"]["licence"] == "BSD-3-Clause"
    assert known["htm"]["licence"] == "Apache-2.0"
    assert all(each["licence"] for each in about["licences"])
