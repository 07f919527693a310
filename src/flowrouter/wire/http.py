"""One outbound HTTP request as a value: what an adapter builds and a transport sends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

# Values that may stand in a log; every other value is hidden, known or not.
_SHOWN = frozenset(
    {
        "accept",
        "accept-encoding",
        "anthropic-beta",
        "anthropic-version",
        "content-type",
        "http-referer",
        "openai-beta",
        "user-agent",
        "x-title",
    }
)


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One outbound request, complete but for `host`, `content-length` and what the connection owns.

    Header names are in lower case. The text form hides every value that is not known to be public.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the value of the header `name`, if it is there."""
        name = name.lower()
        return next((value for key, value in self.headers if key == name), None)

    def __repr__(self) -> str:
        return f"HttpRequest({self.method} {self.url} {redacted(self.headers)} {len(self.body)} bytes)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("method", self.method), ("url", self.url), ("headers", redacted(self.headers))]


SENT = HttpRequest(method="", url="", headers=())
"""Stands for a request that was sent and is not looked at again."""


def redacted(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return `headers` as they may be logged: values not known to be public are hidden."""
    return {name: value if name.lower() in _SHOWN else "<hidden>" for name, value in headers}


__all__ = ["SENT", "HttpRequest", "redacted"]
