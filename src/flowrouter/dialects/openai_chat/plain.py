"""Requests of nothing but words, as most are: their whole shape is compared at once, not member by member."""

from __future__ import annotations

from typing import Annotated

import msgspec

from flowrouter.canonical.fates import member_names
from flowrouter.canonical.messages import Talk, Words
from flowrouter.canonical.request import Request, Sampling
from flowrouter.wire.json import LEFT_OUT, shaped
from flowrouter.wire.members import Json


class _StreamOptions(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    include_usage: bool


class _Plain(Talk, gc=False, forbid_unknown_fields=True):
    model: Annotated[str, msgspec.Meta(min_length=1)]
    max_tokens: int = LEFT_OUT
    max_completion_tokens: int = LEFT_OUT
    temperature: int | float = LEFT_OUT
    top_p: int | float = LEFT_OUT
    presence_penalty: int | float = LEFT_OUT
    frequency_penalty: int | float = LEFT_OUT
    seed: int = LEFT_OUT
    n: int = LEFT_OUT
    stop: str | list[str] = LEFT_OUT
    stream: bool = LEFT_OUT
    stream_options: _StreamOptions = LEFT_OUT


_NAMES = frozenset(_Plain.__struct_encode_fields__)


def plain_request(body: Json) -> Request | None:
    """Return the request of a body with nothing but words, None for any other; it says what the long way would."""
    plain = shaped(body, _Plain) if _NAMES.issuperset(body) else None
    if plain is None:
        return None
    shapes: Json = {}
    limit, stop, stream, options = plain.max_tokens, plain.stop, plain.stream, plain.stream_options
    if stream is False:
        shapes["stream"] = False
    if limit is not LEFT_OUT:
        shapes["max_tokens"] = "max_tokens"
    if plain.max_completion_tokens is not LEFT_OUT:
        if limit is not LEFT_OUT:
            return None
        shapes["max_tokens"], limit = "max_completion_tokens", plain.max_completion_tokens
    if stop is not LEFT_OUT:
        shapes["stop"] = "string" if isinstance(stop, str) else "list"
    return Request(
        origin="openai_chat",
        model=plain.model,
        messages=Words(plain.messages),
        sampling=Sampling(
            temperature=plain.temperature,
            top_p=plain.top_p,
            presence_penalty=plain.presence_penalty,
            frequency_penalty=plain.frequency_penalty,
            seed=plain.seed,
            n=plain.n,
        ),
        max_tokens=limit,
        stop=(stop,) if isinstance(stop, str) else tuple(stop or ()),
        stream=stream or False,
        include_usage=None if options is LEFT_OUT else options.include_usage,
        shapes=shapes,
        members=member_names(body),
    )


__all__ = ["plain_request"]
