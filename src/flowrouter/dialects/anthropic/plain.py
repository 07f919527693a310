"""Requests of nothing but words, as most are: their whole shape is compared at once, not member by member."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from flowrouter.canonical.messages import Said, Talk, Words
from flowrouter.canonical.parts import Text
from flowrouter.canonical.request import Request, Sampling
from flowrouter.wire.json import LEFT_OUT, shaped
from flowrouter.wire.members import Json


class _Said(Said, frozen=True):
    role: Literal["user", "assistant", "system"]


class PlainTalk(Talk, gc=False):
    """Anthropic knows no developers."""

    messages: Annotated[list[_Said], msgspec.Meta(min_length=1)]  # pyright: ignore[reportIncompatibleVariableOverride] - is never written


class _Plain(PlainTalk, gc=False, forbid_unknown_fields=True):
    model: str
    max_tokens: int = LEFT_OUT
    system: str = LEFT_OUT
    temperature: int | float = LEFT_OUT
    top_p: int | float = LEFT_OUT
    top_k: int = LEFT_OUT
    stop_sequences: list[str] = LEFT_OUT
    stream: bool = LEFT_OUT


_NAMES = frozenset(_Plain.__struct_encode_fields__)


def plain_request(body: Json) -> Request | None:
    """Return the request of a body with nothing but words, None for any other; it says what the long way would."""
    plain = shaped(body, _Plain) if _NAMES.issuperset(body) else None
    if plain is None or not plain.model.strip():
        return None
    shapes: Json = {}
    system, stop, stream = plain.system, plain.stop_sequences, plain.stream
    if stream is not LEFT_OUT:
        shapes["stream"] = True
    if stop is not LEFT_OUT:
        shapes["stop_sequences"] = True
    return Request(
        origin="anthropic",
        model=plain.model,
        messages=Words(plain.messages),
        system=() if system is LEFT_OUT else (Text(text=system),),
        system_shape="absent" if system is LEFT_OUT else "string",
        sampling=Sampling(temperature=plain.temperature, top_p=plain.top_p, top_k=plain.top_k),
        max_tokens=plain.max_tokens,
        stop=tuple(stop or ()),
        stream=stream or False,
        shapes=shapes,
        members=tuple(body),
    )


__all__ = ["PlainTalk", "plain_request"]
