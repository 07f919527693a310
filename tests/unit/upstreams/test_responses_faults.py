"""Every fault does on a Responses wire what its row says."""

import http.client
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.unit.upstreams.plain import Response, respond, sse
from tests.upstreams import Pace, ScriptedUpstream
from tests.upstreams.faults import REFUSALS, WIRE

STORY = 60


@pytest.fixture
def up() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(pace=Pace(first_token=0.05, stall=0.05, headers=0.05)) as upstream:
        yield upstream


def attempt(up: ScriptedUpstream, model: str, *, stream: bool) -> Response | None:
    """Return what came, None if the connection broke before the reply was whole."""
    try:
        return respond(up, model=model, stream=stream)
    except (http.client.HTTPException, ConnectionError):
        return None


def data_of(body: bytes) -> list[Any]:
    """The events that parse."""
    found: list[Any] = []
    for block in body.decode().split("\n\n"):
        lines = [line.removeprefix("data: ") for line in block.split("\n") if line.startswith("data: ")]
        try:
            found += [json.loads(line) for line in lines]
        except ValueError:
            continue
    return found


def words(events: list[Any]) -> Sequence[str]:
    return "".join(event["delta"] for event in events if "delta" in event).split()


def told(events: list[Any]) -> str:
    return events[-1]["type"]


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(up: ScriptedUpstream, name: str) -> None:
    for stream in (False, True):
        response = respond(up, model=f"fault-{name}", stream=stream)
        assert response.status == (503 if name == "overloaded" else REFUSALS[name][0])
        assert set(response.json["error"]) == {"message", "type", "param", "code"}
        assert (response.headers.get("retry-after") == "2") is name.endswith("retry-after")
    assert up.refused == []


def test_codes_that_gateways_look_at(up: ScriptedUpstream) -> None:
    def code(name: str) -> str:
        return respond(up, model=f"fault-{name}").json["error"]["code"]

    assert code("context-length") == "context_length_exceeded"
    assert code("content-policy") == "invalid_prompt"
    assert code("429-quota") == "insufficient_quota"
    assert code("model-missing") == "model_not_found"


SLOW = {"hang-headers", "hang-first-token", "hang-midstream"}
HEALTHY = {"slow-headers", "slow-first-token", "gzip"}


@pytest.mark.parametrize("name", sorted(set(WIRE) - SLOW))
def test_no_wire_fault_looks_like_a_good_reply(up: ScriptedUpstream, name: str) -> None:
    for stream in (False, True):
        good = attempt(up, "any", stream=stream)
        got = attempt(up, f"any+fault-{name}", stream=stream)
        assert good is not None
        if (
            name in HEALTHY
            or (name == "ignores-stream" and not stream)
            or (name == "only-streams" and stream)
        ):
            assert got is not None
            assert got.status == 200
        elif got is not None and name == "mislabelled":
            assert got.headers["content-type"] != good.headers["content-type"]
        elif got is not None and name == "no-terminator" and not stream:
            assert "content-length" not in got.headers
        elif got is not None:
            shown = got.body.replace(f"+fault-{name}".encode(), b"")
            assert (got.status, shown) != (200, good.body)


def test_a_cut_after_forty_of_sixty_words(up: ScriptedUpstream) -> None:
    whole = words(data_of(respond(up, model="sixty-words", stream=True).body))
    assert len(whole) == STORY
    for fault in ("cut@40", "stall@40"):
        with pytest.raises(http.client.IncompleteRead) as caught:
            respond(up, model=f"sixty-words+fault-{fault}", stream=True)
        assert words(data_of(caught.value.partial)) == whole[:40]


def test_errors_inside_a_200(up: ScriptedUpstream) -> None:
    assert set(respond(up, model="fault-200-error-json").json) == {"error"}
    ((event, data),) = sse(respond(up, model="fault-200-error-first-event", stream=True).body)
    assert (event, data["type"], data["sequence_number"]) == ("error", "error", 0)
    assert set(data) == {"type", "sequence_number", "code", "message", "param"}


def test_an_error_after_forty_words_ends_as_failed(up: ScriptedUpstream) -> None:
    events = data_of(respond(up, model="sixty-words+fault-midstream-error", stream=True).body)
    assert len(words(events)) == 40
    failed = events[-1]["response"]
    assert (told(events), failed["status"], failed["id"]) == (
        "response.failed",
        "failed",
        events[0]["response"]["id"],
    )
    assert failed["error"] == {
        "code": "server_error",
        "message": "The engine is currently overloaded, please try again later.",
    }
    assert events[-1]["sequence_number"] == len(events) - 1


def test_the_two_forms_of_error_event(up: ScriptedUpstream) -> None:
    def last(quirk: str) -> Any:
        return data_of(respond(up, model=f"any+{quirk}+fault-midstream-error", stream=True).body)[-1]

    assert last("quirk-error-event")["message"].startswith("The engine is currently overloaded")
    assert last("quirk-nested-error")["error"]["message"].startswith("The engine is currently overloaded")


def test_ends_that_are_missing(up: ScriptedUpstream) -> None:
    def events(fault: str) -> list[Any]:
        return data_of(respond(up, model=f"sixty-words+fault-{fault}", stream=True).body)

    assert told(events("no-terminator")) == "response.output_item.done"
    assert told(events("no-finish")) == "response.output_text.delta"
    assert len(words(events("no-finish"))) == STORY
    assert told(events("half-event")) == "response.output_text.delta"
    assert [event["type"] for event in events("only-terminator")] == ["response.completed"]
    assert respond(up, model="fault-empty-stream", stream=True).body == b""


def test_a_broken_event_among_good_ones(up: ScriptedUpstream) -> None:
    body = respond(up, model="sixty-words+fault-badjson-frame", stream=True).body
    assert body.split(b"\n\n")[9].partition(b"data: ")[2].startswith(b'{"id":"broken"')
    assert len(words(data_of(body))) == STORY


def test_forms_of_reply(up: ScriptedUpstream) -> None:
    assert b"<html>" in respond(up, model="fault-html").body
    assert respond(up, model="fault-ignores-stream", stream=True).json["object"] == "response"
    assert told(data_of(respond(up, model="fault-only-streams").body)) == "response.completed"


def test_invalid_requests_are_refused_even_where_a_fault_waits(up: ScriptedUpstream) -> None:
    assert respond(up, model="fault-500", foo=1).status == 400
