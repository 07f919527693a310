"""`POST /v1/embeddings` with the vendor's SDK: every input and encoding, errors, the log, and who is asked."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.e2e.conftest import Stand
from tests.upstreams.openai_chat.embeddings import vector

MODEL = "text-embedding-3-small"


@pytest.fixture
def client(stand: Stand) -> Iterator[openai.OpenAI]:
    stand.chat.reset()
    stand.claude.reset()
    with openai.OpenAI(base_url=stand.gateway.openai_url, api_key="any", max_retries=0) as made:
        yield made


def sent(stand: Stand) -> dict[str, Any]:
    (received,) = stand.chat.requests
    assert received.path == "/v1/embeddings"
    stand.chat.assert_all_valid()
    return received.json


def test_the_sdk_asks_for_base64_and_reads_floats(stand: Stand, client: openai.OpenAI) -> None:
    reply = client.embeddings.create(model=MODEL, input="two words")
    assert sent(stand)["encoding_format"] == "base64"
    assert reply.data[0].embedding == vector("two words")
    assert (reply.model, reply.usage.prompt_tokens, reply.usage.total_tokens) == (MODEL, 2, 2)


@pytest.mark.parametrize("encoding", ["float", "base64"])
@pytest.mark.parametrize("given", ["alone", ["several", "texts"], [1, 2, 3], [[1, 2], [3]]], ids=str)
def test_every_kind_of_input_and_encoding(
    stand: Stand, client: openai.OpenAI, given: Any, encoding: Any
) -> None:
    reply = client.embeddings.create(
        model=MODEL, input=given, encoding_format=encoding, dimensions=4, user="u-1"
    )
    assert sent(stand) == {
        "model": MODEL, "input": given, "encoding_format": encoding, "dimensions": 4, "user": "u-1",
    }  # fmt: skip
    several = isinstance(given, list) and not isinstance(given[0], int)
    wanted = [vector(item, 4) for item in (given if several else [given])]
    if encoding == "float":
        assert [item.embedding for item in reply.data] == wanted
    assert [item.index for item in reply.data] == list(range(len(wanted)))


def raw(stand: Stand, body: bytes, path: str = "/v1/embeddings") -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", stand.gateway.port, timeout=60)
    connection.request("POST", path, body=body, headers={"content-type": "application/json"})
    answer = connection.getresponse()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    got = answer.status, headers, answer.read()
    connection.close()
    return got


def test_only_the_model_is_edited_and_the_reply_is_the_vendors_own(stand: Stand) -> None:
    stand.chat.reset()
    body = b'{ "x_last": 1e2,  "model" : "chat/m+lenient",\n "input": ["a b", "c"] }'
    status, headers, reply = raw(stand, body)
    assert status == 200
    assert stand.chat.last.body == body.replace(b"chat/m+lenient", b"m+lenient")
    direct = http.client.HTTPConnection("127.0.0.1", stand.chat.port, timeout=60)
    direct.request(
        "POST", "/v1/embeddings", stand.chat.last.body,
        {"content-type": "application/json", "authorization": "Bearer chat-key"},
    )  # fmt: skip
    assert reply == direct.getresponse().read()
    direct.close()
    assert headers["x-flowrouter-target"] == "chat/m+lenient"
    receipt = json.loads(stand.gateway.get(f"/v1/receipts/{headers['x-request-id']}")[1])
    assert (receipt["endpoint"], receipt["lane"], receipt["outcome"]) == (
        "/v1/embeddings",
        "passthrough",
        "ok",
    )
    assert receipt["usage"]["input"] == 3
    assert receipt["usage"]["output"] == 0


@pytest.mark.parametrize("path", ["/embeddings", "/v1/v1/embeddings", "/v1/embeddings/"])
def test_paths_people_type(stand: Stand, path: str) -> None:
    assert raw(stand, b'{"model":"m","input":"a"}', path)[0] == 200


def test_a_provider_without_embeddings_is_skipped(stand: Stand, client: openai.OpenAI) -> None:
    client.embeddings.create(model="anything", input="a")
    assert stand.claude.requests == [], "the Anthropic account takes every name, but cannot embed"


def test_a_model_nobody_can_embed_with_is_a_clear_400(stand: Stand, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model="claude/claude-opus-5", input="a")
    assert caught.value.code == "embeddings_not_supported"
    assert caught.value.param == "model"
    assert "embeddings" in caught.value.message
    assert stand.claude.requests == []


def test_the_vendors_refusal_keeps_its_words(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=r"'\$.input' is invalid"):
        client.embeddings.create(model=MODEL, input=[])


@pytest.mark.parametrize(
    ("fault", "kind", "status"),
    [
        ("fault-401", openai.APIStatusError, 502),
        ("fault-429-retry-after", openai.RateLimitError, 429),
        ("fault-503", openai.InternalServerError, 503),
        ("fault-reset", openai.InternalServerError, 502),
        ("fault-cut", openai.InternalServerError, 502),
    ],
)
def test_troubles_have_the_status_they_have_everywhere(
    stand: Stand, client: openai.OpenAI, fault: str, kind: type[openai.APIStatusError], status: int
) -> None:
    with pytest.raises(kind) as caught:
        client.embeddings.create(model=f"m+{fault}", input="a")
    assert caught.value.status_code == status
    stand.gateway.resume("chat")


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"input":"a"}', b'{"model":3,"input":"a"}'])
def test_a_body_that_names_no_model_is_refused_here(stand: Stand, body: bytes) -> None:
    stand.chat.reset()
    status, _, reply = raw(stand, body)
    assert status == 400
    assert json.loads(reply)["error"]["type"] == "invalid_request_error"
    assert stand.chat.requests == []


def test_the_route_is_guarded_as_all_are(stand: Stand) -> None:
    body = b'{"model":"m","input":"a"}'
    call = stand.gateway.call
    foreign = {"content-type": "application/json", "origin": "http://evil.example"}
    assert call("POST", "/v1/embeddings", body=body, headers=foreign)[0] == 403
    assert call("POST", "/v1/embeddings", body=body, headers={"content-type": "text/plain"})[0] == 415
    assert call("GET", "/v1/embeddings")[0] == 405
