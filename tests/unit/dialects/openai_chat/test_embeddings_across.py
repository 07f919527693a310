"""Embeddings on OpenAI's wire where they cross dialects: requests, and vectors in both forms."""

from __future__ import annotations

import json
from base64 import b64encode
from struct import pack
from typing import Any

import pytest
from openai.types import CreateEmbeddingResponse

from flowrouter.canonical.embedding import EmbeddingReply, EmbeddingRequest
from flowrouter.dialects.openai_chat.embeddings import (
    parse_embedding_reply,
    parse_embedding_request,
    render_embedding_reply,
    render_embedding_request,
)
from flowrouter.errors import CallerError

PACKED = b64encode(pack("<2f", 0.5, -1.0)).decode()
REPLY = EmbeddingReply(vectors=((0.5, -1.0), (0.25, 2.0)), usage_tokens=7)


def encoded(body: Any) -> bytes:
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    ("given", "texts", "batch"), [("a", ("a",), False), (["a", "b"], ("a", "b"), True)], ids=["one", "many"]
)
def test_requests(given: Any, texts: tuple[str, ...], batch: bool) -> None:
    body = {"model": "m", "input": given, "dimensions": 8, "encoding_format": "base64", "user": "u"}
    request = parse_embedding_request(encoded(body))
    assert (request.model, request.texts, request.batch, request.dimensions) == ("m", texts, batch, 8)
    assert json.loads(render_embedding_request(request, "theirs")) == {
        **body,
        "model": "theirs",
        "encoding_format": "float",
    }


def test_members_of_other_dialects_stay_behind() -> None:
    request = EmbeddingRequest(model="m", texts=("a",), batch=False, extra={"taskType": "X"})
    assert json.loads(render_embedding_request(request, "m")) == {
        "model": "m",
        "input": "a",
        "encoding_format": "float",
    }


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": "a"}, "model"),
        ({"model": "m"}, "input"),
        ({"model": "m", "input": []}, "input"),
        ({"model": "m", "input": ["a", 5]}, "input[1]"),
        ({"model": "m", "input": [[1, 2]]}, "input[0]"),
        ({"model": "m", "input": "a", "dimensions": 0}, "dimensions"),
        ([], None),
    ],
    ids=["no model", "no input", "empty", "token ids", "lists of ids", "width", "no object"],
)
def test_faults_are_named(body: Any, param: str | None) -> None:
    with pytest.raises(CallerError) as raised:
        parse_embedding_request(encoded(body))
    assert raised.value.param == param


@pytest.mark.parametrize("form", [[0.5, -1], PACKED], ids=["numbers", "base64"])
def test_vectors_in_both_forms_in_the_order_of_the_texts(form: Any) -> None:
    data = [{"index": 1, "embedding": [1, 2]}, {"index": 0, "embedding": form}]
    reply = parse_embedding_reply(encoded({"data": data, "model": "x", "usage": {"prompt_tokens": 3}}))
    assert reply == EmbeddingReply(vectors=((0.5, -1.0), (1.0, 2.0)), model="x", usage_tokens=3)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b'{"data":[{"embedding":"%%%"}]}', b'{"data":[{"embedding":"AAA="}]}', b'{"data":[{}]}'],
    ids=["empty", "no data", "no base64", "cut", "no vector"],
)
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(ValueError):
        parse_embedding_reply(body)


@pytest.mark.parametrize("form", ["float", "base64", None])
def test_the_answer_comes_in_the_form_asked_for(form: str | None) -> None:
    extra = {} if form is None else {"encoding_format": form}
    request = EmbeddingRequest(model="m", texts=("a", "b"), extra=extra)
    body = render_embedding_reply(REPLY, request, model="m")
    assert (json.loads(body)["data"][0]["embedding"] == PACKED) is (form == "base64")
    assert parse_embedding_reply(body).vectors == REPLY.vectors
    if form != "base64":
        answer = CreateEmbeddingResponse.model_validate_json(body)
        assert (answer.usage.prompt_tokens, answer.model, answer.data[1].index) == (7, "m", 1)
