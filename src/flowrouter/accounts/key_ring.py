"""The sealing keys of a data folder: the one that seals, and older ones that still open.

`secret.key` holds the key that seals, `secret.key.old` one line for each older key. A change of keys writes
the present key to the old ones first and replaces `secret.key` then, each file at once or not at all: at
no moment is there a key that sealed something and stands nowhere. FLOW_ROUTER_MASTER_KEY may hold several
keys in the same order, with commas.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from flowrouter.accounts.vault import (
    KEY_BYTES,
    KEY_FILE,
    KEY_VARIABLE,
    parse_key,
    read_key_file,
    read_private,
    write_private,
)
from flowrouter.errors import ConfigError

OLD_KEY_FILE = "secret.key.old"

Step = Callable[[str], None]


def keys_in(text: str) -> list[bytes]:
    """Return the keys that FLOW_ROUTER_MASTER_KEY holds, the sealing one first; raises `ConfigError`."""
    return [parse_key(part, where=KEY_VARIABLE) for part in text.split(",")]


def key_files(data: Path) -> list[bytes]:
    """Return the keys in the files of `data`, the sealing one first; empty without one; raises `ConfigError`."""
    first = read_key_file(data / KEY_FILE)
    return [] if first is None else [first, *old_keys(data)]


def old_keys(data: Path) -> list[bytes]:
    """Return the keys that only open; raises `ConfigError`."""
    path = data / OLD_KEY_FILE
    lines = (read_private(path) or "").split()
    return [parse_key(line, where=f"the file of older keys {path}") for line in lines]


def change_key(data: Path, *, step: Step) -> None:
    """Put a new key in the place of the present one, which joins the old ones; raises `ConfigError`.

    `step` is told of each step behind which a crash would leave another state.
    """
    present = key_files(data)
    if not present:
        raise ConfigError(f"there is no sealing key {data / KEY_FILE} to be changed")
    _replace(data / OLD_KEY_FILE, present)
    step("kept")
    _replace(data / KEY_FILE, [secrets.token_bytes(KEY_BYTES)])
    step("changed")


def forget_old(data: Path) -> int:
    """Remove the old keys and return how many there were; raises `ConfigError`."""
    count = len(old_keys(data))
    try:
        (data / OLD_KEY_FILE).unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot remove {data / OLD_KEY_FILE}: {error.strerror}") from error
    return count


def _replace(path: Path, keys: Sequence[bytes]) -> None:
    """Write `keys` to `path`, which holds either these or what it held before; raises `ConfigError`."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    text = "".join(f"{key.hex()}\n" for key in dict.fromkeys(keys))
    try:
        write_private(draft, text)
        draft.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise ConfigError(
            f"cannot write the sealing key {path}: {error.strerror}", fix="make its directory writable"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Bring a rename down to the disk, where the system knows such a thing."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


__all__ = ["OLD_KEY_FILE", "Step", "change_key", "forget_old", "key_files", "keys_in", "old_keys"]
