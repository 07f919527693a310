"""OpenCode: `opencode run` with its own read and write tools, over both of its SDK packages."""

from __future__ import annotations

import json

import pytest

from tests.clients.agent import DONE, Files, tool_user
from tests.clients.conftest import Workshop

pytestmark = pytest.mark.clients

TOOLS = Files(
    read="read",
    read_arguments=lambda path: {"filePath": path},
    write="write",
    write_arguments=lambda path, text: {"filePath": path, "content": text},
)


# For a model named like Anthropic's, OpenCode sends cache marks over Chat too; OpenAI itself would refuse them.
@pytest.mark.parametrize(
    ("package", "model"),
    [
        ("@ai-sdk/openai-compatible", "acme-large"),
        ("@ai-sdk/openai-compatible", "claude-sonnet-4-5+lenient"),
        ("@ai-sdk/anthropic", "claude-sonnet-4-5"),
    ],
)
def test_reads_and_writes(workshop: Workshop, package: str, model: str) -> None:
    workshop.up.always(tool_user(workshop.up, TOOLS, source=workshop.source, target=workshop.target))
    provider = {
        "npm": package,
        "name": "Flow Router",
        "options": {"baseURL": workshop.gateway.openai_url, "apiKey": "any-gateway-key"},
        "models": {model: {"limit": {"context": 200_000, "output": 32_000}}},
    }
    settings = {"$schema": "https://opencode.ai/config.json", "provider": {"flow-router": provider}}
    (workshop.folder / "opencode.json").write_text(json.dumps(settings))
    said = workshop.run(
        "npm/node_modules/.bin/opencode",
        *("run", "-m", f"flow-router/{model}"),
        "Read notes.txt and write what you make of it to result.txt.",
    )
    workshop.check(said)
    assert DONE in said
