"""Citations of any dialect as annotations of an `output_text`, where they lead to a page."""

from __future__ import annotations

from flowrouter.canonical.citations import web_citation
from flowrouter.wire.members import Json


def annotation(citation: Json, *, length: int, origin: str) -> Json | None:
    """Return the annotation for `citation`, or None for one that leads to no page.

    `length` is that of the cited text so far. Places are taken over from Chat, which counts as this
    dialect does; elsewhere the whole text is the place.
    """
    if origin == "openai_responses":
        return citation
    page = web_citation(citation)
    if page is None:
        return None
    placed = origin == "openai_chat" and page.start is not None and page.end is not None
    return {
        "type": "url_citation",
        "start_index": page.start if placed else 0,
        "end_index": page.end if placed else length,
        "url": page.url,
        "title": page.title or page.url,
    }


__all__ = ["annotation"]
