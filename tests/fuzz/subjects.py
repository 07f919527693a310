"""What is fuzzed: makers of requests by dialect, and targets as they really differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import msgspec

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.providers.capabilities import capabilities
from flowrouter.providers.catalog import packaged
from tests.fuzz.anthropic_requests import anthropic_request
from tests.fuzz.chat_requests import chat_request
from tests.fuzz.gemini_requests import gemini_request
from tests.fuzz.making import Json, Maker
from tests.fuzz.responses_requests import responses_request

MAKERS: Mapping[Dialect, Callable[[Maker], Json]] = {
    "openai_chat": chat_request,
    "openai_responses": responses_request,
    "anthropic": anthropic_request,
    "gemini": gemini_request,
}

DIALECTS: tuple[Dialect, ...] = tuple(MAKERS)

_MODELS: Mapping[Dialect, tuple[tuple[str, str], ...]] = {
    "openai_chat": (
        ("openai", "gpt-5.2"), ("openai", "gpt-4.1"), ("deepseek", "deepseek-reasoner"),
        ("mistral", "mistral-large-latest"), ("groq", "llama-3.3-70b-versatile"),
    ),
    "openai_responses": (("openai", "gpt-5.2"), ("openai", "gpt-4.1")),
    "anthropic": (
        ("anthropic", "claude-sonnet-4-5"), ("anthropic", "claude-opus-5-5"), ("anthropic", "claude-3-5-haiku-latest"),
    ),
    "gemini": (("gemini", "gemini-2.5-pro"), ("gemini", "gemini-3-pro-preview"), ("gemini", "gemini-2.0-flash")),
}  # fmt: skip


@cache
def targets(dialect: Dialect) -> tuple[tuple[str, Capabilities], ...]:
    """Return names and records of targets: the permissive one, one of each policy, and real models."""
    plain = Capabilities()
    drop = msgspec.structs.replace(plain, unsupported="drop")
    found = [("permissive", plain), ("permissive, drop", drop)]
    catalog = packaged()
    for preset, model in _MODELS[dialect]:
        record = capabilities(catalog.get(preset), model, dialect)
        found.append((model, record))
    # One real model by the policy `drop`: what would be refused then has to be declared.
    name, record = found[-1]
    found.append((f"{name}, drop", msgspec.structs.replace(record, unsupported="drop")))
    return tuple(found)


__all__ = ["DIALECTS", "MAKERS", "targets"]
