"""Gathers what a request loses on its way here, named as the client named it."""

from __future__ import annotations

from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.loss import Loss
from flowrouter.canonical.parts import Extra

_CHAT = {
    "output": "response_format",
    "parallel_tools": "parallel_tool_calls",
    "reasoning": "reasoning_effort",
    "cache_key": "prompt_cache_key",
}
_NAMES: dict[Dialect, dict[str, str]] = {
    "openai_chat": _CHAT,
    "openai_responses": {
        **_CHAT,
        "output": "text.format",
        "reasoning": "reasoning",
        "verbosity": "text.verbosity",
        "max_tokens": "max_output_tokens",
        "system": "instructions",
    },
    "gemini": {
        "output": "generationConfig.responseSchema",
        "reasoning": "generationConfig.thinkingConfig",
        "max_tokens": "generationConfig.maxOutputTokens",
        "stop": "generationConfig.stopSequences",
        "n": "generationConfig.candidateCount",
        "temperature": "generationConfig.temperature",
        "top_p": "generationConfig.topP",
        "top_k": "generationConfig.topK",
        "seed": "generationConfig.seed",
    },
    "anthropic": {"output": "output_config.format", "reasoning": "thinking", "stop": "stop_sequences"},
}


class Losses:
    """The losses of one render; `name` says how the client's dialect calls a field."""

    __slots__ = ("_names", "_unknown", "rows")

    def __init__(self, origin: Dialect) -> None:
        self._names = _NAMES[origin]
        self._unknown: dict[str, int] = {}
        self.rows: list[Loss] = []

    def name(self, field: str) -> str:
        """Return the client's name of a field of the hub."""
        return self._names.get(field, field)

    def drop(self, path: str, reason: str) -> None:
        """Note a value that was left out."""
        self.rows.append(Loss(path=path, kind="dropped", reason=reason))

    def change(self, path: str, reason: str) -> None:
        """Note a value that was clamped, renamed or repaired."""
        self.rows.append(Loss(path=path, kind="changed", reason=reason))

    def emulate(self, path: str, reason: str) -> None:
        """Note a value that was said by other means."""
        self.rows.append(Loss(path=path, kind="emulated", reason=reason))

    def unknown(self, extra: Extra, place: str = "") -> None:
        """Note unknown members: one row per name at the top, one per name and kind of place below."""
        for name, value in extra.items():
            if value is None:
                continue
            path = f"{place}.{name}" if place else name
            self._unknown[path] = self._unknown.get(path, 0) + 1

    def all(self) -> tuple[Loss, ...]:
        """Return every loss once, the unknown members last."""
        unknown = [
            Loss(
                path=path,
                kind="dropped",
                reason="unknown to anthropic" if count == 1 else f"unknown to anthropic ({count} times)",
            )
            for path, count in self._unknown.items()
        ]
        return tuple(dict.fromkeys((*self.rows, *unknown)))


__all__ = ["Losses"]
