"""Why an answer ended, in Gemini's words and in the hub's."""

from __future__ import annotations

import pytest
from google.genai.types import FinishReason as Vendor

from flowrouter.canonical.response import FinishReason
from flowrouter.dialects.gemini.finishes import meaning, word

FILTERS = {
    "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR",
}  # fmt: skip
BAD_CALLS = {
    "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE",
    "MISSING_THOUGHT_SIGNATURE",
}  # fmt: skip


@pytest.mark.parametrize("raw", sorted(reason.value for reason in Vendor))
def test_every_word_of_the_vendor_has_a_meaning(raw: str) -> None:
    expected: FinishReason = "other"
    if raw in FILTERS:
        expected = "content_filter"
    elif raw in BAD_CALLS:
        expected = "malformed_call"
    elif raw in {"STOP", "MAX_TOKENS"}:
        expected = "stop" if raw == "STOP" else "length"
    assert meaning(raw, called=False) == expected


@pytest.mark.parametrize(
    ("raw", "called", "reason"),
    [
        ("STOP", True, "tool_calls"),
        (None, True, "tool_calls"),
        (None, False, "stop"),
        ("MAX_TOKENS", True, "length"),
        ("SAFETY", True, "content_filter"),
        ("PERFECTED", True, "other"),
    ],
)
def test_a_call_is_a_reason_only_for_a_natural_end(raw: str | None, called: bool, reason: str) -> None:
    assert meaning(raw, called=called) == reason


@pytest.mark.parametrize(
    ("reason", "called", "expected"),
    [
        ("stop", False, "STOP"),
        ("stop_sequence", False, "STOP"),
        ("tool_calls", True, "STOP"),
        ("length", True, "MAX_TOKENS"),
        ("context_full", False, "MAX_TOKENS"),
        ("content_filter", False, "SAFETY"),
        ("refusal", False, "SAFETY"),
        ("paused", False, "STOP"),
        ("malformed_call", False, "MALFORMED_FUNCTION_CALL"),
        ("other", False, "OTHER"),
        ("other", True, "STOP"),
    ],
)
def test_words_for_clients_are_the_vendor_s(reason: FinishReason, called: bool, expected: str) -> None:
    assert word(reason, called=called) == expected
    assert expected in {known.value for known in Vendor}
