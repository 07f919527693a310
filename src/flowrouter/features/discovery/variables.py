"""Provider keys in the environment, by the names of their variables; the values are looked at, not kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from flowrouter import config
from flowrouter.features.discovery.finding import Finding
from flowrouter.httpkit.keys import PREFIX as OWN_KEY
from flowrouter.providers.preset import Preset

# Whatever is shorter is a placeholder that some tool insists on.
_SHORTEST_KEY = 12
_KEY_NAME = re.compile(r"_(?:API_)?(?:KEY|TOKEN)$")


def look(presets: Iterable[Preset], *, environ: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """Yield the providers whose usual variable holds what may be a key of theirs.

    A variable beside it that sends the key's tools elsewhere (`OPENAI_BASE_URL`) means that the key is
    that place's, often a gateway's such as this one.
    """
    for preset in presets:
        if preset.local or preset.needs_url or preset.auth.type == "none":
            continue
        for name, value in config.environment(preset.auth.env_names, environ=environ).items():
            if is_key(value) and not _leads_elsewhere(name, preset, environ=environ):
                yield Finding(preset=preset.id, found_in=name, variable=name)
                break


def is_key(value: str) -> bool:
    """Return whether `value` may be a provider's key: long enough, in one word, and not one of ours."""
    value = value.strip()
    return len(value) >= _SHORTEST_KEY and not value.startswith(OWN_KEY) and not re.search(r"\s", value)


def _leads_elsewhere(name: str, preset: Preset, *, environ: Mapping[str, str] | None) -> bool:
    stem = _KEY_NAME.sub("", name)
    addresses = config.environment(
        [f"{stem}_BASE_URL", f"{stem}_API_BASE", f"{stem}_API_BASE_URL"], environ=environ
    )
    own = {urlsplit(preset.base_url(dialect) or "").hostname for dialect in preset.served_dialects}
    return any(urlsplit(address).hostname not in own for address in addresses.values())


__all__ = ["is_key", "look"]
