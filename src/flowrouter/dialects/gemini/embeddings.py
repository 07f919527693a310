"""Embeddings on Gemini's wire, both ways: `:embedContent` for one text, `:batchEmbedContents` for many.

Verb and model stand in the address, so `batch` says which verb's body is meant. In a batch every request
names the model again, and the vendor insists that it is the address's.
"""

from __future__ import annotations

from typing import Any, cast

from flowrouter.canonical.embedding import EmbeddingReply, EmbeddingRequest
from flowrouter.canonical.parts import Extra
from flowrouter.canonical.usage import Usage
from flowrouter.dialects.codec import Measured
from flowrouter.dialects.gemini.node import Node, ShapeError
from flowrouter.errors import CallerError
from flowrouter.wire.json import JsonError, dumps, loads

_OWN = ("taskType", "title")
"""Settings only this dialect has; they go to each request of a batch."""


def parse_embedding_request(body: bytes, model: str, *, batch: bool) -> EmbeddingRequest:
    """Return what a client asks for; raises `CallerError` naming the field at fault.

    Settings of a batch count where all its requests agree; requests that differ are refused, since no
    other dialect has settings for one text of many.
    """
    try:
        value = loads(body)
    except JsonError as error:
        raise CallerError(f"the body is not valid JSON: {error}") from None
    try:
        node = Node(value, "")
        items = _requests(node) if batch else [node]
        read = [_one(item) for item in items]
    except ShapeError as error:
        raise CallerError(str(error), param=error.path or None) from None
    dimensions, extra = read[0][1:]
    for number, (_, *settings) in enumerate(read):
        if settings != [dimensions, extra]:
            path = f"requests[{number}]"
            raise CallerError(f"{path}: all requests of a batch must have the same settings", param=path)
    texts = tuple(text for text, *_ in read)
    return EmbeddingRequest(model=model, texts=texts, dimensions=dimensions, batch=batch, extra=extra)


def render_embedding_request(request: EmbeddingRequest, model: str) -> bytes:
    """Return the body for a Gemini upstream: of one request, or of a batch by `request.batch`."""
    settings = {name: request.extra[name] for name in _OWN if name in request.extra}
    if request.dimensions is not None:
        settings["outputDimensionality"] = request.dimensions
    requests = [
        {"model": _named(model), "content": {"parts": [{"text": text}]}, **settings} for text in request.texts
    ]
    return dumps({"requests": requests} if request.batch else requests[0])


def rename_embedding_request(body: bytes, model: str) -> bytes:
    """Return `body` with `model` wherever it names one; all else stays as it means."""
    value = loads(body)
    if not isinstance(value, dict):
        return body
    whole = cast("dict[str, Any]", value)
    requests = whole.get("requests")
    for item in [whole, *(cast("list[Any]", requests) if isinstance(requests, list) else ())]:
        if isinstance(item, dict) and "model" in item:
            item["model"] = _named(model)
    return dumps(whole)


def parse_embedding_reply(body: bytes) -> EmbeddingReply:
    """Return the vectors of an upstream's answer; raises `ValueError` if it holds none."""
    try:
        value = loads(body)
        node = Node(value, "")
        many = node.items("embeddings") or [node.pop("embedding")]
        vectors = tuple(_vector(item, f"embeddings[{number}]") for number, item in enumerate(many))
        return EmbeddingReply(vectors=vectors, usage_tokens=_usage(node))
    except (JsonError, ShapeError) as error:
        raise ValueError(f"the reply cannot be read: {error}") from None


def render_embedding_reply(reply: EmbeddingReply, *, batch: bool) -> bytes:
    """Return the answer to a client, in the form of the verb it used."""
    vectors = [{"values": list(vector)} for vector in reply.vectors]
    body: dict[str, Any] = {"embeddings": vectors} if batch else {"embedding": vectors[0]}
    if reply.usage_tokens is not None:
        body["usageMetadata"] = {
            "promptTokenCount": reply.usage_tokens,
            "totalTokenCount": reply.usage_tokens,
        }
    return dumps(body)


def measure(body: bytes) -> Measured:
    """Return the usage a reply tells; raises `ValueError` if it holds no embeddings."""
    tokens = parse_embedding_reply(body).usage_tokens
    return Measured(usage=None if tokens is None else Usage(input=tokens, output=0))


def _named(model: str) -> str:
    return model if "/" in model else f"models/{model}"


def _requests(node: Node) -> list[Node]:
    values = node.items("requests")
    if not values:
        raise ShapeError("requests", "at least one request is required")
    return [Node(value, f"requests[{number}]") for number, value in enumerate(values)]


def _one(node: Node) -> tuple[str, int | None, Extra]:
    """Return text, width and own settings of one request."""
    content = Node(node.pop("content"), node.at("content"))
    texts: list[str] = []
    for number, value in enumerate(content.items("parts") or []):
        part = Node(value, f"{content.at('parts')}[{number}]")
        texts.append(part.needed_text("text"))
    if not texts:
        raise ShapeError(content.at("parts"), "at least one text is required")
    extra = {name: value for name in _OWN if (value := node.text(name)) is not None}
    return "\n".join(texts), node.integer("outputDimensionality"), extra


def _vector(value: object, path: str) -> tuple[float, ...]:
    values = Node(value, path).items("values")
    if values is None or not all(isinstance(number, int | float) for number in values):
        raise ShapeError(path, "expected values")
    return tuple(float(number) for number in cast("list[float]", values))


def _usage(node: Node) -> int | None:
    usage = node.mapping("usageMetadata")
    return None if usage is None else Node(usage, "usageMetadata").integer("promptTokenCount")


__all__ = [
    "measure",
    "parse_embedding_reply",
    "parse_embedding_request",
    "rename_embedding_request",
    "render_embedding_reply",
    "render_embedding_request",
]
