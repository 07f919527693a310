"""Installing gets what was tested: every package by version and hash, from wherever the machine is set to."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.house.tree import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
_ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)")


def entries(lock: Path) -> dict[str, str]:
    """Package → version."""
    matches = filter(None, map(_ENTRY.match, lock.read_text().splitlines()))
    return {normal(match["name"]): match["version"] for match in matches}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0]) for requirement in requirements}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_entry_is_hashed(lock: Path) -> None:
    entry = ""
    hashed: dict[str, bool] = {}
    for line in lock.read_text().splitlines():
        if line.startswith("    --hash=sha256:"):
            hashed[entry] = True
        elif not line.lstrip().startswith("#"):
            assert _ENTRY.match(line), f"{lock.name} holds something else than pinned packages: {line}"
            entry = line
            hashed.setdefault(entry, False)
    assert hashed
    assert all(hashed.values()), [entry for entry, has in hashed.items() if not has]


def test_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    asked = {
        "run.lock": project["project"]["dependencies"],
        "dev.lock": [*project["project"]["dependencies"], *groups["dev"]],
        "build.lock": [*groups["build"], *project["build-system"]["requires"]],
        "lock.lock": groups["lock"],
        "local.lock": groups["local-model"],
        "redis-server.lock": groups["redis-server"],
    }
    assert asked.keys() == {lock.name for lock in LOCKS}
    missing = {
        name: sorted(wanted(requirements) - entries(ROOT / "requirements" / name).keys())
        for name, requirements in asked.items()
    }
    assert not any(missing.values()), f"run make lock: {missing}"


def test_what_runs_is_what_was_tested() -> None:
    tested = entries(ROOT / "requirements" / "dev.lock")
    shipped = entries(ROOT / "requirements" / "run.lock")
    assert {name: tested.get(name) for name in shipped} == shipped
