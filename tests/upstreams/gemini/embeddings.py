"""Gemini's embeddings from the vendor's side, one or a batch: the request's type and limits, deterministic vectors."""

import hashlib
from typing import Any

from tests.upstreams.dialect import Exchange
from tests.upstreams.gemini.shapes import EMBED, EMBED_MANY, bad, check_shape, spelled, wrong

Body = dict[str, Any]
WIDTH = 8
WIDEST = 3072
MOST_REQUESTS = 100
TASKS = frozenset(
    {
        "TASK_TYPE_UNSPECIFIED",
        "RETRIEVAL_QUERY",
        "RETRIEVAL_DOCUMENT",
        "SEMANTIC_SIMILARITY",
        "CLASSIFICATION",
    }
    | {"CLUSTERING", "QUESTION_ANSWERING", "FACT_VERIFICATION", "CODE_RETRIEVAL_QUERY"}
)


def embeddings(exchange: Exchange) -> Body:
    """Return the reply to either verb; raises Refusal for a request that the vendor would refuse."""
    message = EMBED_MANY if exchange.received.path.endswith(":batchEmbedContents") else EMBED
    free = exchange.model.has("unchecked")
    body = spelled(exchange, message) if free else check_shape(exchange, message)
    if message is EMBED:
        return {"embedding": _embedding(body, "")}
    requests: list[Body] = body.get("requests") or []
    if not requests:
        raise wrong("requests", "requests is not specified", request=message.name)
    if len(requests) > MOST_REQUESTS:
        raise wrong("requests", f"at most {MOST_REQUESTS} requests can be in one batch", request=message.name)
    for index, each in enumerate(requests):
        if each.get("model", "").removeprefix("models/") != exchange.model.written:
            problem = "model must match the model of the batch"
            raise wrong(f"requests[{index}].model", problem, request=message.name)
    return {"embeddings": [_embedding(each, f"requests[{index}].") for index, each in enumerate(requests)]}


def vector(text: str, width: int = WIDTH) -> list[float]:
    """Return the vector of one text: any text has its own, exact in 32 bits."""
    seed = hashlib.sha256(text.encode()).digest()
    return [(seed[index % len(seed)] - 128) / 128 for index in range(width)]


def _embedding(request: Body, where: str) -> Body:
    parts: list[Body] = (request.get("content") or {}).get("parts") or []
    text = "\n".join(part.get("text", "") for part in parts)
    if not text:
        raise wrong(f"{where}content", "contents is not specified", request=EMBED.name)
    task = request.get("taskType", "TASK_TYPE_UNSPECIFIED").upper()
    if task not in TASKS:
        raise bad(f"Invalid value at '{where}task_type': {task}")
    width = request.get("outputDimensionality", WIDTH)
    if not 1 <= width <= WIDEST:
        raise wrong(
            f"{where}output_dimensionality", f"must be in the range [1, {WIDEST}]", request=EMBED.name
        )
    return {"values": vector(text, width)}
