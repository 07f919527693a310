"""Reading a provider's live list of models, whatever shape it comes in.

A row that makes no sense is skipped; only an envelope that is not the announced one is an error, so
that a bad answer never empties a good list. Paging is stated, not done: the caller asks again with
`next_page` as the query and should stop after a bounded number of pages.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import msgspec

from flowrouter.errors import UpstreamError
from flowrouter.providers.preset import ListingShape
from flowrouter.wire import json

Row = dict[str, Any]
Page = tuple[tuple[str, str], ...]

# What hosts call the same two numbers: Groq and Mistral, OpenRouter, Together and Fireworks, vLLM,
# Anthropic, Gemini for the window; Groq, Anthropic, Gemini, OpenRouter for the cap.
_WINDOW = (
    "context_window",
    "context_length",
    "max_context_length",
    "max_model_len",
    "max_input_tokens",
    "inputTokenLimit",
)
_CAP = ("max_completion_tokens", "max_output_tokens", "max_tokens", "outputTokenLimit")


class ListingError(UpstreamError):
    """The provider's answer is not a model list."""

    def __init__(self, message: str) -> None:
        super().__init__(message, kind="protocol")


class ListedModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model as its provider lists it; `created` in seconds since 1970, window and cap in tokens.

    `generates` is false where the provider says that it makes embeddings and no answers.
    """

    id: str
    display_name: str | None = None
    created: int | None = None
    context_window: int | None = None
    max_output: int | None = None
    generates: bool = True


class ListingPage(msgspec.Struct, frozen=True, kw_only=True):
    """The models of one page, each id once, and the query of the next page if there is one."""

    models: tuple[ListedModel, ...]
    next_page: Page = ()


def parse(shape: ListingShape, body: bytes) -> ListingPage:
    """Return the models in `body`; raises `ListingError` where it is not a list of `shape`."""
    reader = _READERS.get(shape)
    if reader is None:
        raise ListingError("this provider has no model list")
    try:
        document = json.loads(body)
    except json.JsonError as error:
        raise ListingError(f"the model list is not JSON: {error}") from None
    return reader(document)


def _openai(document: Any) -> ListingPage:
    """OpenAI's `{data:[…]}` and Together's bare array; hosts mix them, so both are taken."""
    rows = cast("list[Any]", document) if isinstance(document, list) else _rows(document, "data")
    return ListingPage(models=_models(rows, name="id"))


def _anthropic(document: Any) -> ListingPage:
    models = _models(_rows(document, "data"), name="id")
    last = document.get("last_id")
    more = document.get("has_more") is True and isinstance(last, str) and last != ""
    return ListingPage(models=models, next_page=(("after_id", last),) if more else ())


def _gemini(document: Any) -> ListingPage:
    rows = [row for row in _rows(document, "models") if _does(row, "generateContent") or _embeds(row)]
    # What makes no answers comes last, so that it is never the first model of an account.
    rows.sort(key=lambda row: not _does(row, "generateContent"))
    token = document.get("nextPageToken")
    more = isinstance(token, str) and token != ""
    models = _models(rows, name="name")
    return ListingPage(models=models, next_page=(("pageToken", token),) if more else ())


def _ollama(document: Any) -> ListingPage:
    return ListingPage(models=_models(_rows(document, "models"), name="name"))


_READERS: dict[ListingShape, Callable[[Any], ListingPage]] = {
    "openai": _openai,
    "array": _openai,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "ollama": _ollama,
}


def _rows(document: Any, key: str) -> list[Any]:
    if not isinstance(document, dict):
        raise ListingError(f"the model list is not an object with `{key}`")
    rows = cast("Row", document).get(key)
    if not isinstance(rows, list):
        raise ListingError(f"the model list has no array `{key}`")
    return cast("list[Any]", rows)


def _models(rows: list[Any], *, name: str) -> tuple[ListedModel, ...]:
    found: dict[str, ListedModel] = {}
    for row in rows:
        model = _model(row, name)
        if model is not None:
            found.setdefault(model.id, model)
    return tuple(found.values())


def _model(row: Any, name: str) -> ListedModel | None:
    if not isinstance(row, dict):
        return None
    fields = cast("Row", row)
    id_ = fields.get(name) or fields.get("model")
    if not isinstance(id_, str) or not id_.strip():
        return None
    top = fields.get("top_provider")
    cap = _first(fields, _CAP) or (_first(cast("Row", top), _CAP) if isinstance(top, dict) else None)
    return ListedModel(
        id=id_.strip().removeprefix("models/"),
        display_name=_text(
            fields.get("display_name") or fields.get("displayName") or fields.get("name"), id_
        ),
        created=_seconds(fields.get("created") or fields.get("created_at")),
        context_window=_first(fields, _WINDOW),
        max_output=cap,
        generates=_does(row, "generateContent"),
    )


def _does(row: Any, method: str) -> bool:
    """Say whether a Gemini row has the method; rows that do not say have them all."""
    methods = cast("Row", row).get("supportedGenerationMethods") if isinstance(row, dict) else None
    return not isinstance(methods, list) or method in methods


def _embeds(row: Any) -> bool:
    return _does(row, "embedContent") or _does(row, "batchEmbedContents")


def _first(fields: Row, names: tuple[str, ...]) -> int | None:
    for name in names:
        value = fields.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def _text(value: Any, id_: str) -> str | None:
    return value if isinstance(value, str) and value and value != id_ else None


def _seconds(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return int(value) if 0 < value < 1e11 else None
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


__all__ = ["ListedModel", "ListingError", "ListingPage", "Page", "parse"]
