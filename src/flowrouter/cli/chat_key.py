"""The gateway key of `flow-router chat`: made at first need, kept beside the sealing key, for its owner only."""

from __future__ import annotations

import os
import secrets

from flowrouter.cli import output
from flowrouter.cli.desk import Desk
from flowrouter.gateway.ports import ConflictError
from flowrouter.httpkit.keys import LOCAL_OWNER, MintedToken

FILE = "chat.key"
_NAME = "flow-router-chat"


def find(desk: Desk) -> tuple[str, bool]:
    """Return the key and whether it was made just now; one that was revoked is replaced."""
    path = desk.settings.data_dir / FILE
    try:
        token = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        token = ""
    if token and desk.world.ring.find(token, now_ms=int(desk.clock.now() * 1000)) is not None:
        return token, False
    minted = _made(desk)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(minted.token + "\n")
    return minted.token, True


def _made(desk: Desk) -> MintedToken:
    name = _NAME
    while True:
        try:
            key, minted = desk.management.keys.create(name, owner_id=LOCAL_OWNER)
        except ConflictError:
            name = f"{_NAME}-{secrets.token_hex(2)}"
        else:
            output.note(f"This command made itself a gateway key: {key.name!r} (see: flow-router keys list).")
            return minted


__all__ = ["FILE", "find"]
