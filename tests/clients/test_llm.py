"""The `llm` command line with tools given as Python functions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.agent import DONE, Files, tool_user
from tests.clients.conftest import Workshop

pytestmark = pytest.mark.clients

TOOLS = Files(
    read="read_file",
    read_arguments=lambda path: {"path": path},
    write="write_file",
    write_arguments=lambda path, text: {"path": path, "text": text},
)
FUNCTIONS = """
from pathlib import Path

def read_file(path: str) -> str:
    "Read a file."
    return Path(path).read_text()

def write_file(path: str, text: str) -> str:
    "Write a file."
    Path(path).write_text(text)
    return "written"
"""


@pytest.mark.parametrize("streaming", [True, False], ids=["stream", "whole"])
def test_reads_and_writes(workshop: Workshop, streaming: bool) -> None:
    workshop.up.always(tool_user(workshop.up, TOOLS, source=workshop.source, target=workshop.target))
    settings = workshop.home / "llm"
    settings.mkdir()
    (settings / "extra-openai-models.yaml").write_text(
        "- model_id: gateway\n"
        "  model_name: claude-sonnet-4-5\n"
        f"  api_base: {workshop.gateway.openai_url}\n"
        "  api_key_name: flow-router\n"
        "  supports_tools: true\n"
    )
    (settings / "keys.json").write_text('{"flow-router": "any-gateway-key"}')
    (Path(settings) / "functions.py").write_text(FUNCTIONS)
    said = workshop.run(
        "llm/bin/llm",
        *("-m", "gateway", "Read notes.txt and write what you make of it to result.txt."),
        *("--functions", str(settings / "functions.py"), "--td"),
        *(() if streaming else ("--no-stream",)),
        LLM_USER_PATH=str(settings),
    )
    workshop.check(said)
    assert DONE in said
