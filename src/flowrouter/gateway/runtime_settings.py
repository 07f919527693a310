"""The settings that may change while the gateway runs: stored beside `config.toml`, under its names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

import msgspec

from flowrouter.config import Config
from flowrouter.settings.budgets import Budget
from flowrouter.settings.prices import ModelPrice
from flowrouter.settings.recording import Recording
from flowrouter.settings.routing import Routing

Name = Annotated[
    str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^(?!.*[\x00-\x1f\x7f-\x9f])\S(.*\S)?$")
]


class StoredModels(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names for models of your own: `aliases` maps each to an id, to `account/id`, or to several of them."""

    aliases: dict[Name, Name | Annotated[tuple[Name, ...], msgspec.Meta(min_length=1)]] = {}


class StoredDiscovery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Presets that were found on this machine and are not to be shown again."""

    dismissed: tuple[Name, ...] = ()


class RuntimeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings document.

    `reply_model` says whether a reply names the model that answered or was asked. `prices` are USD per
    million tokens by model or glob (`gpt-5.5`, `openrouter/*`). `budgets` are what all callers
    together may use. `routing` and `recording` are the tables of these names; combos
    are kept apart.
    """

    reply_model: Literal["answered", "asked"] | None = None
    models: StoredModels = StoredModels()
    discovery: StoredDiscovery = StoredDiscovery()
    prices: dict[Name, ModelPrice] = {}
    budgets: dict[Name, Budget] = {}
    routing: Routing = Routing()
    recording: Recording = Recording()

    def __post_init__(self) -> None:
        if self.routing.combos:
            raise ValueError("combos are kept apart: POST /api/combos")


def in_force(values: Mapping[str, Any], config: Config) -> RuntimeSettings:
    """Return the stored document and the file's settings as one.

    The document's `reply_model` wins over the file's, and so does every member of its `routing` and `recording`; an alias or
    a price of the file wins over a stored one. Combos are left out.
    Raises `msgspec.ValidationError` for a document that this version does not understand.
    """
    stored = msgspec.convert(dict(values), RuntimeSettings)
    return RuntimeSettings(
        reply_model=stored.reply_model or config.reply_model,
        models=StoredModels(aliases={**stored.models.aliases, **config.models.aliases}),
        discovery=stored.discovery,
        prices={**stored.prices, **config.prices},
        budgets={**stored.budgets, **config.budgets},
        routing=_routing(config.routing, values.get("routing")),
        recording=msgspec.convert(
            _laid_over(msgspec.to_builtins(config.recording), values.get("recording", {})), Recording
        ),
    )


def _routing(file: Routing, stored: Mapping[str, Any] | None) -> Routing:
    """Return the file's table with what is stored laid over it, member by member."""
    file = msgspec.structs.replace(file, combos={})
    if not stored:
        return file
    return msgspec.convert(_laid_over(msgspec.to_builtins(file), stored), Routing)


def _laid_over(base: Any, top: Any) -> Any:
    """Return `base` with `top` over it: objects merge, all else is replaced."""
    if not isinstance(base, Mapping) or not isinstance(top, Mapping):
        return top
    merged: dict[str, Any] = dict(cast("Mapping[str, Any]", base))
    for name, value in cast("Mapping[str, Any]", top).items():
        merged[name] = _laid_over(merged.get(name), value)
    return merged


__all__ = ["RuntimeSettings", "StoredDiscovery", "StoredModels", "in_force"]
