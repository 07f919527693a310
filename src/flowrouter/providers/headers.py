"""The one table of headers that may leave: ours, the dialect's, and the few a client may add.

Nothing a client sends reaches a provider unless `FORWARDED` names it for the very dialect both
sides speak. Credentials, cookies, `x-forwarded-*`, SDK fingerprints and user agents are in no row.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from flowrouter import __version__
from flowrouter.canonical.dialect import Dialect

USER_AGENT = f"flow-router/{__version__}"

FORWARDED: Mapping[Dialect, frozenset[str]] = MappingProxyType(
    {
        "openai_chat": frozenset({"openai-beta", "idempotency-key"}),
        "openai_responses": frozenset({"openai-beta", "idempotency-key"}),
        "anthropic": frozenset({"anthropic-version", "anthropic-beta", "idempotency-key"}),
        "gemini": frozenset(),
    }
)

# Anthropic requires a version on each call (docs, "API versioning"); a client's own replaces it.
DIALECT_DEFAULTS: Mapping[Dialect, Mapping[str, str]] = MappingProxyType(
    {
        "openai_chat": MappingProxyType({}),
        "openai_responses": MappingProxyType({}),
        "anthropic": MappingProxyType({"anthropic-version": "2023-06-01"}),
        "gemini": MappingProxyType({}),
    }
)

# Comma lists of which each party may name a part; they are joined, never replaced.
_LISTS = frozenset({"anthropic-beta", "openai-beta"})

_NAME_MARKS = frozenset("!#$%&'*+-.^_`|~")


class HeaderSet:
    """Headers under construction: names in lower case, a later value replaces an earlier one."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def set(self, name: str, value: str) -> None:
        """Set `name`; list-valued betas grow instead."""
        name = name.lower()
        old = self._values.get(name)
        self._values[name] = _joined(old, value) if old and name in _LISTS else value

    def update(self, headers: Mapping[str, str]) -> None:
        """Set every header of `headers`."""
        for name, value in headers.items():
            self.set(name, value)

    def items(self) -> tuple[tuple[str, str], ...]:
        """Return the headers in the order they were first set."""
        return tuple(self._values.items())


def forwarded(headers: Mapping[str, str], dialect: Dialect) -> dict[str, str]:
    """Return those of a client's `headers` that may go on to a provider speaking `dialect`.

    Call it only when the client speaks `dialect` too. Values that no header may hold are left out.
    """
    allowed = FORWARDED[dialect]
    return {
        name.lower(): value
        for name, value in headers.items()
        if name.lower() in allowed and is_value(value) and value
    }


def is_name(name: str) -> bool:
    """Say whether `name` is a header name (RFC 9110, token)."""
    return bool(name) and all(c.isascii() and (c.isalnum() or c in _NAME_MARKS) for c in name)


def is_value(value: str) -> bool:
    """Say whether `value` may stand in a header: printable ASCII, blanks and tabs."""
    return value.isascii() and value.replace("\t", " ").isprintable()


def _joined(old: str, new: str) -> str:
    items = [item.strip() for item in f"{old},{new}".split(",")]
    return ",".join(dict.fromkeys(item for item in items if item))


__all__ = [
    "DIALECT_DEFAULTS",
    "FORWARDED",
    "USER_AGENT",
    "HeaderSet",
    "forwarded",
    "is_name",
    "is_value",
]
