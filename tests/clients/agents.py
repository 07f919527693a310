"""The programs of the table: how each is started and configured, and how its own file tools are called."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.clients.agent import Files
from tests.clients.lab import KEY, PROGRAM_MODELS
from tests.clients.roster import CHAT, GEMINI, MESSAGES, RESPONSES
from tests.clients.workshop import SOURCE, TARGET, Workshop

BIN = "npm/node_modules/.bin"


@dataclass(frozen=True)
class Started:
    """A command line below `.clients`, with its settings."""

    program: str
    arguments: tuple[str, ...]
    environ: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Program:
    """A coding agent or command line in one dialect; without `files` it has no tools: it edits by its answer."""

    name: str
    dialect: str
    package: str
    home: str
    start: Callable[[Workshop, str, str], Started]
    files: Files | None = None
    models: Mapping[str, str] = field(default_factory=lambda: PROGRAM_MODELS)


def _content(path: str, text: str) -> dict[str, Any]:
    return {"file_path": path, "content": text}


def claude_code(shop: Workshop, prompt: str, model: str) -> Started:
    models = dict.fromkeys(
        ("ANTHROPIC_MODEL", "ANTHROPIC_SMALL_FAST_MODEL", "ANTHROPIC_DEFAULT_HAIKU_MODEL"), model
    )
    environ = {
        "ANTHROPIC_BASE_URL": shop.place.url,
        "ANTHROPIC_AUTH_TOKEN": KEY,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "IS_SANDBOX": "1",
        **models,
    }
    options = ("--output-format", "text", "--dangerously-skip-permissions")
    return Started(f"{BIN}/claude", ("-p", prompt, *options), environ)


def codex(shop: Workshop, prompt: str, model: str) -> Started:
    home = shop.home / "codex"
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(
        f'model = "{model}"\nmodel_provider = "gateway"\n'
        f'[model_providers.gateway]\nname = "Gateway"\nbase_url = "{shop.place.url}/v1"\n'
        'env_key = "GATEWAY_KEY"\nwire_api = "responses"\n'
    )
    options = ("--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")
    return Started(f"{BIN}/codex", ("exec", *options, prompt), {"CODEX_HOME": str(home), "GATEWAY_KEY": KEY})


def gemini_cli(shop: Workshop, prompt: str, model: str) -> Started:
    settings = shop.home / ".gemini" / "settings.json"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}}))
    environ = {
        "GOOGLE_GEMINI_BASE_URL": shop.place.url,
        "GEMINI_API_KEY": KEY,
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }
    return Started(f"{BIN}/gemini", ("-m", model, "--yolo", "--output-format", "text", "-p", prompt), environ)


def qwen_code(shop: Workshop, prompt: str, model: str) -> Started:
    environ = {"OPENAI_BASE_URL": f"{shop.place.url}/v1", "OPENAI_API_KEY": KEY}
    return Started(f"{BIN}/qwen", ("--auth-type", "openai", "-m", model, "--yolo", "-p", prompt), environ)


def opencode(package: str) -> Callable[[Workshop, str, str], Started]:
    """Return how OpenCode is started with one of the SDK packages inside it."""
    version = "v1beta" if package == "@ai-sdk/google" else "v1"

    def start(shop: Workshop, prompt: str, model: str) -> Started:
        provider = {
            "npm": package,
            "name": "Gateway",
            "options": {"baseURL": f"{shop.place.url}/{version}", "apiKey": KEY},
            "models": {model: {"limit": {"context": 200_000, "output": 32_000}}},
        }
        settings = {"$schema": "https://opencode.ai/config.json", "provider": {"gateway": provider}}
        (shop.folder / "opencode.json").write_text(json.dumps(settings))
        return Started(f"{BIN}/opencode", ("run", "-m", f"gateway/{model}", prompt))

    return start


def aider(provider: str) -> Callable[[Workshop, str, str], Started]:
    """Return how aider is started; the prefix of the model's name says which dialect it speaks."""

    def start(shop: Workshop, prompt: str, model: str) -> Started:
        options = ("--edit-format", "whole", "--yes-always", "--no-git", "--no-check-update")
        options = (*options, "--no-show-model-warnings", "--analytics-disable", "--no-show-release-notes")
        environ = {
            "OPENAI_API_BASE": f"{shop.place.url}/v1",
            "OPENAI_API_KEY": KEY,
            "ANTHROPIC_API_BASE": shop.place.url,
            "ANTHROPIC_API_KEY": KEY,
            "GEMINI_API_BASE": f"{shop.place.url}/v1beta",
            "GEMINI_API_KEY": KEY,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        }
        files = ("--read", SOURCE, TARGET)
        arguments = ("--model", f"{provider}/{model}", *options, "--message", prompt, *files)
        return Started("aider/bin/aider", arguments, environ)

    return start


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


