"""What of a request a vendor's prompt cache is keyed by, as the bytes it stands in."""

from __future__ import annotations

import re

import msgspec

PROMPTS = {
    "openai_chat": ("tools", "messages"),
    "openai_responses": ("instructions", "tools", "input"),
    "anthropic": ("tools", "system", "messages"),
    "gemini": ("systemInstruction", "tools", "contents"),
}
"""The members of a prompt; the last one grows with the conversation."""

_MARK = re.compile(rb',"cache_control":\{[^{}]*\}|"cache_control":\{[^{}]*\},?')


def prompt(body: bytes, dialect: str) -> tuple[dict[str, bytes], list[bytes]]:
    """Return the settled members of the prompt and the conversation's, each as its bytes.

    Marks of Anthropic's cache are left out: they say where to cut a prompt and are no part of it, and the
    agents move theirs with every turn. So is what a request says beside its prompt.
    """
    members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    *fixed, growing = PROMPTS[dialect]
    settled = {name: _unmarked(bytes(members[name])) for name in fixed if name in members}
    told = msgspec.json.decode(members[growing], type=list[msgspec.Raw])
    return settled, [_unmarked(bytes(message)) for message in told]


def others(body: bytes, dialect: str) -> dict[str, bytes]:
    """Return the members beside the prompt, in the order they stand in."""
    members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return {name: bytes(value) for name, value in members.items() if name not in PROMPTS[dialect]}


def _unmarked(raw: bytes) -> bytes:
    return _MARK.sub(b"", raw)


def assert_grows(earlier: bytes, later: bytes, dialect: str) -> None:
    """Fail if `later` does not begin with the whole prompt of `earlier`, byte for byte."""
    settled, told = prompt(earlier, dialect)
    settled_later, told_later = prompt(later, dialect)
    assert settled_later == settled
    assert len(told_later) > len(told)
    for number, (before, after) in enumerate(zip(told, told_later, strict=False)):
        assert after == before, f"message {number} of {len(told)}:\n{before!r}\n{after!r}"
    assert others(later, dialect) == others(earlier, dialect)
    assert list(others(later, dialect)) == list(others(earlier, dialect))


__all__ = ["PROMPTS", "assert_grows", "others", "prompt"]
