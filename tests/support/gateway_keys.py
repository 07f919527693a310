"""Gateway keys for playbooks: a key with a policy, and how its holder shows it."""

from __future__ import annotations

from typing import Any

from flowrouter.httpkit.keys import GatewayKey, KeyLimits, KeyPolicy, mint


class HeldKey:
    """A key and its token; `headers` are those of a request with it."""

    def __init__(self, name: str = "laptop", *, limits: dict[str, int] | None = None, **policy: Any) -> None:
        minted = mint()
        self.token = minted.token
        self.row = GatewayKey(
            id=f"key_{name}",
            name=name,
            owner_id="local",
            token_hash=minted.token_hash,
            shown=minted.shown,
            policy=KeyPolicy(limits=KeyLimits(**(limits or {})), **policy),
        )

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers its holder sends."""
        return {"authorization": f"Bearer {self.token}"}


__all__ = ["HeldKey"]
