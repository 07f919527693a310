"""The Makefile does what the documents say: every `make TARGET` in them is there, and explained."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.house.tree import ROOT, code_in, complain, text_of, tracked

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
EXPLAINED = set(re.findall(r"^([a-z][a-z-]*):.*## \S", MAKEFILE, re.MULTILINE))


def test_documented_targets_exist() -> None:
    problems = []
    for path in tracked():
        if path.suffix == ".md":
            named = re.findall(r"^make ([a-z][a-z-]*)", "\n".join(code_in(text_of(path) or "")), re.MULTILINE)
            problems += [f"{path}: make {name}" for name in named if name not in TARGETS]
    complain(problems, "A document names a make target that does not exist.")


def test_promised_targets_exist() -> None:
    promised = {"bench", "check", "clean", "dist", "fmt", "help", "lock", "run", "test"}
    assert promised <= EXPLAINED


def test_programs_can_be_started() -> None:
    """A script that lost its mode in a commit fails only on somebody else's machine."""
    scripts = [path for path in tracked() if (text_of(path) or "").startswith("#!")]
    problems = [str(path) for path in scripts if not (ROOT / path).stat().st_mode & stat.S_IXUSR]
    complain(problems, "A script with a first line saying how to run it is not executable.")


def fake_python(folder: Path, body: str) -> None:
    script = folder / "python3"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="the Makefile needs a POSIX shell")
@pytest.mark.parametrize(
    ("body", "advice"),
    [
        (
            'case "$1" in --version) echo Python 3.9.2;; *) exit 1;; esac',
            "3.11 or newer; here is Python 3.9.2",
        ),
        ('case "$2" in *ensurepip*) exit 1;; *) exit 0;; esac', "apt install python3-venv"),
    ],
)
def test_an_unfit_python_is_explained(tmp_path: Path, body: str, advice: str) -> None:
    """Neither an old Python nor one without venv ends in a traceback."""
    shell = shutil.which("sh")
    assert shell
    fake_python(tmp_path, body)
    for name in ("cat", "mkdir"):
        tool = shutil.which(name)
        assert tool
        (tmp_path / name).symlink_to(tool)
    done = subprocess.run(
        [shell, str(ROOT / "tools" / "venv.sh"), str(tmp_path / "venv")],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert advice in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "venv").exists()


@pytest.mark.skipif(os.name == "nt", reason="the Makefile needs a POSIX shell")
@pytest.mark.parametrize(
    ("pip", "status", "stamp", "said"),
    [
        ("exit 0", 0, "yes", ""),
        (
            "echo 'ERROR: No matching distribution found for xllamacpp' >&2; exit 1",
            0,
            "no",
            "no prebuilt local model",
        ),
        ("echo 'ERROR: Read timed out.' >&2; exit 1", 0, None, "trying again next time"),
        ("echo 'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES' >&2; exit 1", 1, None, "DO NOT MATCH"),
    ],
)
def test_local_model_may_be_missing_but_not_forged(
    tmp_path: Path, pip: str, status: int, stamp: str | None, said: str
) -> None:
    fake_python(tmp_path, pip)
    mark = tmp_path / "stamp"
    done = subprocess.run(
        ["sh", str(ROOT / "tools" / "local_model.sh"), str(tmp_path / "python3"), str(mark), "any.lock"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status
    assert (mark.read_text().strip() if mark.exists() else None) == stamp
    assert said in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="the Makefile needs a POSIX shell")
@pytest.mark.parametrize(
    ("pip", "status", "done", "said"),
    [
        ("exit 0", 0, True, ""),
        ("echo 'ERROR: No matching distribution found' >&2; exit 1", 0, True, "no prebuilt redis-server"),
        ("echo 'ERROR: Read timed out.' >&2; exit 1", 0, False, "tries again"),
        ("echo 'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES' >&2; exit 1", 1, False, "DO NOT MATCH"),
    ],
    ids=["installed", "no wheel", "no network", "forged"],
)
def test_redis_server_may_be_missing_but_not_forged(
    tmp_path: Path, pip: str, status: int, done: bool, said: str
) -> None:
    fake_python(tmp_path, pip)
    folder = tmp_path / "redis-server"
    ran = subprocess.run(
        ["sh", str(ROOT / "tools" / "redis_server.sh"), str(tmp_path / "python3"), str(folder), "any.lock"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == status
    assert (folder / ".done").exists() == done
    assert said in ran.stderr
