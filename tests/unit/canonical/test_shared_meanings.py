"""What several dialects say in their own ways: web searches, citations, content nobody else can see."""

from __future__ import annotations

from typing import Any

import pytest

from flowrouter.canonical.capabilities import Capabilities
from flowrouter.canonical.citations import WebCitation, web_citation
from flowrouter.canonical.dialect import Dialect
from flowrouter.canonical.leftovers import leave_behind, lose_opaque, words_of
from flowrouter.canonical.losses import Losses
from flowrouter.canonical.parts import Opaque
from flowrouter.canonical.request import Request
from flowrouter.canonical.tools import HostedTool
from flowrouter.canonical.web_search import WebSearch, web_search_of
from flowrouter.errors import CallerError

PARIS = {"city": "Paris", "country": "FR"}


def hosted(origin: Dialect, kind: str, config: dict[str, Any]) -> HostedTool:
    return HostedTool(kind=kind, config=config, origin=origin)


@pytest.mark.parametrize(
    ("kind", "purpose"),
    [
        ("web_search", "web_search"),
        ("web_search_preview_2025_03_11", "web_search"),
        ("web_search_20250305", "web_search"),
        ("web_search_options", "web_search"),
        ("googleSearch", "web_search"),
        ("google_search", "web_search"),
        ("googleSearchRetrieval", "web_search"),
        ("file_search", None),
        ("urlContext", None),
        ("code_interpreter", None),
    ],
)
def test_a_web_search_is_known_under_every_name(kind: str, purpose: str | None) -> None:
    assert hosted("openai_responses", kind, {}).purpose == purpose


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        (
            hosted("anthropic", "web_search_20250305", {
                "type": "web_search_20250305", "name": "web_search", "max_uses": 3, "allowed_domains": ["a.b"],
                "user_location": {"type": "approximate", **PARIS}, "cache_control": {"type": "ephemeral"},
            }),
            WebSearch(max_uses=3, allowed_domains=("a.b",), location=PARIS),
        ),
        (
            hosted("openai_responses", "web_search", {
                "type": "web_search", "filters": {"allowed_domains": ["a.b"]}, "search_context_size": "low",
                "user_location": {"type": "approximate", **PARIS}, "external_web_access": True,
            }),
            WebSearch(allowed_domains=("a.b",), context_size="low", location=PARIS,
                      others=("external_web_access",)),
        ),
        (
            hosted("openai_chat", "web_search_options", {
                "search_context_size": "high",
                "user_location": {"type": "approximate", "approximate": PARIS},
            }),
            WebSearch(context_size="high", location=PARIS),
        ),
        (
            hosted("gemini", "googleSearch", {"googleSearch": {"excludeDomains": ["x.y"], "searchTypes": {"a": 1}}}),
            WebSearch(blocked_domains=("x.y",), others=("searchTypes",)),
        ),
    ],
    ids=["anthropic", "openai_responses", "openai_chat", "gemini"],
)  # fmt: skip
def test_a_web_search_is_read_in_every_form(tool: HostedTool, said: WebSearch) -> None:
    assert web_search_of(tool) == said


URL = "https://a.example/page"


@pytest.mark.parametrize(
    ("citation", "page"),
    [
        (
            {"type": "web_search_result_location", "url": URL, "title": "T", "cited_text": "q"},
            WebCitation(url=URL, title="T", quote="q"),
        ),
        ({"type": "search_result_location", "source": URL, "title": None}, WebCitation(url=URL)),
        (
            {
                "type": "url_citation",
                "url_citation": {"url": URL, "title": "T", "start_index": 0, "end_index": 4},
            },
            WebCitation(url=URL, title="T", start=0, end=4),
        ),
        (
            {"type": "url_citation", "url": URL, "title": "T", "start_index": 2, "end_index": 4},
            WebCitation(url=URL, title="T", start=2, end=4),
        ),
        (
            {"web": {"uri": URL, "title": "T"}, "segment": {"startIndex": 1, "endIndex": 3, "text": "said"}},
            WebCitation(url=URL, title="T", start=1, end=3),
        ),
        ({"uri": URL, "startIndex": 1, "endIndex": 3, "license": ""}, WebCitation(url=URL, start=1, end=3)),
        ({"type": "char_location", "document_index": 0, "cited_text": "q"}, None),
        ({"type": "search_result_location", "source": "a shelf"}, None),
        ({"type": "file_citation", "file_id": "file-1"}, None),
    ],
    ids=["anthropic", "search-result", "chat", "responses", "grounding", "gemini", "place", "shelf", "file"],
)
def test_a_citation_leads_to_its_page(citation: dict[str, Any], page: WebCitation | None) -> None:
    assert web_citation(citation) == page


