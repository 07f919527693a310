"""Citations of other dialects in Anthropic's form, where they lead to a web page.

The vendor's own web citations carry a token (`encrypted_index`) that only it can issue. Ours leave it
empty, which tells them apart when a client sends them back: then they are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flowrouter.canonical.citations import web_citation


def citation_block(citation: dict[str, Any]) -> dict[str, Any] | None:
    """Return the citation for a client, None for one without an address."""
    page = web_citation(citation)
    if page is None:
        return None
    return {
        "type": "web_search_result_location",
        "url": page.url,
        "title": page.title,
        "cited_text": page.quote or "",
        "encrypted_index": "",
    }


def vendors_own(citations: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the citations that the vendor issued: those it would take back."""
    return [citation for citation in citations if citation.get("encrypted_index") != ""]


__all__ = ["citation_block", "vendors_own"]
