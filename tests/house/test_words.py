"""One word per idea: classes and modules are named for what they are, not for being of use."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import complain, parsed, python_files

EMPTY_WORDS = {
    *("executor", "ext", "handler", "helper", "helpers", "manager", "service", "services"),
    *("util", "utils", "utilities", "v2", "misc", "common"),
}
_CAMEL = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")


def words_in(name: str) -> set[str]:
    return {word.lower() for part in name.split("_") for word in [part, *_CAMEL.findall(part)]}


def empty_names(path: Path, tree: ast.Module) -> Iterator[str]:
    """Yield the module, folder and class names that hold an empty word.

    A class that extends somebody else's `Handler` may keep the word.
    """
    for part in (*path.parts[:-1], path.stem):
        if words_in(part) & EMPTY_WORDS:
            yield f"{path}: {part}"
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            inherited = {
                word for base in node.bases for word in words_in(ast.unparse(base).replace(".", "_"))
            }
            if (words_in(node.name) - inherited) & EMPTY_WORDS:
                yield f"{path}:{node.lineno}: {node.name}"


def test_names_say_something() -> None:
    problems = [
        name for path in python_files("src", "tests", "tools") for name in empty_names(path, parsed(path))
    ]
    complain(problems, "A name says only that the thing is of use (CONTRIBUTING.md, 'Words').")


@pytest.mark.parametrize(
    ("path", "source", "bad"),
    [
        ("src/a.py", "class AccountManager: ...", True),
        ("src/a.py", "class RouterV2: ...", True),
        ("src/utils.py", "", True),
        ("src/stream_helpers.py", "", True),
        ("src/a.py", "class Quiet(logging.Handler): ...", False),
        ("src/a.py", "class QuietHandler(logging.Handler): ...", False),
        ("src/a.py", "class Serviceable: ...", False),
        ("src/handlers_of_state.py", "class HTTPHandler: ...", True),
    ],
)
def test_empty_words_are_seen(path: str, source: str, bad: bool) -> None:
    assert bool(list(empty_names(Path(path), ast.parse(source)))) is bad
