"""Who is sent a custom tool as it is: its vendor in both dialects, other hosts of Chat get functions."""

from __future__ import annotations

import pytest

from flowrouter.canonical.dialect import Dialect
from flowrouter.providers import catalog
from flowrouter.providers.capabilities import capabilities

PRESETS = catalog.packaged()


@pytest.mark.parametrize(
    ("preset", "dialect", "takes"),
    [
        ("openai", "openai_chat", True),
        ("openai", "openai_responses", True),
        ("custom-openai", "openai_chat", False),
        ("custom-responses", "openai_responses", True),
        ("groq", "openai_chat", False),
        ("deepseek", "openai_chat", False),
        ("ollama", "openai_chat", False),
    ],
    ids=str,
)
def test_custom_tools(preset: str, dialect: Dialect, takes: bool) -> None:
    assert capabilities(PRESETS.get(preset), "any-model", dialect).custom_tools is takes
