"""Server-sent events as values, and the ways in which hosts spell them on the wire."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from tests.upstreams.scenarios import ModelName


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One event; `content` marks those that carry part of the answer, `last` the terminator.

    A `bare` one is spelled as JSON without `data:`, as Google's errors within a stream are.
    """

    data: Any
    event: str | None = None
    content: bool = False
    last: bool = False
    bare: bool = False


def encode(frames: Iterable[Frame], model: ModelName, *, line_end: bytes = b"\n") -> list[bytes]:
    """Spell the frames, one item each, with the spelling quirks that the model name asks for."""
    every = list(frames)
    encoded = [_spell(frame, model) for frame in every]
    if model.has("quirk-comments"):
        encoded = [b": keep-alive\n\n" + item for item in encoded]
    if model.has("quirk-no-last-blank") and encoded:
        encoded[-1] = encoded[-1].removesuffix(b"\n\n")
    ending = b"\r\n" if model.has("quirk-crlf") else b"\r" if model.has("quirk-cr") else line_end
    if ending != b"\n":
        encoded = [item.replace(b"\n", ending) for item in encoded]
    if model.has("quirk-bom") and encoded:
        encoded[0] = b"\xef\xbb\xbf" + encoded[0]
    return encoded


def encode_array(frames: Iterable[Frame], model: ModelName, *, goes_on: bool = False) -> list[bytes]:
    """Spell the frames as the elements of one JSON array; `goes_on` where elements have been sent already."""
    indent = 2 if model.has("quirk-multi-line") else None
    encoded: list[bytes] = []
    for frame in frames:
        text = frame.data if isinstance(frame.data, str) else json_text(frame.data, model, indent=indent)
        text = (",\r\n" if goes_on or encoded else "[") + text + ("\n]\n" if frame.last else "")
        encoded.append(text.encode("utf-8", "surrogatepass"))
    return encoded


def json_text(value: Any, model: ModelName, *, indent: int | None = None) -> str:
    """Write JSON compactly; raw UTF-8 unless the model name asks for escapes."""
    separators = (",", ":") if indent is None else None
    return json.dumps(value, ensure_ascii=model.has("quirk-ascii"), separators=separators, indent=indent)


def _spell(frame: Frame, model: ModelName) -> bytes:
    several = model.has("quirk-multi-line") or frame.bare
    text = (
        frame.data
        if isinstance(frame.data, str)
        else json_text(frame.data, model, indent=1 if several else None)
    )
    if frame.bare:
        return (text + "\n\n").encode("utf-8", "surrogatepass")
    prefix = "data:" if model.has("quirk-no-space") else "data: "
    event = frame.event or ("message" if model.has("quirk-event-lines") else None)
    lines = [f"event: {event}"] if event else []
    lines += [prefix + line for line in text.split("\n")]
    return ("\n".join(lines) + "\n\n").encode("utf-8", "surrogatepass")


def with_data(frame: Frame, data: Any) -> Frame:
    """Return the frame with other data."""
    return replace(frame, data=data)
