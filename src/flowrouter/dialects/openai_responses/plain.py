"""Requests of nothing but words, as most are: their whole shape is compared at once, not member by member."""

from __future__ import annotations

from typing import Annotated

import msgspec

from flowrouter.canonical.messages import Said, Words
from flowrouter.canonical.parts import Text
from flowrouter.canonical.request import Request, Sampling
from flowrouter.dialects.openai_responses.items import ABSENT
from flowrouter.wire.json import LEFT_OUT, shaped
from flowrouter.wire.members import Json

_Something = msgspec.Meta(min_length=1)


class _Plain(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    model: Annotated[str, _Something]
    input: Annotated[str, _Something] | Annotated[list[Said], _Something]
    instructions: str = LEFT_OUT
    max_output_tokens: int = LEFT_OUT
    temperature: int | float = LEFT_OUT
    top_p: int | float = LEFT_OUT
    stream: bool = LEFT_OUT
    store: bool = LEFT_OUT


_NAMES = frozenset(_Plain.__struct_encode_fields__)


def plain_request(body: Json) -> Request | None:
    """Return the request of a body with nothing but words, None for any other; it says what the long way would."""
    plain = shaped(body, _Plain) if _NAMES.issuperset(body) else None
    if plain is None or plain.store:
        return None
    shapes: Json = {}
    asked, system = plain.input, plain.instructions
    if isinstance(asked, str):
        shapes["input"] = "string"
        messages = Words([Said("user", asked)], "input")
    else:
        shapes["items"] = {f"input[{number}]": {ABSENT: ["type"]} for number in range(len(asked))}
        messages = Words(asked, "input[{}]")
    if plain.stream is False:
        shapes["stream"] = False
    if plain.store is not LEFT_OUT:
        shapes["harmless"] = {"store": False}
    return Request(
        origin="openai_responses",
        model=plain.model,
        messages=messages,
        system=(Text(text=system),) if system else (),
        system_shape="absent" if system is LEFT_OUT else "string",
        sampling=Sampling(temperature=plain.temperature, top_p=plain.top_p),
        max_tokens=plain.max_output_tokens,
        stream=plain.stream or False,
        shapes=shapes,
        members=tuple(body),
    )


__all__ = ["plain_request"]
