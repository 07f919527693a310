"""Texts to be turned into vectors, and the vectors: one neutral form for every dialect that has them."""

from __future__ import annotations

import msgspec

from flowrouter.canonical.parts import Extra


class EmbeddingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One call for vectors.

    `dimensions` is the width asked for (None: the model's own). `batch` tells the form that came, a list
    or one text, and so the form of the answer. `extra` keeps members the hub does not know, under the
    names their own dialect gives them.
    """

    model: str
    texts: tuple[str, ...]
    dimensions: int | None = None
    batch: bool = True
    extra: Extra = {}


class EmbeddingReply(msgspec.Struct, frozen=True, kw_only=True):
    """The vectors in the order of the texts; `usage_tokens` is None where the provider did not count."""

    vectors: tuple[tuple[float, ...], ...]
    model: str = ""
    usage_tokens: int | None = None


__all__ = ["EmbeddingReply", "EmbeddingRequest"]
