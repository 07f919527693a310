"""Some things have one home, and a home takes only its own.

ruff bans these calls everywhere and lets the homes in file by file, which would let `config.py` use
`json` too. Here each name has its own list.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import ROOT, complain, imported_names, parsed, python_files, room

_HTTP_CLIENTS = ("aiohttp", "http.client", "httpx", "requests", "urllib.request", "urllib3")
HOMES: dict[str, tuple[str, ...]] = {
    "src/flowrouter/clock.py": (
        "datetime.date.today",
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
        "time.monotonic",
        "time.time",
        "time.time_ns",
    ),
    "src/flowrouter/config.py": ("os.environ", "os.getenv", "os.putenv"),
    "src/flowrouter/tasks.py": ("asyncio.create_task", "asyncio.ensure_future"),
    "src/flowrouter/upstream/aiohttp_client.py": _HTTP_CLIENTS,
    "src/flowrouter/wire/json.py": ("json",),
}


def uses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and full dotted name of each import and of each attribute read through one."""
    local: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            local.update(
                (
                    alias.asname or alias.name.partition(".")[0],
                    alias.name if alias.asname else alias.name.partition(".")[0],
                )
                for alias in node.names
            )
        elif isinstance(node, ast.ImportFrom) and node.module:
            local.update((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)
    yield from imported_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            head, _, rest = ast.unparse(node).partition(".")
            if head in local:
                yield node.lineno, f"{local[head]}.{rest}"


def strays(path: Path, tree: ast.Module) -> Iterator[str]:
    for line, name in sorted(set(uses(tree))):
        for home, owned in HOMES.items():
            if str(path) != home and any(name == each or name.startswith(f"{each}.") for each in owned):
                yield f"{path}:{line}: {name} belongs in {home}"


def test_everything_at_home() -> None:
    problems = [stray for path in python_files("src") for stray in strays(path, parsed(path))]
    complain(problems, "Something is used outside its home.")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import json\n", "json"),
        ("from json import loads\n", "json.loads"),
        ("import datetime as d\nd.datetime.now()\n", "datetime.datetime.now"),
        ("from datetime import datetime\ndatetime.now()\n", "datetime.datetime.now"),
        ("def f():\n    from os import environ\n", "os.environ"),
        ("import http.client\n", "http.client"),
    ],
)
def test_strays_are_seen(source: str, name: str) -> None:
    found = list(strays(Path("src/flowrouter/elsewhere.py"), ast.parse(source)))
    assert any(f" {name} " in stray for stray in found), found


def test_upstreams_do_not_know_the_gateway() -> None:
    """The scripted upstreams judge the gateway, so they share no code with it."""
    if not (ROOT / "tests" / "upstreams").is_dir():
        room("flowrouter.upstream")
        pytest.fail("tests/upstreams is missing though the gateway calls upstreams")
    problems = []
    for path in python_files("tests/upstreams"):
        tree = parsed(path)
        problems += [f"{path}:{line}: {name}" for line, name in imported_names(tree) if is_ours(name)]
        strings = [
            node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        problems += [f"{path}:{node.lineno}: {node.value!r}" for node in strings if is_ours(str(node.value))]
    complain(problems, "tests/upstreams imports the program it has to judge.")


def is_ours(name: str) -> bool:
    return name.partition(".")[0] == "flowrouter"
