"""The security model and the README name their proofs, and each known failure of others has one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.house.tree import ROOT, parsed, python_files

MODEL = (ROOT / "docs" / "security.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def test_every_proof_that_is_named_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", MODEL))
    assert len(named) > 10
    assert not [path for path in named if not (ROOT / path).is_file()]


def test_every_proof_of_the_readme_exists() -> None:
    table = README.split("| promise | proof |")[1].split("\n\n")[0]
    rows = [row.rstrip(" |").rpartition(" | ")[2] for row in table.splitlines()[2:]]
    assert len(rows) > 10
    for row in rows:
        named = re.findall(r"`([^`]+)`", row)
        assert named, f"no proof in {row!r}"
        for proof in named:
            if proof.startswith("make "):
                assert re.search(rf"^{proof[5:]}:", MAKEFILE, re.MULTILINE), proof
            else:
                assert (ROOT / proof).exists() or (ROOT / named[0] / proof).exists(), proof


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
