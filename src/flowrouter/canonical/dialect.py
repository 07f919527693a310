"""The names of the wire formats."""

from __future__ import annotations

from typing import Literal, get_args

UpstreamDialect = Literal["openai_chat", "openai_responses", "anthropic", "gemini"]
Dialect = Literal[UpstreamDialect, "openai_completions"]
"""What a client may speak: what providers speak, and OpenAI's legacy completions, which only clients do."""

DIALECTS: tuple[UpstreamDialect, ...] = get_args(UpstreamDialect)
"""What a provider may speak; a preset may name these."""

__all__ = ["DIALECTS", "Dialect", "UpstreamDialect"]
