"""Token probabilities in the old form: parallel lists instead of Chat's one object per token."""

from __future__ import annotations

from typing import Any, cast

Json = dict[str, Any]


def legacy_logprobs(given: Json | None, *, start: int = 0) -> Json | None:
    """Return Chat's `{"content": [...]}` as parallel lists; offsets count characters from `start`."""
    rows = given.get("content") if given is not None else None
    if not isinstance(rows, list):
        return None
    tokens: list[str] = []
    chances: list[Any] = []
    best: list[Json | None] = []
    offsets: list[int] = []
    for row in cast("list[Any]", rows):
        if not isinstance(row, dict):
            continue
        token = cast("Json", row)
        text = token.get("token")
        tokens.append(text if isinstance(text, str) else "")
        chances.append(token.get("logprob"))
        best.append(_best(token.get("top_logprobs")))
        offsets.append(start)
        start += len(tokens[-1])
    return {"tokens": tokens, "token_logprobs": chances, "top_logprobs": best, "text_offset": offsets}


def _best(rows: Any) -> Json | None:
    if not isinstance(rows, list) or not rows:
        return None
    return {
        str(row.get("token")): row.get("logprob")
        for row in cast("list[Json]", rows)
        if isinstance(row, dict)  # pyright: ignore[reportUnnecessaryIsInstance]
    }


__all__ = ["legacy_logprobs"]
