"""What a client cannot do by itself: scenarios that make no sense for it, and its own limits, each with the reason.

A limit is believed only where the client fails in the same way at its own vendor without a gateway: wherever a cell
fails, the run tries that too. A limit that is none any more fails the cell of the client's own dialect.
"""

from __future__ import annotations

ALIKE = 30
"""How much of what went wrong must be the same for two failures to be one."""

INSTRUCTOR = tuple(f"instructor-{vendor}" for vendor in ("chat", "responses", "anthropic", "google"))
OBJECTS_ONLY = "makes objects only"

NOT_APPLICABLE: dict[tuple[str, str], str] = {
    **{
        (name, scenario): OBJECTS_ONLY
        for name in INSTRUCTOR
        for scenario in ("text", "stream", "tools", "parallel", "thinking", "image", "length", "cancel")
    },
    ("llm-whole", "midstream"): "does not stream",
}

LIMITS: dict[tuple[str, str], str] = {
    ("pydantic-ai-responses", "midstream"): "takes `response.failed` for a normal end",
    (
        "instructor-responses",
        "midstream",
    ): "takes `response.failed` for a normal end and hands out half an object",
    ("aider-gemini", "midstream"): "LiteLLM takes Google's in-stream error for a normal end",
    ("codex", "midstream"): "asks again with reasoning whose answer broke off, which OpenAI refuses",
    ("pydantic-ai-google", "cancel"): "its `cancel()` leaves the connection of google-genai open",
}

HIDDEN = "done; shows no reasoning text, because Chat cannot ask the Responses vendor for a summary"

NOTES: dict[tuple[str, str], str] = {
    ("openai-agents-chat", "length"): "the text is cut; the framework passes no finish on",
    ("ai-sdk-openai-chat", "thinking"): "done; the client shows no reasoning text over Chat",
    ("langchain-chat", "thinking"): "done; the client shows no reasoning text over Chat",
}
"""What a cell that passes does not show."""
