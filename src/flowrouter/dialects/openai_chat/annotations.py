"""Citations of any dialect as Chat's annotations, where they lead to a URL."""

from __future__ import annotations

from flowrouter.canonical.citations import web_citation
from flowrouter.wire.members import Json, as_object


def annotation(citation: Json, *, start: int, end: int, own: bool) -> Json | None:
    """Return the annotation for `citation`, or None for one without a URL.

    `own` says that it is Chat's already; `start` and `end` are the cited text's place in the answer.
    """
    if own or as_object(citation.get("url_citation")) is not None:
        return citation
    page = web_citation(citation)
    if page is None:
        return None
    cited: Json = {
        "start_index": start if page.start is None else page.start,
        "end_index": end if page.end is None else page.end,
        "title": page.title or page.url,
        "url": page.url,
    }
    return {"type": "url_citation", "url_citation": cited}


__all__ = ["annotation"]
