"""Requests of nothing but words, as most are: their whole shape is compared at once, not member by member."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from flowrouter.canonical.messages import Said, Words
from flowrouter.canonical.parts import Text
from flowrouter.canonical.request import Request, Sampling
from flowrouter.wire.json import LEFT_OUT, shaped
from flowrouter.wire.members import Json

_Integer = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class _Text(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    text: str


class _Words(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    text: Annotated[str, msgspec.Meta(min_length=1)]


class _Turn(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    parts: Annotated[list[_Words], msgspec.Meta(min_length=1, max_length=1)]
    role: Literal["user", "model"] = "user"


class _System(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    parts: list[_Text]
    role: str = LEFT_OUT


class _Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    temperature: int | float = LEFT_OUT
    top_p: int | float = LEFT_OUT
    top_k: _Integer = LEFT_OUT
    max_output_tokens: _Integer = LEFT_OUT
    stop_sequences: list[str] = LEFT_OUT


_UNSAID = _Config()


class _Plain(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    contents: Annotated[list[_Turn], msgspec.Meta(min_length=1)]
    system_instruction: _System = LEFT_OUT
    generation_config: _Config = _UNSAID


_NAMES = frozenset(_Plain.__struct_encode_fields__)


def plain_request(body: Json) -> Request | None:
    """Return the request of a body with nothing but words, None for any other; it says what the long way would."""
    plain = shaped(body, _Plain) if _NAMES.issuperset(body) else None
    if plain is None:
        return None
    config, system = plain.generation_config, plain.system_instruction
    said = [Said(_ROLES[turn.role], turn.parts[0].text) for turn in plain.contents]
    return Request(
        origin="gemini",
        model="",
        messages=Words(said, "contents[{}]", "list"),
        system=() if system is LEFT_OUT else tuple([Text(text=part.text) for part in system.parts]),
        system_shape="absent" if system is LEFT_OUT else "list",
        sampling=Sampling(temperature=config.temperature, top_p=config.top_p, top_k=config.top_k),
        max_tokens=config.max_output_tokens,
        stop=tuple(config.stop_sequences or ()),
    )


_ROLES: dict[str, Literal["user", "assistant"]] = {"user": "user", "model": "assistant"}

__all__ = ["plain_request"]
