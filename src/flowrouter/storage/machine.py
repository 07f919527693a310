"""What this machine is called among those that share a store: what budgets have given to whom goes by it.

A random word in the data folder, so that two folders on one machine are two, with a sum of the machine's own
name in it, so that a copied folder is another machine.
"""

from __future__ import annotations

import hashlib
import secrets
import socket

from flowrouter.accounts.vault import publish_private, read_private
from flowrouter.storage.boot import Store

FILE_NAME = "machine.id"

_WHAT = "the machine's name"


def machine_name(store: Store) -> str:
    """Return the name, the same at every start from one data folder; raises `ConfigError`."""
    if not store.place.shared:
        return "local"
    path = store.data / FILE_NAME
    word = (read_private(path, what=_WHAT) or "").strip()
    if not word:
        publish_private(path, secrets.token_hex(16) + "\n", what=_WHAT)
        word = (read_private(path, what=_WHAT) or "").strip()
    return hashlib.sha256(f"{word} {socket.gethostname()}".encode()).hexdigest()[:16]


__all__ = ["FILE_NAME", "machine_name"]
