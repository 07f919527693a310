"""Citations of every dialect, read for the web address they lead to.

Texts keep citations as their origin wrote them; what all dialects share is a page that words were taken
from. Citations of places in the client's own documents have no address and lead nowhere else.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

_WEB = ("http://", "https://")


class WebCitation(msgspec.Struct, frozen=True, kw_only=True):
    """A cited page: `start` and `end` delimit the citing words in the answer, `quote` is the page's own."""

    url: str
    title: str | None = None
    quote: str | None = None
    start: int | None = None
    end: int | None = None


def web_citation(citation: dict[str, Any]) -> WebCitation | None:
    """Return the page a citation of any dialect names; None for one without an address.

    Chat nests what it says under `url_citation`, Gemini the page under `web` and the place under
    `segment`; Anthropic's search results call the address `source`.
    """
    flat = dict(citation)
    for inside in ("url_citation", "web", "retrievedContext", "segment"):
        nested = flat.get(inside)
        if isinstance(nested, dict):
            flat |= cast("dict[str, Any]", nested)
    url = next((value for name in ("url", "uri", "source") if _is_web(value := flat.get(name))), None)
    if url is None:
        return None
    return WebCitation(
        url=url,
        title=_text(flat.get("title")),
        quote=_text(flat.get("cited_text")),
        start=_integer(flat.get("start_index", flat.get("startIndex"))),
        end=_integer(flat.get("end_index", flat.get("endIndex"))),
    )


def _is_web(value: object) -> bool:
    return isinstance(value, str) and value.lower().startswith(_WEB)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


__all__ = ["WebCitation", "web_citation"]