def gathered(origin: Dialect, unsupported: Any = "auto", **extra: Any) -> tuple[Request, Losses]:
    request = Request(origin=origin, model="m", extra=extra)
    return request, Losses(request, target="anthropic", capabilities=Capabilities(unsupported=unsupported))


@pytest.mark.parametrize(
    ("origin", "extra", "param"),
    [
        ("openai_responses", {"previous_response_id": "resp_1"}, "previous_response_id"),
        ("openai_responses", {"conversation": "conv_1"}, "conversation"),
        ("openai_responses", {"prompt": {"id": "pmpt_1"}}, "prompt"),
        ("openai_responses", {"background": True}, "background"),
        ("gemini", {"cachedContent": "cachedContents/1"}, "cachedContent"),
        ("openai_chat", {"modalities": ["audio"]}, "modalities"),
        (
            "gemini",
            {"generationConfig": {"responseModalities": ["IMAGE", "AUDIO"]}},
            "generationConfig.responseModalities",
        ),
    ],
    ids=["previous", "conversation", "prompt", "background", "cached", "audio-only", "image-only"],
)
def test_content_and_answers_nobody_here_can_see_are_refused(
    origin: Dialect, extra: dict[str, Any], param: str
) -> None:
    with pytest.raises(CallerError) as caught:
        leave_behind(*gathered(origin, **extra))
    assert caught.value.param == param
    request, losses = gathered(origin, "drop", **extra)
    leave_behind(request, losses)
    assert [(loss.path, loss.kind) for loss in losses.all()] == [(param, "dropped")]


def test_the_rest_is_told_member_by_member() -> None:
    request, losses = gathered(
        "gemini",
        safetySettings=[{"category": "x"}],
        cachedContent=None,
        generationConfig={"responseModalities": ["TEXT", "IMAGE"], "speechConfig": {"a": 1}, "enableX": None},
    )
    leave_behind(request, losses)
    assert {loss.path for loss in losses.all()} == {
        "safetySettings",
        "generationConfig.responseModalities",
        "generationConfig.speechConfig",
    }
    request, losses = gathered("openai_chat", modalities=["text"], background=False, taken_one=1)
    leave_behind(request, losses, taken={"taken_one"})
    assert [loss.path for loss in losses.all()] == ["background"]


def test_parts_with_words_in_them_are_told_in_words() -> None:
    def part(payload: dict[str, Any], origin: Dialect = "gemini") -> Opaque:
        return Opaque(payload=payload, origin=origin)

    code = part({"executableCode": {"language": "PYTHON", "code": "print(1)"}})
    assert words_of(code) == "```python\nprint(1)\n```"
    assert words_of(part({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}})) == "```\n1\n```"
    summary = part({"type": "compaction", "content": "They met."}, "anthropic")
    assert words_of(summary) == "Summary of the conversation so far:\nThey met."
    assert words_of(part({"toolCall": {}})) is None


@pytest.mark.parametrize("kind", ["item_reference", "compaction"])
def test_parts_that_stand_for_unseen_content_are_refused(kind: str) -> None:
    part = Opaque(payload={"type": kind, "id": "x"}, origin="openai_responses")
    _, losses = gathered("openai_responses")
    with pytest.raises(CallerError):
        lose_opaque(part, losses)
    _, losses = gathered("openai_responses", "drop")
    lose_opaque(part, losses)
    assert [loss.kind for loss in losses.all()] == ["dropped"]
