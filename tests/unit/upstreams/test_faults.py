"""Every fault in the table does on the wire what its row says, and no good reply does."""

import gzip
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.upstreams.plain import Response, chat, messages, send, sse
from tests.upstreams import Pace, ScriptedUpstream, refused_port
from tests.upstreams.faults import BY_RULE, REFUSALS, WIRE, FaultCounter, parse_fault
from tests.upstreams.scenarios import ModelName

USER = [{"role": "user", "content": "hi"}]
BROKEN = (http.client.HTTPException, ConnectionError)


@pytest.fixture
def up() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(pace=Pace(first_token=0.05, stall=0.05, headers=0.05)) as upstream:
        yield upstream


def raw(
    up: ScriptedUpstream, model: str, *, stream: bool = True, anthropic: bool = False
) -> tuple[bytes, str]:
    """Send one request on a bare socket; return all that came and how it ended: eof, reset or silence."""
    path = "/v1/messages" if anthropic else "/v1/chat/completions"
    body = json.dumps({"model": model, "messages": USER, "stream": stream, "max_tokens": 500}).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\nanthropic-version: 2023-06-01\r\n"
    head += f"content-type: application/json\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
    got = b""
    with socket.create_connection(("127.0.0.1", up.port)) as connection:
        connection.settimeout(0.3)
        connection.sendall(head.encode() + body)
        try:
            while data := connection.recv(65536):
                got += data
        except ConnectionResetError:
            return got, "reset"
        except TimeoutError:
            return got, "silence"
    return got, "eof"


def dechunked(answer: bytes) -> tuple[bytes, bool]:
    """Return the body of a chunked answer and whether it was properly ended."""
    body, rest = b"", answer.partition(b"\r\n\r\n")[2]
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        if int(size, 16) == 0:
            return body, True
        body += rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]
    return body, False


def streamed(up: ScriptedUpstream, model: str, *, anthropic: bool = False) -> list[tuple[str | None, Any]]:
    send_it = messages if anthropic else chat
    return sse(send_it(up, model=model, stream=True).body)


def words(events: list[tuple[str | None, Any]]) -> str:
    """The text in the events of either dialect."""
    text = ""
    for _, data in events:
        if isinstance(data, dict):
            found: Any = data
            text += (found.get("delta") or {}).get("text", "")
            for choice in found.get("choices") or ():
                text += choice["delta"].get("content") or ""
    return text


def test_every_fault_is_documented() -> None:
    import tests.upstreams

    documented = (tests.upstreams.__doc__ or "").split("Fault names:")[1].split()
    assert set(WIRE) | set(REFUSALS) | set(BY_RULE) <= set(documented)


@pytest.mark.parametrize("anthropic", [False, True], ids=["openai", "anthropic"])
@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(up: ScriptedUpstream, name: str, anthropic: bool) -> None:
    send_it = messages if anthropic else chat
    for stream in (False, True):
        response = send_it(up, model=f"fault-{name}", stream=stream)
        expected = 503 if name == "overloaded" and not anthropic else REFUSALS[name][0]
        assert response.status == expected
        assert response.json["error"]["type"]
        assert (response.headers.get("retry-after") == "2") is name.endswith("retry-after")
        assert ("request-id" if anthropic else "x-request-id") in response.headers
    assert up.refused == []


def test_codes_that_gateways_look_at(up: ScriptedUpstream) -> None:
    def code(name: str) -> str:
        return chat(up, model=f"fault-{name}").json["error"]["code"]

    assert code("context-length") == "context_length_exceeded"
    assert code("content-policy") == "content_policy_violation"
    assert code("429-quota") == "insufficient_quota"
    assert code("model-missing") == "model_not_found"
    assert messages(up, model="fault-529").json["error"]["type"] == "overloaded_error"
    assert "prompt is too long" in messages(up, model="fault-context-length").message
    assert chat(up, model="fault-429-retry-after@7").headers["retry-after"] == "7"


@pytest.mark.parametrize("anthropic", [False, True], ids=["openai", "anthropic"])
@pytest.mark.parametrize("name", WIRE)
def test_no_wire_fault_looks_like_a_good_reply(up: ScriptedUpstream, name: str, anthropic: bool) -> None:
    healthy = {"slow-headers", "slow-first-token", "gzip"}
    for stream in (False, True):
        good, _ = raw(up, "any", stream=stream, anthropic=anthropic)
        got, ending = raw(up, f"any+fault-{name}", stream=stream, anthropic=anthropic)
        if (
            name in healthy
            or (name == "ignores-stream" and not stream)
            or (name == "only-streams" and stream)
        ):
            assert ending == "eof"
            continue
        assert (got.partition(b"\r\n\r\n")[2], ending) != (good.partition(b"\r\n\r\n")[2], "eof") or (
            name in ("no-terminator", "mislabelled") and got != good
        )


