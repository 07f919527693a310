"""The upstream remembers: requests, connections, hang-ups; and does what a script says."""

import base64
import gzip
import http.client
import json
import re
import socket
from pathlib import Path

import pytest

import tests.upstreams
from tests.unit.upstreams.plain import chat, messages, send, sse
from tests.upstreams import Answer, Pause, Received, Reply, ScriptedUpstream, Usage

BODY = {"model": "sixty-words+gap-20", "stream": True, "messages": [{"role": "user", "content": "hi"}]}


def test_nothing_here_imports_the_package_under_test() -> None:
    folder = Path(tests.upstreams.__file__).parent
    sources = sorted(folder.rglob("*.py"))
    assert len(sources) > 15
    for source in sources:
        assert not re.search(r"^\s*(from|import)\s+flowrouter", source.read_text(), re.MULTILINE), source


def test_what_a_request_was(up: ScriptedUpstream) -> None:
    send(up, "/v1/chat/completions?a=1&b=", {**BODY, "model": "m", "stream": False}, headers={"X-Odd": "Yes"})
    received = up.last
    assert (received.method, received.path, received.query) == (
        "POST",
        "/v1/chat/completions",
        {"a": "1", "b": ""},
    )
    assert received.header("x-odd") == "Yes"
    assert ("X-Odd", "Yes") in received.headers
    assert json.loads(received.body) == received.json
    assert (received.dialect, received.route, received.account) == ("openai_chat", "generate", "key-1")
    up.wait_for(lambda: received.outcome == "complete")
    assert (received.status, received.streaming, received.model) == (200, False, "m")
    assert up.calls_of("m") == [received]


def test_connections_are_kept_alive_and_counted(up: ScriptedUpstream) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", up.port, timeout=10)
    headers = {"authorization": "Bearer k", "content-type": "application/json"}
    for _ in range(3):
        connection.request("POST", "/v1/chat/completions", json.dumps(BODY | {"model": "m"}), headers)
        assert b"[DONE]" in connection.getresponse().read()
    assert (up.connections_total, up.open_connections) == (1, 1)
    assert {received.connection_id for received in up.requests} == {1}
    connection.close()
    up.wait_for(lambda: up.open_connections == 0)
    assert up.disconnects == []


def test_chunked_request_bodies_and_100_continue(up: ScriptedUpstream) -> None:
    body = json.dumps(BODY | {"model": "m"}).encode()
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\nconnection: close\r\n"
    )
    head += b"content-type: application/json\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", up.port), timeout=10) as connection:
        connection.sendall(head)
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(
            b"%x\r\n%s\r\n" % (7, body[:7]) + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body) - 7, body[7:])
        )
        got = b""
        while data := connection.recv(65536):
            got += data
    assert b"[DONE]" in got
    assert up.last.body == body


