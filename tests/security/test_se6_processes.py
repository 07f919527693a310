"""SE6: nobody starts a process by what they send.

There is no MCP client in the gateway yet, so there is no command that a setting could name. What is tested is
what would have to change first: the few places that start processes, what they are given, that nothing the
API takes names a program, and that a running gateway has no children whatever it is sent.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import psutil
import pytest
from msgspec import inspect

from flowrouter.api.admin import ADMIN_ROUTES
from flowrouter.api.admin.roles import least_role
from flowrouter.settings import Settings
from tests.e2e.conftest import accounts
from tests.house.tree import parsed, python_files
from tests.support.gateway import RunningGateway
from tests.upstreams import ScriptedUpstream

STARTERS = {
    "src/flowrouter/cli/local.py": "`serve` in this command's own place, with the words it was given",
    "src/flowrouter/cli/supervisor.py": "workers: our own module, with the words after `serve`",
    "src/flowrouter/features/local/supervisor.py": "the embedded model's server: our own module",
    "src/flowrouter/features/local/pull.py": "pip, for the one package that weights.txt names by hash",
}
"""Every module that starts a process, and which."""

_MODULES = frozenset({"subprocess", "multiprocessing", "pty"})
_CALLS = frozenset(
    {"system", "popen", "posix_spawn", "fork", "create_subprocess_exec", "create_subprocess_shell",
     "subprocess_exec", "ProcessPoolExecutor", "eval", "exec", "execv", "execve", "execvp", "spawnv"}
)  # fmt: skip
_NAMES = re.compile(r"(?:^|_)(?:command|cmd|executable|program|argv|args|shell|script|stdio)(?:_|$)")


def starts(tree: ast.AST) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and _MODULES & {name.name.split(".")[0] for name in node.names}:
            return True
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in _MODULES:
            return True
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id in {"eval", "exec", "compile", "__import__"}:
                return True
            if isinstance(called, ast.Attribute) and called.attr in _CALLS and _of_os(called):
                return True
    return False


def _of_os(called: ast.Attribute) -> bool:
    owner = called.value
    return isinstance(owner, ast.Name) and owner.id in {"os", "asyncio", "loop", "futures", "builtins"}


def test_se6_few_places_start_processes() -> None:
    found = {str(path) for path in python_files("src") if starts(parsed(path))}
    assert found == set(STARTERS)


def test_se6_no_shell_anywhere() -> None:
    for path in python_files("src"):
        given = {node.arg for node in ast.walk(parsed(path)) if isinstance(node, ast.keyword)}
        assert "shell" not in given, path


def fields(kind: Any, path: str = "") -> Iterator[str]:
    """Yield the names of all fields of a type, with the way to each."""
    seen: set[Any] = set()

    def walk(node: Any, path: str) -> Iterator[str]:
        if isinstance(node, inspect.StructType):
            if node.cls in seen:
                return
            seen.add(node.cls)
            for field in node.fields:
                yield f"{path}.{field.encode_name}"
                yield from walk(field.type, f"{path}.{field.encode_name}")
        for name in ("item_type", "value_type"):
            if (inner := getattr(node, name, None)) is not None:
                yield from walk(inner, path)
        for inner in getattr(node, "types", ()) or getattr(node, "item_types", ()):
            yield from walk(inner, path)

    yield from walk(inspect.type_info(kind), path)


def test_se6_nothing_that_is_sent_or_configured_names_a_program() -> None:
    taken = [row.body for row in ADMIN_ROUTES if row.body is not None]
    for kind in (*taken, Settings):
        for path in fields(kind, getattr(kind, "__name__", "")):
            assert not _NAMES.search(path.rpartition(".")[2]), path


TESTS = [row for row in ADMIN_ROUTES if row.path.endswith(("/test", "/verify", "/refresh"))]


@pytest.mark.parametrize("row", TESTS, ids=lambda row: row.path)
def test_se6_testing_a_connection_takes_no_address(row: Any) -> None:
    """Only what is stored is tested; to store an address of one's own is for admins (SE7), a viewer tests nothing."""
    assert least_role(row.method, row.path) != "viewer"
    names = () if row.body is None else tuple(fields(row.body))
    assert not [name for name in names if re.search(r"url|host|address|key|command", name)], names


def test_se6_a_gateway_has_no_children_whatever_it_is_sent(
    chat_upstream: ScriptedUpstream, claude_upstream: ScriptedUpstream
) -> None:
    with RunningGateway(accounts(chat_upstream, claude_upstream)) as gateway:
        bearer = {"authorization": f"Bearer {(gateway.data / 'local.token').read_text().strip()}"}
        orders = (
            "$(touch {0})",
            "`touch {0}`",
            "; touch {0}",
            "| touch {0}",
            "__import__('os').system('touch {0}')",
        )
        mark = gateway.data / "was-here"
        children = psutil.Process(gateway.pid).children(recursive=True)
        for order in orders:
            text = order.format(mark)
            ask = {"model": f"chat/{text}", "messages": [{"role": "user", "content": text}]}
            gateway.call(
                "POST", "/v1/chat/completions", body=json.dumps(ask).encode(), headers={"user-agent": text}
            )
            for path, body in (
                ("/api/accounts", {"name": text, "preset": text, "base_url": text}),
                ("/api/keys", {"name": text}),
                ("/api/combos", {"name": text, "members": [{"model": text}]}),
                ("/api/accounts/config:chat/test", {}),
                ("/api/plan", {"model": text}),
                (f"/api/backups/{text.replace(' ', '%20').replace('/', '%2F')}/restore", {}),
            ):
                gateway.call("POST", path, body=json.dumps(body).encode(), headers=bearer)
            assert psutil.Process(gateway.pid).children(recursive=True) == children
        assert not mark.exists()
        assert children == []


def test_se6_the_scan_sees_what_it_should() -> None:
    for text in ("import subprocess", "from multiprocessing import Pool", "os.system('x')", "eval('1')"):
        assert starts(ast.parse(text)), text
    assert not starts(ast.parse("expression.compile('x'); codec.exec"))
    assert msgspec.convert({}, Settings) == Settings()
