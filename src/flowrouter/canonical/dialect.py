"""The names of the wire formats."""

from __future__ import annotations

from typing import Literal, get_args

Dialect = Literal["openai_chat", "openai_responses", "anthropic", "gemini"]

DIALECTS: tuple[Dialect, ...] = get_args(Dialect)

__all__ = ["DIALECTS", "Dialect"]
