"""One gateway in front of both fake vendors, shared by the tests of a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream


class Stand:
    """A running gateway and the vendors behind it."""

    def __init__(self, gateway: RunningGateway, chat: ScriptedUpstream, claude: ScriptedUpstream) -> None:
        self.gateway = gateway
        self.chat = chat
        self.claude = claude


def accounts(chat: ScriptedUpstream, claude: ScriptedUpstream) -> list[dict[str, object]]:
    """Return the two accounts every test uses."""
    return [
        {"name": "chat", "preset": "custom-openai", "base_url": chat.openai_url, "api_key": "chat-key", "models": ["*"]},
        {"name": "claude", "preset": "custom-anthropic", "base_url": claude.url, "api_key": "claude-key", "models": ["*"]},
    ]  # fmt: skip


@pytest.fixture(scope="session")
def chat_upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(dialect="openai_chat", keys=["chat-key"]) as upstream:
        yield upstream


@pytest.fixture(scope="session")
def claude_upstream() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream(dialect="anthropic", keys=["claude-key"]) as upstream:
        yield upstream


@pytest.fixture(scope="session")
def stand(chat_upstream: ScriptedUpstream, claude_upstream: ScriptedUpstream) -> Iterator[Stand]:
    with RunningGateway(accounts(chat_upstream, claude_upstream)) as gateway:
        yield Stand(gateway, chat_upstream, claude_upstream)
