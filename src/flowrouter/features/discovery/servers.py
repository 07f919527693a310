"""Model servers on this machine: who listens on the loopback ports that presets name, and is it they?

A port is common property (8080, 8000), so what answers there must say something that only the server in
question says. The gateway's HTTP client takes longer to load than all of this, hence the few lines of
HTTP/1.0 here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Any, cast
from urllib.parse import urlsplit

from flowrouter.config import is_loopback
from flowrouter.errors import FlowRouterError
from flowrouter.features.discovery.finding import Finding
from flowrouter.providers.preset import Preset
from flowrouter.wire import json

CONNECT_SECONDS = 0.25
ANSWER_SECONDS = 1.5
_MOST_BYTES = 1024 * 1024

Sign = tuple[str, Callable[[Any], bool]]


async def look(presets: Iterable[Preset]) -> list[Finding]:
    """Return the servers that answer now, of those presets whose usual address is on this machine."""
    candidates = [
        (preset, address)
        for preset in presets
        if preset.id in SIGNS and (address := _address(preset)) is not None
    ]
    answers = await asyncio.gather(*(_is_there(preset, *address) for preset, address in candidates))
    return [
        Finding(preset=preset.id, found_in=f"{host}:{port}")
        for (preset, (host, port)), there in zip(candidates, answers, strict=True)
        if there
    ]


def _address(preset: Preset) -> tuple[str, int] | None:
    """Return host and port of the preset's own address if it is on this machine."""
    split = urlsplit(preset.base_url(preset.served_dialects[0]) or "")
    if split.scheme != "http" or split.hostname is None or not is_loopback(split.hostname):
        return None
    return split.hostname, split.port or 80


async def _is_there(preset: Preset, host: str, port: int) -> bool:
    path, recognise = SIGNS[preset.id]
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            writer.write(
                f"GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\nAccept: application/json\r\n\r\n".encode()
            )
            return recognise(_body(await _read(reader)))
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _read(reader: asyncio.StreamReader) -> bytes:
    answer = bytearray()
    while len(answer) < _MOST_BYTES and (piece := await reader.read(64 * 1024)):
        answer += piece
    return bytes(answer)


def _body(answer: bytes) -> Any:
    """Return the JSON of a 200, None for anything else."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if head.split(b" ", 2)[1:2] != [b"200"]:
        return None
    try:
        return json.loads(body)
    except FlowRouterError:
        return None


def _member(answer: Any, name: str) -> Any:
    return cast("dict[str, Any]", answer).get(name) if isinstance(answer, dict) else None


def _owned_by(owner: str) -> Callable[[Any], bool]:
    def recognise(answer: Any) -> bool:
        models = _member(answer, "data")
        return isinstance(models, list) and any(_member(each, "owned_by") == owner for each in models)

    return recognise


# docs.ollama.com/api, lmstudio.ai/docs/developer/rest, llama.cpp tools/server, docs.vllm.ai (2026-11)
SIGNS: dict[str, Sign] = {
    "llamacpp": ("/v1/models", _owned_by("llamacpp")),
    "lmstudio": ("/api/v0/models", lambda answer: isinstance(_member(answer, "data"), list)),
    "ollama": ("/api/version", lambda answer: isinstance(_member(answer, "version"), str)),
    "vllm": ("/v1/models", _owned_by("vllm")),
}
"""By preset: what to ask, and how to know its answer."""

__all__ = ["SIGNS", "look"]
