"""The repository as the house tests see it: its tracked files, its Python sources, its packages."""

from __future__ import annotations

import ast
import functools
import importlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "flowrouter"
MIGRATIONS = PACKAGE / "storage" / "migrations"

# Recorded traffic and vendored files: bytes from elsewhere, to which the house rules for text do not apply.
RECORDED = ("tests/vectors/", "src/flowrouter/static/vendor/")

_SKIPPED = {".git", ".venv", "__pycache__", "build", "dist", "node_modules"}


@functools.cache
def tracked() -> tuple[Path, ...]:
    """Return every file that is or would be committed, relative to the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
        names = [Path(name) for name in listing.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):  # an unpacked source archive is no repository
        names = [path.relative_to(ROOT) for path in ROOT.rglob("*") if not _SKIPPED & set(path.parts)]
    return tuple(sorted(name for name in set(names) if (ROOT / name).is_file()))


def python_files(*folders: str) -> tuple[Path, ...]:
    """Return the tracked Python files below `folders`, relative to the root."""
    roots = [Path(folder) for folder in folders]
    return tuple(
        path
        for path in tracked()
        if path.suffix == ".py" and any(path.is_relative_to(root) for root in roots)
    )


@functools.cache
def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a tracked Python file."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=str(path))


@functools.cache
def text_of(path: Path) -> str | None:
    """Return a tracked file's text, None for a binary file."""
    data = (ROOT / path).read_bytes()
    if b"\0" in data:
        return None
    return data.decode("utf-8", "surrogateescape")


def packages() -> Iterator[str]:
    """Yield the dotted name of every package of the program, migrations apart."""
    for folder in sorted({PACKAGE, *(path for path in PACKAGE.rglob("*") if path.is_dir())}):
        if any(folder.glob("*.py")) and not folder.is_relative_to(MIGRATIONS):
            yield ".".join(folder.relative_to(PACKAGE.parent).parts)


def imported_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of every import, wherever in the file it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def code_in(markdown: str) -> list[str]:
    """Return the lines a Markdown text shows as code: inside fences, and between backticks."""
    shown: list[str] = []
    fenced = False
    for line in markdown.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced:
            shown.append(line.strip())
        else:
            shown += re.findall(r"`([^`]+)`", line)
    return shown


def room(name: str) -> ModuleType:
    """Import a module of a package that may not be built yet.

    Skips, saying so, only while the package itself (`flowrouter.cli` for `flowrouter.cli.main`) has no
    source at all; from its first file on, a module that is missing or does not import fails.
    """
    top = PACKAGE / name.split(".")[1]
    if not top.with_suffix(".py").is_file() and not any(top.glob("*.py")):
        pytest.skip(f"flowrouter.{top.name} is not built yet; this test begins with it")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise
        pytest.fail(f"the house tests read {name}, which is not there", pytrace=False)


def complain(problems: list[str], rule: str) -> None:
    """Fail with every problem on its own line under the rule they break."""
    if problems:
        pytest.fail("\n".join([rule, *(f"  {problem}" for problem in problems)]), pytrace=False)
