"""Where an answer has its facts from: Gemini's grounding and citations, and flat citations with a URL.

Gemini tells them once for a whole candidate, with places counted in bytes of UTF-8; the hub keeps them
at the text they belong to, with places in characters, in the flat form of OpenAI's `url_citation`.
"""

from __future__ import annotations

from typing import Any

from flowrouter.wire.json import dumps
from flowrouter.wire.members import Json, as_list, as_object, is_integer


def read_citations(candidate: Json, text: str) -> tuple[Json, ...]:
    """Return the citations with a URL that a candidate's metadata holds for its closing `text`."""
    grounding = as_object(candidate.get("groundingMetadata"))
    cited = as_object(candidate.get("citationMetadata"))
    if grounding is None and cited is None:
        return ()
    reader = _Reader(text)
    found = [*reader.grounded(grounding or {}), *reader.cited(cited or {})]
    unique: dict[bytes, Json] = {}
    for citation in found:
        unique.setdefault(dumps(citation), citation)
    return tuple(unique.values())


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._bytes = text.encode("utf-8", "replace")

    def grounded(self, grounding: Json) -> list[Json]:
        """Return one citation for each source of each supported segment, else one for each source."""
        sources = [_source(chunk) for chunk in as_list(grounding.get("groundingChunks")) or []]
        found: list[Json] = []
        for item in as_list(grounding.get("groundingSupports")) or []:
            support = as_object(item) or {}
            place = self._place(as_object(support.get("segment")) or {})
            for number in as_list(support.get("groundingChunkIndices")) or []:
                source = sources[number] if is_integer(number) and 0 <= number < len(sources) else None
                if source is not None:
                    found.append({**source, **place})
        return found or [source for source in sources if source is not None]

    def cited(self, cited: Json) -> list[Json]:
        """Return the citations of `citationMetadata`."""
        found: list[Json] = []
        for item in as_list(cited.get("citations")) or as_list(cited.get("citationSources")) or []:
            citation = as_object(item) or {}
            source = _from(citation.get("uri"), citation.get("title"))
            if source is not None:
                found.append({**source, **self._place(citation)})
        return found

    def _place(self, segment: Json) -> Json:
        """Return a segment's place in characters; nothing where it does not fit the text."""
        first, last, words = segment.get("startIndex", 0), segment.get("endIndex"), segment.get("text")
        if is_integer(first) and is_integer(last) and 0 <= first <= last <= len(self._bytes):
            piece = self._bytes[first:last].decode("utf-8", "ignore")
            if not isinstance(words, str) or words == piece:
                start = len(self._bytes[:first].decode("utf-8", "ignore"))
                return {"start_index": start, "end_index": start + len(piece)}
        if isinstance(words, str) and words and (start := self._text.find(words)) >= 0:
            return {"start_index": start, "end_index": start + len(words)}
        return {}


def _source(chunk: Any) -> Json | None:
    members = as_object(chunk) or {}
    for kind in ("web", "retrievedContext", "maps", "image"):
        inner = as_object(members.get(kind))
        if inner is not None:
            return _from(inner.get("uri") or inner.get("sourceUri"), inner.get("title"))
    return None


def _from(uri: Any, title: Any) -> Json | None:
    if not isinstance(uri, str) or not uri:
        return None
    return {"type": "url_citation", "url": uri, "title": title if isinstance(title, str) and title else uri}


class Grounding:
    """Gathers the citations of an answer from elsewhere as one candidate's `groundingMetadata`."""

    __slots__ = ("_numbers", "_sources", "_supports")

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._sources: list[Json] = []
        self._supports: list[Json] = []

    def add(self, citation: Json, run: str, *, start: int, part: int) -> bool:
        """Take a citation of the text that begins at character `start` of `run`, the wire's part `part`.

        Returns whether it has a URL; one without cannot be said here.
        """
        told = as_object(citation.get("url_citation")) or citation
        url, title = told.get("url"), told.get("title")
        if not isinstance(url, str) or not url:
            return False
        title = title if isinstance(title, str) else ""
        number = self._numbers.setdefault((url, title), len(self._sources))
        if number == len(self._sources):
            self._sources.append({"web": {"uri": url, "title": title} if title else {"uri": url}})
        first, last = told.get("start_index"), told.get("end_index")
        if is_integer(first) and is_integer(last) and 0 <= first <= last <= len(run) - start:
            first, last = start + first, start + last
        else:
            first, last = start, len(run)
        support = {
            "segment": _segment(run, first, last, part=part),
            "groundingChunkIndices": [number],
        }
        self._supports.append(support)
        return True

    def metadata(self) -> Json:
        """Return what was gathered as members of a candidate; none where there is nothing."""
        if not self._sources:
            return {}
        return {
            "groundingMetadata": {
                "groundingChunks": list(self._sources),
                "groundingSupports": list(self._supports),
            }
        }


def _segment(run: str, first: int, last: int, *, part: int) -> Json:
    words = run[first:last]
    begin = len(run[:first].encode("utf-8", "replace"))
    segment: Json = {
        "startIndex": begin,
        "endIndex": begin + len(words.encode("utf-8", "replace")),
        "text": words,
    }
    return {"partIndex": part, **segment} if part else segment


__all__ = ["Grounding", "read_citations"]
