"""The settings that may change while the gateway runs: stored beside `config.toml`, under its names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from flowrouter.config import Config

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^\S(.*\S)?$")]


class StoredModels(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names for models of your own: `aliases` maps each to an id, or to `account/id`."""

    aliases: dict[Name, Name] = {}


class StoredDiscovery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Presets that were found on this machine and are not to be shown again."""

    dismissed: tuple[Name, ...] = ()


class RuntimeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings document; `reply_model` says whether a reply names the model that answered or was asked."""

    reply_model: Literal["answered", "asked"] | None = None
    models: StoredModels = StoredModels()
    discovery: StoredDiscovery = StoredDiscovery()


def in_force(values: Mapping[str, Any], config: Config) -> RuntimeSettings:
    """Return the stored document and the file's settings as one.

    The document's `reply_model` wins over the file's; an alias of the file wins over a stored one.
    Raises `msgspec.ValidationError` for a document that this version does not understand.
    """
    stored = msgspec.convert(dict(values), RuntimeSettings)
    return RuntimeSettings(
        reply_model=stored.reply_model or config.reply_model,
        models=StoredModels(aliases={**stored.models.aliases, **config.models.aliases}),
        discovery=stored.discovery,
    )


__all__ = ["RuntimeSettings", "StoredDiscovery", "StoredModels", "in_force"]
