"""What `serve` says once it listens: where, with which accounts, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flowrouter import __version__

_MODELS_SHOWN = 3


def text(application: Any, *, address: str) -> str:
    """Return the lines to show; `address` is the URL that reaches the gateway from this machine."""
    world = application.configuration.world
    usable = [account for account in world.facts.accounts if account.enabled and not account.problem]
    lines = [
        f"Flow Router {__version__} is listening on {address}",
        "",
        f"  OpenAI clients      base URL {address}/v1",
        f"  Anthropic clients   base URL {address}",
        f"  In a browser        {address}/?token={application.handover.handover_code()}",
        f"  Data                {application.config.data}",
        f"  Accounts            {_accounts(usable) or 'none yet'}",
        f"  Gateway keys        {_keys(application)}",
    ]
    lines += [f"  Problem             {problem}" for problem in world.problems]
    lines += ["", *_next_step(address, usable), "Ctrl-C stops it."]
    return "\n".join(lines)


def _accounts(usable: Sequence[Any]) -> str:
    return ", ".join(f"{account.name} ({account.preset})" for account in usable)


def _keys(application: Any) -> str:
    count = len(application.configuration.world.ring)
    return f"{count}, every call needs one" if count else "none, calls from this machine need none"


def _next_step(address: str, usable: Sequence[Any]) -> list[str]:
    """Return a call that works now, or how to get to one."""
    model = next((name for account in usable for name in account.names), None)
    if model is not None:
        body = f'{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'
        return [
            "Try it:",
            f"  curl {address}/v1/chat/completions -H 'content-type: application/json' -d '{body}'",
        ]
    if usable:
        return ["See what can be asked for: flow-router models"]
    return ["Add an account: flow-router providers add    (or start with --local for a small model)"]


__all__ = ["text"]
