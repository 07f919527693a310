"""Recorded bodies through the front door: kept sealed, read by admins, written down, removed, resealed."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.commands import run as run_command
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

PROMPT = "canary-prompt-of-a-recording-0123"
KEY = "sk-canary-recording-0123456789"


class House:
    """A gateway that records, and its provider."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway
        self.bearer = {"authorization": f"Bearer {(gateway.data / 'local.token').read_text().strip()}"}

    def ask(self, *, stream: bool = False, **headers: str) -> str:
        body = {
            "model": "first/m",
            "messages": [{"role": "user", "content": f"{PROMPT} {KEY}"}],
            "stream": stream,
        }
        status, _, told = self.exchange(json.dumps(body).encode(), headers)
        assert status == 200
        return told["x-request-id"]

    def exchange(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=60)
        try:
            given = {"content-type": "application/json", **headers}
            connection.request("POST", "/v1/chat/completions", body, given)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, answer.read(), told
        finally:
            connection.close()

    def manage(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        sent = None if body is None else json.dumps(body).encode()
        status, answer = self.gateway.call(method, path, body=sent, headers=self.bearer)
        return status, json.loads(answer)

    def bodies(self, request_id: str) -> Any:
        """Return what was recorded, as soon as it is written."""
        return self.written(f"/api/requests/{request_id}/bodies")

    def row(self, request_id: str) -> Any:
        """Return the request's row, as soon as it is written."""
        return self.written(f"/api/requests/{request_id}")

    def written(self, path: str) -> Any:
        for _ in range(200):
            status, answer = self.manage("GET", path)
            if status == 200:
                return answer["data"]
            assert status == 404, answer
            time.sleep(0.05)
        raise AssertionError(f"nothing came to {path}")

    def run(self, *words: str) -> str:
        folder = self.gateway.data
        done = run_command(*words, "--data", str(folder), "--config", str(folder / "config.toml"))
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with ScriptedUpstream(dialect="openai_chat", keys=[KEY]) as first:
        accounts = [
            {
                "name": "first", "preset": "custom-openai", "base_url": first.openai_url, "models": ["*"],
                "api_key": KEY,
            }
        ]  # fmt: skip
        with RunningGateway(accounts, settings={"recording": {"mode": "all"}}) as gateway:
            yield House(gateway)


def test_what_was_said_is_kept_and_only_for_who_may_see_it(house: House) -> None:
    request_id = house.ask(stream=True)
    kept = house.bodies(request_id)
    assert PROMPT in kept["request"]["text"]
    assert kept["attempts"][0]["reply"]["frames"], "a stream is kept frame by frame"
    assert all(frame["at_ms"] >= 0 for frame in kept["answer"]["frames"])
    assert KEY not in json.dumps(kept), "the account's key is scrubbed, even out of the prompt"
    assert house.row(request_id)["recorded"] is True
    status, _ = house.gateway.get(f"/api/requests/{request_id}/bodies", {"authorization": "Bearer nobody"})
    assert status == 401
    held = b"".join(path.read_bytes() for path in house.gateway.data.glob("flow-router.sqlite*"))
    assert PROMPT.encode() not in held
    assert PROMPT not in house.gateway.log


def test_reading_and_removing_are_in_the_audit_log_without_a_copy(house: House) -> None:
    request_id = house.ask()
    house.bodies(request_id)
    status, answer = house.manage("DELETE", f"/api/requests/{request_id}/bodies")
    assert (status, answer["data"]) == (200, {"id": request_id, "removed": True})
    assert house.manage("GET", f"/api/requests/{request_id}/bodies")[0] == 404
    assert house.manage("DELETE", f"/api/requests/{request_id}/bodies")[0] == 404
    assert house.row(request_id)["recorded"] is False
    _, book = house.manage("GET", f"/api/audit?target={request_id}")
    assert {entry["action"] for entry in book["data"]} == {"read_bodies", "delete_bodies"}
    assert PROMPT not in json.dumps(book)


def test_a_caller_asks_not_to_be_recorded(house: House) -> None:
    quiet, loud = house.ask(**{"x-flowrouter-recording": "off"}), house.ask()
    house.bodies(loud)
    assert house.manage("GET", f"/api/requests/{quiet}/bodies")[0] == 404


def test_recording_is_switched_while_the_gateway_runs(house: House) -> None:
    status, answer = house.manage("PATCH", "/api/settings", {"recording": {"mode": "off"}})
    assert (status, answer["data"]["in_force"]["recording"]["mode"]) == (200, "off")
    quiet = house.ask()
    assert house.manage("PATCH", "/api/settings", {"recording": None})[0] == 200
    house.bodies(house.ask())
    assert house.manage("GET", f"/api/requests/{quiet}/bodies")[0] == 404
    _, metrics = house.gateway.get("/metrics", house.bearer)
    assert re.search(rb'^flowrouter_recordings_total\{.*result="kept".*\} [1-9]', metrics, re.MULTILINE)


def test_commands_show_and_forget_and_a_new_key_seals_again(house: House) -> None:
    request_id = house.ask()
    before = house.bodies(request_id)
    house.run("vault", "rotate")
    assert house.bodies(request_id) == before
    shown = json.loads(house.run("requests", "show", request_id, "--bodies"))
    assert shown["bodies"] == before
    assert request_id in house.run("requests", "forget", request_id)
    assert json.loads(house.run("requests", "show", request_id, "--bodies"))["bodies"] is None
    _, book = house.manage("GET", f"/api/audit?target={request_id}")
    assert [entry["action"] for entry in book["data"] if entry["via"] == "cli"] == [
        "delete_bodies",
        "read_bodies",
    ]
    house.gateway.assert_no_complaints()
