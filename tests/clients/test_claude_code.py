"""Claude Code: `claude -p` with its own Read and Write tools."""

from __future__ import annotations

import pytest

from tests.clients.agent import DONE, Files, tool_user
from tests.clients.conftest import Workshop

pytestmark = pytest.mark.clients

TOOLS = Files(
    read="Read",
    read_arguments=lambda path: {"file_path": path},
    write="Write",
    write_arguments=lambda path, text: {"file_path": path, "content": text},
)


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "claude-opus-5"])
def test_reads_and_writes(workshop: Workshop, model: str) -> None:
    workshop.up.always(tool_user(workshop.up, TOOLS, source=workshop.source, target=workshop.target))
    said = workshop.run(
        "npm/node_modules/.bin/claude",
        *("-p", "Read notes.txt and write what you make of it to result.txt."),
        *("--output-format", "text", "--dangerously-skip-permissions"),
        ANTHROPIC_BASE_URL=workshop.gateway.url,
        ANTHROPIC_AUTH_TOKEN="any-gateway-key",
        ANTHROPIC_MODEL=model,
        ANTHROPIC_SMALL_FAST_MODEL=model,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
        IS_SANDBOX="1",
    )
    workshop.check(said)
    assert DONE in said