@pytest.mark.parametrize("model", ["sixty-words+gap-20", "fault-hang-headers", "fault-hang-midstream"])
def test_a_hang_up_in_the_middle_is_noticed_at_once(up: ScriptedUpstream, model: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", up.port, timeout=10)
    headers = {"authorization": "Bearer k", "content-type": "application/json"}
    connection.request("POST", "/v1/chat/completions", json.dumps(BODY | {"model": model}), headers)
    up.wait_for(lambda: len(up.in_flight) == 1)
    if model != "fault-hang-headers":
        connection.getresponse().read(30)
    connection.close()
    up.wait_for(lambda: len(up.disconnects) == 1)
    received = up.last
    assert received.outcome == "peer_gone"
    assert received.peer_closed_at is not None
    assert received.peer_closed_at >= received.at
    assert up.disconnects[0].request_index == received.index
    assert received.pieces_sent < 60
    up.wait_for(lambda: up.open_connections == 0)


async def test_waiting_without_blocking_the_loop(up: ScriptedUpstream) -> None:
    with pytest.raises(TimeoutError):
        await up.until(lambda: up.open_connections == 1, timeout=0.05)
    with socket.create_connection(("127.0.0.1", up.port)):
        await up.until(lambda: up.open_connections == 1)
    await up.until(lambda: up.open_connections == 0)


def test_our_own_faults_are_no_hang_ups(up: ScriptedUpstream) -> None:
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        chat(up, model="fault-cut", stream=True)
    up.wait_for(lambda: up.last.outcome == "broken")
    assert up.disconnects == []


def test_dropping_connections(up: ScriptedUpstream) -> None:
    with socket.create_connection(("127.0.0.1", up.port), timeout=10) as connection:
        up.wait_for(lambda: up.open_connections == 1)
        up.drop_connections()
        assert connection.recv(1) == b""


@pytest.mark.parametrize("hidden", ["plain", "query", "escaped", "base64", "gzip"])
def test_canaries_are_found_wherever_they_hide(up: ScriptedUpstream, hidden: str) -> None:
    canary = "canary-ключ-1234567890"
    headers = {"authorization": "Bearer k", "content-type": "application/json"}
    content, path = "hi", "/v1/chat/completions"
    if hidden == "query":
        path += "?key=canary-%D0%BA%D0%BB%D1%8E%D1%87-1234567890"
    elif hidden in ("escaped", "gzip", "plain"):
        content = f"x {canary} y"
    else:
        headers["x-basic"] = base64.b64encode(f"u:{canary}!".encode()).decode()
    body = json.dumps({"messages": content}, ensure_ascii=hidden == "escaped").encode()
    if hidden == "gzip":
        body, headers["content-encoding"] = gzip.compress(body), "gzip"
    connection = http.client.HTTPConnection("127.0.0.1", up.port, timeout=10)
    connection.request("POST", path, body, headers)
    connection.getresponse().read()
    connection.close()
    with pytest.raises(AssertionError, match="reached the upstream"):
        up.assert_never_received(canary)
    up.assert_never_received("another-canary-1234567890")


def test_a_script_is_followed_in_order(up: ScriptedUpstream) -> None:
    def by_request(received: Received) -> Answer:
        return Answer(text=f"for {received.model}")

    up.script(
        ["fault-500", Answer(text="one"), Reply.json({"any": 1}, status=418), by_request, "refusal", None]
    )
    assert chat(up).status == 500
    assert chat(up).json["choices"][0]["message"]["content"] == "one"
    assert (chat(up).status, up.last.status) == (418, 418)
    assert chat(up, model="m7").json["choices"][0]["message"]["content"] == "for m7"
    assert chat(up).json["choices"][0]["message"]["refusal"]
    assert chat(up).json["choices"][0]["message"]["content"] == "You said: hi"


def test_scripts_by_model_and_for_always(up: ScriptedUpstream) -> None:
    up.script([Answer(text="for a")], model="a").always(Answer(text="else", usage=Usage(input=5, output=6)))
    assert messages(up, model="b").json["content"][0]["text"] == "else"
    assert messages(up, model="a").json["content"][0]["text"] == "for a"
    last = messages(up, model="a").json
    assert (last["content"][0]["text"], last["usage"]["output_tokens"]) == ("else", 6)


def test_an_invalid_request_does_not_use_up_the_script(up: ScriptedUpstream) -> None:
    up.script([Answer(text="kept")])
    assert chat(up, foo=1).status == 400
    assert chat(up).json["choices"][0]["message"]["content"] == "kept"
    with pytest.raises(AssertionError, match="foo"):
        up.assert_all_valid()


@pytest.mark.parametrize("cuts", [1, 3, (5, 6, 7, 40), "random:9"])
def test_cuts_change_the_chunks_and_not_the_bytes(cuts: int | str | tuple[int, ...]) -> None:
    with ScriptedUpstream() as whole, ScriptedUpstream(cuts=cuts) as cut:
        body = {"model": "any+unicode", "stream": True}
        assert chat(cut, **body).body == chat(whole, **body).body
        cut.wait_for(lambda: cut.last.outcome == "complete")
        whole.wait_for(lambda: whole.last.outcome == "complete")
        assert cut.last.bytes_sent == whole.last.bytes_sent
        assert cut.last.pieces_sent != whole.last.pieces_sent


def test_raw_replies_with_pauses_and_offsets(up: ScriptedUpstream) -> None:
    frames = (b'data: {"a":1}\n\n', Pause(0.01), b"data: [DONE]\n\n")
    up.script([Reply(steps=frames, framing="chunked", cuts=(3, 20))])
    response = chat(up, stream=True)
    assert sse(response.body) == [(None, {"a": 1}), (None, "[DONE]")]
    up.wait_for(lambda: up.last.outcome == "complete")
    assert up.last.pieces_sent == 4


def test_models_can_be_closed() -> None:
    with ScriptedUpstream(models=["only"], strict_models=True) as up:
        assert chat(up, model="other").json["error"]["code"] == "model_not_found"
        assert messages(up, model="other").json["error"]["type"] == "not_found_error"
        assert chat(up, model="only").status == 200


async def test_it_works_as_an_async_context() -> None:
    async with ScriptedUpstream("anthropic", port=0) as up:
        assert up.url.endswith(str(up.port))