def test_connection_faults(up: ScriptedUpstream) -> None:
    assert raw(up, "fault-reset") == (b"", "reset")
    assert raw(up, "fault-close") == (b"", "eof")
    assert raw(up, "fault-hang-headers") == (b"", "silence")
    head, ending = raw(up, "fault-hang-first-token")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert (head.partition(b"\r\n\r\n")[2], ending) == (b"", "silence")
    assert raw(up, "fault-reset-midstream")[1] == "reset"
    assert raw(up, "fault-hang-midstream")[1] == "silence"


@pytest.mark.parametrize("anthropic", [False, True], ids=["openai", "anthropic"])
def test_cut_after_forty_of_sixty_tokens(up: ScriptedUpstream, anthropic: bool) -> None:
    whole = words(streamed(up, "sixty-words", anthropic=anthropic))
    assert len(whole.split()) == 60
    for fault in ("cut@40", "stall@40"):
        got, ending = raw(up, f"sixty-words+fault-{fault}", anthropic=anthropic)
        body, ended = dechunked(got)
        assert (ended, ending) == (False, "eof")
        assert words(sse(body)) == " ".join(whole.split()[:40]) + " "


def test_no_terminator_is_complete_and_properly_closed(up: ScriptedUpstream) -> None:
    for anthropic, last in ((False, "[DONE]"), (True, {"type": "message_stop"})):
        good = streamed(up, "sixty-words", anthropic=anthropic)
        assert good[-1][1] == last
        body, ended = dechunked(raw(up, "sixty-words+fault-no-terminator", anthropic=anthropic)[0])
        assert ended
        assert words(sse(body)) == words(good)
        assert last not in [data for _, data in sse(body)]
        body, ended = dechunked(raw(up, "sixty-words+fault-no-finish", anthropic=anthropic)[0])
        assert ended
        assert words(sse(body)) == words(good)
        assert b'finish_reason":"stop' not in body
        assert b"message_delta" not in body


def test_the_tenth_event_is_broken_and_nothing_is_missing(up: ScriptedUpstream) -> None:
    body, _ = dechunked(raw(up, "sixty-words+fault-badjson-frame")[0])
    events = body.split(b"\n\n")
    with pytest.raises(ValueError):
        json.loads(events[9].removeprefix(b"data: "))
    mended = b"\n\n".join(event for event in events if b"broken" not in event)
    good, _ = dechunked(raw(up, "sixty-words")[0])
    assert words(sse(mended)) == words(sse(good))


def test_errors_inside_a_200(up: ScriptedUpstream) -> None:
    whole = chat(up, model="fault-200-error-json")
    assert (whole.status, set(whole.json)) == (200, {"error"})
    assert [set(data) for _, data in streamed(up, "fault-200-error-first-event")] == [{"error"}]
    ((event, data),) = streamed(up, "fault-200-error-first-event", anthropic=True)
    assert (event, data["error"]["type"]) == ("error", "overloaded_error")
    events = streamed(up, "sixty-words+fault-midstream-error", anthropic=True)
    assert events[-1][0] == "error"
    assert len(words(events).split()) == 40


def test_forms_of_reply(up: ScriptedUpstream) -> None:
    assert b"<html>" in chat(up, model="fault-html").body
    assert chat(up, model="fault-ignores-stream", stream=True).json["object"] == "chat.completion"
    assert sse(chat(up, model="fault-only-streams").body)[-1][1] == "[DONE]"
    assert chat(up, model="fault-empty-stream", stream=True).body == b""
    assert sse(chat(up, model="fault-only-terminator", stream=True).body) == [(None, "[DONE]")]
    packed = chat(up, model="fault-gzip", stream=True)
    assert packed.headers["content-encoding"] == "gzip"
    assert sse(gzip.decompress(packed.body))[-1][1] == "[DONE]"
    bare = chat(up, model="fault-gzip-unlabelled")
    assert "content-encoding" not in bare.headers
    assert json.loads(gzip.decompress(bare.body))["choices"]
    assert chat(up, model="fault-redirect").status == 307
    with pytest.raises(BROKEN):
        chat(up, model="fault-bad-chunk", stream=True)


def test_slow_faults_are_slow_and_then_well(up: ScriptedUpstream) -> None:
    for name in ("slow-headers", "slow-first-token"):
        assert words(streamed(up, f"sixty-words+fault-{name}")) == words(streamed(up, "sixty-words"))
    up.pace.headers = up.pace.first_token = 60.0
    assert raw(up, "fault-slow-headers") == (b"", "silence")
    head, ending = raw(up, "fault-slow-first-token")
    assert (head.partition(b"\r\n\r\n")[1:], ending) == ((b"\r\n\r\n", b""), "silence")
    assert raw(up, "fault-slow-first-token@0")[1] == "eof"


