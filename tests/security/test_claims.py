"""The security model names its proofs, and each known failure of others has one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.house.tree import ROOT, parsed, python_files

MODEL = (ROOT / "docs" / "security.md").read_text("utf-8")


def test_every_proof_that_is_named_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", MODEL))
    assert len(named) > 10
    assert not [path for path in named if not (ROOT / path).is_file()]


@pytest.mark.parametrize("number", range(1, 12))
def test_every_failure_has_its_tests_where_the_model_says(number: int) -> None:
    (row,) = re.findall(rf"^\| SE{number} \|.*$", MODEL, re.MULTILINE)
    named = re.findall(r"`(tests/[\w/]+\.py)`", row)
    found = [path for path in named if _tests(Path(path), f"test_se{number}_")]
    assert found, f"no test_se{number}_… in {named}"


def _tests(path: Path, begins: str) -> list[str]:
    nodes = ast.walk(parsed(path))
    defined = (node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [name for name in defined if name.startswith(begins)]


def test_no_source_names_a_place_that_cannot_be_reached() -> None:
    """Ids of failures stand in tests and in the model; whoever reads the program needs neither."""
    for path in python_files("src"):
        assert not re.search(r"\bSE\d{1,2}\b", (ROOT / path).read_text("utf-8")), path
