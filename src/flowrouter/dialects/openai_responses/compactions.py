"""The answer of `/responses/compact`, of which only the usage is looked at."""

from __future__ import annotations

from typing import Any

import msgspec

from flowrouter.dialects.codec import Measured
from flowrouter.dialects.openai_responses.usage import parse_usage


class _Compaction(msgspec.Struct):
    object: str
    output: list[msgspec.Raw]
    usage: dict[str, Any] | None = None
    model: str = ""


_compaction = msgspec.json.Decoder(_Compaction)


def measure_compaction(body: bytes) -> Measured:
    """Return the usage of a compacted conversation; raises `ValueError` if `body` is none."""
    try:
        read = _compaction.decode(body)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ValueError("this is no compaction") from error
    if read.object != "response.compaction":
        raise ValueError("this is no compaction")
    return Measured(model=read.model, usage=parse_usage(read.usage) if read.usage else None)


__all__ = ["measure_compaction"]
