"""aider: no tools, the files stand in the prompt and the edit in the answer; both of its provider prefixes."""

from __future__ import annotations

import pytest

from tests.clients.agent import text_editor
from tests.clients.conftest import SOURCE, TARGET, Workshop

pytestmark = pytest.mark.clients


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_reads_and_writes(workshop: Workshop, provider: str) -> None:
    workshop.up.always(text_editor(target=TARGET))
    said = workshop.run(
        "aider/bin/aider",
        *("--model", f"{provider}/claude-sonnet-4-5", "--edit-format", "whole", "--yes-always"),
        *("--no-git", "--no-check-update", "--no-show-model-warnings", "--analytics-disable"),
        *("--message", "Write what you make of notes.txt to result.txt."),
        *("--read", SOURCE, TARGET),
        OPENAI_API_BASE=workshop.gateway.openai_url,
        OPENAI_API_KEY="any-gateway-key",
        ANTHROPIC_API_BASE=workshop.gateway.url,
        ANTHROPIC_API_KEY="any-gateway-key",
        LITELLM_LOCAL_MODEL_COST_MAP="True",
    )
    workshop.check(said)