def test_counted_faults(up: ScriptedUpstream) -> None:
    def statuses(model: str, count: int) -> list[int]:
        return [chat(up, model=model).status for _ in range(count)]

    assert statuses("fault-500-once", 3) == [500, 200, 200]
    assert statuses("any+fault-429-retry-after-once", 2) == [429, 200]
    assert statuses("fault-503-2-times", 3) == [503, 503, 200]
    assert statuses("fault-500-after-2", 3) == [200, 200, 500]
    up.reset()
    assert statuses("fault-500-once", 2) == [500, 200]


def test_faults_that_last_a_while() -> None:
    counter, model = FaultCounter(), ModelName("fault-503-for-60s")
    struck = [counter.active(model, now) is not None for now in (100.0, 130.0, 159.9, 160.0, 200.0)]
    assert struck == [True, True, True, False, False]


def test_unknown_faults_are_errors_of_the_test() -> None:
    with pytest.raises(ValueError, match="knows no fault"):
        parse_fault("fault-of-nobody")
    up = ScriptedUpstream().start()
    assert chat(up, model="fault-of-nobody").status == 500
    with pytest.raises(AssertionError, match="knows no fault"):
        up.__exit__(None, None, None)


def test_invalid_requests_are_refused_even_where_a_fault_waits(up: ScriptedUpstream) -> None:
    assert chat(up, model="fault-500", foo=1).status == 400


# fmt: off
QUIRKS_OF_THE_WIRE = [
    "usage-never", "usage-always", "usage-in-finish", "usage-unasked", "role-always", "no-role", "empty-finish",
    "crlf", "cr", "bom", "comments", "event-lines", "no-space", "no-last-blank", "unknown-event", "ascii",
    "multi-line", "pings", "no-delta-usage",
]
# fmt: on


@pytest.mark.parametrize("quirk", QUIRKS_OF_THE_WIRE)
def test_quirks_change_the_wire_and_not_the_answer(up: ScriptedUpstream, quirk: str) -> None:
    anthropic = quirk in ("pings", "no-delta-usage")
    send_it: Any = messages if anthropic else chat
    options = {"stream_options": {"include_usage": True}}
    asked: dict[str, Any] = {} if anthropic or quirk == "usage-unasked" else options
    good = send_it(up, model="any+unicode", stream=True, **asked).body
    odd = send_it(up, model=f"any+unicode+quirk-{quirk}", stream=True, **asked).body
    shown = f"any+unicode+quirk-{quirk}".encode()
    assert odd.replace(shown, b"any+unicode") != good
    plain = odd.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removeprefix(b"\xef\xbb\xbf")
    plain = plain.replace(b"data:{", b"data: {").replace(b"data:[", b"data: [")
    assert words(sse(plain)) == words(sse(good))


def test_tool_call_quirks(up: ScriptedUpstream) -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]  # fmt: skip

    def deltas(quirk: str) -> list[Any]:
        asked = [{"role": "user", "content": "two cities, use the tool"}]
        body = chat(up, model=f"any+quirk-{quirk}", stream=True, messages=asked, tools=tools).body
        events = [data for _, data in sse(body) if data != "[DONE]"]
        return [
            call
            for data in events
            for choice in data["choices"]
            for call in choice["delta"].get("tool_calls", ())
        ]

    assert {call["index"] for call in deltas("nothing")} == {0, 1}
    assert [("id" in call) for call in deltas("nothing")].count(True) == 2
    assert not any("index" in call for call in deltas("no-index"))
    assert {call["index"] for call in deltas("index-from-one")} == {1, 2}
    assert all("id" in call and call["function"]["name"] == "f" for call in deltas("repeat-id"))
    assert [json.loads(call["function"]["arguments"])["city"] for call in deltas("whole-calls")] == [
        "Paris",
        "Rome",
    ]
    whole = chat(
        up, model="any+quirk-arguments-object", messages=[{"role": "user", "content": "weather"}], tools=tools
    )
    assert whole.json["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == {"city": "Paris"}
    late = deltas("late-id")
    assert "id" not in late[0]
    assert "id" in late[1]


def test_a_port_that_refuses() -> None:
    holder, port = refused_port()
    with holder, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_many_streams_at_once(up: ScriptedUpstream) -> None:
    results: list[Response] = []
    threads = [
        threading.Thread(target=lambda: results.append(chat(up, model="sixty-words+gap-2", stream=True)))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({response.body for response in results}) == 1
    assert len(results) == 20
    assert send(up, "/v1/models", method="GET").status == 200
