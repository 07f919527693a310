"""Vectors between OpenAI's and Google's forms: verbs, names, base64, lengths, losses, usage."""

from __future__ import annotations

import math
from base64 import b64decode
from struct import unpack
from typing import Any

import msgspec
import pytest

from tests.playbooks.stage import Performance, Script, account, play
from tests.playbooks.test_failover import asked, error

GOOGLE = account("google", "gemini")
CHAT = account("chat", "openai_chat")
CLAUDE = account("claude", "anthropic", priority=0)
ONE = b'{"model":"models/e", "content":{"parts":[{"text":"some words here"}]}, "taskType":"RETRIEVAL_QUERY","xNew":1.0}'
MANY = msgspec.json.encode(
    {
        "requests": [
            {
                "model": "models/e",
                "content": {"parts": [{"text": text}]},
                "outputDimensionality": 2,
                "xNew": 1,
            }
            for text in ("some words", "others")
        ]
    }
)
TWO_VECTORS = b'{"embeddings": [{"values":[3, 4.0]},{"values":[0.0,0]}], "new": 1}'
OPENAI = b'{"model":"e","input":["some words","others"],"dimensions":2,"encoding_format":"base64","user":"u","x":1}'
OPENAI_ANSWER = msgspec.json.encode(
    {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 1, "embedding": [0.5, 0.25]},
            {"object": "embedding", "index": 0, "embedding": [1.0, 2.0]},
        ],
        "model": "vendor-e",
        "usage": {"prompt_tokens": 7, "total_tokens": 7},
    }
)


def embed(
    dialect: str, operation: str, body: bytes, *scripts: Script, accounts: Any, model: str | None = None
) -> Performance:
    address = {"model": model} if model else {}
    return play(
        dialect,
        body,
        accounts=accounts,
        scripts=scripts,
        operation=operation,
        address=address,  # type: ignore[arg-type]
    )


def answer(result: Performance) -> Any:
    return msgspec.json.decode(result.body)


@pytest.mark.parametrize(
    ("operation", "verb", "body", "reply"),
    [
        ("embed_content", "embedContent", ONE, b'{"embedding": {"values":[0.10, -0]}}'),
        ("batch_embed", "batchEmbedContents", MANY, TWO_VECTORS),
    ],
    ids=["one", "many"],
)
def test_google_to_google_passes_all_bytes(operation: str, verb: str, body: bytes, reply: bytes) -> None:
    result = embed("gemini", operation, body, Script(steps=[reply]), accounts=[GOOGLE], model="e")
    assert result.requests[0].url == f"http://google.test/v1beta/models/e:{verb}"
    assert result.requests[0].body == body
    assert result.body == reply
    row = result.row
    assert (row.lane, row.stream, row.output_tokens, row.usage_estimated) == ("passthrough", False, 0, True)
    assert row.input_tokens


@pytest.mark.parametrize(
    ("operation", "body"), [("embed_content", ONE), ("batch_embed", MANY)], ids=["one", "many"]
)
def test_another_name_is_put_wherever_the_body_has_one(operation: str, body: bytes) -> None:
    result = embed(
        "gemini", operation, body, Script(steps=[TWO_VECTORS]), accounts=[GOOGLE], model="google/embedder"
    )
    assert ":" in result.requests[0].url.rpartition("/models/embedder")[2]
    wanted = msgspec.json.decode(body.replace(b'"models/e"', b'"models/embedder"'))
    assert msgspec.json.decode(result.requests[0].body) == wanted


def test_an_openai_client_gets_googles_vectors() -> None:
    result = embed("openai_chat", "embeddings", OPENAI, Script(steps=[TWO_VECTORS]), accounts=[GOOGLE])
    assert result.requests[0].url.endswith("/models/e:batchEmbedContents")
    sent = msgspec.json.decode(result.requests[0].body)["requests"]
    assert [item["content"]["parts"][0]["text"] for item in sent] == ["some words", "others"]
    assert {(item["model"], item["outputDimensionality"]) for item in sent} == {("models/e", 2)}
    told = answer(result)
    first, second = (unpack("<2f", b64decode(row["embedding"])) for row in told["data"])
    assert math.isclose(math.hypot(*first), 1.0, rel_tol=1e-6), "shortened vectors are of length one"
    assert second == (0.0, 0.0)
    assert told["usage"]["prompt_tokens"] == result.row.input_tokens > 0
    assert result.row.usage_estimated
    assert set(result.headers["x-flowrouter-losses"].split(",")) == {"user", "x"}


def test_a_google_client_gets_openais_vectors_in_its_order() -> None:
    result = embed("gemini", "batch_embed", MANY, Script(steps=[OPENAI_ANSWER]), accounts=[CHAT], model="e")
    assert result.requests[0].url == "http://chat.test/v1/embeddings"
    sent = msgspec.json.decode(result.requests[0].body)
    assert (sent["input"], sent["dimensions"], sent["model"]) == (["some words", "others"], 2, "e")
    assert [row["values"] for row in answer(result)["embeddings"]] == [[1.0, 2.0], [0.5, 0.25]]
    assert (result.row.model, result.row.input_tokens, result.row.lane) == ("vendor-e", 7, "translate")


def test_one_content_is_answered_by_one_embedding() -> None:
    reply = OPENAI_ANSWER.replace(b'{"object":"embedding","index":1,"embedding":[0.5,0.25]},', b"")
    result = embed("gemini", "embed_content", ONE, Script(steps=[reply]), accounts=[CHAT], model="e")
    assert answer(result)["embedding"]["values"] == [1.0, 2.0]
    assert "taskType" in result.headers["x-flowrouter-losses"]


def test_fewer_vectors_than_texts_are_no_answer() -> None:
    short = Script(steps=[b'{"embeddings":[{"values":[1.0]}]}'])
    result = embed("openai_chat", "embeddings", OPENAI, short, short, accounts=[GOOGLE])
    assert result.status == 502


def test_accounts_that_cannot_embed_are_passed_over_and_errors_keep_their_words() -> None:
    result = embed(
        "gemini",
        "batch_embed",
        MANY,
        error(400),
        accounts=[CLAUDE, CHAT],
        model="e",
    )
    assert asked(result) == ["chat"]
    told = answer(result)["error"]
    assert (result.status, told["status"]) == (400, "INVALID_ARGUMENT")
    assert told["message"] == "said 400"
    nobody = embed("gemini", "embed_content", ONE, accounts=[CLAUDE], model="e")
    assert (nobody.status, nobody.requests) == (400, [])


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"content":{"parts":[]}}', b'{"content":{"parts":[{"inlineData":{}}]}}'], ids=str
)
def test_what_cannot_cross_is_refused(body: bytes) -> None:
    result = embed("gemini", "embed_content", body, accounts=[CHAT], model="e")
    assert (result.status, result.requests) == (400, [])
    assert answer(result)["error"]["status"] == "INVALID_ARGUMENT"
