"""Citations of any dialect as Chat's annotations, where they lead to a URL."""

from __future__ import annotations

from flowrouter.dialects.openai_chat.reading import Json, as_object


def annotation(citation: Json, *, start: int, end: int, own: bool) -> Json | None:
    """Return the annotation for `citation`, or None for one without a URL.

    `own` says that it is Chat's already; `start` and `end` are the cited text's place in the answer.
    """
    if own or as_object(citation.get("url_citation")) is not None:
        return citation
    url = citation.get("url")
    if not isinstance(url, str):
        return None
    first, last = citation.get("start_index"), citation.get("end_index")
    cited: Json = {
        "start_index": first if isinstance(first, int) else start,
        "end_index": last if isinstance(last, int) else end,
        "title": citation.get("title") or url,
        "url": url,
    }
    return {"type": "url_citation", "url_citation": cited}


__all__ = ["annotation"]
