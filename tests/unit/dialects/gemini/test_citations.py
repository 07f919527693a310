"""Places in bytes become places in characters; what does not fit the text has no place."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.dialects.gemini.citations import Grounding, read_citations

TEXT = "Café ☕ opens. At nine."
WEB = {"web": {"uri": "https://a", "title": "A"}}
CITED = {"type": "url_citation", "url": "https://a", "title": "A"}


def grounded(*segments: Any, chunks: Any = (WEB,)) -> dict[str, Any]:
    supports = [{"segment": segment, "groundingChunkIndices": [0]} for segment in segments]
    return {"groundingMetadata": {"groundingChunks": list(chunks), "groundingSupports": supports}}


@pytest.mark.parametrize(
    ("segment", "place"),
    [
        ({"endIndex": 17}, (0, 14)),
        ({"startIndex": 5, "endIndex": 9, "text": " ☕"}, (4, 6)),
        ({"startIndex": 1, "endIndex": 3, "text": "At nine."}, (14, 22)),
        ({"text": "At nine."}, (14, 22)),
        ({"startIndex": 0, "endIndex": 900}, None),
        ({"startIndex": 3, "endIndex": 1, "text": "elsewhere"}, None),
        ({"startIndex": "0", "endIndex": True}, None),
        ({}, None),
    ],
    ids=["from-the-start", "many-bytes", "shifted", "words-only", "too-long", "elsewhere", "no-numbers", "nothing"],
)  # fmt: skip
def test_places(segment: dict[str, Any], place: tuple[int, int] | None) -> None:
    (citation,) = read_citations(grounded(segment), TEXT)
    expected = {} if place is None else {"start_index": place[0], "end_index": place[1]}
    assert citation == {**CITED, **expected}


def test_each_source_of_a_segment_is_cited_and_each_citation_once() -> None:
    metadata = {
        "groundingMetadata": {
            "groundingChunks": [
                WEB,
                {"retrievedContext": {"uri": "https://b"}},
                {"web": {"title": "no uri"}},
            ],
            "groundingSupports": [{"segment": {"text": "At"}, "groundingChunkIndices": [0, 1, 2, 9, -1]}] * 2,
        }
    }
    cited = read_citations(metadata, TEXT)
    assert [(one["url"], one["title"]) for one in cited] == [("https://a", "A"), ("https://b", "https://b")]


def test_sources_without_supports_have_no_place() -> None:
    assert read_citations(grounded(), TEXT) == (CITED,)


def test_recitation() -> None:
    citations = [{"startIndex": 0, "endIndex": 5, "uri": "https://a", "title": "A"}, {"startIndex": 1}]
    found = read_citations({"citationMetadata": {"citations": citations}}, TEXT)
    assert found == ({**CITED, "start_index": 0, "end_index": 4},)


def test_no_metadata_no_citations() -> None:
    assert read_citations({"safetyRatings": []}, TEXT) == ()


def test_what_is_gathered_reads_back_the_same() -> None:
    gathered = Grounding()
    citation = {**CITED, "start_index": 0, "end_index": 4}
    assert gathered.add(citation, TEXT, start=0, part=0)
    assert gathered.add({"url": "https://c"}, TEXT, start=14, part=0)
    back = read_citations(gathered.metadata(), TEXT)
    placed = {
        "type": "url_citation",
        "url": "https://c",
        "title": "https://c",
        "start_index": 14,
        "end_index": 22,
    }
    assert back == (citation, placed)
