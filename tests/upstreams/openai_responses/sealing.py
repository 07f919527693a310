"""Encrypted content: reasoning and compactions that only the account and model family that got them may bring back.

The token is opaque to clients, carries the content, and is an HMAC over content, family and account.
"""

import base64
from typing import Literal

from tests.upstreams.dialect import Exchange
from tests.upstreams.openai_chat.shapes import bad
from tests.upstreams.signing import conceal, is_concealed

Sealed = Literal["reasoning", "compaction"]
PREFIX = "gAAAAAB"
SHOWN = 12


def encrypt(content: str, exchange: Exchange, *, kind: Sealed) -> str:
    """Seal content for this account and family."""
    return PREFIX + conceal(f"{kind}\x1f{content}", family=exchange.model.family, account=exchange.account)


def decrypt(token: str, exchange: Exchange, *, kind: Sealed) -> str:
    """Return the content of a token; raises Refusal (`invalid_encrypted_content`) for one that is not ours."""
    packed = token.removeprefix(PREFIX)
    if exchange.model.has("reasoning-expired"):
        raise _unverified(token, "Encrypted content has expired.")
    ours = is_concealed(packed, family=exchange.model.family, account=exchange.account)
    if not token.startswith(PREFIX) or not ours:
        raise _unverified(token, "Encrypted content could not be decrypted or parsed.")
    found, _, content = base64.b64decode(packed.partition(".")[0]).decode().partition("\x1f")
    if found != kind or not content:
        raise _unverified(token, "Encrypted content is not of this item.")
    return content


def _unverified(token: str, reason: str) -> Exception:
    shown = token if len(token) <= SHOWN else f"{token[:4]}...{token[-4:]}"
    return bad(
        f"The encrypted content {shown} could not be verified. Reason: {reason}",
        code="invalid_encrypted_content",
    )
