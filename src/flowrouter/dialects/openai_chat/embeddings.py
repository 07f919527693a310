"""Embeddings on OpenAI's wire: measured where a reply passes as it is, translated where it must cross.

On the way through, vectors are never looked at. Across dialects they are read as lists of numbers or as
the base64 of little-endian 32-bit floats, and written in the form the client asked for.
"""

from __future__ import annotations

import array
import binascii
import sys
from base64 import b64decode, b64encode
from typing import Any, cast

import msgspec

from flowrouter.canonical.embedding import EmbeddingReply, EmbeddingRequest
from flowrouter.canonical.usage import Usage
from flowrouter.dialects.codec import Measured
from flowrouter.dialects.openai_chat.usage import parse_usage
from flowrouter.errors import CallerError
from flowrouter.wire.json import JsonError, Raw, dumps, loads, typed
from flowrouter.wire.members import as_list, as_object, is_integer


class _Reply(msgspec.Struct):
    data: Raw = Raw(b"")
    model: Any = None
    usage: Any = None


_reply = typed(_Reply)


def measure(body: bytes) -> Measured:
    """Return the model and usage a reply names; raises `ValueError` if it holds no list of embeddings."""
    try:
        reply = _reply.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValueError(f"the reply cannot be read: {error}") from None
    if not bytes(reply.data).startswith(b"["):
        raise ValueError("the reply holds no embeddings")
    usage = as_object(reply.usage)
    return Measured(
        model=reply.model if isinstance(reply.model, str) else "", usage=_input_only(parse_usage(usage or {}))
    )


def _input_only(usage: Usage) -> Usage | None:
    """Return the usage of a call that can have no output, whatever zeros its host writes there."""
    if usage.input is None and usage.cache_read is None:
        return None
    return msgspec.structs.replace(usage, output=0, reasoning=None)


def parse_embedding_request(body: bytes) -> EmbeddingRequest:
    """Return what a client asks for; raises `CallerError` naming the field at fault.

    Token ids are refused: only the model they were made for can read them.
    """
    try:
        rest = as_object(loads(body))
    except JsonError as error:
        raise CallerError(f"The body is not valid JSON: {error}") from None
    if rest is None:
        raise CallerError("The body must be a JSON object.")
    members = dict(rest)
    model, given = members.pop("model", None), members.pop("input", None)
    if not isinstance(model, str) or not model:
        raise CallerError("model must be a non-empty string.", param="model")
    dimensions = members.pop("dimensions", None)
    if dimensions is not None and not (is_integer(dimensions) and dimensions > 0):
        raise CallerError("dimensions must be a positive integer.", param="dimensions")
    return EmbeddingRequest(
        model=model, texts=_texts(given), dimensions=dimensions, batch=isinstance(given, list), extra=members
    )


def render_embedding_request(request: EmbeddingRequest, model: str) -> bytes:
    """Return the body for an upstream, which is asked for plain numbers."""
    body: dict[str, Any] = {
        "model": model,
        "input": list(request.texts) if request.batch or len(request.texts) != 1 else request.texts[0],
        "encoding_format": "float",
    }
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    user = request.extra.get("user")
    return dumps({**body, "user": user} if isinstance(user, str) else body)


def parse_embedding_reply(body: bytes) -> EmbeddingReply:
    """Return an upstream's vectors in the order of the texts; raises `ValueError` if it holds none."""
    try:
        reply = as_object(loads(body))
    except JsonError as error:
        raise ValueError(f"the reply cannot be read: {error}") from None
    data = as_list(reply.get("data")) if reply is not None else None
    if reply is None or data is None:
        raise ValueError("the reply holds no embeddings")
    rows = [as_object(item) or {} for item in data]
    places = [index if is_integer(index := row.get("index")) else number for number, row in enumerate(rows)]
    ordered = [row for _, row in sorted(zip(places, rows, strict=True), key=lambda pair: pair[0])]
    usage = _input_only(parse_usage(as_object(reply.get("usage")) or {}))
    model = reply.get("model")
    return EmbeddingReply(
        vectors=tuple(_vector(row.get("embedding")) for row in ordered),
        model=model if isinstance(model, str) else "",
        usage_tokens=None if usage is None else usage.total_input,
    )


def render_embedding_reply(reply: EmbeddingReply, request: EmbeddingRequest, *, model: str) -> bytes:
    """Return the answer to a client; `request` is its own, and says in which form it wants numbers.

    The vendor's usage member is required: 0 stands for tokens nobody counted.
    """
    packed = request.extra.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": number, "embedding": _packed(vector) if packed else list(vector)}
        for number, vector in enumerate(reply.vectors)
    ]
    tokens = reply.usage_tokens or 0
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return dumps({"object": "list", "data": data, "model": model, "usage": usage})


def _texts(given: Any) -> tuple[str, ...]:
    listed: list[Any] | None = [given] if isinstance(given, str) else as_list(given)
    if not listed:
        raise CallerError("input must be a string or a list of strings.", param="input")
    for number, text in enumerate(listed):
        if not isinstance(text, str):
            path = f"input[{number}]"
            raise CallerError(f"{path}: token ids cannot be translated; send the text.", param=path)
    return tuple(listed)


def _vector(value: Any) -> tuple[float, ...]:
    """Return one vector; raises `ValueError`."""
    if isinstance(value, str):
        return _unpacked(value)
    numbers = as_list(value)
    if numbers is None or not all(isinstance(number, int | float) for number in numbers):
        raise ValueError("an embedding is neither a list of numbers nor base64")
    return tuple(float(number) for number in cast("list[float]", numbers))


def _unpacked(text: str) -> tuple[float, ...]:
    floats = array.array("f")
    try:
        floats.frombytes(b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        raise ValueError("an embedding is not valid base64 of 32-bit floats") from None
    if sys.byteorder == "big":
        floats.byteswap()
    return tuple(floats)


def _packed(vector: tuple[float, ...]) -> str:
    floats = array.array("f", vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return b64encode(floats.tobytes()).decode()


__all__ = [
    "measure",
    "parse_embedding_reply",
    "parse_embedding_request",
    "render_embedding_reply",
    "render_embedding_request",
]
