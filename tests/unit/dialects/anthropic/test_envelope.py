"""The skim, the owned field, and the refusal of message threads."""

import json

import pytest

from flowrouter.canonical.head import Counts
from flowrouter.canonical.problem import Problem
from flowrouter.dialects.anthropic import CODEC
from flowrouter.errors import CallerError

BODY = b'{"model": "alias", "stream": true, "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}'


def test_the_head_is_read_without_the_rest():
    head = CODEC.skim(BODY)
    assert (head.model, head.stream, head.max_tokens, head.length) == ("alias", True, 5, len(BODY))
    assert CODEC.skim(b'{"model":"m","stream":null}').stream is False
    assert CODEC.skim(b'{"model":"m","thread":null}').model == "m"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"messages": []}', "model"),
        (b'{"model": 5}', "model"),
        (b'{"model": " "}', "model"),
        (b'{"model": "m", "max_tokens": "x"}', "max_tokens"),
        (b'{"model": "m", "stream": 1}', "stream"),
        (b"[]", None),
        (b"{", None),
        (b"", None),
    ],
)
def test_a_skim_names_the_field_at_fault(body, param):
    with pytest.raises(CallerError) as caught:
        CODEC.skim(body)
    assert (caught.value.status, caught.value.param) == (400, param)


def test_a_skim_reads_what_a_strict_reader_refuses():
    assert CODEC.skim(b'{"model":"m\xff","messages":"\\ud83d"}').model == "m\ufffd"


@pytest.mark.parametrize("read", [CODEC.skim, CODEC.parse_request])
@pytest.mark.parametrize(
    ("thread", "status", "details"),
    [
        ({"type": "create"}, 400, {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}),
        ({"type": "continue", "previous_message_id": "msg_1"}, 404, {"error_code": "thread_not_found"}),
    ],
)
def test_message_threads_are_refused_so_that_the_client_sends_its_history(read, thread, status, details):
    body = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}], "thread": thread}
    with pytest.raises(CallerError) as caught:
        read(json.dumps(body).encode())
    error = caught.value
    assert (error.status, error.details) == (status, details)
    problem = Problem(status=error.status, message=error.message, param=error.param, details=error.details)
    envelope = json.loads(CODEC.render_problem(problem, "req_1"))
    assert envelope["error"]["details"] == details
    assert envelope["error"]["type"] == ("invalid_request_error" if status == 400 else "not_found_error")


def test_counts():
    image = {"type": "image", "source": {"type": "url", "url": "u"}}
    body = {
        "model": "m",
        "system": "Be kind.",
        "tools": [{"name": "a"}, {"name": "b"}],
        "thinking": {"type": "adaptive"},
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hi"}, image, {"type": "document"}]},
            {"role": "assistant", "content": "[not a list"},
            {"role": "user", "content": [{"type": "tool_result", "content": [image, image]}]},
        ],
    }
    counts = CODEC.skim_counts(json.dumps(body).encode())
    sizes = [json.dumps(body["system"]), *(json.dumps(message["content"]) for message in body["messages"])]
    assert counts == Counts(
        turns=3, tools=2, images=3, documents=1, tool_results=1, thinking=True,
        text_bytes=sum(len(text) for text in sizes),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("thinking", "on"), [(None, False), ({"type": "disabled"}, False), ({"type": "enabled"}, True)]
)
def test_counts_tell_whether_reasoning_was_asked_for(thinking, on):
    body = json.dumps({"model": "m", "messages": [], "thinking": thinking}).encode()
    assert CODEC.skim_counts(body).thinking is on


def test_only_the_model_is_edited():
    head = CODEC.skim(BODY)
    assert CODEC.prepare(BODY, head, "alias", False) == BODY
    assert CODEC.prepare(BODY, head, 'real"1', True) == BODY.replace(b'"alias"', b'"real\\"1"')


def test_a_model_named_deeper_in_the_body_stays():
    body = b'{"messages":[{"model":"alias"}],"model":"alias","z":1.0}'
    assert CODEC.prepare(body, CODEC.skim(body), "real", False) == (
        b'{"messages":[{"model":"alias"}],"model":"real","z":1.0}'
    )


@pytest.mark.parametrize(
    "name", [b'"ali\\u0061s"', b'"alias"', b'"al\\/as"'], ids=["escaped", "plain", "slash"]
)
def test_a_model_is_edited_in_its_place_however_it_is_spelt(name: bytes):
    body = b'{ "messages" : [] ,\n "model" : ' + name + b' , "z":1.0 }'
    assert CODEC.prepare(body, CODEC.skim(body), "real", False) == body.replace(name, b'"real"')
