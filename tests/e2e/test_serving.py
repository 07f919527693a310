"""Living with it: clients that leave, ends in the middle, power cuts, edits while it runs."""

from __future__ import annotations

import http.client
import signal
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import msgspec
import psutil

from tests.e2e.conftest import Stand, accounts
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

SLOW = {"messages": [{"role": "user", "content": "hi"}], "stream": True}


def start_stream(
    port: int, path: str, ask: dict[str, object]
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(
        "POST", path, body=msgspec.json.encode(ask), headers={"content-type": "application/json"}
    )
    answer = connection.getresponse()
    assert answer.status == 200
    return connection, answer


def test_a_client_that_leaves_ends_the_upstream_call(stand: Stand) -> None:
    for path, model, upstream, extra in (
        ("/v1/chat/completions", "chat/gpt-4.1+long-200+gap-50", stand.chat, {}),
        ("/v1/messages", "claude/claude-haiku-4-5+long-200+gap-50", stand.claude, {"max_tokens": 4000}),
        ("/v1/messages", "chat/gpt-4.1+long-200+gap-50", stand.chat, {"max_tokens": 4000}),
    ):
        before = len(upstream.disconnects)
        connection, answer = start_stream(stand.gateway.port, path, {**SLOW, "model": model, **extra})
        answer.read(200)
        answer.close()
        connection.close()
        upstream.wait_for(
            lambda upstream=upstream, before=before: len(upstream.disconnects) > before, timeout=5
        )
        upstream.wait_for(lambda upstream=upstream: not upstream.in_flight, timeout=5)


def test_what_a_cancelled_stream_used_is_on_record(stand: Stand) -> None:
    connection, answer = start_stream(
        stand.gateway.port, "/v1/messages",
        {**SLOW, "model": "claude/claude-haiku-4-5+long-200+gap-50", "max_tokens": 4000},
    )  # fmt: skip
    request_id = answer.headers["request-id"]
    answer.read(900)
    answer.close()
    connection.close()
    row = _row(stand.gateway, request_id)
    assert row["outcome"] == "cancelled"
    assert row["input_tokens"] is not None


def _row(gateway: RunningGateway, request_id: str) -> sqlite3.Row:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with closing(
            sqlite3.connect(f"file:{gateway.data / 'flow-router.sqlite'}?mode=ro", uri=True)
        ) as store:
            store.row_factory = sqlite3.Row
            row = store.execute("SELECT * FROM requests WHERE id = ?", (request_id,)).fetchone()
        if row is not None:
            return row
        time.sleep(0.05)
    raise AssertionError(f"no row for {request_id}")


def test_shutdown_lets_streams_end_and_writes_the_books(
    chat_upstream: ScriptedUpstream, claude_upstream: ScriptedUpstream
) -> None:
    with RunningGateway(accounts(chat_upstream, claude_upstream)) as gateway:
        ask = {**SLOW, "model": "chat/gpt-4.1+long-30+gap-50"}
        connection, answer = start_stream(gateway.port, "/v1/chat/completions", ask)
        request_id = answer.headers["x-request-id"]
        answer.read(50)
        psutil.Process(gateway.pid).send_signal(signal.SIGTERM)
        rest = answer.read()
        assert rest.endswith(b"data: [DONE]\n\n")
        connection.close()
        assert gateway.stop() == 0
        assert _row(gateway, request_id)["outcome"] == "ok"


def test_a_power_cut_loses_no_row_older_than_200_ms(
    chat_upstream: ScriptedUpstream, claude_upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    gateway = RunningGateway(accounts(chat_upstream, claude_upstream), data=tmp_path).start()
    finished: list[tuple[float, str]] = []
    stop = threading.Event()

    def load() -> None:
        ask = msgspec.json.encode({"model": "chat/gpt-4.1", "messages": [{"role": "user", "content": "hi"}]})
        with closing(http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)) as connection:
            while not stop.is_set():
                try:
                    connection.request(
                        "POST", "/v1/chat/completions", body=ask, headers={"content-type": "application/json"}
                    )
                    answer = connection.getresponse()
                    answer.read()
                    finished.append((time.monotonic(), answer.headers["x-request-id"]))
                except (OSError, http.client.HTTPException):
                    return

    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(load)
        time.sleep(1.5)
        killed_at = time.monotonic()
        gateway.kill()
        stop.set()
    old = [request_id for at, request_id in finished if at < killed_at - 0.2]
    assert len(old) > 20
    with closing(sqlite3.connect(gateway.data / "flow-router.sqlite")) as store:
        kept = {row[0] for row in store.execute("SELECT id FROM requests")}
        assert store.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert not [request_id for request_id in old if request_id not in kept]


def test_an_account_added_while_it_runs_answers_at_once(
    chat_upstream: ScriptedUpstream, claude_upstream: ScriptedUpstream
) -> None:
    with RunningGateway(accounts(chat_upstream, claude_upstream)[:1]) as gateway:
        ask = msgspec.json.encode(
            {
                "model": "late/claude-haiku-4-5",
                "max_tokens": 20,
                "messages": [{"role": "user", "content": "hi"}],
            }
        )
        token = (gateway.data / "local.token").read_text().strip()
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        made = {
            "name": "late",
            "preset": "custom-anthropic",
            "base_url": claude_upstream.url,
            "api_key": "claude-key",
            "models": ["*"],
        }
        status, body = gateway.call("POST", "/api/accounts", body=msgspec.json.encode(made), headers=headers)
        assert status == 201, body
        status, body = gateway.call("POST", "/v1/messages", body=ask)
        assert status == 200, body


def test_many_streams_at_once_come_whole_and_leave_nothing_behind(stand: Stand) -> None:
    ask = {**SLOW, "model": "chat/gpt-4.1+long-20+gap-20", "stream_options": {"include_usage": True}}

    def one(_: int) -> bytes:
        connection, answer = start_stream(stand.gateway.port, "/v1/chat/completions", ask)
        body = answer.read()
        connection.close()
        return body

    with ThreadPoolExecutor(40) as pool:
        bodies = list(pool.map(one, range(80)))
    assert all(body.endswith(b"data: [DONE]\n\n") for body in bodies)
    assert len(set(bodies)) == 1, "no event was lost, doubled or reordered"
    stand.chat.wait_for(lambda: not stand.chat.in_flight, timeout=10)
    assert stand.gateway.get("/healthz")[0] == 200
    assert "Traceback" not in stand.gateway.log
