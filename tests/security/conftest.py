"""The vendors that the gateways of these tests stand in front of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.upstreams import ScriptedUpstream


@pytest.fixture(scope="package")
def chat_upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(dialect="openai_chat", keys=["chat-key"]) as upstream:
        yield upstream


@pytest.fixture(scope="package")
def claude_upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(dialect="anthropic", keys=["claude-key"]) as upstream:
        yield upstream
