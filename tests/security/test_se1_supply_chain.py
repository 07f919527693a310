"""SE1: nothing runs at installation or start that is not the program itself, and what is installed is pinned."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.house.tree import ROOT, tracked

LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
MARK = "ran.txt"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("dist")
    checkout = folder / "checkout"
    for path in tracked():
        if path.parts[0] == "src" or len(path.parts) == 1:
            (checkout / path).parent.mkdir(parents=True, exist_ok=True)
            (checkout / path).write_bytes((ROOT / path).read_bytes())
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=checkout, check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    return zipfile.ZipFile(made)


def test_se1_the_wheel_holds_the_package_and_nothing_that_runs_by_itself(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    tops = {name.split("/", 1)[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"flowrouter"}
    hooks = {"sitecustomize.py", "usercustomize.py", "setup.py", "conftest.py"}
    assert not [name for name in names if name.endswith((".pth", ".so", ".pyc")) or Path(name).name in hooks]
    (written,) = (name for name in names if name.endswith("entry_points.txt"))
    points = configparser.ConfigParser()
    points.read_string(wheel.read(written).decode())
    assert points.sections() == ["console_scripts"]
    assert dict(points["console_scripts"]) == {"flow-router": "flowrouter.cli.main:main"}


def test_se1_building_it_runs_no_code_of_ours() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project["build-system"] == {
        "requires": project["build-system"]["requires"],
        "build-backend": "hatchling.build",
    }
    hatch = project["tool"]["hatch"]
    assert not re.search(r"hooks", repr(hatch))
    assert not [
        path for path in tracked() if path.name in {"setup.py", "hatch_build.py"} or path.suffix == ".pth"
    ]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_se1_everything_is_pinned_by_hash(lock: Path) -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"(?m)^\s*#.*\n", "", lock.read_text("utf-8")).strip())
    assert entries
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+==\S+", entry), entry[:80]
        assert "--hash=sha256:" in entry, entry[:80]
        assert not re.search(r"--(?:extra-)?index-url|git\+|https?://", entry), entry[:80]


def test_se1_installing_checks_the_hashes() -> None:
    for name, call in (("Makefile", r"\$\(PIP\)[^&\n]*"), ("Dockerfile", r"\bpip [^&\n]*\binstall\b[^&\n]*")):
        lines = re.findall(call, (ROOT / name).read_text("utf-8").replace("\\\n", " "))
        assert lines
        for line in lines:
            assert re.search(r"--no-index|--no-deps|--require-hashes", line), f"{name}: {line}"


@pytest.mark.parametrize("words", [("--version",), ("providers", "list")], ids=lambda words: words[0])
def test_se1_nothing_from_outside_is_loaded_at_start(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Neither another package that offers itself as a plugin, nor modules in the data folder or the current one."""
    evil = f"import pathlib; pathlib.Path({str(tmp_path)!r}, {MARK!r}).open('a').write(__name__ + '\\n')\n"
    site, data, here = tmp_path / "site", tmp_path / "data", tmp_path / "here"
    for folder in (site / "evil-1.0.dist-info", data / "presets", here):
        folder.mkdir(parents=True)
    (site / "evil_plugin.py").write_text(evil)
    (site / "evil-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    groups = "".join(f"[{group}]\nevil = evil_plugin\n" for group in ("flowrouter", "flow_router", "pluggy"))
    (site / "evil-1.0.dist-info" / "entry_points.txt").write_text(groups)
    for place in (data, data / "presets", here):
        for name in (
            "plugin.py",
            "plugins.py",
            "conftest.py",
            "flowrouter_plugin.py",
            "aiohttp.py",
            "uvicorn.py",
        ):
            (place / name).write_text(evil)
    data.chmod(0o700)
    script = Path(sys.executable).with_name("flow-router")
    environ = {**os.environ, "PYTHONPATH": str(site)}
    command = [str(script), *words, *(["--data", str(data)] if words[0] != "--version" else [])]
    done = subprocess.run(command, cwd=here, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / MARK).exists(), (tmp_path / MARK).read_text()
