"""OpenAI's embeddings from the vendor's side: the request's type and limits, and deterministic vectors."""

import base64
import hashlib
import struct
from typing import Any

from openai.types.embedding_create_params import EmbeddingCreateParams

from tests.upstreams.dialect import Exchange
from tests.upstreams.openai_chat.shapes import bad, check_against
from tests.upstreams.vendor_types import fields_of

REQUEST = fields_of(EmbeddingCreateParams)
WIDTH = 8
WIDEST = 1536
MOST_INPUTS = 2048


def embeddings(exchange: Exchange) -> dict[str, Any]:
    """Return the reply to a request; raises Refusal for one that the vendor would refuse."""
    body = exchange.body
    if not exchange.model.has("unchecked"):
        check_against(REQUEST, exchange)
    inputs = _inputs(body.get("input", ""))
    width = body.get("dimensions", WIDTH)
    if not 1 <= width <= WIDEST:
        raise bad(f"Invalid value for 'dimensions' = {width}.", param="dimensions")
    tokens = sum(_tokens(item) for item in inputs)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _written(vector(item, width), body)}
            for index, item in enumerate(inputs)
        ],
        "model": body["model"],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def vector(item: str | list[int], width: int = WIDTH) -> list[float]:
    """Return the vector of one input: any text has its own, exact in 32 bits."""
    seed = hashlib.sha256(repr(item).encode()).digest()
    return [(seed[index % len(seed)] - 128) / 128 for index in range(width)]


def _inputs(given: Any) -> list[Any]:
    if isinstance(given, str) or (given and all(isinstance(item, int) for item in given)):
        given = [given]
    if not given or any(item in ("", []) for item in given):
        raise bad("'$.input' is invalid. Please check the API reference.", param="input")
    if len(given) > MOST_INPUTS:
        raise bad(f"'input' array must be {MOST_INPUTS} inputs or less.", param="input")
    return given


def _tokens(item: str | list[int]) -> int:
    return len(item.split()) if isinstance(item, str) else len(item)


def _written(values: list[float], body: dict[str, Any]) -> Any:
    if body.get("encoding_format") != "base64":
        return values
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