def llm(*options: str) -> Callable[[Workshop, str, str], Started]:
    """Return how `llm` is started, with tools given as Python functions."""

    def start(shop: Workshop, prompt: str, model: str) -> Started:
        settings = shop.home / "llm"
        settings.mkdir(exist_ok=True)
        (settings / "extra-openai-models.yaml").write_text(
            f"- model_id: gateway\n  model_name: {model}\n  api_base: {shop.place.url}/v1\n"
            "  api_key_name: gateway\n  supports_tools: true\n"
        )
        (settings / "keys.json").write_text(json.dumps({"gateway": KEY}))
        (settings / "functions.py").write_text(FUNCTIONS)
        functions = ("--functions", str(settings / "functions.py"), "--td")
        arguments = ("-m", "gateway", prompt, *functions, *options)
        return Started("llm/bin/llm", arguments, {"LLM_USER_PATH": str(settings)})

    return start


CLAUDE_FILES = Files("Read", lambda path: {"file_path": path}, "Write", _content)
SHELL_FILES = Files(
    "exec_command",
    lambda path: {"cmd": f"cat {shlex.quote(path)}"},
    "exec_command",
    lambda path, text: {"cmd": f"printf %s {shlex.quote(text)} > {shlex.quote(path)}"},
)
GEMINI_FILES = Files("read_file", lambda path: {"file_path": path}, "write_file", _content)
OPENCODE_FILES = Files(
    "read", lambda path: {"filePath": path}, "write", lambda path, text: {"filePath": path, "content": text}
)
LLM_FILES = Files(
    "read_file", lambda path: {"path": path}, "write_file", lambda path, text: {"path": path, "text": text}
)
# aider takes OpenAI's names for OpenAI's, whatever dialect the prefix asks for.
AIDER_MODELS = {**PROGRAM_MODELS, RESPONSES: "acme-large"}

PROGRAMS = (
    Program("claude-code", MESSAGES, "@anthropic-ai/claude-code", "npm", claude_code, CLAUDE_FILES),
    Program("codex", RESPONSES, "@openai/codex", "npm", codex, SHELL_FILES),
    Program("gemini-cli", GEMINI, "@google/gemini-cli", "npm", gemini_cli, GEMINI_FILES),
    Program("qwen-code", CHAT, "@qwen-code/qwen-code", "npm", qwen_code, GEMINI_FILES),
    *(
        Program(
            f"opencode-{name}", dialect, "opencode-ai", "npm", opencode(f"@ai-sdk/{package}"), OPENCODE_FILES
        )
        for name, package, dialect in (
            ("chat", "openai-compatible", CHAT),
            ("responses", "openai", RESPONSES),
            ("anthropic", "anthropic", MESSAGES),
            ("google", "google", GEMINI),
        )
    ),
    *(
        Program(f"aider-{provider}", dialect, "aider-chat", "aider", aider(provider), models=AIDER_MODELS)
        for provider, dialect in (("openai", CHAT), ("anthropic", MESSAGES), ("gemini", GEMINI))
    ),
    Program("llm", CHAT, "llm", "llm", llm(), LLM_FILES),
    Program("llm-whole", CHAT, "llm", "llm", llm("--no-stream"), LLM_FILES),
)
