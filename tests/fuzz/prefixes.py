"""A conversation goes on, and what left for the target before must leave again byte for byte.

Providers cache a prompt by its beginning: one byte changed in an earlier turn makes every later one dear.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.dialect import Dialect
from flowrouter.dialects import codec
from flowrouter.errors import CallerError
from tests.fuzz.audit import Finding
from tests.fuzz.bodies import camel
from tests.fuzz.making import Json, Maker
from tests.fuzz.subjects import MAKERS

_LISTS: Mapping[Dialect, str] = {
    "openai_chat": "messages", "openai_responses": "input", "anthropic": "messages", "gemini": "contents",
}  # fmt: skip
_BEFORE = ("system", "instructions", "systemInstruction", "tools")
"""What stands before the conversation in a prompt."""


def _said(role: str) -> Callable[[str], Json]:
    return lambda text: {"role": role, "content": text}


_USER: Mapping[Dialect, Callable[[str], Json]] = {
    "openai_chat": _said("user"), "openai_responses": _said("user"), "anthropic": _said("user"),
    "gemini": lambda text: {"role": "user", "parts": [{"text": text}]},
}  # fmt: skip
_MODEL: Mapping[Dialect, Callable[[str], Json]] = {
    "openai_chat": _said("assistant"), "openai_responses": _said("assistant"), "anthropic": _said("assistant"),
    "gemini": lambda text: {"role": "model", "parts": [{"text": text}]},
}  # fmt: skip


def audit_prefix(origin: Dialect, target: Dialect, seed: str, limits: Capabilities) -> list[Finding]:
    """Return what of a conversation's beginning is another one a turn later."""
    m = Maker(seed)
    body = MAKERS[origin](m)
    body = camel(body) if origin == "gemini" else body
    name = _LISTS[origin]
    first = body[name]
    first = [_USER[origin](first)] if isinstance(first, str) else first
    first = [*first, _MODEL[origin](m.word()), _USER[origin](m.word())]
    later = [*first, _MODEL[origin](m.word()), _USER[origin](m.word())]
    try:
        before, after = (_rendered(origin, target, {**body, name: turns}, limits) for turns in (first, later))
    except CallerError:
        return []
    listed = _LISTS[target]
    findings = [
        Finding(
            "another beginning",
            member,
            f"{json.dumps(before.get(member))[:150]} / {json.dumps(after.get(member))[:150]}",
        )
        for member in _BEFORE
        if json.dumps(before.get(member)) != json.dumps(after.get(member))
    ]
    for number, (one, other) in enumerate(zip(before[listed], after[listed], strict=False)):
        if json.dumps(one) != json.dumps(other):
            findings.append(
                Finding(
                    "another beginning",
                    listed,
                    f"[{number}] {json.dumps(one)[:200]} / {json.dumps(other)[:200]}",
                )
            )
            break
    return findings


def _rendered(origin: Dialect, target: Dialect, body: Json, limits: Capabilities) -> Any:
    request = codec(origin).parse_request(json.dumps(body, ensure_ascii=False).encode())
    return json.loads(codec(target).render_request(request, "the-target", limits).body)


__all__ = ["audit_prefix"]
