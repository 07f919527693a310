"""All presets: ours, with the user's own files laid over them, found by id or alias.

Packaged files are read once per process, at first use. A user's file whose `id` is that of a
packaged preset changes only the keys it sets; any other id is a new preset.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, cast

from flowrouter import strict_toml
from flowrouter.errors import ConfigError
from flowrouter.providers.preset import Preset

_PACKAGE = "flowrouter.providers"


class UnknownPresetError(ConfigError):
    """No preset has the id or alias that was asked for."""


class Catalog:
    """Presets by id and alias, in alphabetical order of their ids."""

    __slots__ = ("_by_name", "_presets")

    def __init__(self, presets: Iterable[Preset]) -> None:
        """Index `presets`; raises `ConfigError` where two of them claim one name."""
        self._presets = {preset.id: preset for preset in sorted(presets, key=lambda preset: preset.id)}
        self._by_name = dict(self._presets)
        for preset in self._presets.values():
            for alias in preset.aliases:
                taken = self._by_name.setdefault(alias, preset)
                if taken is not preset:
                    raise ConfigError(
                        f"alias {alias!r} of preset {preset.id!r} is already a name of {taken.id!r}",
                        fix="choose another alias",
                    )

    def __iter__(self) -> Iterator[Preset]:
        return iter(self._presets.values())

    def __len__(self) -> int:
        return len(self._presets)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @property
    def ids(self) -> tuple[str, ...]:
        """Return every preset's id."""
        return tuple(self._presets)

    def find(self, name: str) -> Preset | None:
        """Return the preset with this id or alias, if there is one."""
        return self._by_name.get(name)

    def get(self, name: str) -> Preset:
        """Return the preset with this id or alias; raises `UnknownPresetError` naming the closest."""
        preset = self._by_name.get(name)
        if preset is not None:
            return preset
        from difflib import get_close_matches  # needed only for a message

        close = get_close_matches(name.lower(), self._by_name, n=1)
        fix = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(self.ids)}"
        raise UnknownPresetError(f"there is no preset {name!r}", fix=fix)

    def with_files(self, files: Mapping[str, str]) -> Catalog:
        """Return a catalogue with the user's files (name → text) laid over this one."""
        presets = dict(self._presets)
        seen: dict[str, str] = {}
        for file, text in sorted(files.items()):
            preset = _user_preset(text, file=file)
            if preset.id in seen:
                raise strict_toml.TomlError(
                    f"preset {preset.id!r} is already defined in {seen[preset.id]}",
                    file=file,
                    line=strict_toml.line_of(text, ("id",)),
                    fix="give one of them another id",
                )
            seen[preset.id] = file
            presets[preset.id] = preset
        return Catalog(presets.values())


@lru_cache(maxsize=1)
def packaged() -> Catalog:
    """Return the catalogue of the presets that ship with the program."""
    texts = read_packaged("presets")
    return Catalog(strict_toml.read(text, Preset, file=file) for file, text in texts.items())


def load(folder: Path | None = None) -> Catalog:
    """Return the packaged presets with `folder`'s `*.toml` over them; a missing folder is an empty one."""
    if folder is None or not folder.is_dir():
        return packaged()
    files: dict[str, str] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            files[str(path)] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: cannot be read as text: {error}") from error
    return packaged().with_files(files) if files else packaged()


def read_packaged(folder: str) -> dict[str, str]:
    """Return the texts of the packaged TOML files of `folder` by their names."""
    entries = (resources.files(_PACKAGE) / folder).iterdir()
    found = {entry.name: entry for entry in entries if entry.name.endswith(".toml")}
    return {f"{folder}/{name}": found[name].read_text(encoding="utf-8") for name in sorted(found)}


def _user_preset(text: str, *, file: str) -> Preset:
    tables = strict_toml.parse(text, file=file)
    base = read_packaged("presets").get(f"presets/{tables.get('id')}.toml")
    if base is not None:
        tables = _laid_over(strict_toml.parse(base, file=file), tables)
    return strict_toml.shape(tables, Preset, text=text, file=file)


def _laid_over(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with the keys of `top`; tables merge, everything else is replaced."""
    merged = dict(base)
    for key, value in top.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[key] = _laid_over(cast("dict[str, Any]", old), cast("dict[str, Any]", value))
        else:
            merged[key] = value
    return merged


__all__ = ["Catalog", "UnknownPresetError", "load", "packaged", "read_packaged"]
