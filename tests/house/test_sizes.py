"""Files and functions stay small enough to be read: the size law and its ratchet."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.house.tree import RECORDED, ROOT, complain, parsed, python_files, text_of, tracked

FILE_QUESTION = 400
FILE_LIMIT = 600
FUNCTION_LIMIT = 60

EXCEPTIONS = ROOT / "tests" / "house" / "size_exceptions.toml"
FOLDERS = ("src", "tests", "bench", "tools")


class Exceptions(msgspec.Struct, forbid_unknown_fields=True):
    """`size_exceptions.toml`: what may be longer, and how long at most."""

    files: dict[str, int] = {}
    functions: dict[str, int] = {}
    tables: dict[str, str] = {}


def exceptions() -> Exceptions:
    return msgspec.convert(tomllib.loads(EXCEPTIONS.read_text()), Exceptions)


def source_lengths() -> dict[str, int]:
    """Lines of every Python and dashboard source."""
    scripts = [
        path
        for path in tracked()
        if path.suffix in {".js", ".css"} and path.parts[0] == "src" and not str(path).startswith(RECORDED)
    ]
    return {str(path): (text_of(path) or "").count("\n") for path in [*python_files(*FOLDERS), *scripts]}


def function_lengths(path: Path) -> Iterator[tuple[str, int]]:
    """Lines of each outermost function or method, its docstring apart."""

    def visit(node: ast.AST, prefix: str) -> Iterator[tuple[str, int]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                assert child.end_lineno is not None
                yield (
                    f"{path}::{prefix}{child.name}",
                    child.end_lineno - child.lineno + 1 - docstring_lines(child),
                )
            elif isinstance(child, ast.ClassDef):
                yield from visit(child, f"{prefix}{child.name}.")
            elif not isinstance(child, ast.expr):  # which holds no function
                yield from visit(child, prefix)

    yield from visit(parsed(path), "")


def docstring_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    if ast.get_docstring(function, clean=False) is None:
        return 0
    first = function.body[0]
    assert first.end_lineno is not None
    return first.end_lineno - first.lineno + 1


def test_files_fit() -> None:
    allowed, problems = exceptions(), []
    for name, lines in source_lengths().items():
        if name in allowed.tables:
            continue
        if lines > FILE_LIMIT:
            problems.append(f"{name}: {lines} lines, the limit is {FILE_LIMIT}; split it by its nouns")
        elif lines > allowed.files.get(name, FILE_QUESTION):
            question = f"more than {FILE_QUESTION} asks a question: split it, or answer in {EXCEPTIONS.name}"
            problems.append(f"{name}: {lines} lines; {question}")
    complain(problems, "A file is too long.")


def test_functions_fit() -> None:
    allowed = exceptions().functions
    lengths = [length for path in python_files(*FOLDERS) for length in function_lengths(path)]
    problems = [
        f"{name}: {lines} lines" for name, lines in lengths if lines > allowed.get(name, FUNCTION_LIMIT)
    ]
    complain(problems, f"A function is longer than {FUNCTION_LIMIT} lines.")


def test_exceptions_only_shrink() -> None:
    """An exception holds the present length exactly, so that whatever gets shorter stays shorter."""
    allowed = exceptions()
    lengths = source_lengths()
    functions = dict(length for path in python_files(*FOLDERS) for length in function_lengths(path))
    problems = [f"{name}: no such file" for name in (*allowed.files, *allowed.tables) if name not in lengths]
    problems += [f"{name}: no such function" for name in allowed.functions if name not in functions]
    problems += stale(allowed.files, lengths, FILE_QUESTION)
    problems += stale(allowed.functions, functions, FUNCTION_LIMIT)
    problems += [f"{name}: a table needs its reason" for name, reason in allowed.tables.items() if not reason]
    complain(problems, f"{EXCEPTIONS.name} allows more than is needed.")


def stale(allowed: dict[str, int], lengths: dict[str, int], limit: int) -> Iterator[str]:
    for name, ceiling in allowed.items():
        if (lines := lengths.get(name, ceiling)) < ceiling:
            yield f"{name}: now {lines} lines; " + ("remove the row" if lines <= limit else f"write {lines}")


def test_ruler_measures(tmp_path: Path) -> None:
    source = 'class A:\n    def f(self):\n        """One.\n\n        Two.\n        """\n        return [\n            1,\n        ]\n'
    path = tmp_path / "a.py"
    path.write_text(source)
    assert list(function_lengths(path)) == [(f"{path}::A.f", 4)]
