"""Embeddings on Gemini's wire: one text or a batch, from clients and to upstreams."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.genai import types

from flowrouter.canonical.embedding import EmbeddingReply, EmbeddingRequest
from flowrouter.dialects.gemini.embeddings import (
    measure,
    parse_embedding_reply,
    parse_embedding_request,
    render_embedding_reply,
    render_embedding_request,
)
from flowrouter.errors import CallerError
from tests.upstreams.dialect import Exchange
from tests.upstreams.gemini.embeddings import embeddings
from tests.upstreams.received import Received
from tests.upstreams.scenarios import ModelName


def encoded(body: Any) -> bytes:
    return json.dumps(body).encode()


def one(text: str, **members: Any) -> dict[str, Any]:
    return {"content": {"parts": [{"text": text}]}, **members}


def answered(body: bytes, model: str, verb: str) -> bytes:
    """Return what the scripted vendor answers; raises its refusal."""
    received = Received(
        index=0, connection_id=0, method="POST", target=f"/v1beta/models/{model}:{verb}", headers=[],
        body=body, at=0.0,
    )  # fmt: skip
    exchange = Exchange(
        received=received, model=ModelName(model), account="a", request_id="r", body=json.loads(body)
    )
    return encoded(embeddings(exchange))


def test_one_text() -> None:
    body = encoded(one("Hi", taskType="RETRIEVAL_QUERY", outputDimensionality=8))
    request = parse_embedding_request(body, "m", batch=False)
    assert request == EmbeddingRequest(
        model="m", texts=("Hi",), dimensions=8, batch=False, extra={"taskType": "RETRIEVAL_QUERY"}
    )


def test_a_batch_in_snake_case() -> None:
    body = {
        "requests": [
            {"model": "models/m", "content": {"parts": {"text": t}}, "output_dimensionality": 4} for t in "ab"
        ]
    }
    request = parse_embedding_request(encoded(body), "m", batch=True)
    assert (request.texts, request.dimensions, request.batch) == (("a", "b"), 4, True)


@pytest.mark.parametrize("batch", [True, False])
def test_there_and_back_through_the_vendor(batch: bool) -> None:
    request = EmbeddingRequest(
        model="m",
        texts=("a", "b") if batch else ("a",),
        dimensions=6,
        batch=batch,
        extra={"taskType": "CLUSTERING"},
    )
    body = render_embedding_request(request, "m")
    reply = parse_embedding_reply(answered(body, "m", "batchEmbedContents" if batch else "embedContent"))
    assert [len(vector) for vector in reply.vectors] == [6] * len(request.texts)
    assert parse_embedding_request(body, "m", batch=batch) == request
    assert parse_embedding_reply(render_embedding_reply(reply, batch=batch)) == reply


def test_members_of_other_dialects_stay_behind() -> None:
    request = EmbeddingRequest(model="m", texts=("a",), batch=True, extra={"encoding_format": "base64"})
    assert json.loads(render_embedding_request(request, "m")) == {
        "requests": [{"model": "models/m", "content": {"parts": [{"text": "a"}]}}]
    }


def test_the_sdk_reads_the_answer() -> None:
    body = json.loads(
        render_embedding_reply(EmbeddingReply(vectors=((0.5, -1.0),), usage_tokens=3), batch=True)
    )
    assert body["usageMetadata"]["promptTokenCount"] == 3
    answer = types.EmbedContentResponse.model_validate({"embeddings": body["embeddings"]})
    assert answer.embeddings is not None
    assert answer.embeddings[0].values == [0.5, -1.0]


@pytest.mark.parametrize(
    ("body", "batch", "param"),
    [
        ({}, False, "content"),
        ({"content": {"parts": []}}, False, "content.parts"),
        ({"content": {"parts": [{"inlineData": {}}]}}, False, "content.parts[0].text"),
        ({"requests": []}, True, "requests"),
        ({"requests": [one("a"), one("b", taskType="X")]}, True, "requests[1]"),
        ({"requests": [one("a", outputDimensionality="8")]}, True, "requests[0].outputDimensionality"),
    ],
    ids=["nothing", "no parts", "no text", "no requests", "unlike", "type"],
)
def test_faults_are_named(body: Any, batch: bool, param: str) -> None:
    with pytest.raises(CallerError) as raised:
        parse_embedding_request(encoded(body), "m", batch=batch)
    assert raised.value.param == param


@pytest.mark.parametrize("body", [b"", b"{}", b'{"embeddings":[{}]}', b'{"embedding":{"values":["x"]}}'])
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(ValueError):
        parse_embedding_reply(body)


def test_measured() -> None:
    usage = measure(b'{"embedding":{"values":[1]},"usageMetadata":{"promptTokenCount":4}}').usage
    assert usage is not None
    assert (usage.input, usage.output) == (4, 0)
    assert measure(b'{"embedding":{"values":[1]}}').usage is None
